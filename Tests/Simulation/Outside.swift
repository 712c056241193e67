import RotationModel
import RotationPorts
import Sandbox

/// What other people do between two processes: to the clock, the CSV and the tokens on the cluster.
extension World {
  func meddle() {
    // Often at once, while the effects of the last process may still be under way.
    clock.advance(by: .milliseconds(Int64(draw.next() % (chance(30) ? 3_000 : patience))))
    // The whole watch of an attempt, and a little more.
    if chance(4) { clock.advance(by: .seconds(8 * 86_400)) }
    if jumpsClock, chance(50) { jumpClock() }
    if changesCSV, chance(50) { changeCSV() }
    meddleWithTokensInUse()
    backUpOrRestore()
    guard !lineages.isEmpty else { return }
    if chance(12) { plantStranger() }
    if chance(30) { editDescription() }
  }

  /// Up to two hours to either side, or by less than is noticed, or back to the cluster's time, which is the true one.
  func jumpClock() {
    let farthest: UInt64 = chance(40) ? 290_000 : 7_200_000
    let milliseconds = chance(40) ? 0 : Int64(draw.next() % (2 * farthest)) - Int64(farthest)
    setWall(trueWallAtStart + .milliseconds(milliseconds))
    saw("world wall clock jumped")
  }

  func changeCSV() {
    wanted = rows.filter { _ in chance(60) }
    if wanted.isEmpty { wanted = [rows[0]] }
    saw("world CSV changed")
  }

  /// A token that another installation made under our job's name.
  private func plantStranger() {
    let other = Marker(
      installation: InstallationID(bits: draw.next()), job: World.job,
      name: chance(50) ? rows[0].name : "token-99", attempt: AttemptID(bits: draw.next()))
    guard
      let token = cluster.createToken(
        Sandbox.TokenRequest(
          description: other.described("Token 0"), permissions: rows[0].permissions, expiresAt: nil),
        at: now)
    else { return }
    strangers.append(token.record.id)
    saw("world stranger")
  }

  /// Somebody writes something else into the description of a token that is on its way, in use, or replaced.
  private func editDescription() {
    var candidates: [String] = []
    for lineage in lineages.values.sorted(by: { $0.name < $1.name }) {
      for attempt in lineage.machine.attempts {
        candidates += attempt.orphans.filter { $0.state != .revoked }.map(\.tokenID)
      }
      candidates += [lineage.machine.newest, lineage.machine.predecessor].compactMap(\.self)
        .filter { $0.attempt != nil }.map(\.tokenID)
    }
    guard !candidates.isEmpty else { return }
    let id = candidates[Int(draw.next() % UInt64(candidates.count))]
    guard edited[id] == nil, let record = cluster.token(id, at: now), record.revokedAt == nil else { return }
    let text = chance(50) ? "in use by the pumps" : record.description + " (kept)"
    _ = cluster.updateToken(id, TokenChange(description: text), at: now)
    edited[id] = record.description
    saw("world description edited")
  }

  /// A person does what the reports ask for: the clock is set right, descriptions are put back, tokens of
  /// others are taken away.
  func putRight() {
    setWall(trueWallAtStart)
    for (id, description) in edited {
      _ = cluster.updateToken(id, TokenChange(description: description), at: now)
    }
    edited = [:]
    let live = Set(cluster.liveTokens(at: now).map(\.id))
    for id in strangers + bystanders where !live.contains(id) {
      broken("foreign", "token \(id), which is not ours, was revoked")
    }
    for id in strangers { _ = cluster.revokeToken(id, at: now) }
    strangers = []
  }
}
