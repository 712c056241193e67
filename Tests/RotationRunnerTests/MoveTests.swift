import RotationModel
import RotationPorts
import RotationTestKit
import Testing

/// A job whose cluster or stores are others than before.
struct MoveTests {
  private static let elsewhere = JobBinding(cluster: "account/cluster", stores: ["vault"])

  /// The old binding stays what it was until the move is over.
  private static func bound(to binding: JobBinding, _ bench: Bench, vault: MemoryStore) -> JobBinding {
    let old = bench.binding
    bench.binding = binding
    if binding.stores != old.stores { bench.stores = [vault] }
    return old
  }

  @Test func newStoresGetWhatTheOldOneHas() throws {
    let bench = try #require(Bench.rotated("a"))
    let vault = MemoryStore(name: "vault")
    let old = Self.bound(to: Self.elsewhere, bench, vault: vault)
    #expect(bench.run()?.report.problem?.code == "binding_changed")
    let changes = bench.cluster.changes
    #expect(bench.move(from: old, oldStores: [bench.store])?.exit == 0)
    #expect(vault.current["a"]?.tokenID == "id-2" && vault.previous["a"]?.tokenID == "id-1")
    #expect(bench.store.current["a"]?.tokenID == "id-2", "the old store stays as it is")
    #expect(bench.run()?.report.counts == [.unchanged: 1] && bench.cluster.changes == changes)
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.report.counts == [.retired: 1] && vault.previous.isEmpty)
    #expect(bench.changesOfAnotherRun() == [])
  }

  @Test func aTokenThatWasRolledBackToIsCurrentInTheNewStoreToo() throws {
    let bench = try #require(Bench.rotated("a"))
    #expect(bench.wish(.rollBack, "a")?.exit == 0)
    let vault = MemoryStore(name: "vault")
    let old = Self.bound(to: Self.elsewhere, bench, vault: vault)
    #expect(bench.move(from: old, oldStores: [bench.store])?.exit == 0)
    #expect(vault.current["a"]?.tokenID == "id-1" && vault.previous["a"]?.tokenID == "id-2")
    #expect(bench.run()?.exit == 0 && bench.changesOfAnotherRun() == [])
  }

  @Test func aTokenThatIsNotActiveYetMovesAsWell() throws {
    let bench = Bench.rotating("a")
    bench.cluster.answerToProbe = { _, _ in .refused(status: 401, message: "no") }
    #expect(bench.run()?.exit == 5)
    let vault = MemoryStore(name: "vault")
    let old = Self.bound(to: Self.elsewhere, bench, vault: vault)
    #expect(bench.move(from: old, oldStores: [bench.store])?.exit == 0)
    bench.cluster.answerToProbe = { _, _ in .accepted }
    #expect(bench.run()?.report.counts == [.created: 1])
    #expect(vault.current["a"]?.tokenID == "id-1" && bench.cluster.posts.count == 1)
  }

  @Test func aStoreThatFailsLeavesTheJobWhereItWas() throws {
    let bench = try #require(Bench.rotated("a"))
    let vault = MemoryStore(name: "vault")
    vault.promoteErrors = MemoryStore.away(1)
    let old = Self.bound(to: Self.elsewhere, bench, vault: vault)
    #expect(bench.move(from: old, oldStores: [bench.store])?.exit == 6)
    #expect(bench.run()?.report.problem?.code == "binding_changed")
    #expect(bench.move(from: old, oldStores: [bench.store])?.exit == 0)
    #expect(vault.current["a"]?.tokenID == "id-2" && bench.run()?.exit == 0)
  }

  @Test func onAnotherClusterEveryTokenIsMadeAnewAndTheOldOnesAreTold() throws {
    let bench = try #require(Bench.rotated("a"))
    let other = JobBinding(cluster: "account/other", stores: bench.binding.stores)
    let old = Self.bound(to: other, bench, vault: MemoryStore(name: "vault"))
    let told = try #require(bench.move(from: old, oldStores: [bench.store]))
    #expect(told.exit == 8 && told.noticed.map(\.code) == ["left_behind"])
    #expect(told.noticed.first?.message.contains("id-2") == true)
    // The other cluster has never heard of them.
    for id in ["id-1", "id-2"] { bench.cluster.remove(id: id) }
    #expect(bench.plan()?.steps.map(\.kind) == [.create])
    #expect(
      bench.store.current["a"]?.tokenID == "id-2", "consumers keep what they have until there is another")
    #expect(bench.run()?.exit == 0)
    #expect(bench.store.current["a"]?.tokenID == "id-3" && bench.liveIDs == ["id-3"])
    #expect(bench.cluster.revoked.isEmpty, "what belongs to the old cluster is not asked for on the new one")
    #expect(bench.changesOfAnotherRun() == [])
    bench.clock.advance(by: Bench.day * 30)
    #expect(bench.run()?.report.counts == [.rotated: 1], "nothing is left in the store's way")
  }

  /// Leaves the cluster for one that has never heard of its tokens, after what has to be finished before.
  private static func leave(_ bench: Bench, for cluster: String = "account/other") -> Int32? {
    let old = bench.binding
    let other = JobBinding(cluster: cluster, stores: old.stores)
    bench.binding = other
    var result = bench.move(from: old, oldStores: bench.stores)
    if result?.report.problem?.code == "not_settled" {
      bench.binding = old
      _ = bench.run()
      bench.binding = other
      result = bench.move(from: old, oldStores: bench.stores)
    }
    for token in bench.cluster.live { bench.cluster.remove(id: token.id) }
    return result?.exit
  }

  /// A new token is everywhere, and nothing is in the way of those that follow.
  private static func expectNewToken(_ bench: Bench, _ comment: Comment) {
    #expect(bench.run()?.exit == 0, comment)
    let current = bench.store.current["a"]?.tokenID
    #expect(current != nil && bench.liveIDs == [current], comment)
    #expect(bench.store.pending.isEmpty && bench.store.previous.isEmpty, comment)
    #expect(bench.changesOfAnotherRun() == [], comment)
    bench.clock.advance(by: Bench.day * 30)
    #expect(bench.run()?.report.counts == [.rotated: 1], comment)
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.report.counts == [.retired: 1] && bench.store.previous.isEmpty, comment)
  }

  /// What else than a current token the old cluster's life has left in the store.
  struct Leftover: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var prepare: @Sendable () -> Bench?
  }

  static let leftovers = [
    Leftover(testDescription: "staged") {
      let bench = Bench.rotating("a")
      guard bench.run()?.exit == 0 else { return nil }
      bench.clock.advance(by: Bench.day * 30)
      bench.cluster.answerToProbe = { _, _ in .refused(status: 401, message: "no") }
      guard bench.run()?.exit == 5, bench.store.pending["a"]?.tokenID == "id-2" else { return nil }
      bench.cluster.answerToProbe = { _, _ in .accepted }
      return bench
    },
    Leftover(testDescription: "staged, and nothing else") {
      let bench = Bench.rotating("a")
      bench.cluster.answerToProbe = { _, _ in .refused(status: 401, message: "no") }
      guard bench.run()?.exit == 5, bench.store.pending["a"]?.tokenID == "id-1" else { return nil }
      bench.cluster.answerToProbe = { _, _ in .accepted }
      return bench
    },
    Leftover(testDescription: "previous") { Bench.rotated("a") },
    Leftover(testDescription: "rolled back") {
      guard let bench = Bench.rotated("a"), bench.wish(.rollBack, "a")?.exit == 0 else { return nil }
      return bench.store.previous["a"]?.tokenID == "id-2" ? bench : nil
    },
    Leftover(testDescription: "revoked, unconfirmed") {
      guard let bench = Bench.rotated("a") else { return nil }
      bench.clock.advance(by: Bench.day + .seconds(60))
      bench.cluster.stillAccepted = ["id-1"]
      return bench.run()?.exit == 8 && bench.store.previous["a"]?.tokenID == "id-1" ? bench : nil
    },
  ]

  @Test(arguments: leftovers)
  func nothingThatIsLeftBehindIsInTheWay(leftover: Leftover) throws {
    let bench = try #require(leftover.prepare())
    let current = bench.store.current["a"]
    #expect(Self.leave(bench) == 8)
    #expect(bench.store.current["a"] == current, "consumers keep what they have until there is another")
    Self.expectNewToken(bench, "\(leftover.testDescription)")
    #expect(!bench.cluster.revoked.suffix(1).contains(current?.tokenID ?? ""))
  }

  /// The process dies before or after any of its effects, on the first cluster or on the next; then the job moves on.
  @Test(arguments: [false, true])
  func thereIsNoBadMomentToLeaveACluster(hasMovedBefore: Bool) throws {
    for effects in 0..<60 {
      let bench = Bench.rotating("a")
      bench.policy.overlap = .zero
      #expect(bench.run()?.exit == 0)
      if hasMovedBefore { #expect(Self.leave(bench) == 8) } else { bench.clock.advance(by: Bench.day * 30) }
      bench.life.begin(effects: effects)
      _ = bench.run()
      let end = bench.life.end
      bench.life.begin(effects: nil)
      bench.clock.advance(by: .seconds(10))
      bench.policy = Bench.rotation
      let moment: Comment = "died at \(end ?? "none"), \(effects)"
      #expect([0, 8].contains(Self.leave(bench, for: "account/third") ?? -1), moment)
      Self.expectNewToken(bench, moment)
      guard end != nil else { return }
    }
    Issue.record("it never came to its end")
  }

  @Test func whatIsUnderWayHasToBeFinishedFirst() throws {
    let bench = try #require(Bench.rotated("a"))
    bench.interruptedAt = bench.clock.uptime
    _ = bench.wish(.rollBack, "a")
    bench.interruptedAt = nil
    let old = Self.bound(to: Self.elsewhere, bench, vault: MemoryStore(name: "vault"))
    let refused = try #require(bench.move(from: old, oldStores: [bench.store]))
    #expect(refused.exit == 1 && refused.report.problem?.code == "not_settled")
    #expect(bench.run()?.report.problem?.code == "binding_changed")
  }
}
