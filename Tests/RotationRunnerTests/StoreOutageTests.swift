import RotationModel
import RotationPorts
import Testing

/// What a run does while one of several stores fails, or the server of one is out of reach.
struct StoreOutageTests {
  private static func three(_ names: String...) -> (bench: Bench, vault: MemoryStore, last: MemoryStore) {
    let bench = Bench()
    bench.rows = names.map { Bench.row($0) }
    let (vault, last) = (MemoryStore(name: "vault"), MemoryStore(name: "command"))
    bench.stores += [vault, last]
    return (bench, vault, last)
  }

  @Test func oneThatFailsKeepsTheOthersFromNothing() throws {
    let (bench, vault, last) = Self.three("a")
    vault.promoteErrors = [StoreError(.misconfigured, message: "no such path")]
    let result = try #require(bench.run())
    #expect(result.exit == 6 && result.report.counts == [.undelivered: 1])
    #expect(result.token("a")?.problem?.message.contains("no such path") == true)
    #expect(bench.current("a") != nil && bench.current("a", in: last) == bench.current("a"))
    #expect(try bench.machine("a")?.newest?.failedStores == ["vault": "no such path"])
    let standing = try #require(bench.standings().first)
    #expect(standing.problem?.code == "undelivered" && standing.delivered == 2 && standing.stores == 3)
    #expect(standing.problem?.message == "a: store vault does not have it: no such path")
    // It alone is tried again.
    let changes = (bench.store.changes, last.changes)
    #expect(bench.run()?.exit == 0)
    #expect((bench.store.changes, last.changes) == changes && bench.cluster.posts.count == 1)
    #expect(bench.current("a", in: vault) == bench.current("a"))
    #expect(try bench.machine("a")?.newest?.failedStores.isEmpty == true)
  }

  @Test func theFirstOneMayBeTheOneThatFails() throws {
    let (bench, vault, last) = Self.three("a")
    bench.store.promoteErrors = [StoreError(.misconfigured, message: "no such path")]
    #expect(bench.run()?.exit == 6)
    #expect(bench.current("a") == nil && bench.current("a", in: vault) != nil)
    #expect(bench.run()?.exit == 0)
    #expect(bench.current("a") == bench.current("a", in: last) && bench.cluster.posts.count == 1)
  }

  /// The server is away for thirty seconds, from the moment that something has happened.
  @Test(arguments: ["the start", "a creation", "a staging", "a promotion"], [0, 1])
  func anOutageThatEndsNeedsNoSecondRun(_ moment: String, _ index: Int) throws {
    let (bench, _, _) = Self.three("a", "b", "c", "d", "e", "f", "g", "h")
    let store = bench.stores[index]
    let begun: () -> Bool = {
      switch moment {
      case "a creation": !bench.cluster.posts.isEmpty
      case "a staging": store.stagings > 1
      case "a promotion": !store.current.isEmpty
      default: bench.stores.allSatisfy(\.isOpen)
      }
    }
    let clock = bench.clock
    final class Since: @unchecked Sendable { var uptime: Duration? }
    let since = Since()
    store.isAway = {
      if since.uptime == nil, begun() { since.uptime = clock.uptime }
      guard let uptime = since.uptime else { return false }
      return clock.uptime - uptime < .seconds(30)
    }
    let result = try #require(bench.run())
    #expect(result.exit == 0, "\(result.tokens.compactMap(\.problem))")
    #expect(bench.cluster.posts.count == 8 && bench.cluster.revoked.isEmpty)
    for name in ["a", "h"] {
      #expect(Set(bench.stores.map { bench.current(name, in: $0) }).count == 1)
    }
    #expect(store.callsInVain > 0)
  }

  /// Waiting has an end, for all tokens together and not for one after the other.
  @Test func anOutageThatDoesNotEndIsWaitedForOnce() throws {
    let (bench, vault, last) = Self.three("a", "b", "c", "d", "e", "f", "g", "h")
    vault.isAway = { vault.isOpen }
    let start = bench.clock.uptime
    let result = try #require(bench.run())
    #expect(result.exit == 6 && result.report.counts == [.undelivered: 8])
    #expect(bench.clock.uptime - start < bench.activation.timeout * 2)
    #expect(bench.current("h", in: last) != nil && bench.cluster.posts.count == 8)
    vault.isAway = { false }
    #expect(bench.run()?.exit == 0 && bench.cluster.posts.count == 8)
  }

  @Test func withoutItsFirstStoreNothingIsCreated() throws {
    let (bench, _, _) = Self.three("a", "b", "c", "d", "e", "f", "g", "h")
    bench.store.isAway = { bench.store.isOpen }
    let start = bench.clock.uptime
    let result = try #require(bench.run())
    #expect(result.exit == 1 && bench.cluster.posts.isEmpty)
    #expect(bench.clock.uptime - start < bench.activation.timeout * 2)
    #expect(result.token("h")?.problem?.code == "store_unreachable")
  }

  /// A disk that is full or a folder that may not be written is told soon.
  @Test func whatNoWaitingMendsIsNotWaitedFor() throws {
    let bench = Bench("a")
    bench.store.promoteErrors = MemoryStore.away(1000)
    let start = bench.clock.uptime
    #expect(bench.run()?.exit == 6)
    #expect(bench.clock.uptime - start < .seconds(40))
  }
}
