import RotationModel
import RotationPorts
import Testing

struct ActivationFlowTests {
  private static let no = ProbeAnswer.refused(status: 401, message: "unauthorized")
  private static let silence = ProbeAnswer.unavailable(ServiceError(.noAnswer, message: "no answer"))

  @Test func aTokenThatIsNotActiveInTimeIsWaitedForByTheNextRun() throws {
    let bench = Bench("a")
    bench.cluster.answerToProbe = { _, _ in ActivationFlowTests.no }
    let result = try #require(bench.run())
    #expect(result.exit == 5 && result.token("a")?.outcome == .pending)
    #expect(bench.clock.uptime >= .seconds(50) && bench.clock.uptime < .seconds(90))
    #expect(try bench.status("a") == .staged && bench.current("a") == nil)
    #expect(bench.run()?.exit == 5)
    bench.cluster.answerToProbe = { _, _ in .accepted }
    let last = try #require(bench.run())
    #expect(last.exit == 0)
    #expect(bench.cluster.posts.count == 1 && bench.cluster.changes == 1)
    #expect(try bench.status("a") == .current)
  }

  @Test func onlyAcceptancesSpreadOverTheSettleTimeCount() throws {
    let bench = Bench("a")
    // The second node learns of the token 20 s after the first.
    var count = 0
    bench.cluster.answerToProbe = { _, at in
      count += 1
      return at < .seconds(20) && count.isMultiple(of: 3) ? ActivationFlowTests.no : .accepted
    }
    #expect(bench.run()?.exit == 0)
    #expect(bench.clock.uptime >= .seconds(20))
    let targets = Set(bench.cluster.probes.map(\.target))
    #expect(
      targets == [
        ProbeTarget(action: .read, database: "air"), ProbeTarget(action: .write, database: "water"),
      ])
  }

  @Test func aTokenRefusedForADayIsRevokedAndMadeAnew() throws {
    let bench = Bench("a")
    bench.cluster.answerToProbe = { _, _ in ActivationFlowTests.no }
    #expect(bench.run()?.exit == 5)
    bench.clock.advance(by: .seconds(80_000))
    #expect(bench.run()?.exit == 5)
    #expect(bench.cluster.posts.count == 1)
    bench.clock.advance(by: .seconds(10_000))
    #expect(bench.run()?.exit == 5)
    #expect(bench.cluster.posts.count == 2 && bench.cluster.revoked == ["id-1"])
    #expect(bench.cluster.live.map(\.id) == ["id-2"])
    bench.cluster.answerToProbe = { _, _ in .accepted }
    #expect(bench.run()?.exit == 0)
    #expect(try bench.machine("a")?.newest?.number == 2)
    #expect(bench.store.current["a"]?.tokenID == "id-2")
  }

  @Test func anOutageOfADayIsNoReasonToGiveUp() throws {
    let bench = Bench("a")
    bench.cluster.answerToProbe = { _, _ in ActivationFlowTests.silence }
    for _ in 0..<4 {
      let result = try #require(bench.run())
      #expect(result.exit == 1 && result.token("a")?.outcome == .failed)
      let problem = try #require(result.token("a")?.problem)
      #expect(problem.code == "no_answer" && problem.message.contains("no answer"), "\(problem)")
      #expect(try bench.status("a") == .staged)
      bench.clock.advance(by: .seconds(40_000))
    }
    #expect(bench.cluster.changes == 1)
    bench.cluster.answerToProbe = { _, _ in .accepted }
    #expect(bench.run()?.exit == 0)
    #expect(bench.cluster.changes == 1)
  }

  /// One word about the token, and it is the token that is waited for, not the endpoint.
  @Test(arguments: [no, ProbeAnswer.accepted])
  func anOutageAfterAnAnswerIsWaitedOut(_ first: ProbeAnswer) throws {
    let bench = Bench("a")
    var count = 0
    bench.cluster.answerToProbe = { _, _ in
      count += 1
      return count == 1 ? first : ActivationFlowTests.silence
    }
    let result = try #require(bench.run())
    #expect(result.exit == 5 && result.token("a")?.outcome == .pending)
  }

  /// A token that was accepted between two rows of refusals has not been refused all the time.
  @Test func anAcceptanceStartsTheDayAgain() throws {
    let bench = Bench("a")
    bench.cluster.answerToProbe = { _, _ in ActivationFlowTests.no }
    #expect(bench.run()?.exit == 5)
    bench.clock.advance(by: .seconds(80_000))
    var count = 0
    bench.cluster.answerToProbe = { _, _ in
      count += 1
      return count == 1 ? .accepted : ActivationFlowTests.no
    }
    #expect(bench.run()?.exit == 5)
    bench.clock.advance(by: .seconds(10_000))
    #expect(bench.run()?.exit == 5)
    #expect(bench.cluster.posts.count == 1 && bench.cluster.revoked.isEmpty)
  }

  @Test func aQuestionThatCannotBeAnsweredFailsTheTokenAtOnce() throws {
    let bench = Bench("a")
    bench.cluster.answerToProbe = { _, _ in
      .impossible(ServiceError(.notFound, status: 404, message: "no database"))
    }
    let result = try #require(bench.run())
    #expect(result.exit == 1 && result.token("a")?.problem?.code == "not_found")
    #expect(bench.cluster.probes.count == 1 && bench.cluster.live.count == 1)
    bench.cluster.answerToProbe = { _, _ in .accepted }
    #expect(bench.run()?.exit == 0)
    #expect(bench.cluster.posts.count == 1)
  }

  @Test func aWildcardIsAskedAboutByTheFirstDatabase() throws {
    for (named, expected) in [(nil, "air"), ("water", "water")] as [(String?, String)] {
      let bench = Bench()
      bench.rows = [
        Bench.row("a", permissions: PermissionSet([Permission(.read, "*"), Permission(.write, "*")]))
      ]
      bench.activationDatabase = named
      #expect(bench.run()?.exit == 0)
      #expect(Set(bench.cluster.probes.map(\.target.database)) == [expected])
      #expect(Set(bench.cluster.probes.map(\.target.action)) == [.read, .write])
    }
  }

  @Test func aWildcardWithoutAnyDatabaseIsToldAndKept() throws {
    let bench = Bench()
    bench.rows = [Bench.row("a", permissions: PermissionSet([Permission(.read, "*")]))]
    bench.cluster.databases = []
    let result = try #require(bench.run())
    #expect(result.exit == 1 && result.token("a")?.problem?.code == "no_database_to_ask")
    #expect(bench.cluster.probes.isEmpty)
    bench.cluster.databases = ["air"]
    #expect(bench.run()?.exit == 0)
    #expect(bench.cluster.posts.count == 1)
  }

  @Test func probesKeepToTheirBudget() throws {
    let bench = Bench()
    bench.rows = (0..<60).map { Bench.row("t\($0)") }
    bench.limits.probesPerSecond = 10
    bench.limits.managementRequestsPerSecond = 20
    bench.activation.timeout = .seconds(600)
    #expect(bench.run()?.exit == 0)
    #expect(busiestSecond(bench.cluster.probes.map(\.at)) <= 12)
    #expect(busiestSecond(bench.cluster.requests.map(\.at)) <= 23)
  }
}

/// The most that happened within any one second.
func busiestSecond(_ times: [Duration]) -> Int {
  let sorted = times.sorted()
  var most = 0
  var first = 0
  for (index, time) in sorted.enumerated() {
    while time - sorted[first] >= .seconds(1) { first += 1 }
    most = max(most, index - first + 1)
  }
  return most
}
