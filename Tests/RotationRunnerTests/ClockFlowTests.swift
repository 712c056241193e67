import RotationModel
import RotationPorts
import RotationTestKit
import Testing

/// Clocks that are wrong, or that are set while a run is under way.
struct ClockFlowTests {
  @Test(arguments: [301, -301])
  func whileClocksAreApartNothingIsRetiredAndNothingIsDueByTime(skew: Int) throws {
    let bench = try #require(Bench.rotated("a", "b"))
    bench.clock.advance(by: Bench.day * 31)
    bench.cluster.skew = .seconds(skew)
    #expect(bench.plan()?.exit == 8 && bench.plan()?.steps.map(\.kind) == [.nothing, .nothing])
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.noticed.map(\.code) == ["clocks_apart"])
    #expect(result.report.counts == [.unchanged: 2])
    #expect(bench.cluster.changes == 4 && bench.cluster.revoked.isEmpty)
    #expect(bench.changesOfAnotherRun() == [])
    bench.cluster.skew = .zero
    #expect(bench.run()?.report.counts == [.rotated: 2])
    #expect(bench.cluster.revoked.count == 2)
  }

  /// Whoever has called a token compromised must not take it for revoked.
  @Test func whatIsToGoAtOnceAndDoesNotNeedsAPerson() throws {
    let bench = Bench.rotating("a", "b")
    #expect(bench.run()?.exit == 0)
    let old = try #require(bench.store.current["a"]?.tokenID)
    bench.cluster.skew = .seconds(900)
    let told = try #require(bench.wish(.rotate(compromised: true), "a"))
    #expect(told.exit == 8 && told.token("a")?.outcome == .attention)
    #expect(told.token("a")?.problem?.code == "clocks_apart")
    #expect(told.token("a")?.problem?.message.contains("token \(old) is to be") == true)
    #expect(bench.store.current["a"]?.tokenID == "id-3" && bench.cluster.revoked.isEmpty)
    bench.rows.removeLast()
    let retired = try #require(bench.wish(.retire(now: true), "b"))
    #expect(retired.exit == 8 && retired.token("b")?.problem?.code == "clocks_apart")
    #expect(bench.store.current["b"] == nil && bench.cluster.revoked.isEmpty)
    bench.cluster.skew = .zero
    #expect(bench.run()?.report.counts == [.retired: 2] && Set(bench.cluster.revoked) == ["id-1", "id-2"])
    #expect(bench.changesOfAnotherRun() == [])
  }

  @Test func whatIsNotDueByTimeIsDoneAllTheSame() throws {
    let bench = Bench.rotating("a")
    #expect(bench.run()?.exit == 0)
    bench.cluster.skew = .seconds(900)
    bench.rows[0].permissions = PermissionSet([Permission(.read, "air")])
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.report.counts == [.rotated: 1])
  }

  /// Nobody knows which clock is right: the later one cuts no overlap short.
  @Test(arguments: [900, -900])
  func whileClocksAreApartAnOverlapBeginsByTheLaterOne(skew: Int) throws {
    let bench = Bench.rotating("a")
    #expect(bench.run()?.exit == 0)
    bench.cluster.skew = .seconds(skew)
    #expect(bench.wish(.rotate(compromised: false), "a")?.report.counts == [.rotated: 1])
    let begun = try #require(try bench.machine("a")?.predecessor?.supersededAt)
    let later = max(bench.clock.now, bench.cluster.now)
    #expect(begun <= later + .seconds(2) && later - begun < .seconds(60))
  }

  /// The cluster's time is told from one answer and the monotonic clock since.
  @Test func aWallClockThatIsSetDuringTheRunDoesNotShortenAnOverlap() throws {
    let bench = try #require(Bench.rotated("a"))
    bench.clock.advance(by: Bench.day - .seconds(120))
    bench.cluster.onRequest = { [clock = bench.clock, wall = bench.clock.wallAtStart] request in
      if request == .databases { clock.wallAtStart = wall + Bench.day }
    }
    #expect(bench.run()?.exit == 0)
    #expect(bench.liveIDs == ["id-1", "id-2"] && bench.cluster.revoked.isEmpty)
    bench.cluster.onRequest = { _ in }
    #expect(bench.run()?.exit == 8, "from the next run's beginning the clocks are apart")
    #expect(bench.cluster.revoked.isEmpty)
    bench.clock.wallAtStart = bench.clock.wallAtStart - Bench.day
    bench.clock.advance(by: .seconds(180))
    #expect(bench.run()?.report.counts == [.retired: 1])
  }

  /// The overlap is counted from the cluster's time of the delivery, whatever the wall said.
  @Test(arguments: [3600, -3600])
  func aWallClockThatIsSetBeforeTheDeliveryDoesNotMoveTheOverlap(shift: Int) throws {
    let bench = Bench.rotating("a")
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: Bench.day * 30)
    let wall = bench.clock.wallAtStart
    bench.cluster.onRequest = { [clock = bench.clock] request in
      if case .create = request { clock.wallAtStart = wall + .seconds(shift) }
    }
    #expect(bench.run()?.report.counts == [.rotated: 1])
    bench.cluster.onRequest = { _ in }
    bench.clock.wallAtStart = wall
    bench.clock.advance(by: Bench.day - .seconds(60))
    #expect(bench.run()?.report.counts == [.unchanged: 1] && bench.cluster.revoked.isEmpty)
    bench.clock.advance(by: .seconds(120))
    #expect(bench.run()?.report.counts == [.retired: 1])
  }
}
