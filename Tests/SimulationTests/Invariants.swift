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
      guard let live = lineage.machine.live, let string = world.strings[live.tokenID] else { continue }
      let current = world.disk.content(of: "\(World.storePath)/\(lineage.name)")
      let pending = world.disk.content(of: "\(World.storePath)/.pending/\(lineage.name)")
      switch live.phase {
      case .staged, .active, .delivering, .current:
        if current != Array(string.utf8), !(pending.map { contains($0, string) } ?? false) {
          world.broken(
            "3", "\(lineage.name): the string of \(live.phase.rawValue) \(live.tokenID) is lost at \(effect)")
        }
      case .revoking, .revoked: break
      }
      if live.phase == .current, current != Array(string.utf8) {
        world.broken("1", "\(lineage.name) is current and the store holds something else at \(effect)")
      }
    }
    for row in world.rows {
      guard let current = world.disk.content(of: "\(World.storePath)/\(row.name)") else { continue }
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
    if !world.auditHolds(["\"create.intended\"", marker.attempt.text]) {
      world.broken("6", "POST of \(marker.attempt) without its intent on disk")
    }
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

  /// Before a DELETE reaches the network.
  static func checkRevocation(_ world: World, _ tokenID: String) {
    if !world.auditHolds(["revoke_intended\"", tokenID])
      && !world.auditHolds(["\"revoke.intended\"", tokenID])
    {
      world.broken("6", "DELETE of \(tokenID) without its intent on disk")
    }
    for lineage in world.lineages.values {
      guard let live = lineage.machine.live, live.tokenID == tokenID, live.phase != .revoking else {
        continue
      }
      world.broken("1", "\(lineage.name): DELETE of its live token \(tokenID)")
    }
    guard let string = world.strings[tokenID] else { return }
    let isGivenUp = world.lineages.values.contains {
      $0.machine.live?.tokenID == tokenID && $0.machine.live?.phase == .revoking
    }
    for row in world.rows {
      if world.disk.content(of: "\(World.storePath)/\(row.name)") == Array(string.utf8) {
        world.broken("1", "\(row.name): DELETE of \(tokenID), which the store calls current")
      }
    }
    if !isGivenUp, world.foundInStore.contains(tokenID) {
      world.broken("adoption", "DELETE of \(tokenID), whose string the store held when the run began")
    }
  }

  /// After a process ended, however it did.
  static func checkSecrecy(_ world: World) {
    let audit = world.disk.content(of: World.auditPath) ?? []
    var parts = Set<UInt64>()
    for string in world.strings.values {
      eightByteWindows(string.utf8.dropFirst("apiv1_".utf8.count)) { parts.insert($0) }
    }
    for text in [audit[...]] + world.reports.map({ ArraySlice($0.utf8) }) {
      eightByteWindows(text) { window in
        if parts.contains(window) { world.broken("7", "8 characters of a token string were written") }
      }
    }
    world.reports = []
  }

  /// After quiet runs, when all late effects have landed: each row has one token, and it works.
  static func checkEnd(_ world: World) {
    let live = world.cluster.liveTokens(at: world.now)
    for row in world.rows {
      let tokens = live.filter { Marker.split($0.description).marker?.name == row.name }
      if tokens.count != 1 {
        world.broken("2", "\(row.name) has \(tokens.count) live tokens at the end: \(tokens.map(\.id))")
      }
      let lineage = world.lineages.values.first { $0.name == row.name }
      guard let generation = lineage?.machine.live, generation.phase == .current else {
        world.broken(
          "liveness", "\(row.name) is \(lineage?.machine.status.rawValue ?? "unheard of") at the end")
        continue
      }
      if tokens.first?.id != generation.tokenID {
        world.broken("2", "\(row.name): the live token is not the ledger's")
      }
      let current = world.disk.content(of: "\(World.storePath)/\(row.name)")
      if current != world.strings[generation.tokenID].map({ Array($0.utf8) }) {
        world.broken("3", "\(row.name): the store's current token is not the ledger's")
      }
    }
    for lineage in world.lineages.values {
      for attempt in lineage.machine.attempts {
        switch attempt.state {
        case .inFlight, .answered:
          world.broken("6", "attempt \(attempt.id) has an intent and no outcome at the end")
        case .refused, .unknown, .kept, .lost, .closed: break
        }
      }
    }
  }

  private static func eightByteWindows(_ bytes: some Sequence<UInt8>, _ body: (UInt64) -> Void) {
    var window: UInt64 = 0
    var count = 0
    for byte in bytes {
      window = window << 8 | UInt64(byte)
      count += 1
      if count >= 8 { body(window) }
    }
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
  /// Whether one line of the audit file holds all of these.
  func auditHolds(_ parts: [String]) -> Bool {
    guard let audit = disk.content(of: World.auditPath) else { return false }
    return audit.split(separator: UInt8(ascii: "\n")).contains { line in
      parts.allSatisfy { Invariants.contains(Array(line), $0) }
    }
  }

  /// Whether the ledger knows that nothing of this attempt is left, or will be revoked before another.
  func isGone(_ marker: Marker) -> Bool {
    for lineage in lineages.values where lineage.name == marker.name {
      guard let attempt = lineage.machine.attempts.last(where: { $0.id == marker.attempt }) else { continue }
      switch attempt.state {
      case .lost: return attempt.orphans.allSatisfy { $0.state == .revoked }
      case .kept: return lineage.machine.live?.attempt != attempt.id
      case .inFlight, .answered, .refused, .unknown, .closed: return false
      }
    }
    return false
  }
}
