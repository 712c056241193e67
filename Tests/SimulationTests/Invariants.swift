import RotationModel
import RotationPorts
import RotationTestKit
import Sandbox

/// ARCHITECTURE's invariants as checks of the whole world. Each names the first thing that breaks it.
enum Invariants {
  /// After every effect: what must hold at all times.
  static func check(_ world: World, at effect: String) {
    for (description, count) in world.cluster.postsByDescription where count > 1 {
      world.broken("5", "an attempt was sent \(count) times: \(description) at \(effect)")
    }
    for lineage in world.lineages.values {
      guard let live = lineage.machine.newest, let string = world.strings[live.tokenID] else { continue }
      let current = world.disk.content(of: "\(World.storePath)/\(lineage.name)")
      let second =
        world.hasTwoStores ? world.disk.content(of: "\(World.secondPath)/\(lineage.name)") : current
      let pending = world.disk.content(of: "\(World.storePath)/.pending/\(lineage.name)")
      switch live.phase {
      case .staged, .active, .delivering, .current:
        if current != Array(string.utf8), !(pending.map { contains($0, string) } ?? false) {
          world.broken(
            "3", "\(lineage.name): the string of \(live.phase.rawValue) \(live.tokenID) is lost at \(effect)")
        }
      case .revoking, .revoked: break
      }
      if live.phase == .current, current != Array(string.utf8) || second != Array(string.utf8) {
        world.broken("1", "\(lineage.name) is current and the store holds something else at \(effect)")
      }
    }
    for (path, row) in world.storePaths.flatMap({ path in world.rows.map { (path, $0) } }) {
      guard let current = world.disk.content(of: "\(path)/\(row.name)") else { continue }
      let string = String(decoding: current, as: UTF8.self)
      guard let id = world.ids[string] else {
        world.broken("1", "\(row.name): the store calls half a token current at \(effect)")
        continue
      }
      if world.cluster.nodesKnowing(id, at: world.now)?.allSatisfy({ $0 }) != true {
        world.broken("1", "\(row.name): the store calls \(id) current, and a node refuses it, at \(effect)")
      }
    }
  }

  /// Before a POST reaches the network.
  static func checkPost(_ world: World, _ marker: Marker) {
    world.audit.read(world.disk)
    if !world.audit.intendedAttempts.contains(marker.attempt.text) {
      world.broken("6", "POST of \(marker.attempt) without its intent on disk")
    }
    checkDeadline(world, marker)
    for post in world.posts where post.marker.name == marker.name {
      if post.marker.attempt == marker.attempt { world.broken("5", "attempt \(marker.attempt) sent again") }
      switch post.answer {
      case .refused: continue
      case .created: if world.isGone(post.marker) { continue }
      case .pending, .unknown: break
      }
      if world.listings.contains(where: { $0.wasAnswered && $0.begunAt >= post.deadline }) { continue }
      world.broken(
        "5", "\(marker.name): POST of \(marker.attempt) while nobody has looked for \(post.marker.attempt)")
    }
  }

  /// Nothing that is sent now may have its effect after the deadline that its intent names, by true time.
  private static func checkDeadline(_ world: World, _ marker: Marker) {
    for (name, timed) in world.committed.reversed() where name == marker.name {
      guard case .createIntended(_, marker.attempt, let deadline) = timed.event else { continue }
      let latest = world.uptime(whenWallShowed: timed.time) + (deadline - timed.time)
      if world.clock.uptime + World.requestTimeout > latest {
        world.broken("5", "POST of \(marker.attempt) so late that its deadline does not hold")
      }
      return
    }
    world.broken("6", "POST of \(marker.attempt) without its intent in the ledger")
  }

  /// Before a DELETE reaches the network.
  static func checkRevocation(_ world: World, _ tokenID: String) {
    checkIntent(world, tokenID)
    checkOwner(world, tokenID)
    for lineage in world.lineages.values {
      guard let live = lineage.machine.newest, live.tokenID == tokenID, live.phase != .revoking else {
        continue
      }
      world.broken("1", "\(lineage.name): DELETE of its live token \(tokenID)")
    }
    guard let string = world.strings[tokenID] else { return }
    let isGivenUp = world.lineages.values.contains {
      $0.machine.newest?.tokenID == tokenID && $0.machine.newest?.phase == .revoking
    }
    for (path, row) in world.storePaths.flatMap({ path in world.rows.map { (path, $0) } }) {
      if world.disk.content(of: "\(path)/\(row.name)") == Array(string.utf8) {
        world.broken("1", "\(row.name): DELETE of \(tokenID), which \(path) calls current")
      }
    }
    if !isGivenUp, world.foundInStore.contains(tokenID) {
      world.broken("adoption", "DELETE of \(tokenID), whose string the store held when the run began")
    }
  }

  /// The newest line about the token is the intent of this DELETE, not the outcome of an earlier one.
  private static func checkIntent(_ world: World, _ tokenID: String) {
    world.audit.read(world.disk)
    switch world.audit.newestEvent[tokenID] {
    case "orphan.revoke_intended", "revoke.intended": return
    case "revoke.refused", "revoke.unknown":
      world.broken("6", "DELETE of \(tokenID) again without another intent on disk")
    case let event:
      world.broken(
        "6", "DELETE of \(tokenID) without its intent on disk; the newest line is \(event ?? "none")")
    }
  }

  /// The token's description, as it is now, ends with the marker that the ledger expects.
  private static func checkOwner(_ world: World, _ tokenID: String) {
    guard let record = world.cluster.token(tokenID, at: world.now), record.revokedAt == nil else { return }
    let marker = Marker.split(record.description).marker
    let isOurs = world.lineages.values.contains { lineage in
      lineage.name == marker?.name
        && lineage.machine.attempts.contains { attempt in
          attempt.id == marker?.attempt
            && (attempt.orphans.contains { $0.tokenID == tokenID }
              || attempt.state == .kept(tokenID: tokenID))
        }
    }
    if !isOurs || marker?.installation != world.ledger.installation || marker?.job != World.job {
      world.broken("foreign", "DELETE of \(tokenID), described as '\(record.description)'")
    }
  }

  /// A token that the ledger calls revoked is gone, where no replica could have said so wrongly.
  static func checkOutcome(_ world: World, _ event: Event, _ machine: RotationMachine?) {
    let tokenID: String?
    switch event {
    case .orphanRevoked(_, let orphan): tokenID = orphan
    case .revokeDone(let number): tokenID = machine?.generations.last { $0.number == number }?.tokenID
    default: return
    }
    guard world.replicaLag == .zero, let tokenID else { return }
    if world.cluster.liveTokens(at: world.now).contains(where: { $0.id == tokenID }) {
      world.broken("2", "\(tokenID) is on record as revoked and lives")
    }
  }

  /// After a process ended, however it did.
  static func checkSecrecy(_ world: World) {
    let audit = world.disk.content(of: World.auditPath) ?? []
    if world.secrecy.finds(in: audit, reports: world.reports) {
      world.broken("7", "a part of a token string, or of something made from it, was written")
    }
    world.reports = []
  }

  static func contains(_ hay: [UInt8], _ needle: some StringProtocol) -> Bool {
    contains(hay, ArraySlice(needle.utf8))
  }

  static func contains(_ hay: [UInt8], _ needle: ArraySlice<UInt8>) -> Bool {
    guard let first = needle.first, hay.count >= needle.count else { return false }
    var index = 0
    while let found = hay[index...].firstIndex(of: first) {
      if hay[found...].starts(with: needle) { return true }
      index = found + 1
    }
    return false
  }
}

extension World {
  /// Whether the ledger knows that nothing of this attempt is left, or will be revoked before another.
  func isGone(_ marker: Marker) -> Bool {
    for lineage in lineages.values where lineage.name == marker.name {
      guard let attempt = lineage.machine.attempts.last(where: { $0.id == marker.attempt }) else { continue }
      switch attempt.state {
      case .lost: return attempt.orphans.allSatisfy { $0.state == .revoked }
      case .kept: return lineage.machine.newest?.attempt != attempt.id
      case .inFlight, .answered, .refused, .unknown, .closed: return false
      }
    }
    return false
  }
}
