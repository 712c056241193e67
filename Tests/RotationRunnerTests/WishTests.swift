import RotationModel
import RotationPorts
import RotationRunner
import RotationTestKit
import Testing

/// What people ask for: rotate, hold, release, retire, rename. Rollbacks are in a file of their own.
struct WishTests {
  private static func settled(_ names: String...) -> Bench? {
    let bench = Bench()
    bench.rows = names.map { Bench.row($0) }
    bench.policy = Bench.rotation
    return bench.run()?.exit == 0 ? bench : nil
  }

  @Test(arguments: [true, false])
  func rotateReplacesTheNamedTokensNow(rotates: Bool) throws {
    let bench = try #require(Self.settled("a", "b"))
    if !rotates { bench.policy = .off }
    let result = try #require(bench.wish(.rotate(compromised: false), "a"))
    #expect(result.exit == 0 && result.tokens.map(\.name) == ["a"] && result.token("a")?.outcome == .rotated)
    #expect(bench.cluster.posts.map(\.name).suffix(1) == ["a"] && bench.cluster.revoked.isEmpty)
    #expect(bench.changesOfAnotherRun() == [])
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.report.counts == [.retired: 1, .unchanged: 1])
  }

  @Test func aCompromisedTokenIsRevokedAsSoonAsTheNewOneIsDelivered() throws {
    let bench = try #require(Self.settled("a"))
    bench.cluster.onRequest = { [store = bench.store] request in
      guard case .revoke = request else { return }
      #expect(store.current["a"]?.tokenID == "id-2")
    }
    let result = try #require(bench.wish(.rotate(compromised: true), "a"))
    #expect(result.exit == 0 && result.report.counts == [.rotated: 1])
    #expect(bench.cluster.revoked == ["id-1"] && bench.liveIDs == ["id-2"] && bench.store.previous.isEmpty)
    #expect(bench.changesOfAnotherRun() == [])
  }

  @Test func aCompromisedTokenIsNotDisabledFirst() throws {
    let bench = try #require(Self.settled("a"))
    bench.policy.quarantine = Bench.day
    #expect(bench.wish(.rotate(compromised: true), "a")?.exit == 0)
    #expect(bench.cluster.disables(of: "id-1") == 0 && bench.liveIDs == ["id-2"])
  }

  @Test func aWishWaitsUntilThePredecessorIsGoneAndSaysSo() throws {
    let bench = try #require(Bench.rotated("a"))
    let told = try #require(bench.wish(.rotate(compromised: false), "a"))
    #expect(told.exit == 8 && told.token("a")?.problem?.code == "predecessor_lives")
    #expect(bench.cluster.posts.count == 2 && bench.changesOfAnotherRun() == [])
    let plan = try #require(bench.plan())
    #expect(plan.steps.map(\.kind) == [.needsPerson] && plan.exit == 8)
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.report.counts == [.rotated: 1])
    #expect(bench.liveIDs == ["id-2", "id-3"])
  }

  @Test func aCompromisedTokenTakesItsPredecessorWithIt() throws {
    let bench = try #require(Bench.rotated("a"))
    #expect(bench.wish(.rotate(compromised: true), "a")?.exit == 0)
    #expect(bench.cluster.revoked == ["id-1", "id-2"] && bench.liveIDs == ["id-3"])
    #expect(bench.store.current["a"]?.tokenID == "id-3" && bench.changesOfAnotherRun() == [])
  }

  @Test func aHeldTokenIsReplacedWhenItIsReleased() throws {
    let bench = try #require(Self.settled("a", "b"))
    let held = try #require(bench.wish(.hold, "a"))
    #expect(held.exit == 0 && held.token("a")?.outcome == .held && bench.cluster.changes == 2)
    bench.clock.advance(by: Bench.day * 30)
    let step = try #require(bench.plan()?.steps.first)
    #expect(step.kind == .nothing && step.reason.contains("held; would be replaced"))
    #expect(bench.run()?.report.counts == [.held: 1, .rotated: 1])
    #expect(bench.changesOfAnotherRun() == [])
    #expect(bench.wish(.release, "a")?.exit == 0 && bench.cluster.posts.count == 3)
    #expect(bench.run()?.token("a")?.outcome == .rotated)
  }

  @Test func aPersonsWordCountsMoreThanAHold() throws {
    let bench = try #require(Self.settled("a"))
    #expect(bench.wish(.hold, "a")?.exit == 0)
    #expect(bench.wish(.rotate(compromised: false), "a")?.report.counts == [.rotated: 1])
    #expect(try bench.machine("a")?.wishes.isHeld == true)
  }

  @Test func aHeldTokenThatNearsItsExpiryNeedsAPerson() throws {
    let bench = Bench.rotating()
    bench.rows = [Bench.row("a", expiry: .after(Bench.day * 45))]
    #expect(bench.run()?.exit == 0 && bench.wish(.hold, "a")?.exit == 0)
    bench.clock.advance(by: Bench.day * 40)
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.token("a")?.problem?.code == "expires_soon")
    #expect(result.token("a")?.problem?.message.contains("is held") == true && bench.cluster.posts.count == 1)
  }

  @Test func aNameThatNobodyKnowsRefusesTheWholeWish() throws {
    let bench = try #require(Self.settled("a"))
    for wish in [Wish.rotate(compromised: false), .hold, .release, .retire(now: false)] {
      let result = try #require(bench.wish(wish, "a", "nosuch"))
      #expect(result.exit == 2, "\(wish)")
    }
    #expect(bench.cluster.changes == 1 && bench.events().last == "delivery.done")
  }

  // MARK: Retirement

  @Test func aTokenWithARowIsNotRetired() throws {
    let bench = try #require(Self.settled("a"))
    for now in [false, true] {
      let result = try #require(bench.wish(.retire(now: now), "a"))
      #expect(result.exit == 2 && result.report.problem?.code == "row_present")
    }
    #expect(bench.store.current["a"] != nil && bench.cluster.changes == 1)
  }

  @Test func aRetiredTokenLeavesTheStoresFirstAndGoesAfterItsOverlap() throws {
    let bench = try #require(Self.settled("a", "b"))
    let id = try #require(bench.store.current["a"]?.tokenID)
    bench.rows.removeFirst()
    #expect(bench.plan()?.steps.map(\.kind) == [.nothing, .needsPerson])
    #expect(bench.wish(.retire(now: false), "a")?.exit == 0)
    #expect(bench.store.current["a"] == nil && bench.store.previous["a"]?.tokenID == id)
    #expect(bench.liveIDs == ["id-1", "id-2"] && bench.changesOfAnotherRun() == [])
    #expect(bench.plan()?.steps.map(\.kind) == [.nothing, .nothing])
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.plan()?.steps.map(\.kind) == [.nothing, .retire])
    #expect(bench.run()?.report.counts == [.unchanged: 1, .retired: 1])
    #expect(bench.cluster.revoked == [id] && bench.store.previous.isEmpty)
    #expect(bench.changesOfAnotherRun() == [] && bench.run()?.exit == 0)
    // The name may be used again.
    bench.rows.append(Bench.row("a"))
    #expect(bench.run()?.report.counts == [.unchanged: 1, .created: 1])
  }

  @Test func withNowItIsRevokedAtOnceAndTheStoresAreEmptyBefore() throws {
    let bench = try #require(Self.settled("a"))
    let vault = MemoryStore(name: "vault")
    let both = Bench("a")
    both.policy = Bench.rotation
    both.stores.append(vault)
    #expect(both.run()?.exit == 0)
    both.rows = []
    both.cluster.onRequest = { [stores = both.stores] request in
      guard case .revoke = request else { return }
      #expect(stores.allSatisfy { $0.current.isEmpty })
    }
    let result = try #require(both.wish(.retire(now: true), "a"))
    #expect(result.exit == 0 && result.report.counts == [.retired: 1])
    #expect(both.liveIDs.isEmpty && both.stores.allSatisfy { $0.previous.isEmpty })
    #expect(both.changesOfAnotherRun() == [] && both.run()?.exit == 0)
    bench.rows = []
    bench.store.withdrawErrors = [StoreError(.misconfigured, message: "read-only")]
    #expect(bench.wish(.retire(now: true), "a")?.exit == 6)
    #expect(bench.liveIDs == ["id-1"], "what a store still has is not revoked")
    #expect(bench.run()?.report.counts == [.retired: 1] && bench.liveIDs.isEmpty)
  }

  @Test func aPredecessorIsRetiredBeforeItsSuccessorIsWithdrawn() throws {
    let bench = try #require(Bench.rotated("a"))
    bench.rows = []
    #expect(bench.wish(.retire(now: true), "a")?.report.counts == [.retired: 1])
    #expect(bench.cluster.revoked == ["id-1", "id-2"] && bench.store.current.isEmpty)
    #expect(bench.liveIDs.isEmpty && bench.changesOfAnotherRun() == [])
  }

  // MARK: Renaming

  @Test func aRenamedTokenKeepsItsStringAndGetsDescriptionAndPlace() throws {
    let bench = try #require(Self.settled("old"))
    let string = try #require(bench.current("old"))
    bench.rows = [Bench.row("new")]
    let result = try #require(bench.wish(.rename(to: "new"), "old"))
    #expect(result.exit == 0 && result.tokens.map(\.name) == ["new"], "\(result)")
    #expect(bench.current("new") == string && bench.current("old") == nil)
    let (description, marker) = Marker.split(try #require(bench.cluster.live.first).description)
    #expect(description == "Token new" && marker?.name == "new" && bench.cluster.posts.count == 1)
    #expect(bench.run()?.report.counts == [.unchanged: 1] && bench.changesOfAnotherRun() == [])
    // It is replaced and retired under its new name like any other.
    bench.clock.advance(by: Bench.day * 30)
    #expect(bench.run()?.report.counts == [.rotated: 1])
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.report.counts == [.retired: 1] && bench.liveIDs == ["id-2"])
  }

  @Test func aPredecessorMovesWithItsName() throws {
    let bench = try #require(Bench.rotated("old"))
    bench.rows = [Bench.row("new")]
    bench.rows[0].place.secret = "place"
    #expect(bench.wish(.rename(to: "new"), "old")?.exit == 0)
    #expect(
      bench.store.current["place"]?.tokenID == "id-2" && bench.store.previous["place"]?.tokenID == "id-1")
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.report.counts == [.retired: 1])
    #expect(bench.store.previous.isEmpty && bench.liveIDs == ["id-2"])
    #expect(bench.changesOfAnotherRun() == [])
  }

  /// After the loss of the ledger nobody knows the old name any more: what carries it would be foreign.
  @Test(arguments: [false, true])
  func aPredecessorIsKnownByItsNewNameWhenTheLedgerIsLost(isDisabled: Bool) throws {
    let bench = try #require(Bench.rotated("old", quarantine: isDisabled ? Bench.day : nil))
    if isDisabled {
      bench.clock.advance(by: Bench.day + .seconds(60))
      #expect(bench.run()?.exit == 0 && bench.cluster.token("id-1")?.permissions.isEmpty == true)
    }
    bench.rows = [Bench.row("new")]
    #expect(bench.wish(.rename(to: "new"), "old")?.exit == 0)
    let descriptions = bench.cluster.live.map { Marker.split($0.description) }
    #expect(descriptions.map(\.marker?.name) == ["new", "new"])
    #expect(
      descriptions.map(\.description) == ["Token old", "Token new"], "what it was made for stays its text")
    #expect(bench.cluster.token("id-1")?.permissions.isEmpty == isDisabled)
    #expect(bench.changesOfAnotherRun() == [])

    bench.ledger = InMemoryLedger(random: SeededRandom(seed: 1))
    let adopted = try #require(bench.adopt())
    #expect(adopted.exit == 0 && adopted.noticed.isEmpty && adopted.report.counts == [.unchanged: 1])
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.exit == 0 && bench.liveIDs == ["id-2"], "\(bench.events("new"))")
  }

  /// What cannot be described anew is still retired, and the next run tries again.
  @Test func aPredecessorThatCannotBeDescribedKeepsNothing() throws {
    let bench = try #require(Bench.rotated("old", quarantine: Bench.day))
    bench.rows = [Bench.row("new")]
    bench.cluster.updates = [
      .succeed, .refuse(ServiceError(.badRequest, status: 400, message: "no such thing")),
    ]
    let told = try #require(bench.wish(.rename(to: "new"), "old"))
    #expect(told.exit == 1 && told.token("new")?.problem?.message.contains("no such thing") == true)
    #expect(bench.current("new") != nil && bench.run()?.exit == 0)
    #expect(bench.cluster.live.allSatisfy { Marker.split($0.description).marker?.name == "new" })
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.exit == 0 && bench.cluster.disables(of: "id-1") == 1)
    #expect(bench.changesOfAnotherRun() == [])
  }

  /// It carries no marker, and is nobody's to describe.
  @Test func aPredecessorThatWasMadeByHandKeepsItsDescription() throws {
    let bench = Bench.rotating("old")
    bench.rows[0].replaces = "hand"
    bench.cluster.plant(id: "hand", description: "made by hand")
    #expect(bench.run()?.exit == 0)
    bench.rows = [Bench.row("new")]
    bench.rows[0].replaces = "hand"
    #expect(bench.wish(.rename(to: "new"), "old")?.exit == 0)
    #expect(bench.cluster.token("hand")?.description == "made by hand" && bench.changesOfAnotherRun() == [])
  }

  /// Tokens under the old name are the new lineage's, but for those that were asked for before the renaming.
  @Test func aNameThatIsFreeAgainMayBeUsedByAnother() throws {
    let bench = try #require(Self.settled("A"))
    bench.rows = [Bench.row("B")]
    #expect(bench.wish(.rename(to: "B"), "A")?.exit == 0)
    bench.rows.append(Bench.row("A"))
    let created = try #require(bench.run())
    #expect(created.exit == 0 && created.report.counts == [.unchanged: 1, .created: 1], "\(created)")
    #expect(bench.plan()?.exit == 0 && bench.changesOfAnotherRun() == [])
    bench.clock.advance(by: Bench.day * 30)
    #expect(bench.plan()?.steps.map(\.kind) == [.rotate, .rotate])
    let rotated = try #require(bench.run())
    #expect(rotated.exit == 0 && rotated.report.counts == [.rotated: 2], "\(rotated)")
    #expect(bench.changesOfAnotherRun() == [])
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.report.counts == [.retired: 2] && bench.liveIDs == ["id-3", "id-4"])
    #expect(
      bench.current("A") != nil && bench.current("B") != nil && bench.current("A") != bench.current("B"))
  }

  @Test func aRenamingWithoutARowWaitsForIt() throws {
    let bench = try #require(Self.settled("old"))
    bench.rows = [Bench.row("new")]
    bench.interruptedAt = bench.clock.uptime
    _ = bench.wish(.rename(to: "new"), "old")
    bench.interruptedAt = nil
    bench.rows = []
    #expect(bench.run()?.exit == 8 && bench.current("old") != nil && bench.changesOfAnotherRun() == [])
    bench.rows = [Bench.row("new")]
    #expect(bench.run()?.exit == 0 && bench.current("new") != nil && bench.current("old") == nil)
    #expect(bench.changesOfAnotherRun() == [])
  }

  @Test func theStringOfARevokedTokenMovesWithItsNameAndIsForgottenThere() throws {
    let bench = try #require(Bench.rotated("old"))
    bench.clock.advance(by: Bench.day + .seconds(60))
    bench.cluster.stillAccepted = ["id-1"]
    #expect(bench.run()?.exit == 8)
    bench.rows = [Bench.row("new")]
    bench.rows[0].place.secret = "place"
    #expect(bench.wish(.rename(to: "new"), "old")?.exit == 8)
    #expect(bench.store.previous["place"]?.tokenID == "id-1" && bench.store.previous["old"] == nil)
    bench.cluster.stillAccepted = []
    #expect(bench.run()?.exit == 0 && bench.store.previous.isEmpty && bench.changesOfAnotherRun() == [])
  }

  @Test func anEffectThatComesAfterTheRenamingIsStillOurs() throws {
    let bench = Bench.rotating("old")
    bench.cluster.creations["old"] = [.vanish(effectAfter: .seconds(3600))]
    #expect(bench.run()?.exit == 0)
    bench.rows = [Bench.row("new")]
    #expect(bench.wish(.rename(to: "new"), "old")?.exit == 0)
    bench.clock.advance(by: .seconds(3600))
    #expect(bench.liveIDs == ["id-1", "id-2"])
    #expect(bench.run()?.exit == 0 && bench.cluster.revoked == ["id-1"] && bench.liveIDs == ["id-2"])
  }

  @Test func aRenamingThatCannotBeIsRefused() throws {
    let bench = try #require(Self.settled("old", "other"))
    #expect(bench.wish(.rename(to: "new"), "old")?.report.problem?.code == "row_present")
    bench.rows.removeFirst()
    #expect(bench.wish(.rename(to: "new"), "old")?.report.problem?.code == "row_gone")
    #expect(bench.wish(.rename(to: "other"), "old")?.report.problem?.code == "name_taken")
    #expect(bench.cluster.changes == 2 && bench.current("old") != nil)
  }

  // MARK: Where a renaming goes

  /// The process dies at any moment of a renaming, and the row says another place before the next run.
  @Test(arguments: [1, 2])
  func aRenamingGoesWhereItWasToGoAtFirst(storeCount: Int) throws {
    var isRecorded = false
    for effects in 0..<40 {
      let bench = Bench.rotating("old")
      if storeCount == 2 {
        bench.stores.append(MemoryStore(name: "file-2"))
        bench.stores[1].life = bench.life
      }
      #expect(bench.run()?.exit == 0)
      bench.rows = [Bench.row("new")]
      bench.rows[0].place.secret = "A"
      bench.life.begin(effects: effects)
      _ = bench.wish(.rename(to: "new"), "old")
      let end = bench.life.end
      bench.life.begin(effects: nil)
      guard let end else { break }
      let moment: Comment = "died at \(end), \(effects)"
      guard bench.stores.contains(where: { $0.current["A"] != nil }) else { continue }
      isRecorded = true
      bench.rows[0].place.secret = "B"
      let wasOver = try bench.machine("new")?.wishes.relocatedIn == nil
      if !wasOver { #expect(bench.plan()?.steps.map(\.kind) == [.needsPerson], moment) }
      let told = try #require(bench.run())
      #expect(told.exit == 8 && told.token("new")?.problem?.code == "place_differs", moment)
      #expect(told.token("new")?.problem?.message.contains("stored as A, and the row now says B") == true)
      for store in bench.stores { #expect(store.current.keys.sorted() == ["A"], moment) }
      #expect(try bench.machine("new")?.incumbent?.key == "A", moment)
      bench.rows[0].place.secret = "A"
      #expect(bench.run()?.exit == 0 && bench.changesOfAnotherRun() == [], moment)
    }
    #expect(isRecorded)
  }

  @Test func aSecondStoreFollowsTheFirstAndNotTheRow() throws {
    let bench = Bench.rotating("old")
    bench.stores.append(MemoryStore(name: "file-2"))
    #expect(bench.run()?.exit == 0)
    bench.rows = [Bench.row("new")]
    bench.stores[1].relocateErrors = [StoreError(.misconfigured, message: "read-only")]
    #expect(bench.wish(.rename(to: "new"), "old")?.exit == 6)
    bench.rows[0].place.secret = "B"
    let told = try #require(bench.run())
    #expect(told.exit == 8 && told.token("new")?.problem?.code == "place_differs")
    for store in bench.stores { #expect(store.current.keys.sorted() == ["new"]) }
    bench.rows[0].place.secret = nil
    #expect(bench.run()?.exit == 0 && bench.changesOfAnotherRun() == [])
  }

  /// Nothing is there yet, so that a person may choose another place.
  @Test func aPlaceThatIsTakenMayBeGivenUp() throws {
    let bench = try #require(Self.settled("old"))
    bench.rows = [Bench.row("new")]
    bench.rows[0].place.secret = "taken"
    bench.store.relocateErrors = [StoreError(.ownedByAnother, message: "taken is somebody's")]
    let failed = try #require(bench.wish(.rename(to: "new"), "old"))
    #expect(failed.exit == 6 && failed.token("new")?.problem?.message.contains("somebody's") == true)
    bench.rows[0].place.secret = "free"
    #expect(bench.run()?.exit == 0 && bench.store.current.keys.sorted() == ["free"])
    #expect(bench.changesOfAnotherRun() == [])
  }
}
