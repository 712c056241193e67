import RotationModel
import RotationPorts
import RotationRunner
import RotationTestKit
import Testing

/// Hooks in the flow of a run.
struct HookFlowTests {
  static let reload = Hook(name: "reload", occasion: .delivered, scope: .run)
  static let each = Hook(name: "each", occasion: .delivered, scope: .token)
  static let gone = Hook(name: "gone", occasion: .retired, scope: .run)
  static let alarm = Hook(name: "alarm", occasion: .failed, scope: .run)

  @Test func aHookThatIsToldOnceARunIsToldOfAllTokensTogether() throws {
    let bench = Bench("a", "b", "c")
    bench.hooks.hooks = [HookFlowTests.reload]
    let result = try #require(bench.run())
    #expect(result.exit == 0 && result.report.counts == [.created: 3])
    #expect(bench.hooks.told == ["reload a,b,c"])
    #expect(bench.events().suffix(3) == ["store.promoted", "hook.done", "delivery.done"])
    #expect(bench.changesOfAnotherRun() == [] && bench.hooks.told.count == 1)
  }

  @Test func aHookThatIsToldOfEachTokenKnowsIdsAndLabels() throws {
    let bench = Bench.rotating("a", "b")
    bench.rows[0].labels = ["site": "north"]
    bench.hooks.hooks = [HookFlowTests.each]
    #expect(bench.run()?.exit == 0)
    #expect(bench.hooks.told.sorted() == ["each a", "each b"])
    bench.hooks.forget()
    bench.clock.advance(by: Bench.day * 30)
    #expect(bench.run()?.exit == 0)
    let call = try #require(bench.hooks.calls.first { $0.tokens.first?.name == "a" })
    let token = try #require(call.tokens.first)
    #expect(call.job == "plant" && call.host == "https://cluster.example")
    #expect(token.tokenID == bench.store.current["a"]?.tokenID && token.generation == 2)
    #expect(token.previousTokenID == bench.store.previous["a"]?.tokenID && token.labels == ["site": "north"])
  }

  @Test func aHookThatFailsKeepsTheDeliveryOpenAndThePredecessorAlive() throws {
    let bench = Bench.rotating("a")
    bench.policy.overlap = .zero
    #expect(bench.run()?.exit == 0)
    bench.hooks.hooks = [HookFlowTests.reload]
    bench.hooks.errors["reload"] = [ScriptedHooks.failure, ScriptedHooks.failure]
    bench.clock.advance(by: Bench.day * 30)
    for _ in 1...2 {
      let failed = try #require(bench.run())
      #expect(failed.exit == 6 && failed.token("a")?.outcome == .undelivered)
      #expect(failed.token("a")?.problem?.code == "hook_failed")
      #expect(failed.token("a")?.problem?.message.contains("no such unit") == true)
      #expect(bench.store.current["a"]?.tokenID == "id-2" && bench.liveIDs == ["id-1", "id-2"])
      bench.clock.advance(by: Bench.day)
    }
    #expect(
      !bench.audit.lines.contains { $0.text.contains("no such unit") }, "what it wrote is nothing to keep")
    let delivered = try #require(bench.run())
    #expect(delivered.exit == 0 && bench.hooks.told.count == 3 && bench.cluster.changes == 2)
    bench.clock.advance(by: .seconds(60))
    #expect(bench.run()?.exit == 0 && bench.liveIDs == ["id-2"] && bench.hooks.told.count == 3)
  }

  @Test func whyAHookFailedIsSaidOnceForAllTokens() throws {
    let bench = Bench("a", "b")
    bench.hooks.hooks = [HookFlowTests.reload]
    bench.hooks.errors["reload"] = [ScriptedHooks.failure]
    let failed = try #require(bench.run())
    #expect(failed.exit == 6 && failed.report.counts == [.undelivered: 2])
    #expect(failed.noticed.map(\.code) == ["hook_failed"])
    #expect(failed.noticed.first?.message.contains("no such unit") == true)
  }

  @Test func oneHookThatFailsKeepsNoOtherTokenFromBeingTold() throws {
    let bench = Bench("a", "b")
    bench.hooks.hooks = [HookFlowTests.each]
    bench.hooks.errors["each"] = [ScriptedHooks.failure]
    let failed = try #require(bench.run())
    #expect(failed.exit == 6 && failed.report.counts == [.created: 1, .undelivered: 1])
    bench.hooks.forget()
    #expect(bench.run()?.exit == 0 && bench.hooks.told.count == 1)
  }

  @Test func theEndOfATokenIsToldOnceItIsRefused() throws {
    let bench = try #require(Bench.rotated("a"))
    bench.hooks.hooks = [HookFlowTests.gone]
    bench.hooks.errors["gone"] = [ScriptedHooks.failure]
    bench.clock.advance(by: Bench.day + .seconds(60))
    let failed = try #require(bench.run())
    #expect(failed.exit == 6 && bench.cluster.revoked == ["id-1"])
    #expect(bench.events().suffix(3) == ["revoke.confirmed", "hooks.owed", "hook.failed"])
    let told = try #require(bench.run())
    #expect(told.exit == 0 && bench.hooks.told == ["gone a", "gone a"])
    #expect(bench.hooks.calls.last?.tokens.first?.tokenID == "id-1")
    #expect(bench.events().suffix(2) == ["hook.done", "hooks.settled"])
    #expect(bench.changesOfAnotherRun() == [])
  }

  @Test func aHookOfEndsThatFailsKeepsNoTokenFromBeingReplaced() throws {
    let bench = try #require(Bench.rotated("a"))
    bench.hooks.hooks = [HookFlowTests.gone]
    bench.hooks.errors["gone"] = Array(repeating: ScriptedHooks.failure, count: 5)
    bench.clock.advance(by: Bench.day * 30)
    #expect(bench.run()?.exit == 6)
    #expect(bench.store.current["a"]?.tokenID == "id-3")
  }

  @Test func aLineageThatCanGetNoFurtherTellsAllTheSame() throws {
    let bench = try #require(Bench.rotated("a"))
    bench.hooks.hooks = [HookFlowTests.gone]
    bench.hooks.errors["gone"] = [ScriptedHooks.failure]
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.exit == 6)
    // The next token has nowhere to go.
    bench.clock.advance(by: Bench.day * 30)
    bench.store.reserveErrors = [StoreError(.misconfigured, message: "no such user")]
    #expect(bench.run()?.exit == 1)
    #expect(bench.events().suffix(2) == ["hook.done", "hooks.settled"])
  }

  @Test func aHookThatTakesTooLongIsNotToldAgainInThatRun() throws {
    let bench = Bench("a", "b", "c")
    bench.hooks.hooks = [HookFlowTests.each]
    bench.hooks.errors["each"] = [HookError(message: "did not end within 30s", timedOut: true)]
    let failed = try #require(bench.run())
    #expect(failed.exit == 6 && failed.report.counts == [.undelivered: 3] && bench.hooks.told.count == 1)
    #expect(bench.run()?.exit == 0 && bench.hooks.told.count == 4)
  }

  /// A signal that comes while the hook runs.
  @Test(arguments: [HookFlowTests.reload, HookFlowTests.each])
  func aSuccessOutlivesTheSignal(_ hook: Hook) throws {
    let bench = Bench("a")
    bench.hooks.hooks = [hook]
    let moment = Moment(bench.clock)
    bench.interruption = moment
    bench.hooks.during = { moment.isNow = true }
    #expect(bench.run()?.exit == 130)
    #expect(bench.events().contains("hook.done"))
    bench.interruption = nil
    bench.hooks.during = {}
    #expect(bench.run()?.exit == 0 && bench.hooks.told.count == 1)
  }

  @Test func aCompromisedTokenThatIsInTheStoresAlreadyIsReplaced() throws {
    let bench = try #require(Bench.rotated("a"))
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.exit == 0)
    bench.hooks.hooks = [HookFlowTests.reload]
    bench.hooks.errors["reload"] = Array(repeating: ScriptedHooks.failure, count: 2)
    bench.clock.advance(by: Bench.day * 30)
    #expect(bench.run()?.exit == 6 && bench.store.current["a"]?.tokenID == "id-3")
    // The string that leaked is the one in the file.
    #expect(bench.wish(.rotate(compromised: true), "a")?.exit == 6)
    bench.clock.advance(by: .seconds(60))
    for _ in 1...3 {
      _ = bench.run()
      bench.clock.advance(by: .seconds(60))
    }
    #expect(bench.store.current["a"]?.tokenID == "id-4" && bench.liveIDs == ["id-4"])
  }

  @Test func aHookThatFailsDoesNotKeepAnybodyFromGoingBack() throws {
    let bench = Bench.rotating("a")
    #expect(bench.run()?.exit == 0)
    bench.hooks.hooks = [HookFlowTests.reload]
    bench.hooks.errors["reload"] = [ScriptedHooks.failure]
    bench.clock.advance(by: Bench.day * 30)
    #expect(bench.run()?.exit == 6 && bench.store.current["a"]?.tokenID == "id-2")
    let back = try #require(bench.wish(.rollBack, "a"))
    #expect(back.exit == 0 && bench.store.current["a"]?.tokenID == "id-1")
    #expect(bench.hooks.calls.last?.tokens.first?.tokenID == "id-1")
    #expect(bench.liveIDs == ["id-1", "id-2"], "the newer one is retired like any other")
  }

  /// Nobody was told of the newer token when the rollback was asked for, and then it is given up.
  @Test func aRollbackThatIsGivenUpLeavesNobodyUntold() throws {
    let bench = Bench.rotating("a")
    #expect(bench.run()?.exit == 0)
    bench.hooks.hooks = [HookFlowTests.reload]
    bench.hooks.errors["reload"] = [ScriptedHooks.failure, ScriptedHooks.failure]
    bench.clock.advance(by: Bench.day * 30)
    #expect(bench.run()?.exit == 6)
    bench.store.previous["a"] = nil
    #expect(bench.wish(.rollBack, "a")?.exit != 0)
    bench.hooks.forget()
    bench.clock.advance(by: Bench.day * 3)
    _ = bench.run()
    #expect(bench.hooks.told == ["reload a"] && bench.hooks.calls.last?.tokens.first?.tokenID == "id-2")
    #expect(bench.liveIDs == ["id-1", "id-2"], "the overlap begins now")
    bench.clock.advance(by: Bench.day + .seconds(400))
    _ = bench.run()
    #expect(bench.liveIDs == ["id-2"])
  }

  /// The one that is active last finds the hook given up, and nothing else under way.
  @Test func whatComesAfterAHookWasGivenUpIsToldAsWell() throws {
    let bench = Bench("a", "b")
    bench.limits.concurrency = 1
    bench.hooks.hooks = [HookFlowTests.each]
    bench.hooks.errors["each"] = [HookError(message: "did not end within 30s", timedOut: true)]
    bench.cluster.creations["b"] = [.refuse(ServiceError(.unavailable, status: 503, message: "later"))]
    let failed = try #require(bench.run())
    #expect(failed.exit == 6 && failed.report.counts == [.undelivered: 2] && bench.hooks.told.count == 1)
  }

  /// The overlap is counted from the hook's success, and not from the promotion.
  @Test func theOverlapBeginsWithTheHooksSuccess() throws {
    let bench = Bench.rotating("a")
    #expect(bench.run()?.exit == 0)
    bench.hooks.hooks = [HookFlowTests.reload]
    bench.hooks.errors["reload"] = [ScriptedHooks.failure]
    bench.clock.advance(by: Bench.day * 30)
    #expect(bench.run()?.exit == 6)
    bench.clock.advance(by: Bench.day * 3)
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: Bench.day - .seconds(60))
    #expect(bench.run()?.report.counts == [.unchanged: 1] && bench.liveIDs == ["id-1", "id-2"])
    bench.clock.advance(by: .seconds(120))
    #expect(bench.run()?.report.counts == [.retired: 1] && bench.liveIDs == ["id-2"])
  }

  /// Nor is what it could not do tried once more for the farewell.
  @Test(arguments: [Hook.Scope.run, .token], [false, true])
  func aStepThatFailedIsNotRepeatedForAFarewell(scope: Hook.Scope, failsAgain: Bool) throws {
    let bench = try #require(Bench.rotated("a"))
    bench.hooks.hooks = [Hook(name: "gone", occasion: .retired, scope: scope)]
    bench.hooks.errors["gone"] = Array(repeating: ScriptedHooks.failure, count: failsAgain ? 2 : 1)
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.exit == 6)
    bench.clock.advance(by: Bench.day * 30)
    bench.store.promoteErrors = Array(
      repeating: StoreError(.misconfigured, message: "read-only"), count: 2)
    let (lines, stagings) = (bench.events().count, bench.store.stagings)
    let failed = try #require(bench.run())
    #expect(failed.exit == 6 && failed.token("a")?.problem?.message.contains("read-only") == true)
    let events = bench.events()[lines...]
    #expect(events.count { $0 == "delivery.failed" } == 1 && bench.store.stagings == stagings + 1)
    #expect(bench.store.promoteErrors.count == 1)
    let end = failsAgain ? ["delivery.failed", "hook.failed"] : ["hook.done", "hooks.settled"]
    #expect(events.suffix(2) == end)
    bench.store.promoteErrors = []
    #expect(bench.run()?.exit == 0 && bench.changesOfAnotherRun() == [])
  }

  @Test func whoComesBackIsTold() throws {
    let bench = try #require(Bench.rotated("a"))
    bench.hooks.hooks = [HookFlowTests.reload]
    #expect(bench.wish(.rollBack, "a")?.exit == 0)
    #expect(bench.hooks.told == ["reload a"] && bench.store.current["a"]?.tokenID == "id-1")
    #expect(bench.hooks.calls.last?.tokens.first?.previousTokenID == "id-2")
    #expect(bench.events().suffix(3) == ["store.rolled_back", "hook.done", "rollback.done"])
  }

  @Test func whatFailsIsTold() throws {
    let bench = Bench("a", "b")
    bench.hooks.hooks = [HookFlowTests.alarm]
    #expect(bench.run()?.exit == 0 && bench.hooks.told.isEmpty)
    bench.rows.append(Bench.row("c"))
    bench.rows[2].labels = ["site": "south"]
    bench.store.promoteErrors = Array(
      repeating: StoreError(.misconfigured, message: "no such user"), count: 1)
    #expect(bench.run()?.exit == 6)
    let told = try #require(bench.hooks.calls.last?.tokens.first)
    #expect(bench.hooks.told == ["alarm c"] && told.problem != nil)
    #expect(told.labels == ["site": "south"] && told.generation == 1)
    #expect(bench.run()?.exit == 0 && bench.hooks.told.count == 1, "nothing is owed to a later run")
  }

  @Test func aJobThatIsRefusedIsTold() throws {
    let bench = Bench("a")
    bench.hooks.hooks = [HookFlowTests.alarm]
    bench.limits.maximumCreates = 0
    let refused = try #require(bench.run())
    #expect(refused.exit == 2 && bench.hooks.told == ["alarm "])
    #expect(bench.hooks.calls.last?.problem?.code == "too_many_creates")
  }

  @Test func anAlarmThatFailsIsSaid() throws {
    let bench = Bench("a")
    bench.hooks.hooks = [HookFlowTests.alarm]
    bench.hooks.errors["alarm"] = [ScriptedHooks.failure]
    bench.store.promoteErrors = [StoreError(.misconfigured, message: "no such user")]
    let failed = try #require(bench.run())
    #expect(failed.exit == 6 && failed.noticed.map(\.code) == ["hook_failed"])
  }

  @Test func aPlanSaysThatAHookIsToBeTold() throws {
    let bench = Bench("a")
    bench.hooks.hooks = [HookFlowTests.reload]
    bench.hooks.errors["reload"] = [ScriptedHooks.failure]
    #expect(bench.run()?.exit == 6)
    let plan = try #require(bench.plan())
    #expect(plan.exit == 10 && plan.steps.first?.reason == "in the stores; hook reload is to be told")
    #expect(bench.hooks.told.count == 1, "a plan tells nobody")
  }

  /// Every moment of a run with hooks, one on either side of each effect.
  @Test func thereIsNoBadMomentToDieAroundAHook() throws {
    for hook in [HookFlowTests.reload, HookFlowTests.each] {
      for effects in 0..<60 {
        let bench = Bench("a", "b")
        bench.hooks.hooks = [hook]
        bench.life.begin(effects: effects)
        _ = bench.run()
        guard bench.life.end != nil else { break }
        let recorded = try Set(
          ["a", "b"].filter { try bench.machine($0)?.generation(1)?.hooksDone.isEmpty == false })
        bench.life.begin(effects: nil)
        bench.hooks.forget()
        #expect(bench.run()?.exit == 0, "died \(bench.life.end ?? "") after \(effects)")
        let toldAgain = Set(bench.hooks.calls.flatMap { $0.tokens.map(\.name) })
        #expect(toldAgain.isDisjoint(with: recorded), "told again after \(effects) effects")
        #expect(toldAgain.union(recorded) == ["a", "b"], "not told after \(effects) effects")
        #expect(bench.changesOfAnotherRun() == [])
      }
    }
  }
}
