import RotationModel
import RotationPorts
import RotationRunner
import RotationTestKit
import Testing

/// What was replaced goes only while what has replaced it is of use.
struct UsefulSuccessorTests {
  /// A predecessor whose overlap has passed, and a successor that is a few minutes old.
  private func due(quarantine: Duration? = nil) throws -> Bench {
    let bench = Bench.rotating("a")
    bench.policy.overlap = .seconds(60)
    bench.policy.quarantine = quarantine
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: Bench.day * 30)
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: .seconds(120))
    return bench
  }

  @Test(arguments: [nil, Bench.day] as [Duration?])
  func aSuccessorThatWasRevokedKeepsItsPredecessor(quarantine: Duration?) throws {
    let bench = try due(quarantine: quarantine)
    bench.cluster.revokeElsewhere(id: "id-2")
    let plan = try #require(bench.plan())
    #expect(plan.exit == 8)
    let kept = try #require(bench.run())
    #expect(kept.exit == 8 && kept.token("a")?.problem?.code == "string_refused")
    #expect(bench.liveIDs == ["id-1"] && bench.cluster.revoked.isEmpty)
    // The way back is open.
    #expect(bench.wish(.rollBack, "a")?.exit == 0 && bench.store.current["a"]?.tokenID == "id-1")
  }

  @Test func aSuccessorThatCannotBeAskedAboutKeepsItsPredecessorForNow() throws {
    let bench = try due()
    bench.cluster.answerToProbe = { _, _ in .unavailable(ServiceError(.unavailable, message: "503")) }
    let kept = try #require(bench.run())
    #expect(
      kept.exit == 8 && kept.token("a")?.problem?.code == "not_asked" && bench.liveIDs == ["id-1", "id-2"])
    bench.cluster.answerToProbe = { _, _ in .accepted }
    #expect(bench.run()?.report.counts == [.retired: 1] && bench.liveIDs == ["id-2"])
  }

  @Test func whatIsCompromisedGoesWhateverBecomesOfTheRest() throws {
    let bench = Bench.rotating("a")
    #expect(bench.run()?.exit == 0)
    #expect(bench.wish(.rotate(compromised: true), "a")?.exit == 0)
    bench.clock.advance(by: .seconds(60))
    #expect(bench.run()?.exit == 0 && bench.liveIDs == ["id-2"])
  }

  @Test func aSuccessorThatWorksIsAskedAboutOnce() throws {
    let bench = try due()
    let probes = bench.cluster.probes.count
    #expect(bench.run()?.report.counts == [.retired: 1])
    // Once about the new string, and then about the old one, in both ways each time, until it is refused.
    #expect(bench.cluster.probes.count == probes + 1 + 2 * 3)
  }

  @Test func otherPermissionsThanTheRowsAreToldWhileAPredecessorLives() throws {
    let bench = try #require(Bench.rotated("a"))
    bench.cluster.change(id: "id-2", permissions: PermissionSet([Permission(.read, "air")]))
    let told = try #require(bench.run())
    #expect(told.exit == 8 && told.token("a")?.problem?.code == "predecessor_lives")
    #expect(bench.plan()?.exit == 8)
  }

  @Test func aHalfDoneDeliveryIsNoFlawOfTheStore() throws {
    let bench = Bench.rotating("a")
    #expect(bench.run()?.exit == 0)
    bench.hooks.hooks = [HookFlowTests.reload]
    bench.hooks.errors["reload"] = [ScriptedHooks.failure]
    bench.clock.advance(by: Bench.day * 30)
    #expect(bench.run()?.exit == 6)
    // What a store that looks at itself says of the older token.
    bench.store.flaws["a"] = StoreFlaw("it is that of another token", hint: "put it back")
    let plan = try #require(bench.plan())
    #expect(plan.exit == 10 && plan.steps.first?.kind == .rotate)
  }

  @Test(arguments: ["nowhere", "empty", "marked"])
  func aPlanLooksAtTheTokenThatARowReplaces(_ what: String) throws {
    let bench = Bench("a")
    bench.cluster.plant(id: "empty", description: "by hand", permissions: PermissionSet([]))
    bench.cluster.plant(id: "marked", description: bench.marker("b", attempt: 9, job: "other").described("x"))
    bench.rows = [Bench.row("a", permissions: PermissionSet([]))]
    bench.rows[0].replaces = what
    let plan = try #require(bench.plan())
    #expect(plan.exit == 8 && plan.steps.first?.kind == .needsPerson, "\(plan.steps)")
    #expect(bench.cluster.posts.isEmpty)
  }

  @Test func whatIsInheritedIsForDatabasesThatThereAre() throws {
    let bench = Bench("a")
    bench.cluster.plant(
      id: "old", description: "by hand", permissions: PermissionSet([Permission(.read, "dropped")]))
    bench.rows = [Bench.row("a", permissions: PermissionSet([]))]
    bench.rows[0].replaces = "old"
    #expect(bench.plan()?.exit == 8)
    let failed = try #require(bench.run())
    #expect(failed.exit == 1 && failed.token("a")?.problem?.code == "database_missing")
    #expect(bench.cluster.posts.isEmpty, "nothing was sent")
  }

  @Test func aPlanSeesThatAPredecessorIsNotOursAnyMore() throws {
    let bench = try due()
    let description = try #require(bench.cluster.token("id-1")?.description)
    bench.cluster.describe(id: "id-1", "somebody's")
    #expect(bench.plan()?.exit == 8)
    #expect(bench.run()?.exit == 8 && bench.liveIDs == ["id-1", "id-2"])
    bench.cluster.describe(id: "id-1", description)
    #expect(bench.run()?.report.counts == [.retired: 1])
  }
}
