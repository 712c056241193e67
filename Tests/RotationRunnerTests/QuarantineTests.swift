import RotationModel
import RotationPorts
import RotationTestKit
import Testing

/// Tokens that are disabled before they are revoked.
struct QuarantineTests {
  private static func overdue() -> Bench? {
    let bench = Bench.rotated("a", quarantine: Bench.day)
    bench?.clock.advance(by: Bench.day + .seconds(60))
    return bench
  }

  @Test func aTokenIsDisabledOnceAndRevokedAfterItsQuarantine() throws {
    let bench = try #require(Self.overdue())
    let disabled = try #require(bench.run())
    #expect(disabled.exit == 0 && bench.cluster.disables(of: "id-1") == 1)
    #expect(bench.cluster.token("id-1")?.permissions.isEmpty == true && bench.cluster.revoked.isEmpty)
    #expect(bench.cluster.token("id-2")?.permissions == Bench.permissions)
    #expect(bench.events().suffix(2) == ["disable.intended", "disable.done"])
    #expect(bench.changesOfAnotherRun() == [])
    bench.clock.advance(by: Bench.day - .seconds(60))
    #expect(bench.run()?.report.counts == [.unchanged: 1] && bench.cluster.revoked.isEmpty)
    bench.clock.advance(by: .seconds(120))
    #expect(bench.run()?.report.counts == [.retired: 1])
    #expect(bench.cluster.revoked == ["id-1"] && bench.cluster.disables(of: "id-1") == 1)
    #expect(bench.store.previous.isEmpty && bench.store.current["a"]?.tokenID == "id-2")
    #expect(bench.changesOfAnotherRun() == [])
  }

  /// Its effect is looked for by GET; the PATCH is never sent again.
  @Test func aDisableWhoseAnswerIsLostIsSeenAndNotSentAgain() throws {
    let bench = try #require(Self.overdue())
    bench.cluster.updates = [.vanish(effectAfter: .seconds(3))]
    #expect(bench.run()?.exit == 0)
    #expect(bench.events().suffix(3) == ["disable.intended", "disable.unknown", "disable.done"])
    #expect(bench.cluster.disables(of: "id-1") == 1 && bench.changesOfAnotherRun() == [])
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.report.counts == [.retired: 1])
    #expect(bench.cluster.disables(of: "id-1") == 1)
  }

  @Test func aDisableWhoseEffectComesLateIsSeenByALaterRun() throws {
    let bench = try #require(Self.overdue())
    bench.cluster.updates = [.vanish(effectAfter: .seconds(600))]
    let told = try #require(bench.run())
    #expect(told.exit == 8 && told.token("a")?.problem?.code == "disable_unknown")
    #expect(bench.changesOfAnotherRun() == [])
    bench.clock.advance(by: .seconds(600))
    #expect(bench.run()?.exit == 0)
    #expect(bench.events().last == "disable.done" && bench.cluster.disables(of: "id-1") == 1)
  }

  @Test func aTokenWhoseDisableNeverCameIsRevokedAllTheSame() throws {
    let bench = try #require(Self.overdue())
    bench.cluster.updates = [.vanish(effectAfter: nil)]
    #expect(bench.run()?.exit == 8 && bench.run()?.exit == 8)
    #expect(bench.cluster.revoked.isEmpty && bench.cluster.disables(of: "id-1") == 1)
    bench.clock.advance(by: Bench.day + .seconds(60))
    _ = try #require(bench.run())
    #expect(bench.liveIDs == ["id-2"] && bench.cluster.disables(of: "id-1") == 1)
    #expect(bench.run()?.exit == 0 && bench.store.previous.isEmpty && bench.changesOfAnotherRun() == [])
  }

  @Test func aDisableThatWasRefusedMayBeSentAgain() throws {
    let bench = try #require(Self.overdue())
    bench.cluster.updates = [.refuse(ServiceError(.badRequest, status: 400, message: "no"))]
    let result = try #require(bench.run())
    #expect(result.exit == 1 && result.token("a")?.problem?.code == "bad_request")
    #expect(bench.cluster.token("id-1")?.permissions == Bench.permissions)
    #expect(bench.run()?.exit == 0 && bench.cluster.disables(of: "id-1") == 2)
    #expect(bench.cluster.token("id-1")?.permissions.isEmpty == true)
  }

  @Test func aTokenThatSomebodyEnabledByHandIsNotRevoked() throws {
    let bench = try #require(Self.overdue())
    #expect(bench.run()?.exit == 0)
    bench.cluster.change(id: "id-1", permissions: Bench.permissions)
    bench.clock.advance(by: Bench.day + .seconds(60))
    let told = try #require(bench.run())
    #expect(told.exit == 8 && told.token("a")?.problem?.code == "enabled_by_hand")
    #expect(bench.liveIDs == ["id-1", "id-2"] && bench.changesOfAnotherRun() == [])
    bench.cluster.change(id: "id-1", permissions: PermissionSet([]))
    #expect(bench.run()?.report.counts == [.retired: 1])
  }

  /// Every moment of the run that disables, its death between intent and answer included.
  @Test func theDisableIsSentOnceWheneverTheRunIsInterrupted() throws {
    for step in 0..<30 {
      let bench = try #require(Self.overdue())
      bench.cluster.updates = [.vanish(effectAfter: .seconds(2))]
      bench.interruptedAt = bench.clock.uptime + .milliseconds(Int64(step) * 250)
      _ = try #require(bench.run())
      bench.interruptedAt = nil
      #expect(bench.run()?.exit == 0, "interrupted after \(step * 250) ms")
      #expect(bench.cluster.disables(of: "id-1") == 1)
      bench.clock.advance(by: Bench.day + .seconds(60))
      #expect(bench.run()?.report.counts == [.retired: 1] && bench.liveIDs == ["id-2"])
    }
  }
}
