import RotationModel
import RotationPorts
import Testing

/// What a run does when a store does not.
struct StoreFlowTests {
  @Test func withoutRoomForTheStringThereIsNoPost() throws {
    let bench = Bench("a")
    bench.store.reserveErrors = MemoryStore.full(100)
    let result = try #require(bench.run())
    #expect(result.exit == 1 && result.token("a")?.problem?.code == "store_no_room")
    #expect(bench.cluster.posts.isEmpty && bench.audit.lines.isEmpty)
  }

  @Test func roomIsMadeForWhatWillBeStored() throws {
    let bench = Bench()
    bench.rows = [Bench.row("a", expiry: .at(Instant(milliseconds: 4_000_000_000_000)))]
    let vault = MemoryStore(name: "vault")
    bench.stores.append(vault)
    #expect(bench.run()?.exit == 0)
    for store in [bench.store, vault] {
      let token = try #require(store.current["a"])
      #expect(store.planned == [token.planned])
      #expect(token.databases == ["air", "water"] && token.expiresAt != nil)
    }
  }

  @Test func creationWaitsForAStoreThatComesBack() throws {
    let bench = Bench("a")
    bench.store.reserveErrors = MemoryStore.away(3)
    #expect(bench.run()?.exit == 0)
    #expect(bench.cluster.posts.count == 1)
  }

  @Test func aStringIsOfferedAgainToAStoreThatFails() throws {
    let bench = Bench("a")
    bench.store.stageErrors = MemoryStore.away(3)
    #expect(bench.run()?.exit == 0)
    #expect(bench.store.stagings == 4 && bench.cluster.posts.count == 1)
  }

  @Test func aStringThatCannotBeStoredIsRevoked() throws {
    let bench = Bench("a")
    bench.store.stageErrors = MemoryStore.away(1000)
    let result = try #require(bench.run())
    #expect(result.exit == 1 && result.token("a")?.problem?.code == "store_unavailable")
    #expect(bench.store.stagings > 1 && bench.cluster.posts.count == 1)
    #expect(bench.cluster.revoked == ["id-1"] && bench.cluster.live.isEmpty)
    bench.store.stageErrors = []
    #expect(bench.run()?.exit == 0)
  }

  @Test func aStoreOfSomebodyElseIsRefused() throws {
    let bench = Bench("a")
    bench.store.openErrors = [StoreError(.ownedByAnother, message: "taken")]
    #expect(bench.run()?.exit == 2)
    bench.store.openErrors = MemoryStore.away(1)
    #expect(bench.run()?.exit == 1)
    #expect(bench.cluster.requests.isEmpty)
  }

  @Test func whenTheSecondStoreDoesNotOpenTheFirstIsGivenBack() throws {
    let bench = Bench("a")
    let vault = MemoryStore(name: "vault")
    vault.openErrors = MemoryStore.away(1)
    bench.stores.append(vault)
    #expect(bench.run()?.exit == 1)
    #expect(!bench.store.isOpen)
  }

  /// A volume that is not mounted shows an empty directory.
  @Test func aStoreThatIsNoLongerThereRefusesItsJob() throws {
    let bench = Bench("a")
    bench.cluster.answerToProbe = { _, _ in .refused(status: 401, message: "no") }
    #expect(bench.run()?.exit == 5)
    let (changes, pending) = (bench.cluster.changes, bench.store.pending)
    (bench.store.isThere, bench.store.pending) = (false, [:])
    let refused = try #require(bench.run())
    #expect(refused.exit == 8 && refused.report.problem?.code == "store_missing")
    #expect(bench.adopt()?.exit == 8 && bench.plan()?.exit == 8 && bench.plan()?.steps.isEmpty == true)
    #expect(bench.cluster.changes == changes && !bench.store.isOpen)
    (bench.store.isThere, bench.store.pending) = (true, pending)
    bench.cluster.answerToProbe = { _, _ in .accepted }
    #expect(bench.run()?.exit == 0 && bench.cluster.changes == changes)
  }

  @Test func aDeliveredTokenThatIsNotAsItWasIsToldByRunAndPlan() throws {
    let bench = Bench("a", "b")
    #expect(bench.run()?.exit == 0)
    bench.store.flaws["a"] = StoreFlaw("DIR/a has mode 0666", hint: "chmod 0600 DIR/a")
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.report.counts == [.attention: 1, .unchanged: 1])
    let problem = try #require(result.token("a")?.problem)
    #expect(problem.code == "store_differs" && problem.hint == "chmod 0600 DIR/a")
    let plan = try #require(bench.plan())
    #expect(plan.exit == 8 && plan.steps.map(\.kind) == [.needsPerson, .nothing])
    // A place that cannot be read for good is a flaw as well.
    bench.store.flaws = [:]
    bench.store.inspectErrors = [StoreError(.malformed, message: "DIR/a is no record")]
    #expect(bench.run()?.tokens.compactMap(\.problem?.code) == ["store_differs"])
  }

  @Test func aStoreThatFailsIsNoFindingAboutItsTokens() throws {
    let bench = Bench("a")
    #expect(bench.run()?.exit == 0)
    bench.store.inspectErrors = MemoryStore.away(1)
    let result = try #require(bench.run())
    #expect(result.exit == 1 && result.token("a")?.problem?.code == "store_unavailable")
    #expect(bench.run()?.exit == 0)
  }

  @Test func anotherPlaceForADeliveredTokenIsTold() throws {
    let bench = Bench("a")
    #expect(bench.run()?.exit == 0)
    bench.rows[0].place.secret = "a"
    #expect(bench.run()?.exit == 0, "the name itself is where it is")
    bench.rows[0].place.secret = "elsewhere"
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.token("a")?.problem?.code == "place_differs")
    #expect(bench.cluster.changes == 1)
  }

  /// Somebody put the string in place by hand while the cluster still refused it.
  @Test func aTokenThatIsInUseIsNotRevokedForNeverHavingBeenActive() throws {
    let bench = Bench("a")
    bench.cluster.answerToProbe = { _, _ in .refused(status: 401, message: "no") }
    #expect(bench.run()?.exit == 5)
    bench.store.current["a"] = bench.store.pending["a"]
    bench.clock.advance(by: .seconds(2 * 86_400))
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.token("a")?.problem?.code == "still_current")
    #expect(bench.cluster.revoked.isEmpty && bench.cluster.posts.count == 1)
    bench.store.current = [:]
    _ = bench.run()
    #expect(bench.cluster.revoked == ["id-1"])
  }

  @Test func anUndeliveredTokenIsDeliveredByTheNextRun() throws {
    let bench = Bench("a")
    let vault = MemoryStore(name: "vault")
    vault.promoteErrors = [StoreError(.misconfigured, message: "no such path")]
    bench.stores.append(vault)
    let result = try #require(bench.run())
    #expect(result.exit == 6 && result.report.counts == [.undelivered: 1])
    #expect(try bench.status("a") == .delivering)
    #expect(bench.current("a") != nil && bench.current("a", in: vault) == nil)
    #expect(bench.run()?.exit == 0)
    #expect(bench.current("a", in: vault) == bench.current("a") && bench.cluster.posts.count == 1)
  }

  @Test func aPassingFailureOfDeliveryIsRetriedInTheSameRun() throws {
    let bench = Bench("a")
    bench.store.promoteErrors = MemoryStore.away(2)
    #expect(bench.run()?.exit == 0)
    #expect(bench.store.promoteErrors.isEmpty)
  }

  @Test func aPendingStringThatIsGoneMeansANewToken() throws {
    let bench = Bench("a")
    bench.cluster.answerToProbe = { _, _ in .refused(status: 401, message: "no") }
    #expect(bench.run()?.exit == 5)
    bench.store.pending = [:]
    bench.cluster.answerToProbe = { _, _ in .accepted }
    #expect(bench.run()?.exit == 0)
    #expect(bench.cluster.revoked == ["id-1"] && bench.cluster.live.map(\.id) == ["id-2"])
    #expect(try bench.machine("a")?.newest?.number == 2)
  }
}
