import RotationModel
import RotationPorts
import RotationRunner
import RotationTestKit
import Testing

/// What is read from ledger and CSV alone.
struct HistoryTests {
  private func rotating() -> RotationPolicy {
    RotationPolicy(
      isOn: true, every: .seconds(30 * 86_400), renewBefore: nil, overlap: .seconds(3600), quarantine: nil)
  }

  @Test func aTokenInUseIsToldWithItsPast() throws {
    let bench = Bench("a", "b")
    bench.rows[0].labels = ["site": "north"]
    bench.policy = rotating()
    #expect(bench.run()?.exit == 0)
    let asked = bench.cluster.requests.count
    bench.clock.advance(by: .seconds(86_400))
    let histories = try #require(bench.history())
    #expect(histories.map(\.standing.name) == ["a", "b"])
    let first = histories[0]
    #expect(first.standing.state == "current" && first.standing.problem == nil && first.standing.next == nil)
    #expect(first.hasRow && first.isDelivered && first.labels == ["site": "north"] && first.incidents == [])
    #expect(first.standing.delivered == 1 && first.standing.stores == 1)
    let createdAt = try #require(first.standing.createdAt)
    #expect(first.activations.count == 1 && first.activations[0].at == createdAt + first.activations[0].took)
    #expect((first.standing.dueAt ?? createdAt) > createdAt + .seconds(26 * 86_400))
    #expect(bench.cluster.requests.count == asked, "nobody was asked")
  }

  @Test func theTokenInUseIsToldWhileItsSuccessorIsOnItsWay() throws {
    let bench = Bench("a")
    bench.policy = rotating()
    #expect(bench.run()?.exit == 0)
    let before = try #require(bench.history()?.first)
    bench.remember(
      "a",
      [
        .createIntended(generation: 2, attempt: AttemptID(bits: 9), deadline: bench.clock.now),
        .createDone(attempt: AttemptID(bits: 9), tokenID: "N", expiresAt: nil),
        .storeStaged(generation: 2, attempt: AttemptID(bits: 9), store: "file"),
      ])
    let staged = try #require(bench.history()?.first)
    #expect(staged.standing.tokenID == before.standing.tokenID && staged.standing.state == "staged")
    #expect(staged.standing.next == "created and stored, not active yet" && staged.isDelivered)
    bench.remember("a", [.activationConfirmed(generation: 2, after: .seconds(4))])
    let active = try #require(bench.history()?.first)
    #expect(!active.isDelivered && active.activations.map(\.took).last == .seconds(4))
  }

  @Test func whatCameDueAndWasNotReplacedNeedsAPersonAfterADay() throws {
    let bench = Bench("a")
    bench.policy = rotating()
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: .seconds(30 * 86_400))
    let due = try #require(bench.history()?.first?.standing)
    let late = try #require(due.dueAt)
    #expect(due.problem == nil || late + .seconds(86_400) < bench.clock.now)
    bench.clock.advance(by: .seconds(2 * 86_400))
    let overdue = try #require(bench.history()?.first?.standing)
    #expect(overdue.problem?.code == "overdue" && overdue.problem?.message.hasPrefix("a: due since ") == true)
    #expect(bench.wish(.hold, "a")?.exit == 0)
    #expect(bench.history()?.first?.standing.problem == nil, "a person wants it so")
  }

  /// A job's policy is about its rows: what a one-off CSV has made is rotated by nobody.
  @Test func aOneOffTokenIsNeverDue() throws {
    let bench = Bench("a")
    bench.isOneOff = true
    #expect(bench.run()?.exit == 0)
    bench.isOneOff = false
    bench.rows = [Bench.row("b")]
    bench.policy = rotating()
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: .seconds(60 * 86_400))
    let histories = try #require(bench.history())
    #expect(histories.map(\.standing.name) == ["a", "b"])
    #expect(histories[0].standing.dueAt == nil && histories[0].standing.problem == nil)
    #expect(histories[1].standing.dueAt != nil)
  }

  @Test func rowsAndTokensWithoutEachOtherAreTold() throws {
    let bench = Bench("a", "b")
    #expect(bench.run()?.exit == 0)
    bench.rows = [Bench.row("b"), Bench.row("c")]
    let histories = try #require(bench.history())
    #expect(
      histories.map(\.standing.name) == ["a", "b", "c"] && histories.map(\.hasRow) == [false, true, true])
    #expect(histories[0].standing.problem?.code == "row_gone" && histories[1].standing.problem == nil)
    #expect(histories[2].standing.state == "planned" && histories[2].standing.next == "no token yet")
    #expect(histories[2].standing.tokenID == nil && histories[2].activations == [])
  }

  @Test func anExpiryThatNothingRenewsNeedsAPerson() throws {
    let bench = Bench("a")
    bench.rows = [Bench.row("a", expiry: .at(bench.clock.now + .seconds(3 * 86_400)))]
    #expect(bench.run()?.exit == 0)
    #expect(bench.history()?.first?.standing.problem == nil)
    bench.clock.advance(by: .seconds(2 * 86_400 + 3600))
    #expect(bench.history()?.first?.standing.problem?.code == "expires_soon")
    bench.clock.advance(by: .seconds(86_400))
    #expect(bench.history()?.first?.standing.problem?.code == "expired")
  }

  @Test func aFailureIsToldUntilItEnds() throws {
    let bench = Bench("a")
    bench.cluster.creations["a"] = [.vanish(effectAfter: nil)]
    #expect(bench.run()?.exit == 0)
    let incidents = try #require(bench.history()?.first?.incidents)
    #expect(incidents.map(\.kind) == [.creationUnanswered] && incidents.map(\.ending) == [.createdAnew])
  }

  @Test func aLineageThatCannotBeReplayedIsTold() throws {
    let bench = Bench("a")
    bench.remember("a", [.revokeDone(generation: 4)])
    let history = try #require(bench.history()?.first)
    #expect(history.standing.state == "unreadable" && history.standing.problem != nil && history.hasRow)
  }

  @Test func aSignalEndsTheReading() {
    let bench = Bench("a")
    #expect(bench.run()?.exit == 0)
    bench.interruptedAt = .zero
    #expect(bench.history() == nil)
  }
}
