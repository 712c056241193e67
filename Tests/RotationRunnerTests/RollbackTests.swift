import RotationModel
import RotationPorts
import RotationTestKit
import Testing

/// The previous token becomes current again.
struct RollbackTests {
  private static func quarantined() -> Bench? {
    guard let bench = Bench.rotated("a", quarantine: Bench.day) else { return nil }
    bench.clock.advance(by: Bench.day + .seconds(60))
    return bench.run()?.exit == 0 && bench.cluster.token("id-1")?.permissions.isEmpty == true ? bench : nil
  }

  /// What follows is the same wherever the previous token was.
  private static func expectRolledBack(_ bench: Bench) throws {
    #expect(bench.store.current["a"]?.tokenID == "id-1" && bench.store.previous["a"]?.tokenID == "id-2")
    #expect(try bench.machine("a")?.wishes.isHeld == true)
    #expect(bench.cluster.token("id-1")?.permissions == Bench.permissions)
    #expect(bench.liveIDs == ["id-1", "id-2"] && bench.cluster.revoked.isEmpty)
    #expect(bench.changesOfAnotherRun() == [])
    bench.policy.quarantine = nil
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.exit == 0)
    #expect(bench.cluster.revoked == ["id-2"] && bench.store.previous.isEmpty, "the newer one is retired")
    #expect(bench.run()?.token("a")?.outcome == .held && bench.cluster.posts.count == 2)
    #expect(bench.wish(.release, "a")?.exit == 0)
    #expect(bench.run()?.report.counts == [.rotated: 1] && bench.liveIDs == ["id-1", "id-3"])
  }

  @Test func withinTheOverlapItIsProbedAndTheStoresTurnBack() throws {
    let bench = try #require(Bench.rotated("a"))
    let (probes, changes) = (bench.cluster.probes.count, bench.cluster.changes)
    let result = try #require(bench.wish(.rollBack, "a"))
    #expect(result.exit == 0 && bench.cluster.probes.count >= probes + 6)
    #expect(bench.cluster.changes == changes && bench.events().last == "rollback.done")
    try Self.expectRolledBack(bench)
  }

  @Test func aDisabledTokenGetsThePermissionsBackThatItHad() throws {
    let bench = try #require(Self.quarantined())
    // The row asks for something else by now; what comes back is what was.
    let result = try #require(bench.wish(.rollBack, "a"))
    #expect(result.exit == 0)
    let update = try #require(bench.cluster.updatesSent.last)
    #expect(update.id == "id-1" && update.permissions == Bench.permissions && update.description == nil)
    let requests = bench.cluster.requests.map(\.request)
    let enabled = try #require(
      requests.lastIndex(of: .update("id-1", description: nil, permissions: Bench.permissions)))
    #expect(requests[..<enabled].contains(.get("id-1")))
    #expect(bench.cluster.disables(of: "id-1") == 1)
    #expect(bench.events().contains("enable.done"))
    try Self.expectRolledBack(bench)
  }

  /// Were it enabled before, the disable might land on a token that is current.
  @Test func whileADisableIsInDoubtTheRollbackWaits() throws {
    let bench = try #require(Bench.rotated("a", quarantine: Bench.day))
    bench.clock.advance(by: Bench.day + .seconds(60))
    bench.cluster.updates = [.vanish(effectAfter: .seconds(600))]
    #expect(bench.run()?.exit == 8)
    let waits = try #require(bench.wish(.rollBack, "a"))
    #expect(waits.exit == 8 && bench.store.current["a"]?.tokenID == "id-2")
    #expect(bench.cluster.updatesSent.count == 1 && bench.changesOfAnotherRun() == [])
    bench.clock.advance(by: .seconds(600))
    #expect(bench.run()?.exit == 0)
    #expect(bench.cluster.updatesSent.map(\.permissions) == [PermissionSet([]), Bench.permissions])
    try Self.expectRolledBack(bench)
  }

  /// A rollback that waits for a disable that never comes.
  private static func waiting() -> Bench? {
    guard let bench = Bench.rotated("a", quarantine: Bench.day * 30) else { return nil }
    bench.clock.advance(by: Bench.day + .seconds(60))
    bench.cluster.updates = [.vanish(effectAfter: nil)]
    return bench.run()?.exit == 8 && bench.wish(.rollBack, "a")?.exit == 8 ? bench : nil
  }

  @Test func aPersonMayHaveAFreshTokenInsteadOfWaiting() throws {
    let bench = try #require(Self.waiting())
    let result = try #require(bench.wish(.rotate(compromised: true), "a"))
    #expect(result.report.counts == [.rotated: 1] && bench.store.current["a"]?.tokenID == "id-3")
    #expect(bench.liveIDs == ["id-3"] && bench.cluster.disables(of: "id-1") == 1)
    #expect(bench.changesOfAnotherRun() == [])
  }

  /// As long as a creation is watched for.
  @Test func aDisableThatNobodySawForAWeekIsNotWaitedForAnyLonger() throws {
    let bench = try #require(Self.waiting())
    bench.clock.advance(by: Bench.day * 7 - .seconds(600))
    #expect(bench.run()?.exit == 8 && bench.store.current["a"]?.tokenID == "id-2")
    bench.clock.advance(by: .seconds(1200))
    #expect(bench.run()?.exit == 0 && bench.store.current["a"]?.tokenID == "id-1")
    #expect(bench.cluster.updatesSent.count == 1, "it was never disabled, so that nothing is given back")
    try Self.expectRolledBack(bench)
  }

  @Test func anEnableWhoseAnswerIsLostIsSentAgain() throws {
    let bench = try #require(Self.quarantined())
    bench.cluster.updates = [.vanish(effectAfter: nil), .vanish(effectAfter: .zero)]
    #expect(bench.wish(.rollBack, "a")?.exit == 0)
    try Self.expectRolledBack(bench)
  }

  @Test func afterARevocationWasIntendedThereIsNoWayBack() throws {
    let bench = try #require(Bench.rotated("a"))
    bench.clock.advance(by: Bench.day + .seconds(60))
    bench.cluster.revocations = [.refused(ServiceError(.badRequest, status: 400, message: "not now"))]
    #expect(bench.run()?.exit == 1 && bench.events().contains("revoke.intended"))
    #expect(bench.liveIDs == ["id-1", "id-2"])
    let refused = try #require(bench.wish(.rollBack, "a"))
    #expect(refused.exit == 1 && refused.report.problem?.code == "nothing_to_roll_back_to")
    #expect(refused.report.problem?.message.contains("cannot be undone") == true)
    #expect(bench.run()?.report.counts == [.retired: 1] && bench.store.current["a"]?.tokenID == "id-2")
  }

  @Test func thereIsNoWayBackToATokenThatIsNotThereOrNotOurs() throws {
    let bench = Bench.rotating("a", "b")
    bench.rows[1].replaces = "hand"
    bench.cluster.plant(id: "hand", description: "made by hand")
    #expect(bench.run()?.exit == 0)
    for name in ["a", "b"] {
      let refused = try #require(bench.wish(.rollBack, name))
      #expect(refused.exit == 1 && refused.report.problem?.code == "nothing_to_roll_back_to")
    }
    #expect(bench.store.current["b"]?.tokenID == "id-2" || bench.store.current["b"]?.tokenID == "id-1")
  }

  @Test func aPreviousTokenThatTheClusterRefusesStaysPrevious() throws {
    let bench = try #require(Bench.rotated("a"))
    bench.cluster.answerToProbe = { _, _ in .refused(status: 401, message: "no") }
    let refused = try #require(bench.wish(.rollBack, "a"))
    #expect(refused.exit == 1 && refused.token("a")?.problem?.code == "rollback_refused")
    #expect(bench.store.current["a"]?.tokenID == "id-2" && bench.store.previous["a"]?.tokenID == "id-1")
    #expect(bench.changesOfAnotherRun() == [])
  }

  @Test func aStoreThatFailsInTheMiddleIsTurnedBackByTheNextRun() throws {
    let bench = Bench.rotating("a")
    let vault = MemoryStore(name: "vault")
    bench.stores.append(vault)
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: Bench.day * 30)
    #expect(bench.run()?.exit == 0)
    vault.rollBackErrors = [StoreError(.misconfigured, message: "no such path")]
    #expect(bench.wish(.rollBack, "a")?.exit == 6)
    #expect(bench.store.current["a"]?.tokenID == "id-1" && vault.current["a"]?.tokenID == "id-2")
    bench.clock.advance(by: Bench.day * 3)
    #expect(bench.run()?.exit == 0 && vault.current["a"]?.tokenID == "id-1")
    #expect(bench.liveIDs == ["id-1", "id-2"], "neither was revoked while one store had each")
    #expect(bench.changesOfAnotherRun() == [])
  }

  /// A store may have turned back without that being on record: what was begun is finished.
  @Test func onceThePreviousTokenWasFoundToWorkNoFreshOneIsMadeInstead() throws {
    let bench = try #require(Bench.rotated("a"))
    bench.store.rollBackErrors = [StoreError(.misconfigured, message: "no such path")]
    #expect(bench.wish(.rollBack, "a")?.exit == 6 && bench.store.current["a"]?.tokenID == "id-2")
    let lines = bench.audit.lines.count
    let refused = try #require(bench.wish(.rotate(compromised: false), "a"))
    #expect(refused.exit == 1 && refused.report.problem?.code == "busy" && bench.audit.lines.count == lines)
    #expect(bench.run()?.exit == 0 && bench.store.current["a"]?.tokenID == "id-1")
    #expect(bench.wish(.rotate(compromised: true), "a")?.exit == 0 && bench.liveIDs == ["id-3"])
  }

  /// Owner and mode of a store's file are the row's.
  @Test func aNameWithoutARowIsNotRolledBack() throws {
    let bench = try #require(Bench.rotated("a"))
    let (rows, lines) = (bench.rows, bench.audit.lines.count)
    bench.rows = []
    let refused = try #require(bench.wish(.rollBack, "a"))
    #expect(refused.exit == 2 && refused.report.problem?.code == "row_gone")
    #expect(bench.audit.lines.count == lines && bench.store.current["a"]?.tokenID == "id-2")
    bench.rows = rows
    #expect(bench.wish(.rollBack, "a")?.exit == 0)
    try Self.expectRolledBack(bench)
  }

  @Test func aRollbackWhoseRowGoesWaitsForIt() throws {
    let bench = try #require(Bench.rotated("a"))
    bench.interruptedAt = bench.clock.uptime
    _ = bench.wish(.rollBack, "a")
    bench.interruptedAt = nil
    let rows = bench.rows
    bench.rows = []
    #expect(bench.run()?.exit == 8 && bench.store.current["a"]?.tokenID == "id-2")
    #expect(bench.changesOfAnotherRun() == [])
    bench.rows = rows
    #expect(bench.run()?.exit == 0)
    try Self.expectRolledBack(bench)
  }

  /// Every moment of the rollback of a disabled token.
  @Test func thereIsNoBadMomentToInterruptARollback() throws {
    for step in 0..<50 {
      let bench = try #require(Self.quarantined())
      bench.interruptedAt = bench.clock.uptime + .milliseconds(Int64(step) * 150)
      _ = try #require(bench.wish(.rollBack, "a"))
      bench.interruptedAt = nil
      // The wish itself may have come too late.
      if bench.store.current["a"]?.tokenID != "id-1" { _ = bench.wish(.rollBack, "a") }
      #expect(bench.store.current["a"]?.tokenID == "id-1", "interrupted after \(step * 150) ms")
      #expect(bench.cluster.token("id-1")?.permissions == Bench.permissions)
      #expect(bench.cluster.disables(of: "id-1") == 1 && bench.changesOfAnotherRun() == [])
    }
  }
}
