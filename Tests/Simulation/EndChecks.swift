import AuditLog
import Foundation
import RotationModel
import RotationPorts
import RotationTestKit
import Sandbox

/// What must hold after quiet runs, when all late effects have landed.
enum EndChecks {
  static func check(_ world: World, _ report: JobReport?) {
    let mayNeedPerson = world.lineages.values.contains { lineage in
      let machine = lineage.machine
      // A token whose row is gone is told to a person at every run, and so is what nears its end and is held.
      let isLeft =
        (machine.newest ?? machine.predecessor) != nil && !world.wanted.contains { $0.name == lineage.name }
      let isMeddledWith = machine.incumbent.map { world.meddledWith.contains($0.tokenID) } ?? false
      // A rollback waits for a disable that was never answered, seven days at most.
      let isWaiting = machine.rollbackTarget?.phase == .disabling
      return isLeft || isMeddledWith || isWaiting || machine.wishes.isHeld
        || !world.policy.isOn && world.isLively
    }
    // An older ledger that was put back may contradict the stores in ways that only a person can settle.
    if !world.wasRestored, !world.hasNothingToInherit, report?.exitCode != .done,
      report?.exitCode != .needsPerson || !mayNeedPerson
    {
      world.broken("liveness", "the last quiet run ended with \(String(describing: report))")
    }
    for row in world.rows { checkRow(world, row) }
    let live = Set(world.cluster.liveTokens(at: world.now).map(\.id))
    for id in world.bystanders.filter({ !world.meddledWith.contains($0) }) where !live.contains(id) {
      world.broken("foreign", "token \(id), which is not ours, was revoked")
    }
    for lineage in world.lineages.values { checkAttempts(world, lineage.name, lineage.machine) }
    checkAudit(world)
  }

  /// Each wanted row has one token, the ledger's, and it is what the row asked for; a row that is gone has
  /// at most the one that the ledger knows.
  private static func checkRow(_ world: World, _ row: DesiredToken) {
    let tokens = world.cluster.liveTokens(at: world.now).filter { token in
      let marker = Marker.split(token.description).marker
      return marker?.name == row.name && marker?.installation == world.ledger.installation
    }
    let lineage = world.lineages.values.first { $0.name == row.name }
    let machine = lineage?.machine ?? RotationMachine()
    let expected = Set(machine.generations.filter { $0.isLive && $0.attempt != nil }.map(\.tokenID))
    // What people revoked by hand, and what expired, is gone without an event.
    let isExplained = Set(tokens.map(\.id)).symmetricDifference(expected).allSatisfy { id in
      expected.contains(id) && world.meddledWith.contains(id)
    }
    if !isExplained, !world.wasRestored {
      world.broken("2", "\(row.name) has live tokens \(tokens.map(\.id)), the ledger \(expected.sorted())")
    }
    if let predecessor = machine.predecessor, !world.mayStay(machine),
      world.wanted.contains(where: { $0.name == row.name })
    {
      world.broken(
        "liveness", "\(row.name): its predecessor is \(predecessor.phase.rawValue) at the end")
    }
    guard let row = world.wanted.first(where: { $0.name == row.name }) else { return }
    guard let generation = machine.incumbent, generation.attempt != nil else {
      if !machine.wishes.isHeld, !world.wasRestored, !row.inheritsPermissions,
        world.policy.isOn || !world.isLively
      {
        world.broken(
          "liveness", "\(row.name) is \(lineage?.machine.status.rawValue ?? "unheard of") at the end")
      }
      return
    }
    for path in world.storePaths
    where !world.wasRestored
      && world.disk.content(of: "\(path)/\(row.name)")
        != world.strings[generation.tokenID].map({ Array($0.utf8) })
    {
      world.broken("3", "\(row.name): the current token of \(path) is not the ledger's")
    }
    // While a rollback waits for an unanswered disable, nothing is made that would follow an edited row.
    guard let token = tokens.first(where: { $0.id == generation.tokenID }),
      world.policy.isOn || !world.isLively,
      !machine.wishes.isHeld, !world.wasRestored,
      machine.rollbackTarget == nil,
      let attempt = lineage?.machine.attempts.last(where: { $0.id == generation.attempt })
    else { return }
    let asked = row.expiry.instant(createdAt: attempt.intendedAt)
    let permissions = row.inheritsPermissions ? token.permissions : row.permissions
    // What people have changed is not replaced while its predecessor may be the only one that works: they are told.
    if machine.predecessor != nil, world.meddledWith.contains(token.id) { return }
    if token.permissions != permissions || !isSame(token.expiresAt, asked)
      || !isSame(generation.expiresAt, asked)
    {
      world.broken("2", "\(row.name): token \(token.id) is not what the row asked for")
    }
  }

  /// To the second, which is what the service keeps; and one more where the second turned meanwhile.
  private static func isSame(_ one: Instant?, _ other: Instant?) -> Bool {
    guard let one, let other else { return one == other }
    return abs((one - other).milliseconds) <= 1000
  }

  private static func checkAttempts(_ world: World, _ name: String, _ machine: RotationMachine) {
    for attempt in machine.attempts {
      switch attempt.state {
      case .inFlight, .answered:
        world.broken("6", "attempt \(attempt.id) has an intent and no outcome at the end")
      case .refused, .unknown, .kept, .lost, .closed: break
      }
      for orphan in attempt.orphans where orphan.state != .revoked {
        world.broken("2", "\(name): orphan \(orphan.tokenID) is \(orphan.state) at the end")
      }
    }
    if !world.hooks.isEmpty, machine.generations.contains(where: \.owesHooks) {
      world.broken("hooks", "\(name): hooks are not told of the end of a token at the end")
    }
    for generation in machine.generations where generation.phase == .revoking && !world.wasRestored {
      world.broken("6", "\(name): generation \(generation.number) is still being revoked at the end")
    }
  }

  // MARK: The audit file

  /// The chain holds, and its lines are the ledger's events, one to one and in their order.
  private static func checkAudit(_ world: World) {
    let (verifier, ledger) = (AuditVerifier(files: world.disk), world.ledger)
    let executor = DeterministicExecutor(seed: 0, clock: world.clock)
    let state = executor.run { await ledger.auditState(log: AuditState.mainLog) }
    do {
      let report = try verifier.verify(paths: [World.auditPath], ledger: state)
      if let found = report.firstBreak {
        world.broken("6", "the audit chain is broken at line \(found.line): \(found.message)")
      }
    } catch { world.broken("6", "the audit file cannot be read: \(error)") }
    let content = world.disk.content(of: World.auditPath) ?? []
    let lines = content.split(separator: UInt8(ascii: "\n")).compactMap { AuditFields($0) }
      .filter { $0.token != nil }
    for (line, (name, timed)) in zip(lines, world.committed) where !line.tells(timed, of: name) {
      world.broken(
        "6",
        "the audit file says \(line.event) of \(line.token ?? "nobody") where the ledger has"
          + " \(timed.event.record.name) of \(name)")
      return
    }
    if lines.count != world.committed.count {
      world.broken("6", "the audit file has \(lines.count) of \(world.committed.count) events")
    }
  }

  /// What a run that has nothing to do must not change.
  struct Snapshot: Equatable {
    private let posts: Int
    private let deletes: Int
    private let changes: Int
    private let storeChanges: Int
    private let hookCalls: Int
    private let tokens: [Sandbox.TokenRecord]
    private let events: Int
    private let files: [String: [UInt8]]

    init(_ world: World) {
      posts = world.posts.count
      deletes = world.deletes
      changes = world.changes
      storeChanges = world.storeChanges
      hookCalls = world.hookCalls
      tokens = world.cluster.liveTokens(at: world.now)
      events = world.committed.count
      var files = [World.auditPath: world.disk.content(of: World.auditPath) ?? []]
      for path in world.storePaths {
        for folder in ["", "/.pending", "/.previous", "/.owner"] {
          for name in (try? world.disk.list(path + folder, maximumCount: 1000)) ?? [] {
            let file = "\(path)\(folder)/\(name)"
            if let content = world.disk.content(of: file) { files[file] = content }
          }
        }
      }
      self.files = files
    }

    func difference(from other: Snapshot) -> String? {
      if posts != other.posts || deletes != other.deletes || changes != other.changes
        || tokens != other.tokens
      {
        return "the cluster"
      }
      if events != other.events { return "the ledger" }
      if hookCalls != other.hookCalls { return "what hooks were told" }
      if storeChanges != other.storeChanges { return "a token's file in a store" }
      let paths = Set(files.keys).union(other.files.keys)
      return paths.sorted().first { files[$0] != other.files[$0] }
    }
  }
}

extension AuditFields {
  /// Whether the line says what this event says.
  fileprivate func tells(_ timed: TimedEvent, of name: String) -> Bool {
    let record = timed.event.record
    return event == record.name && token == name && time == timed.time.rfc3339
      && (record.attempt == nil || record.attempt == attempt)
      && (record.tokenID == nil || record.tokenID == tokenID)
      && (record.generation == nil || record.generation == generation)
      && details["store"] == record.store && details["place"] == record.place
      && details["reason"] == record.reason
  }
}

extension World {
  /// Whether a row leaves its permissions to a token of which nothing is left: a person has to name them.
  var hasNothingToInherit: Bool {
    wanted.contains { row in
      guard row.inheritsPermissions else { return false }
      let incumbent = lineages.values.first { $0.name == row.name }?.machine.incumbent
      return incumbent.map { meddledWith.contains($0.tokenID) } ?? true
    }
  }

  /// Whether a predecessor may be there at the end: what is to take its place is not in order, or the row stopped
  /// naming it, which is for a person to settle.
  func mayStay(_ machine: RotationMachine) -> Bool {
    wasRestored || hasNothingToInherit || machine.rollbackTarget?.phase == .disabling
      || machine.wishes.isHeld && machine.incumbent == nil
      || (machine.incumbent.map { meddledWith.contains($0.tokenID) } ?? false)
      || machine.predecessor.map { meddledWith.contains($0.tokenID) } ?? false
  }
}
