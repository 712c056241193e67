import RotationModel
import RotationPorts
import RotationRunner
import RotationTestKit
import Testing

/// The process dies before or after any of its effects; the next runs bring everything to where it would have been.
struct DeathFlowTests {
  /// Something that a run does, and what it is to have come to.
  struct Undertaking: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var prepare: @Sendable () -> Bench?
    var act: @Sendable (Bench) -> Void = { _ = $0.run() }
    /// The wish itself may have died unsaid.
    var actAgain: @Sendable (Bench) -> Void = { _ in }
    var current: String?
    var live: [String]
    /// How the runs after the death may end.
    var exits: Set<Int32> = [0]
  }

  private static func inQuarantine() -> Bench? {
    guard let bench = Bench.rotated("a", quarantine: Bench.day) else { return nil }
    bench.clock.advance(by: Bench.day + .seconds(60))
    return bench.run()?.exit == 0 ? bench : nil
  }

  static let undertakings: [Undertaking] = [
    Undertaking(
      testDescription: "a rotation without an overlap",
      prepare: {
        let bench = Bench.rotating("a")
        bench.policy.overlap = .zero
        guard bench.run()?.exit == 0 else { return nil }
        bench.clock.advance(by: Bench.day * 30)
        return bench
      }, current: nil, live: []),
    Undertaking(
      testDescription: "a disable whose answer is lost",
      prepare: {
        let bench = Bench.rotated("a", quarantine: Bench.day)
        bench?.clock.advance(by: Bench.day + .seconds(60))
        bench?.cluster.updates = [.vanish(effectAfter: .seconds(2))]
        return bench
      }, current: "id-2", live: ["id-1", "id-2"],
      // A request that was intended may have been sent: it is looked for, and never sent again.
      exits: [0, 8]),
    Undertaking(
      testDescription: "the end of a quarantine",
      prepare: {
        let bench = inQuarantine()
        bench?.clock.advance(by: Bench.day + .seconds(60))
        return bench
      }, current: "id-2", live: ["id-2"]),
    Undertaking(
      testDescription: "a rollback of a disabled token", prepare: inQuarantine,
      act: { _ = $0.wish(.rollBack, "a") },
      actAgain: { if $0.store.current["a"]?.tokenID == "id-2" { _ = $0.wish(.rollBack, "a") } },
      current: "id-1", live: ["id-1", "id-2"]),
    Undertaking(
      testDescription: "a retirement at once",
      prepare: {
        let bench = Bench.rotated("a")
        bench?.rows = []
        return bench
      }, act: { _ = $0.wish(.retire(now: true), "a") },
      actAgain: { if !$0.liveIDs.isEmpty { _ = $0.wish(.retire(now: true), "a") } }, current: nil, live: []),
  ]

  @Test(arguments: undertakings)
  func thereIsNoBadMomentToDie(undertaking: Undertaking) throws {
    for effects in 0..<60 {
      let bench = try #require(undertaking.prepare())
      let posts = bench.cluster.posts.count
      bench.life.begin(effects: effects)
      undertaking.act(bench)
      let end = bench.life.end
      bench.life.begin(effects: nil)
      let moment: Comment = "died at \(end ?? "none"), \(effects)"
      if let current = bench.store.current["a"]?.tokenID { #expect(bench.liveIDs.contains(current), moment) }
      // What was under way on the network comes to its end, and the cluster's clock shows another second.
      bench.clock.advance(by: .seconds(10))
      _ = try #require(bench.run())
      undertaking.actAgain(bench)
      bench.clock.advance(by: .seconds(10))
      #expect(undertaking.exits.contains(bench.run()?.exit ?? -1), moment)
      #expect(bench.changesOfAnotherRun() == [], moment)
      let current = bench.store.current["a"]?.tokenID
      if undertaking.live.isEmpty, current != nil {
        // A token that was answered and not put away is an orphan; another was made.
        #expect(current.map { [$0] } == bench.liveIDs && bench.store.previous.isEmpty)
      } else {
        #expect(
          current == undertaking.current && bench.liveIDs == undertaking.live, moment)
      }
      #expect(bench.cluster.disables(of: "id-1") <= 1 && bench.cluster.posts.count <= posts + 2)
      #expect(Set(bench.cluster.posts.map(\.attempt)).count == bench.cluster.posts.count)
      guard end != nil else { return }
    }
    Issue.record("it never came to its end")
  }
}
