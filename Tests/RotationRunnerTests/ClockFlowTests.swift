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

  // MARK: What was recorded while a clock was wrong

  /// This machine's clock is ahead by as much, for as long as the body takes.
  private static func ahead(_ bench: Bench, by time: Duration, _ body: () throws -> Void) rethrows {
    bench.clock.wallAtStart = bench.clock.wallAtStart + time
    defer { bench.clock.wallAtStart = bench.clock.wallAtStart - time }
    try body()
  }

  @Test func aBeginningThatIsStillToComeNeedsAPerson() throws {
    let bench = Bench.rotating("a")
    #expect(bench.run()?.exit == 0)
    try Self.ahead(bench, by: Bench.day * 365) {
      let rotated = try #require(bench.wish(.rotate(compromised: false), "a"))
      #expect(rotated.exit == 8 && rotated.noticed.map(\.code) == ["clocks_apart"])
    }
    for _ in 1...2 {
      #expect(bench.plan()?.exit == 8 && bench.plan()?.steps.map(\.kind) == [.needsPerson])
      let told = try #require(bench.run())
      #expect(told.exit == 8 && told.noticed.isEmpty && told.token("a")?.outcome == .attention)
      let problem = try #require(told.token("a")?.problem)
      #expect(problem.code == "clock_was_wrong" && problem.message.contains("token id-1"))
      #expect(problem.hint?.contains("rotate --compromised") == true)
      #expect(bench.liveIDs == ["id-1", "id-2"] && bench.changesOfAnotherRun() == [])
      bench.clock.advance(by: Bench.day * 31)
    }
    #expect(bench.wish(.rotate(compromised: true), "a")?.exit == 0)
    #expect(bench.liveIDs == ["id-3"] && bench.plan()?.exit == 0 && bench.changesOfAnotherRun() == [])
    bench.clock.advance(by: Bench.day * 30)
    #expect(bench.run()?.report.counts == [.rotated: 1])
  }

  /// What the message proposes to those who need both tokens for a while.
  @Test func aRollbackLetsTheOverlapBeginAnew() throws {
    let bench = Bench.rotating("a")
    #expect(bench.run()?.exit == 0)
    Self.ahead(bench, by: Bench.day * 365) {
      #expect(bench.wish(.rotate(compromised: false), "a")?.exit == 8)
    }
    #expect(bench.run()?.exit == 8)
    #expect([0, 8].contains(bench.wish(.rollBack, "a")?.exit ?? -1))
    #expect(bench.store.current["a"]?.tokenID == "id-1")
    #expect(bench.wish(.release, "a")?.exit == 0 && bench.run()?.exit == 0)
    bench.clock.advance(by: Bench.day - .seconds(60))
    #expect(bench.run()?.exit == 0 && bench.liveIDs == ["id-1", "id-2"], "no overlap is shorter for it")
    bench.clock.advance(by: .seconds(120))
    #expect(bench.run()?.report.counts == [.retired: 1] && bench.liveIDs == ["id-1"])
  }

  @Test func aTokenThatSeemsToBeMadeInTheFutureNeedsAPerson() throws {
    let bench = Bench.rotating("a")
    Self.ahead(bench, by: Bench.day * 365) { #expect(bench.run()?.exit == 8) }
    bench.clock.advance(by: Bench.day * 40)
    #expect(bench.plan()?.steps.map(\.kind) == [.needsPerson])
    let told = try #require(bench.run())
    let problem = try #require(told.token("a")?.problem)
    #expect(told.exit == 8 && problem.code == "clock_was_wrong" && problem.message.contains("token id-1"))
    #expect(problem.hint?.contains("tokenrotate rotate") == true)
    #expect(bench.wish(.rotate(compromised: false), "a")?.report.counts == [.rotated: 1])
    #expect(bench.plan()?.exit == 0 && bench.changesOfAnotherRun() == [])
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.report.counts == [.retired: 1] && bench.liveIDs == ["id-2"])
  }

  /// Age makes nothing due there.
  @Test func whereNothingIsDueByTimeNobodyHasToKnow() throws {
    let bench = Bench("a")
    Self.ahead(bench, by: Bench.day * 365) { #expect(bench.run()?.exit == 8) }
    #expect(bench.plan()?.exit == 0 && bench.run()?.exit == 0)
  }

  @Test func aRetirementThatBeginsInTheFutureNeedsAPerson() throws {
    let bench = Bench.rotating("a", "b")
    #expect(bench.run()?.exit == 0)
    bench.rows.removeLast()
    Self.ahead(bench, by: Bench.day * 365) {
      #expect(bench.wish(.retire(now: false), "b")?.exit == 8)
    }
    #expect(bench.plan()?.steps.map(\.kind) == [.nothing, .needsPerson])
    let told = try #require(bench.run())
    #expect(told.exit == 8 && told.token("b")?.problem?.code == "clock_was_wrong")
    #expect(told.token("b")?.problem?.hint?.contains("retire --now") == true)
    let kept = try #require(bench.store.current["a"]?.tokenID)
    #expect(bench.wish(.retire(now: true), "b")?.exit == 0 && bench.liveIDs == [kept])
    #expect(bench.run()?.exit == 0 && bench.changesOfAnotherRun() == [])
  }

  /// Clocks that differ by so little are relied on.
  @Test func aBeginningWithinTheToleranceIsNobodysConcern() throws {
    let bench = Bench.rotating("a")
    #expect(bench.run()?.exit == 0)
    Self.ahead(bench, by: .seconds(299)) {
      #expect(bench.wish(.rotate(compromised: false), "a")?.exit == 0)
    }
    #expect(bench.run()?.exit == 0 && bench.plan()?.exit == 0)
  }

  /// Without the cluster's time this machine's stands for it, in the quarantine as well.
  @Test func aQuarantineThatBeginsInTheFutureNeedsAPerson() throws {
    let bench = try #require(Bench.rotated("a", quarantine: Bench.day))
    bench.clock.advance(by: Bench.day + .seconds(60))
    bench.cluster.tellsTime = false
    Self.ahead(bench, by: Bench.day * 365) {
      #expect(bench.run()?.exit == 0 && bench.cluster.disables(of: "id-1") == 1)
    }
    let told = try #require(bench.run())
    #expect(told.exit == 8 && told.token("a")?.problem?.code == "clock_was_wrong")
    #expect(told.token("a")?.problem?.message.contains("disabled") == true)
  }
}
