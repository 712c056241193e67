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

  // MARK: What waits in the first store

  /// A token that is on its way and has not got further than the first of two stores.
  struct OnItsWay: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var prepare: @Sendable () -> Bench?
  }

  /// Two stores, called A and B, that have `id-1`; `id-2` is on its way in A.
  private static func twoStores(keepingSecond: Bool = true, _ rotate: (Bench) -> Bool) -> Bench? {
    let bench = Bench.rotating("a")
    bench.stores = [bench.store, MemoryStore(name: "file-2")]
    bench.stores[1].life = bench.life
    bench.binding = JobBinding(cluster: "account/cluster", stores: ["A", "B"])
    guard bench.run()?.exit == 0 else { return nil }
    bench.clock.advance(by: Bench.day * 30)
    guard rotate(bench), !keepingSecond || bench.stores[1].current["a"]?.tokenID == "id-1" else { return nil }
    return bench
  }

  private static func failToPromote(_ bench: Bench) -> Bool {
    for store in bench.stores {
      store.promoteErrors = [StoreError(.misconfigured, message: "read-only")]
    }
    guard bench.run()?.exit == 6, let status = try? bench.status("a") else { return false }
    // As if the other one had failed before it was offered anything.
    for store in bench.stores where store !== bench.store { store.pending = [:] }
    return status == .active && bench.store.pending["a"]?.tokenID == "id-2"
  }

  static let onTheirWay = [
    OnItsWay(testDescription: "staged") {
      twoStores { bench in
        bench.cluster.answerToProbe = { _, _ in .refused(status: 401, message: "no") }
        defer { bench.cluster.answerToProbe = { _, _ in .accepted } }
        return bench.run()?.exit == 5
      }
    },
    OnItsWay(testDescription: "active") { twoStores(failToPromote) },
    OnItsWay(testDescription: "active, and promoted without a record of it") {
      twoStores { bench in
        guard failToPromote(bench) else { return false }
        let store = bench.store
        (store.previous["a"], store.current["a"], store.pending["a"]) = (
          store.current["a"], store.pending["a"], nil
        )
        return true
      }
    },
  ]

  static let orders = [["B"], ["B", "A"], ["B", "C"], ["C", "B"], ["C", "A"], ["A", "C"], ["A"], ["C"]]

  /// Gives the job these stores; the old binding and the old stores.
  private static func give(_ order: [String], to bench: Bench) -> (JobBinding, [MemoryStore]) {
    let (binding, stores) = (bench.binding, bench.stores)
    // A store keeps its name wherever it stands.
    let fresh = MemoryStore(name: "file-3")
    fresh.life = bench.life
    let all = ["A": stores[0], "B": stores[1], "C": fresh]
    bench.binding = JobBinding(cluster: binding.cluster, stores: order)
    bench.stores = order.compactMap { all[$0] }
    return (binding, stores)
  }

  private static func expectDelivered(_ bench: Bench, _ comment: Comment) {
    let result = bench.run()
    #expect(result?.exit == 0 && result?.report.counts == [.rotated: 1], comment)
    for store in bench.stores {
      #expect(store.current["a"]?.tokenID == "id-2" && store.pending.isEmpty, comment)
      #expect(store.previous["a"]?.tokenID == "id-1", comment)
    }
    #expect(bench.cluster.posts.count == 2 && bench.cluster.revoked.isEmpty, comment)
    #expect(bench.changesOfAnotherRun() == [], comment)
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.report.counts == [.retired: 1], comment)
  }

  @Test(arguments: onTheirWay, orders)
  func whatIsOnItsWayGoesOnInTheNewFirstStore(token: OnItsWay, order: [String]) throws {
    let bench = try #require(token.prepare())
    let (old, stores) = Self.give(order, to: bench)
    #expect(bench.move(from: old, oldStores: stores)?.exit == 0)
    Self.expectDelivered(bench, "\(token) to \(order)")
  }

  /// The process dies in the middle; then the job moves on, or back.
  @Test(arguments: onTheirWay, [false, true])
  func thereIsNoBadMomentToDieInAMove(token: OnItsWay, returns: Bool) throws {
    for order in Self.orders {
      for effects in 0..<40 {
        let bench = try #require(token.prepare())
        let (old, stores) = Self.give(order, to: bench)
        let new = (bench.binding, bench.stores)
        bench.life.begin(effects: effects)
        _ = bench.move(from: old, oldStores: stores)
        let end = bench.life.end
        bench.life.begin(effects: nil)
        guard let end else { break }
        let moment: Comment = "\(token) to \(order), died at \(end), \(effects)"
        if returns {
          (bench.binding, bench.stores) = (old, stores)
          // It had moved in full: then it is moved back.
          if bench.plan()?.exit == 2 {
            #expect(bench.move(from: new.0, oldStores: new.1)?.exit == 0, moment)
          }
        } else {
          (bench.binding, bench.stores) = new
          #expect(bench.move(from: old, oldStores: stores)?.exit == 0, moment)
        }
        Self.expectDelivered(bench, moment)
      }
    }
  }

  @Test(arguments: ["staged", "active"], [false, true])
  func aStoreThatHasAStringAloneIsNotLeftUnread(phase: String, isMounted: Bool) throws {
    let token = try #require(Self.onTheirWay.first { $0.testDescription == phase })
    let bench = try #require(token.prepare())
    let (old, stores) = Self.give(["B"], to: bench)
    bench.store.isThere = isMounted
    if isMounted { bench.store.openErrors = MemoryStore.away(1) }
    let refused = try #require(bench.move(from: old, oldStores: stores))
    #expect(refused.exit == 1 && refused.report.problem?.code == "pending_in_old_store")
    let why = isMounted ? "does not answer" : "is not there"
    #expect(refused.report.problem?.message.contains("on its way (a)") == true)
    #expect(refused.report.problem?.message.hasSuffix(why) == true)
    bench.store.isThere = true
    #expect(bench.run()?.report.problem?.code == "binding_changed", "nothing was moved")
    #expect(bench.move(from: old, oldStores: stores)?.exit == 0)
    Self.expectDelivered(bench, "\(phase)")
  }

  @Test func aStringThatTheNewFirstStoreHasAlreadyIsNotAskedForAgain() throws {
    let bench = try #require(Self.twoStores(Self.failToPromote))
    let (old, stores) = Self.give(["B"], to: bench)
    bench.stores[0].pending["a"] = bench.store.pending["a"]
    bench.store.openErrors = MemoryStore.away(9)
    #expect(bench.move(from: old, oldStores: stores)?.exit == 0)
    Self.expectDelivered(bench, "it was copied before")
  }

  @Test func anActiveTokenWhoseStringIsNowhereIsNotMoved() throws {
    let bench = try #require(Self.twoStores(Self.failToPromote))
    let (old, stores) = Self.give(["B"], to: bench)
    bench.store.pending = [:]
    let refused = try #require(bench.move(from: old, oldStores: stores))
    #expect(refused.exit == 1 && refused.report.problem?.code == "string_lost")
  }

  /// One that will not come back is taken out of the job, and the delivery is complete without it.
  @Test(arguments: [0, 1]) func aStoreThatFailsForGoodMayBeLeft(_ broken: Int) throws {
    let bench = try #require(
      Self.twoStores(keepingSecond: broken == 1) { bench in
        bench.stores[broken].promoteErrors = [StoreError(.misconfigured, message: "gone")]
        return bench.run()?.exit == 6
      })
    #expect(try bench.status("a") == .delivering)
    let (old, stores) = Self.give([broken == 0 ? "B" : "A"], to: bench)
    #expect(bench.move(from: old, oldStores: stores)?.exit == 0)
    #expect(bench.run()?.exit == 0)
    #expect(try bench.status("a") == .current)
    #expect(bench.stores[0].current["a"]?.tokenID == "id-2" && bench.cluster.posts.count == 2)
  }

  @Test func aStoreThatHasNothingAloneMayBeLeftUnread() throws {
    let bench = Bench.rotating("a")
    bench.stores = [bench.store, MemoryStore(name: "file-2")]
    bench.binding = JobBinding(cluster: "account/cluster", stores: ["A", "B"])
    #expect(bench.run()?.exit == 0)
    let (old, stores) = Self.give(["B"], to: bench)
    bench.store.openErrors = MemoryStore.away(9)
    #expect(bench.move(from: old, oldStores: stores)?.exit == 0)
    #expect(bench.run()?.exit == 0 && bench.changesOfAnotherRun() == [])
  }
}
