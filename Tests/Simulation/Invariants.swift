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
    world.lookAtStores(at: effect)
    for lineage in world.lineages.values {
      for generation in lineage.machine.generations { checkString(world, lineage, generation, effect) }
      checkCurrent(world, lineage, effect)
      checkEnd(world, lineage, effect)
    }
  }

  /// 3: the string of everything that lives and was staged is in a store. After an older ledger was put back, it
  /// knows tokens whose strings the stores have let go of since.
  private static func checkString(
    _ world: World, _ lineage: (name: String, machine: RotationMachine), _ generation: Generation,
    _ effect: String
  ) {
    guard !world.wasRestored, generation.attempt != nil, let string = world.strings[generation.tokenID]
    else { return }
    switch generation.phase {
    case .staged, .active, .delivering, .current, .superseded, .disabling, .disabled, .enabling: break
    case .revoking, .revoked:
      // The string of one that was delivered is kept until the cluster was seen to refuse it.
      guard generation.wasDelivered, !generation.isConfirmedGone,
        !world.refusedAfterwards.contains(generation.tokenID)
      else { return }
    case .leftBehind: return
    }
    let isThere = world.storePaths.contains { path in
      ["", "/.pending", "/.previous"].contains { folder in
        world.disk.content(of: "\(path)\(folder)/\(lineage.name)").map { contains($0, string) } ?? false
      }
    }
    guard !isThere else { return }
    world.broken(
      "3",
      "\(lineage.name): the string of \(generation.phase.rawValue) \(generation.tokenID) is lost at \(effect)"
    )
  }

  /// 1: what the ledger calls current is what the stores call so, unless another token is just taking its place.
  private static func checkCurrent(
    _ world: World, _ lineage: (name: String, machine: RotationMachine), _ effect: String
  ) {
    let machine = lineage.machine
    guard !world.wasRestored, let incumbent = machine.incumbent, incumbent.attempt != nil,
      let string = world.strings[incumbent.tokenID]
    else { return }
    let isChanging =
      machine.rollbackTarget != nil || machine.wishes.retirement != nil
      || machine.successor.map { $0.phase == .active || $0.phase == .delivering } ?? false
    guard !isChanging else { return }
    for path in world.storePaths
    where world.disk.content(of: "\(path)/\(lineage.name)") != Array(string.utf8) {
      world.broken("1", "\(lineage.name) is current and \(path) holds something else at \(effect)")
    }
  }

  /// 1: of a name of which the ledger says that all is gone, no store calls anything current.
  private static func checkEnd(
    _ world: World, _ lineage: (name: String, machine: RotationMachine), _ effect: String
  ) {
    let machine = lineage.machine
    guard !world.wasRestored, !machine.generations.isEmpty, machine.newest == nil, machine.predecessor == nil
    else { return }
    for path in world.storePaths where world.disk.content(of: "\(path)/\(lineage.name)") != nil {
      world.broken(
        "1", "\(lineage.name) has come to its end, and \(path) still has a token of it at \(effect)")
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
      case .created: if world.isOutOfTheWay(post.marker) { continue }
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
      guard case .createIntended(_, marker.attempt, let deadline, _) = timed.event else { continue }
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
    checkIntent(world, tokenID, ["orphan.revoke_intended", "revoke.intended"], "DELETE")
    checkOwner(world, tokenID, "DELETE")
    checkIsOver(world, tokenID, "DELETE")
    for lineage in world.lineages.values {
      guard let live = lineage.machine.newest, live.tokenID == tokenID, live.phase != .revoking else {
        continue
      }
      world.broken("1", "\(lineage.name): DELETE of its live token \(tokenID)")
    }
    let isGivenUp = world.lineages.values.contains {
      $0.machine.generations.contains { $0.tokenID == tokenID && $0.phase == .revoking }
    }
    if !isGivenUp, world.foundInStore.contains(tokenID), !world.wasRestored {
      world.broken("adoption", "DELETE of \(tokenID), whose string the store held when the run began")
    }
  }

  /// Before a PATCH reaches the network.
  static func checkChange(
    _ world: World, _ tokenID: String, description: String?, permissions: PermissionSet?
  ) {
    if let description {
      checkIntent(world, tokenID, ["update.intended"], "PATCH of the description")
      if Marker.split(description).marker == nil { world.broken("2", "a description without a marker") }
    }
    checkOwner(world, tokenID, "PATCH")
    guard let permissions else { return }
    guard permissions.isEmpty else {
      return checkIntent(world, tokenID, ["enable.intended"], "PATCH of the permissions")
    }
    checkIntent(world, tokenID, ["disable.intended"], "PATCH without permissions")
    checkIsOver(world, tokenID, "PATCH without permissions")
  }

  /// 1 and 4: no store calls the token current, and if one did, its overlap has passed by true time.
  private static func checkIsOver(_ world: World, _ tokenID: String, _ what: String) {
    world.lookAtStores(at: what)
    let isLive = world.cluster.liveTokens(at: world.now).contains { $0.id == tokenID }
    if isLive, world.currentIDs.contains(tokenID) {
      world.broken("1", "\(what) of \(tokenID), which a store calls current")
    }
    for lineage in world.lineages.values {
      let machine = lineage.machine
      guard let generation = machine.generations.last(where: { $0.tokenID == tokenID }) else { continue }
      if machine.isCompromised(generation) || machine.wishes.retirement == .now { return }
      let since = generation.attempt == nil ? generation.supersededAt : world.leftStoresAt[tokenID]
      guard let since else {
        if generation.attempt == nil { world.broken("4", "\(what) of \(tokenID) before it was replaced") }
        return
      }
      // What is retired as a whole is announced to nobody.
      if !world.hooks.isEmpty, !world.wasRestored, machine.wishes.retirement == nil,
        let incumbent = machine.incumbent,
        incumbent.attempt != nil,
        world.toldAt[incumbent.tokenID] == nil
      {
        world.broken("4", "\(lineage.name): \(what) of \(tokenID), and nobody was told of its successor")
      }
      // Consumers that wait for a hook had the newer one only from then on. What was disabled already was not theirs any
      // more: its overlap had passed under an earlier successor.
      var toldAt = machine.incumbent.flatMap { world.toldAt[$0.tokenID] } ?? since
      if let disabledAt = generation.disabledAt, toldAt > disabledAt { toldAt = since }
      if world.now - max(since, toldAt) < world.policy.overlap {
        world.broken("4", "\(lineage.name): \(what) of \(tokenID) within its overlap")
      }
      if what == "DELETE", let disabledAt = generation.disabledAt,
        world.now - disabledAt < world.policy.quarantine ?? .zero
      {
        world.broken("4", "\(lineage.name): \(what) of \(tokenID) within its quarantine")
      }
      // What was begun goes on, though people revoked the successor since; that it may begin is `checkBeginning`'s.
      let hasVanished = machine.generations.contains {
        $0.phase == .revoked && $0.number > generation.number && world.meddledWith.contains($0.tokenID)
      }
      if machine.incumbent == nil, machine.wishes.retirement == nil, !world.wasRestored, !hasVanished {
        world.broken("4", "\(lineage.name): \(what) of \(tokenID) before its successor was delivered")
      }
    }
  }

  /// The newest line about the token is the intent of this request, not the outcome of an earlier one.
  private static func checkIntent(_ world: World, _ tokenID: String, _ wanted: Set<String>, _ what: String) {
    world.audit.read(world.disk)
    let event = world.audit.newestEvent[tokenID] ?? "none"
    if wanted.contains(event) { return }
    world.broken("6", "\(what) of \(tokenID) without its intent on disk; the newest line is \(event)")
  }

  /// The token's description, as it is now, ends with the marker that the ledger expects.
  private static func checkOwner(_ world: World, _ tokenID: String, _ what: String) {
    guard let record = world.cluster.token(tokenID, at: world.now), record.revokedAt == nil else { return }
    let marker = Marker.split(record.description).marker
    if marker == nil, world.lineages.values.contains(where: { $0.machine.generation(0)?.tokenID == tokenID })
    {
      return
    }
    let isOurs = world.lineages.values.contains { lineage in
      lineage.name == marker?.name
        && lineage.machine.attempts.contains { attempt in
          attempt.id == marker?.attempt
            && (attempt.orphans.contains { $0.tokenID == tokenID }
              || attempt.state == .kept(tokenID: tokenID))
        }
    }
    if !isOurs || marker?.installation != world.ledger.installation || marker?.job != World.job {
      world.broken("foreign", "\(what) of \(tokenID), described as '\(record.description)'")
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

  /// Nothing that was delivered begins to go while the clocks are apart, or while nothing is in its place.
  static func checkBeginning(_ world: World, _ event: Event, _ machine: RotationMachine?) {
    let number: Int
    switch event {
    case .disableIntended(let generation, _, _), .revokeIntended(let generation, _): number = generation
    default: return
    }
    guard let machine, let generation = machine.generation(number), generation.wasDelivered,
      generation.phase != .revoking, let skew = world.skewOfProcess
    else { return }
    if machine.incumbent == nil, machine.wishes.retirement == nil, !machine.isCompromised(generation) {
      world.broken("4", "\(generation.tokenID) begins to go while nothing is in its place")
    }
    // The cluster tells its time in whole seconds.
    if skew > .seconds(302) {
      world.broken("4", "\(generation.tokenID) begins to go while the clocks are \(skew) apart")
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
  /// Whether the ledger knows that nothing of this attempt is left, or that its token has done its service: it is
  /// or was what consumers use, so that another may be made.
  func isOutOfTheWay(_ marker: Marker) -> Bool {
    for lineage in lineages.values where lineage.name == marker.name {
      guard let attempt = lineage.machine.attempts.last(where: { $0.id == marker.attempt }) else { continue }
      switch attempt.state {
      case .lost: return attempt.orphans.allSatisfy { $0.state == .revoked }
      case .kept: return lineage.machine.successor?.attempt != attempt.id
      case .inFlight, .answered, .refused, .unknown, .closed: return false
      }
    }
    // An older ledger was put back, which never heard of it.
    return wasRestored
  }

  /// Follows what the stores call current, and holds it against the cluster.
  func lookAtStores(at effect: String) {
    var found = Set<String>()
    for (path, row) in storePaths.flatMap({ path in rows.map { (path, $0) } }) {
      guard let current = disk.content(of: "\(path)/\(row.name)") else { continue }
      guard let id = ids[String(decoding: current, as: UTF8.self)] else {
        broken("1", "\(row.name): the store calls half a token current at \(effect)")
        continue
      }
      found.insert(id)
      if !isUsable(id) {
        broken("1", "\(row.name): the store calls \(id) current, and a node refuses it, at \(effect)")
      }
    }
    for id in currentIDs.subtracting(found) { leftStoresAt[id] = now }
    for id in found.subtracting(currentIDs) where !isVerified(id) {
      broken("1", "a store calls \(id) current, which was not accepted often enough, at \(effect)")
    }
    for id in found { leftStoresAt[id] = nil }
    currentIDs = found
  }

  /// Whether every node knows the token and it may do something; what people did to it is not ours, nor is that it
  /// expires.
  private func isUsable(_ id: String) -> Bool {
    if meddledWith.contains(id) { return true }
    guard let record = cluster.token(id, at: now) ?? cluster.liveTokens(at: now).first(where: { $0.id == id })
    else { return false }
    if let expiresAt = record.expiresAt, expiresAt <= now { return true }
    return !record.permissions.isEmpty
      && (0..<cluster.configuration.nodes).allSatisfy { node in
        record.permissions.permissions.allSatisfy { isAccepted(id, for: $0, by: node) }
      }
  }

  private func isAccepted(_ id: String, for permission: Permission, by node: Int) -> Bool {
    guard let string = strings[id] else { return false }
    let database = permission.isWildcard ? "air" : permission.database
    let answer =
      permission.action == .read
      ? cluster.query(node: node, accessToken: string, database: database, at: now)
      : cluster.write(node: node, accessToken: string, database: database, at: now)
    return answer == .permitted
  }

  /// Whether it was accepted for each of its permissions as often in a row, and over as long, as the job asks for.
  private func isVerified(_ id: String) -> Bool {
    if meddledWith.contains(id) { return true }
    guard let seen = acceptances[id] else { return false }
    return seen.count >= World.consecutive && seen.last - seen.first >= World.settle
  }
}
