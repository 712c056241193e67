import RotationModel
import RotationPorts
import Testing

/// What a run says while it goes on.
struct ProgressTests {
  private static let no = ProbeAnswer.refused(status: 401, message: "unauthorized")

  /// Whether the counts and the longest wait agree: something waits, and has done so for a time.
  private func expectConsistent(_ progress: [Progress]) {
    #expect(progress.contains { $0.waiting > 0 })
    #expect(progress.allSatisfy { ($0.waiting > 0) == ($0.oldestWaitingSince != nil) })
    #expect(progress.last?.waiting == 0)
  }

  @Test func theLongestWaitIsThatOfTheTokenStoredFirst() throws {
    let bench = Bench("a", "b", "c")
    bench.limits.concurrency = 1
    bench.cluster.answerToProbe = { _, at in at < .seconds(20) ? ProgressTests.no : .accepted }
    let start = bench.clock.now
    let result = try #require(bench.run())
    #expect(result.exit == 0)
    expectConsistent(result.progress)
    let machines = try ["a", "b", "c"].map { try #require(try bench.machine($0)) }
    let stored = try machines.map { try #require($0.newest?.stagedAt) }
    #expect(Set(stored).count == 3)
    let seen = result.progress.compactMap(\.oldestWaitingSince)
    #expect(seen.first == stored.min() && seen.allSatisfy { $0 >= start && stored.contains($0) })
    // With all three waiting it is the first one's; it only moves on to later ones.
    #expect(seen == seen.sorted())
    #expect(result.progress.filter { $0.waiting == 3 }.allSatisfy { $0.oldestWaitingSince == stored.min() })
  }

  @Test func aWaitGoesOnOverRuns() throws {
    let bench = Bench("a")
    bench.cluster.answerToProbe = { _, _ in ProgressTests.no }
    #expect(bench.run()?.exit == 5)
    let stored = try #require(try bench.machine("a")?.newest?.stagedAt)
    bench.clock.advance(by: .seconds(7000))
    let next = try #require(bench.run())
    expectConsistent(next.progress)
    #expect(Set(next.progress.compactMap(\.oldestWaitingSince)) == [stored])
  }

  /// A token that is made anew waits from then on.
  @Test func aSecondTokenOfTheSameNameWaitsAnew() throws {
    let bench = Bench("a")
    bench.cluster.answerToProbe = { _, _ in ProgressTests.no }
    #expect(bench.run()?.exit == 5)
    bench.clock.advance(by: .seconds(90_000))
    let next = try #require(bench.run())
    expectConsistent(next.progress)
    #expect(bench.cluster.posts.count == 2)
    let second = try #require(try bench.machine("a")?.newest)
    #expect(second.number == 2 && next.progress.compactMap(\.oldestWaitingSince).last == second.stagedAt)
  }

  /// A previous token that is to be current again was stored long ago; nobody has waited for it since.
  @Test func aRollbackWaitsFromItsBeginning() throws {
    let bench = try #require(Bench.rotated("a"))
    bench.clock.advance(by: .seconds(3600))
    let begun = bench.clock.now
    let result = try #require(bench.wish(.rollBack, "a"))
    #expect(result.exit == 0)
    expectConsistent(result.progress)
    #expect(result.progress.compactMap(\.oldestWaitingSince).allSatisfy { $0 >= begun })
  }

  /// What is left alone is not counted: 1 of 1 is done, not 1 of 3.
  @Test func aRunOfSomeTokensIsAboutThese() throws {
    let bench = Bench("a", "b", "c")
    bench.only = ["b"]
    let some = try #require(bench.run())
    #expect(some.progress.last?.rows == 1 && some.progress.last?.finished == 1)
    bench.only = nil
    let all = try #require(bench.run())
    #expect(all.progress.last?.rows == 3 && all.progress.last?.finished == 3)
  }
}
