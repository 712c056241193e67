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
    #expect(try bench.machine("a")?.live?.number == 2)
  }
}
