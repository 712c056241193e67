import RotationModel
import RotationPorts
import RotationRunner
import RotationTestKit
import Testing

/// `plan` says what the next run does, and the run after that does nothing.
struct PlannedWorkTests {
  /// A state of a job's last token, the line that is planned for it, and what becomes of it.
  struct Situation: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var kind: PlannedStep.Kind
    var reason: String
    var outcome: TokenOutcome
    var exit: Int32 = 0
    /// Whether something is done beside what a person is asked for.
    var isRecorded = false
    /// Whether the line also tells a step, which is done, and after which it still needs a person.
    var hasStep: Bool { kind == .needsPerson && reason.contains("; and: ") }
    var prepare: @Sendable () -> Bench?

    init(
      _ description: String, _ kind: PlannedStep.Kind, _ reason: String, _ outcome: TokenOutcome,
      exit: Int32 = 0, isRecorded: Bool = false, prepare: @escaping @Sendable () -> Bench?
    ) {
      testDescription = description
      self.isRecorded = isRecorded
      (self.kind, self.reason, self.outcome, self.exit, self.prepare) = (kind, reason, outcome, exit, prepare)
    }
  }

  /// A job of one token that is current, after a change.
  private static func settled(_ change: (Bench) -> Void = { _ in }) -> Bench? {
    let bench = Bench.rotating("a")
    guard bench.run()?.exit == 0 else { return nil }
    bench.clock.advance(by: .seconds(3600))
    change(bench)
    return bench
  }

  private static func rotated(quarantine: Bool = false, _ change: (Bench) -> Void = { _ in }) -> Bench? {
    let bench = Bench.rotated("a", quarantine: quarantine ? Bench.day : nil)
    if let bench { change(bench) }
    return bench
  }

  private static func passOverlap(_ bench: Bench) { bench.clock.advance(by: Bench.day + .seconds(60)) }

  /// Puts the wish on record; the run that would follow is interrupted at its beginning.
  private static func record(_ wish: Wish, _ bench: Bench, _ name: String = "a") {
    bench.interruptedAt = bench.clock.uptime
    _ = bench.wish(wish, name)
    bench.interruptedAt = nil
  }

  static let refused = StoreFlaw("DIR/a has mode 0666", hint: "chmod 0600 DIR/a")

  static let situations: [Situation] = [
    Situation("nothing", .nothing, "current", .unchanged) { settled() },
    Situation("no token yet", .create, "no token yet", .created) { Bench.rotating("a") },
    Situation("staged", .create, "not active yet", .created) {
      let bench = Bench.rotating("a")
      bench.cluster.answerToProbe = { _, _ in .refused(status: 401, message: "no") }
      guard bench.run()?.exit == 5 else { return nil }
      bench.cluster.answerToProbe = { _, _ in .accepted }
      return bench
    },
    Situation("of age", .rotate, "it is 30d", .rotated) { settled { $0.clock.advance(by: Bench.day * 30) } },
    Situation("a staged replacement", .rotate, "not active yet", .rotated) {
      settled { bench in
        bench.clock.advance(by: Bench.day * 30)
        bench.cluster.answerToProbe = { _, _ in .refused(status: 401, message: "no") }
        _ = bench.run()
        bench.cluster.answerToProbe = { _, _ in .accepted }
      }
    },
    Situation("other permissions", .rotate, "other permissions", .rotated) {
      settled { $0.rows[0].permissions = PermissionSet([Permission(.read, "air")]) }
    },
    Situation("another description", .rotate, "description changed", .updated) {
      settled { $0.rows[0].description = "Another" }
    },
    Situation("missing", .rotate, "does not have it any more", .rotated) {
      settled { $0.cluster.revokeElsewhere(id: "id-1") }
    },
    Situation("revoked elsewhere", .rotate, "somebody has revoked it", .rotated) {
      settled { bench in
        bench.cluster.showsRevoked = true
        bench.cluster.revokeElsewhere(id: "id-1")
      }
    },
    Situation("taken over", .rotate, "made by hand", .rotated) {
      let bench = Bench.rotating("a")
      bench.rows[0].replaces = "hand"
      bench.cluster.plant(id: "hand", description: "made by hand")
      return bench
    },
    Situation("within the overlap", .nothing, "its predecessor is superseded until", .unchanged) {
      rotated()
    },
    Situation("after the overlap", .retire, "its overlap has passed: revoke it", .retired) {
      rotated(passOverlap)
    },
    Situation("after the overlap, and of age", .rotate, "it is 30d", .rotated) {
      rotated { $0.clock.advance(by: Bench.day * 30) }
    },
    Situation("compromised, with a predecessor", .rotate, "compromised", .rotated) {
      rotated { record(.rotate(compromised: true), $0) }
    },
    Situation("to be disabled, and of age", .retire, "its overlap has passed: disable it", .retired) {
      rotated(quarantine: true) { $0.clock.advance(by: Bench.day * 30) }
    },
    Situation("to be disabled", .retire, "its overlap has passed: disable it", .retired) {
      rotated(quarantine: true, passOverlap)
    },
    Situation("in quarantine", .nothing, "its predecessor is disabled until", .unchanged) {
      rotated(quarantine: true) { bench in
        passOverlap(bench)
        _ = bench.run()
      }
    },
    Situation("after the quarantine", .retire, "its quarantine has passed: revoke it", .retired) {
      rotated(quarantine: true) { bench in
        passOverlap(bench)
        _ = bench.run()
        passOverlap(bench)
      }
    },
    Situation("a revocation to be confirmed", .retire, "ask until the cluster refuses it", .retired) {
      rotated { bench in
        passOverlap(bench)
        bench.cluster.stillAccepted = ["id-1"]
        _ = bench.run()
        bench.cluster.stillAccepted = []
      }
    },
    Situation("held", .nothing, "held; would be replaced: it is 30d", .held) {
      settled { bench in
        _ = bench.wish(.hold, "a")
        bench.clock.advance(by: Bench.day * 30)
      }
    },
    Situation("to be rotated", .rotate, "a person has asked for it", .rotated) {
      settled { record(.rotate(compromised: false), $0) }
    },
    Situation("compromised", .rotate, "compromised", .rotated) {
      settled { record(.rotate(compromised: true), $0) }
    },
    Situation("to be rotated, with a predecessor", .needsPerson, "is not retired yet", .attention, exit: 8) {
      rotated { record(.rotate(compromised: false), $0) }
    },
    Situation(
      "to be rotated, the predecessor to be disabled", .needsPerson,
      "is not retired yet; and: token id-1: it was replaced, and its overlap has passed: disable it",
      .attention,
      exit: 8
    ) {
      rotated(quarantine: true) { bench in
        record(.rotate(compromised: false), bench)
        passOverlap(bench)
      }
    },
    Situation(
      "to be rotated, the predecessor being disabled", .needsPerson,
      "is not retired yet; and: token id-1 is being disabled: look whether it is", .attention, exit: 8
    ) {
      rotated(quarantine: true) { bench in
        passOverlap(bench)
        bench.cluster.updates = [.vanish(effectAfter: .seconds(600))]
        _ = bench.run()
        bench.clock.advance(by: .seconds(600))
        record(.rotate(compromised: false), bench)
      }
    },
    Situation(
      "to be rotated, with a predecessor and another description", .needsPerson,
      "is not retired yet; and: the description changed", .attention, exit: 8
    ) {
      rotated { bench in
        record(.rotate(compromised: false), bench)
        bench.rows[0].description = "Another"
      }
    },
    Situation(
      "to be rotated, with a predecessor and an orphan", .needsPerson,
      "is not retired yet; and: token twin is an orphan", .attention, exit: 8
    ) {
      rotated { bench in
        record(.rotate(compromised: false), bench)
        bench.cluster.plant(id: "twin", description: bench.cluster.live.last?.description ?? "")
      }
    },
    Situation("to be rolled back", .rotate, "roll back: ask whether token id-1 works", .rotated) {
      rotated { record(.rollBack, $0) }
    },
    Situation("to be enabled", .rotate, "roll back: give token id-1 its permissions back", .rotated) {
      rotated(quarantine: true) { bench in
        passOverlap(bench)
        _ = bench.run()
        record(.rollBack, bench)
      }
    },
    Situation("to be rolled back, in doubt", .rotate, "roll back: look whether", .rotated) {
      rotated(quarantine: true) { bench in
        passOverlap(bench)
        bench.cluster.updates = [.vanish(effectAfter: .seconds(600))]
        _ = bench.run()
        record(.rollBack, bench)
        bench.clock.advance(by: .seconds(600))
      }
    },
    Situation("to be retired", .retire, "take token id-1 out of store file", .retired) {
      settled { bench in
        bench.rows = []
        record(.retire(now: true), bench)
      }
    },
    Situation(
      "retired, after the overlap", .retire,
      "token id-1: a person has retired it, and its overlap has passed: revoke it", .retired
    ) {
      settled { bench in
        bench.rows = []
        _ = bench.wish(.retire(now: false), "a")
        passOverlap(bench)
      }
    },
    Situation(
      "retired, to be disabled", .retire,
      "token id-1: a person has retired it, and its overlap has passed: disable it", .retired
    ) {
      settled { bench in
        bench.policy.quarantine = Bench.day
        bench.rows = []
        _ = bench.wish(.retire(now: false), "a")
        passOverlap(bench)
      }
    },
    Situation(
      "to be retired, the predecessor to be disabled", .needsPerson,
      "is retired; and: token id-1: it was replaced, and its overlap has passed: disable it", .attention,
      exit: 8
    ) {
      rotated(quarantine: true) { bench in
        bench.rows = []
        record(.retire(now: false), bench)
        passOverlap(bench)
      }
    },
    Situation("renamed", .rotate, "renamed from a: move it within store file", .updated) {
      settled { bench in
        bench.rows = [Bench.row("b")]
        record(.rename(to: "b"), bench)
      }
    },
    Situation("without a row", .needsPerson, "no longer has a row", .attention, exit: 8) {
      settled { $0.rows = [] }
    },
    Situation("with a flaw", .needsPerson, "mode 0666", .attention, exit: 8) {
      settled { $0.store.flaws["a"] = refused }
    },
    Situation("after the overlap, with a flaw", .needsPerson, "mode 0666", .attention, exit: 8) {
      rotated { bench in
        passOverlap(bench)
        bench.store.flaws["a"] = refused
      }
    },
    Situation("after the overlap, still in use", .needsPerson, "it is not revoked", .attention, exit: 8) {
      rotated { bench in
        passOverlap(bench)
        bench.store.current["a"] = bench.store.previous["a"]
      }
    },
    Situation(
      "taken over, not named any more", .needsPerson, "not name it any more", .attention, exit: 8,
      isRecorded: true
    ) {
      let bench = Bench.rotating("a")
      bench.rows[0].replaces = "hand"
      bench.cluster.plant(id: "hand", description: "made by hand")
      guard bench.run()?.exit == 0 else { return nil }
      bench.rows[0].replaces = nil
      passOverlap(bench)
      return bench
    },
    Situation("a second token", .retire, "is an orphan", .unchanged) {
      settled { $0.cluster.plant(id: "twin", description: $0.cluster.live.first?.description ?? "") }
    },
    Situation("of age, clocks apart", .nothing, "current", .unchanged, exit: 8) {
      settled { bench in
        bench.clock.advance(by: Bench.day * 30)
        bench.cluster.skew = .seconds(900)
      }
    },
    Situation(
      "compromised, clocks apart", .needsPerson,
      "clocks are too far apart; and: a person has called the token compromised", .attention, exit: 8
    ) {
      settled { bench in
        record(.rotate(compromised: true), bench)
        bench.cluster.skew = .seconds(900)
      }
    },
    Situation(
      "compromised and replaced, clocks apart", .needsPerson, "clocks are too far", .attention, exit: 8
    ) {
      settled { bench in
        bench.cluster.skew = .seconds(900)
        _ = bench.wish(.rotate(compromised: true), "a")
      }
    },
    Situation("compromised, with a predecessor, clocks apart", .needsPerson, "clocks", .attention, exit: 8) {
      rotated { bench in
        bench.cluster.skew = .seconds(900)
        record(.rotate(compromised: true), bench)
      }
    },
    Situation(
      "to be retired now, clocks apart", .needsPerson,
      "clocks are too far apart; and: a person has retired it: take token id-1 out of store file", .attention,
      exit: 8
    ) {
      settled { bench in
        bench.cluster.skew = .seconds(900)
        bench.rows = []
        record(.retire(now: true), bench)
      }
    },
    Situation("retired now and withdrawn, clocks apart", .needsPerson, "clocks", .attention, exit: 8) {
      settled { bench in
        bench.cluster.skew = .seconds(900)
        bench.rows = []
        _ = bench.wish(.retire(now: true), "a")
      }
    },
  ]

  @Test(arguments: situations)
  func theRunDoesWhatWasPlannedAndTheNextOneNothing(situation: Situation) throws {
    let bench = try #require(situation.prepare())
    let (changes, stored, lines) = (bench.cluster.changes, bench.store.changes, bench.audit.lines)
    let plan = try #require(bench.plan())
    #expect(plan.steps.map(\.kind) == [situation.kind])
    #expect(plan.steps.first?.reason.contains(situation.reason) == true, "\(plan.steps)")
    let isAnythingPlanned = [.create, .rotate, .retire].contains(situation.kind)
    #expect(plan.exit == (situation.exit > 0 ? situation.exit : isAnythingPlanned ? 10 : 0))
    #expect(bench.cluster.changes == changes && bench.store.changes == stored && bench.audit.lines == lines)

    let result = try #require(bench.run())
    #expect(result.exit == situation.exit && result.tokens.map(\.outcome) == [situation.outcome], "\(result)")
    let isAnythingDone = bench.audit.lines != lines
    #expect(isAnythingDone == (isAnythingPlanned || situation.isRecorded || situation.hasStep))
    #expect(
      isAnythingPlanned || situation.hasStep
        || bench.cluster.changes == changes && bench.store.changes == stored)
    #expect(bench.changesOfAnotherRun() == [])
  }
}
