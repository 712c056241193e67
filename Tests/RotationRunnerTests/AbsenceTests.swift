import RotationModel
import RotationPorts
import RotationTestKit
import Testing

/// Tokens that the cluster seems to have lost: only listing, GET and a refused string together say so.
struct AbsenceTests {
  private static let hour: Duration = .seconds(3600)

  private static func settled(_ names: String...) -> Bench? {
    let bench = Bench()
    bench.rows = names.map { Bench.row($0) }
    bench.policy = Bench.rotation
    guard bench.run()?.exit == 0 else { return nil }
    bench.clock.advance(by: hour)
    return bench
  }

  @Test(arguments: [false, true])
  func aTokenThatIsGoneIsReplaced(showsRevoked: Bool) throws {
    let bench = try #require(Self.settled("a"))
    bench.cluster.showsRevoked = showsRevoked
    bench.cluster.revokeElsewhere(id: "id-1")
    let step = try #require(bench.plan()?.steps.first)
    #expect(step.kind == .rotate)
    #expect(step.reason.contains(showsRevoked ? "somebody has revoked it" : "does not have it any more"))
    #expect(bench.run()?.report.counts == [.rotated: 1])
    #expect(bench.store.current["a"]?.tokenID == "id-2" && bench.liveIDs == ["id-2"])
    #expect(bench.changesOfAnotherRun() == [])
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.report.counts == [.retired: 1])
    #expect(bench.store.previous.isEmpty && bench.changesOfAnotherRun() == [])
  }

  @Test func aListingAloneSaysNothing() throws {
    let bench = try #require(Self.settled("a"))
    bench.cluster.unlisted = ["id-1"]
    #expect(bench.run()?.report.counts == [.unchanged: 1])
    #expect(bench.cluster.changes == 1 && bench.cluster.requests.contains { $0.request == .get("id-1") })
  }

  @Test func aStringThatIsStillAcceptedIsAConcernAndNoMore() throws {
    let bench = try #require(Self.settled("a"))
    bench.cluster.revokeElsewhere(id: "id-1")
    bench.cluster.stillAccepted = ["id-1"]
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.token("a")?.problem?.code == "token_missing")
    #expect(result.token("a")?.problem?.message.contains("still accepts") == true)
    #expect(bench.plan()?.steps.map(\.kind) == [.needsPerson] && bench.cluster.changes == 1)
  }

  @Test func aStringThatNobodyCanAskAboutIsAConcernAndNoMore() throws {
    let bench = try #require(Self.settled("a"))
    bench.cluster.revokeElsewhere(id: "id-1")
    bench.cluster.stillAccepted = ["id-1"]
    bench.cluster.answerToProbe = { _, _ in .unavailable(ServiceError(.noAnswer, message: "no answer")) }
    #expect(bench.run()?.token("a")?.problem?.code == "token_missing")
    #expect(bench.cluster.changes == 1)
  }

  @Test func aRefusedStringAloneSaysNothing() throws {
    let bench = try #require(Self.settled("a"))
    bench.cluster.answerToProbe = { _, _ in .refused(status: 401, message: "no") }
    #expect(bench.run()?.report.counts == [.unchanged: 1])
    bench.cluster.unlisted = ["id-1"]
    #expect(bench.run()?.report.counts == [.unchanged: 1], "GET still shows it")
    #expect(bench.cluster.changes == 1)
  }

  /// Listings may lag: within ten minutes of its creation a token is not called missing.
  @Test func aYoungTokenIsNotMissed() throws {
    let bench = Bench.rotating("a")
    #expect(bench.run()?.exit == 0)
    bench.cluster.revokeElsewhere(id: "id-1")
    #expect(bench.run()?.report.counts == [.unchanged: 1] && bench.cluster.posts.count == 1)
  }

  @Test func whileThePredecessorLivesAPersonDecides() throws {
    let bench = try #require(Bench.rotated("a"))
    bench.clock.advance(by: Self.hour)
    bench.cluster.revokeElsewhere(id: "id-2")
    let result = try #require(bench.run())
    #expect(
      result.exit == 8 && result.token("a")?.problem?.message.contains("predecessor id-1 is kept") == true)
    bench.clock.advance(by: Bench.day * 2)
    #expect(bench.run()?.exit == 8 && bench.liveIDs == ["id-1"], "it stays beyond its overlap")
    #expect(bench.changesOfAnotherRun() == [])
    // The run that takes it back still tells what was found.
    #expect(bench.wish(.rollBack, "a")?.exit == 8)
    #expect(bench.store.current["a"]?.tokenID == "id-1" && bench.liveIDs == ["id-1"])
    #expect(bench.run()?.exit == 0 && bench.changesOfAnotherRun() == [])
  }

  /// Nothing of a name that a person has retired stays in the stores, where it would be in the next one's way.
  @Test(arguments: [false, true])
  func aTokenThatIsGoneIsTakenOutOfTheStoresWhenItIsRetired(hasPredecessor: Bool) throws {
    let bench = try #require(hasPredecessor ? Bench.rotated("a") : Self.settled("a"))
    bench.clock.advance(by: Self.hour)
    bench.cluster.revokeElsewhere(id: hasPredecessor ? "id-2" : "id-1")
    bench.rows = []
    let retired = try #require(bench.wish(.retire(now: true), "a"))
    #expect(retired.exit == 0 && retired.report.counts == [.retired: 1], "\(retired)")
    Self.expectNothingInTheWay(bench)
  }

  /// The successor of a token that was made by hand went missing, and no other could be made.
  @Test func aTokenThatWasReplacedByNothingIsTakenOutOfTheStoresWhenItIsRetired() throws {
    let bench = Bench.rotating("a")
    bench.rows[0].replaces = "hand"
    bench.cluster.plant(id: "hand", description: "made by hand")
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: Self.hour)
    bench.cluster.revokeElsewhere(id: "id-1")
    bench.cluster.creations["a"] = [.refuse(ServiceError(.badRequest, status: 400, message: "no"))]
    #expect(bench.run()?.exit == 1 && bench.events().contains("token.gone"))
    bench.rows = []
    let retired = try #require(bench.wish(.retire(now: true), "a"))
    #expect(retired.exit == 0 && retired.report.counts == [.retired: 1], "\(retired)")
    #expect(bench.liveIDs.isEmpty)
    Self.expectNothingInTheWay(bench)
  }

  private static func expectNothingInTheWay(_ bench: Bench) {
    #expect(bench.store.current.isEmpty && bench.store.previous.isEmpty && bench.store.pending.isEmpty)
    #expect(bench.changesOfAnotherRun() == [])
    bench.rows = [Bench.row("a")]
    #expect(bench.run()?.exit == 0 && bench.store.current["a"] != nil && bench.store.previous.isEmpty)
    for _ in 0..<2 {
      bench.clock.advance(by: Bench.day * 30)
      #expect(bench.run()?.report.counts == [.rotated: 1])
      bench.clock.advance(by: Bench.day + .seconds(60))
      #expect(bench.run()?.report.counts == [.retired: 1] && bench.store.previous.isEmpty)
    }
  }

  @Test func whenMuchIsMissingNothingIsMadeOrRevoked() throws {
    let bench = Bench.rotating()
    bench.rows = (0..<49).map { Bench.row("t\($0)") }
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: Self.hour)
    for id in bench.liveIDs.prefix(5) { bench.cluster.revokeElsewhere(id: id) }
    let changes = bench.cluster.changes
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.report.problem?.code == "many_missing" && result.tokens.isEmpty)
    #expect(result.report.problem?.message.contains("5 of its 49") == true)
    #expect(bench.plan()?.exit == 8 && bench.cluster.changes == changes)
    bench.isForced = true
    #expect(bench.run()?.report.counts == [.rotated: 5, .unchanged: 44])
  }

  /// Five, and more than a tenth.
  @Test(arguments: [(4, 6), (5, 50)])
  func whatIsMissingByItselfIsReplaced(missing: Int, count: Int) throws {
    let bench = Bench.rotating()
    bench.rows = (0..<count).map { Bench.row("t\($0)") }
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: Self.hour)
    for id in bench.liveIDs.prefix(missing) { bench.cluster.revokeElsewhere(id: id) }
    #expect(bench.run()?.report.counts == [.rotated: missing, .unchanged: count - missing])
  }

  @Test func whatIsMissingCountsAsACreation() throws {
    let bench = try #require(Self.settled("a", "b", "c"))
    for id in ["id-1", "id-2", "id-3"] { bench.cluster.revokeElsewhere(id: id) }
    bench.limits.maximumCreates = 2
    let result = try #require(bench.run())
    #expect(result.exit == 2 && result.report.problem?.code == "too_many_creates")
    #expect(
      result.report.problem?.message.contains(
        "create 0 tokens for rows that have none and replace 3 that are due or missing (a, b, c), and")
        == true)
    #expect(bench.plan()?.exit == 2 && bench.cluster.changes == 3)
    bench.limits.maximumCreates = 3
    #expect(bench.run()?.report.counts == [.rotated: 3])
  }
}
