import RotationModel
import RotationPorts
import RotationRunner
import Sandbox

/// What people want of the program itself, and what they do to tokens that are in use.
extension World {
  /// What the next process is started for: mostly a run, now and then a wish about one of the names, preferably one
  /// that can be granted.
  func drawErrand() -> Errand {
    guard isLively, hasDisabledToken || chance(70) else { return .run }
    let known = lineages.values.sorted { $0.name < $1.name }
    func pick(_ isMeant: (RotationMachine, Bool) -> Bool) -> String? {
      let names = known.filter { lineage in
        isMeant(lineage.machine, wanted.contains { $0.name == lineage.name })
      }.map(\.name)
      return names.isEmpty ? nil : names[Int(draw.next() % UInt64(names.count))]
    }
    let hasWayBack = { (machine: RotationMachine) in
      machine.predecessor.map { machine.mayRollBack(to: $0.number) } ?? false
    }
    // The way back from a disable is the longest, and what is disabled does not stay so for long.
    if chance(85), let name = pick({ machine, _ in machine.mayBeEnabled }) {
      return .wish(.rollBack, name)
    }
    // What is rolled back before its overlap has passed is not disabled.
    let percent: UInt64 = policy.quarantine == nil ? 60 : 15
    if chance(percent), let name = pick({ machine, _ in hasWayBack(machine) }) {
      return .wish(.rollBack, name)
    }
    if chance(50), let name = pick({ machine, isWanted in !isWanted && machine.hasTokenOfOurs }) {
      return .wish(.retire(now: chance(40)), name)
    }
    if chance(40), let name = pick({ machine, _ in machine.wishes.isHeld }) { return .wish(.release, name) }
    let name = rows[Int(draw.next() % UInt64(rows.count))].name
    switch draw.next() % 100 {
    case 0..<45: return .wish(.rotate(compromised: false), name)
    case 45..<70: return .wish(.rotate(compromised: true), name)
    case 70..<78: return .wish(.rollBack, name)
    case 78..<88: return .wish(.hold, name)
    default: return .run
    }
  }

  /// Whether a token is disabled, or about to be, that a person may want back.
  var hasDisabledToken: Bool { lineages.values.contains { $0.machine.mayBeEnabled } }

  /// Whether a token of ours waits for its overlap to pass, and is to be disabled then.
  var hasTokenToDisable: Bool {
    policy.quarantine != nil
      && lineages.values.contains { lineage in
        lineage.machine.predecessor.map { $0.phase == .superseded && $0.attempt != nil } ?? false
      }
  }

  /// Time passes until tokens are due, and people change rows and tokens in use.
  func meddleWithTokensInUse() {
    guard isLively else { return }
    if chance(25) { clock.advance(by: .seconds(3 * 86_400)) }
    // What is to go goes while there is trouble, not in the quiet runs only.
    let isGoing = lineages.values.contains { $0.machine.predecessor?.phase == .superseded }
    if isGoing, chance(60) { clock.advance(by: policy.overlap) }
    if chance(20) { changeCSV() }
    if chance(15) { editRow() }
    guard chance(20), let id = aTokenInUse() else { return }
    meddledWith.insert(id)
    switch draw.next() % 3 {
    case 0:
      _ = cluster.revokeToken(id, at: now)
      saw("world token revoked by hand")
    case 1:
      _ = cluster.updateToken(
        id, TokenChange(permissions: PermissionSet([Permission(.read, "air")])), at: now)
      saw("world permissions changed by hand")
    default:
      guard let record = cluster.token(id, at: now), let marker = Marker.split(record.description).marker
      else { return }
      _ = cluster.updateToken(id, TokenChange(description: marker.described("renamed by hand")), at: now)
      saw("world description changed by hand")
    }
  }

  private func editRow() {
    let index = Int(draw.next() % UInt64(wanted.count))
    if chance(50) {
      wanted[index].description = "Token, edition \(draw.next() % 5)"
    } else if wanted[index].replaces == nil {
      wanted[index].permissions = PermissionSet([Permission(.read, chance(50) ? "air" : "water")])
    }
    if let row = rows.firstIndex(where: { $0.name == wanted[index].name }) { setRow(row, wanted[index]) }
    saw("world row edited")
  }

  private func aTokenInUse() -> String? {
    let ids = lineages.values.compactMap { lineage -> String? in
      guard let incumbent = lineage.machine.incumbent, incumbent.attempt != nil else { return nil }
      return incumbent.tokenID
    }.sorted()
    guard !ids.isEmpty else { return nil }
    return ids[Int(draw.next() % UInt64(ids.count))]
  }

  /// What a person does about tokens that no ledger knows after an older copy was put back: they are taken away,
  /// unless a store has them.
  func revokeUnknown() {
    guard wasRestored else { return }
    let known = Set(
      lineages.values.flatMap { lineage in
        lineage.machine.generations.map(\.tokenID)
          + lineage.machine.attempts.flatMap { $0.orphans.map(\.tokenID) }
      })
    let attempts = Set(lineages.values.flatMap { $0.machine.attempts.map(\.id) })
    for token in cluster.liveTokens(at: now) {
      guard let marker = Marker.split(token.description).marker, marker.installation == ledger.installation,
        !known.contains(token.id), !attempts.contains(marker.attempt)
      else { continue }
      meddledWith.insert(token.id)
      _ = cluster.revokeToken(token.id, at: now)
    }
  }
}

extension RotationMachine {
  fileprivate var mayBeEnabled: Bool {
    guard let predecessor, predecessor.phase == .disabling || predecessor.phase == .disabled else {
      return false
    }
    return mayRollBack(to: predecessor.number)
  }
}
