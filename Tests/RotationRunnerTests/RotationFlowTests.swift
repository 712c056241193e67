import RotationModel
import RotationPorts
import RotationRunner
import RotationTestKit
import Testing

/// When tokens are replaced, and what happens to those that were.
struct RotationFlowTests {
  @Test func aTokenOfAgeIsReplacedAndTheOldOneGoesAfterItsOverlap() throws {
    let bench = Bench.rotating("a")
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(
      by: Bench.day * 30 - RotationPolicy.spread(name: "a", every: Bench.day * 30) - .seconds(60))
    #expect(bench.run()?.report.counts == [.unchanged: 1])
    bench.clock.advance(by: .seconds(120))
    let rotated = try #require(bench.run())
    #expect(rotated.exit == 0 && rotated.report.counts == [.rotated: 1])
    #expect(rotated.token("a")?.tokenID == "id-2" && rotated.token("a")?.previousTokenID == "id-1")
    #expect(bench.store.current["a"]?.tokenID == "id-2" && bench.store.previous["a"]?.tokenID == "id-1")
    #expect(bench.liveIDs == ["id-1", "id-2"] && bench.cluster.changes == 2)
    #expect(bench.changesOfAnotherRun() == [])

    bench.clock.advance(by: Bench.day - .seconds(60))
    #expect(bench.run()?.report.counts == [.unchanged: 1])
    #expect(bench.liveIDs == ["id-1", "id-2"], "the overlap has not passed")
    bench.clock.advance(by: .seconds(120))
    let probes = bench.cluster.probes.count
    let retired = try #require(bench.run())
    #expect(retired.exit == 0 && retired.report.counts == [.retired: 1])
    #expect(retired.token("a")?.previousTokenID == "id-1" && retired.token("a")?.tokenID == "id-2")
    #expect(bench.cluster.revoked == ["id-1"] && bench.liveIDs == ["id-2"] && bench.store.previous.isEmpty)
    #expect(bench.events().suffix(3) == ["revoke.intended", "revoke.done", "revoke.confirmed"])
    #expect(bench.cluster.probes.count >= probes + 3, "the string was asked about until it was refused")
    #expect(bench.changesOfAnotherRun() == [])
  }

  @Test func theStringOfARevokedTokenIsKeptUntilTheClusterRefusesIt() throws {
    let bench = try #require(Bench.rotated("a"))
    bench.clock.advance(by: Bench.day + .seconds(60))
    bench.cluster.stillAccepted = ["id-1"]
    let told = try #require(bench.run())
    #expect(told.exit == 8 && told.token("a")?.problem?.code == "still_accepted")
    #expect(bench.store.previous["a"]?.tokenID == "id-1" && bench.cluster.revoked == ["id-1"])
    #expect(bench.changesOfAnotherRun() == [])
    bench.cluster.stillAccepted = []
    #expect(bench.run()?.report.counts == [.retired: 1])
    #expect(bench.store.previous.isEmpty && bench.cluster.revoked == ["id-1"])
  }

  /// Every moment of a run that replaces a token and retires the old one at once.
  @Test func thereIsNoBadMomentToInterruptARotation() throws {
    for step in 0..<60 {
      let bench = Bench.rotating("a")
      bench.policy.overlap = .zero
      #expect(bench.run()?.exit == 0)
      bench.clock.advance(by: Bench.day * 30)
      let moment = bench.clock.uptime + .milliseconds(Int64(step) * 130)
      bench.interruptedAt = moment
      _ = try #require(bench.run())
      let current = try #require(bench.store.current["a"]?.tokenID)
      #expect(bench.liveIDs.contains(current), "interrupted after \(step * 130) ms")
      bench.interruptedAt = nil
      #expect(bench.run()?.exit == 0)
      // The cluster tells its time in whole seconds: an overlap of none ends within the next ones.
      bench.clock.advance(by: .seconds(5))
      #expect(bench.run()?.exit == 0)
      #expect(bench.liveIDs == ["id-2"] && bench.store.current["a"]?.tokenID == "id-2")
      #expect(bench.store.previous.isEmpty && bench.changesOfAnotherRun() == [])
    }
  }

  @Test(arguments: [(nil, 30), (5, 40)] as [(Int?, Int)])
  func aTokenIsRenewedBeforeItExpires(renewBefore: Int?, dueAfter: Int) throws {
    let bench = Bench.rotating()
    bench.rows = [Bench.row("a", expiry: .after(Bench.day * 45))]
    bench.policy.every = nil
    bench.policy.renewBefore = renewBefore.map { Bench.day * $0 }
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: Bench.day * dueAfter - .seconds(60))
    #expect(bench.run()?.report.counts == [.unchanged: 1])
    bench.clock.advance(by: .seconds(120))
    #expect(bench.run()?.report.counts == [.rotated: 1])
    let old = try #require(bench.cluster.token("id-1")?.expiresAt)
    let new = try #require(bench.cluster.token("id-2")?.expiresAt)
    #expect(new > old + Bench.day * (dueAfter - 1))
  }

  @Test func aFixedExpiryNeverMakesATokenDue() throws {
    let bench = Bench.rotating()
    bench.policy.every = nil
    bench.rows = [Bench.row("a", expiry: .at(bench.clock.now + Bench.day * 45))]
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: Bench.day * 44)
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.token("a")?.problem?.code == "expires_soon")
    #expect(bench.cluster.posts.count == 1)
  }

  @Test func aRowsOwnTimeCountsMoreThanTheJobs() throws {
    let bench = Bench.rotating("a", "b")
    bench.rows[1].rotateEvery = Bench.day * 10
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: Bench.day * 10)
    #expect(bench.run()?.report.counts == [.unchanged: 1, .rotated: 1])
    #expect(bench.cluster.posts.map(\.name).suffix(1) == ["b"])
  }

  @Test func otherPermissionsInTheRowReplaceTheTokenWhereTheJobRotates() throws {
    let bench = Bench.rotating("a")
    #expect(bench.run()?.exit == 0)
    bench.rows[0].permissions = PermissionSet([Permission(.read, "air")])
    bench.policy = .off
    #expect(bench.run()?.token("a")?.problem?.code == "permissions_differ")
    #expect(bench.cluster.changes == 1)
    bench.policy = Bench.rotation
    #expect(bench.run()?.report.counts == [.rotated: 1])
    #expect(bench.cluster.token("id-2")?.permissions == bench.rows[0].permissions)
    #expect(bench.cluster.token("id-1")?.permissions == Bench.permissions)
    #expect(bench.changesOfAnotherRun() == [])
    // A token that was tampered with on the cluster is replaced as well, once its predecessor is gone.
    bench.clock.advance(by: Bench.day + .seconds(60))
    bench.cluster.change(id: "id-2", permissions: PermissionSet([Permission(.read, "*")]))
    #expect(bench.run()?.report.counts == [.rotated: 1])
    #expect(bench.cluster.token("id-3")?.permissions == bench.rows[0].permissions)
  }

  @Test(arguments: [true, false])
  func anotherDescriptionIsAnUpdateInPlace(rotates: Bool) throws {
    let bench = Bench("a")
    if rotates { bench.policy = Bench.rotation }
    #expect(bench.run()?.exit == 0)
    bench.rows[0].description = "The north gateway"
    let result = try #require(bench.run())
    #expect(result.exit == 0 && result.report.counts == [.updated: 1])
    let token = try #require(bench.cluster.token("id-1"))
    let marker = try #require(Marker.split(token.description).marker)
    let updates = bench.cluster.updatesSent
    #expect(
      updates.map(\.description) == ["The north gateway \(marker.text)"] && updates[0].permissions == nil)
    #expect(marker.name == "a" && bench.cluster.posts.count == 1)
    #expect(bench.changesOfAnotherRun() == [])
  }

  @Test func anUpdateWhoseAnswerIsLostIsSentAgain() throws {
    let bench = Bench("a")
    #expect(bench.run()?.exit == 0)
    bench.rows[0].description = "Another"
    bench.cluster.updates = [.vanish(effectAfter: nil), .vanish(effectAfter: .zero)]
    #expect(bench.run()?.report.counts == [.updated: 1])
    #expect(bench.cluster.token("id-1")?.description.hasPrefix("Another [") == true)
    #expect(bench.changesOfAnotherRun() == [])
  }

  @Test func aDescriptionThatCannotBeChangedKeepsNoTokenFromBeingReplaced() throws {
    let bench = Bench.rotating("a")
    #expect(bench.run()?.exit == 0)
    bench.rows[0].description = "Another"
    bench.rows[0].permissions = PermissionSet([Permission(.read, "air")])
    bench.cluster.updates = [.refuse(ServiceError(.badRequest, status: 400, message: "too long"))]
    let result = try #require(bench.run())
    #expect(result.exit == 1 && result.token("a")?.problem?.code == "bad_request")
    #expect(bench.store.current["a"]?.tokenID == "id-2" && bench.liveIDs == ["id-1", "id-2"])
  }

  @Test func aTokenThatIsDueWaitsUntilItsPredecessorIsGone() throws {
    let bench = Bench.rotating("a")
    bench.policy.every = Bench.day * 2
    bench.policy.overlap = Bench.day * 3
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: Bench.day * 2)
    #expect(bench.run()?.report.counts == [.rotated: 1])
    bench.clock.advance(by: Bench.day * 2)
    #expect(bench.plan()?.steps.map(\.kind) == [.nothing])
    #expect(bench.run()?.report.counts == [.unchanged: 1])
    #expect(bench.cluster.posts.count == 2 && bench.cluster.revoked.isEmpty)
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.report.counts == [.rotated: 1])
    #expect(bench.cluster.revoked == ["id-1"] && bench.liveIDs == ["id-2", "id-3"])
    let requests = bench.cluster.requests.map(\.request)
    let revocation = try #require(requests.firstIndex(of: .revoke("id-1")))
    let third = try #require(requests.lastIndex { if case .create = $0 { true } else { false } })
    #expect(revocation < third)
  }

  @Test func aStoreThatFailsAtDeliveryLeavesThePredecessorAlone() throws {
    let bench = Bench.rotating("a")
    let vault = MemoryStore(name: "vault")
    bench.stores.append(vault)
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: Bench.day * 30)
    vault.promoteErrors = [StoreError(.misconfigured, message: "no such path")]
    let result = try #require(bench.run())
    #expect(result.exit == 6 && result.report.counts == [.undelivered: 1])
    #expect(result.token("a")?.previousTokenID == "id-1")
    #expect(vault.current["a"]?.tokenID == "id-1" && bench.store.current["a"]?.tokenID == "id-2")
    bench.clock.advance(by: Bench.day * 3)
    vault.promoteErrors = [StoreError(.misconfigured, message: "no such path")]
    #expect(bench.run()?.exit == 6)
    #expect(bench.liveIDs == ["id-1", "id-2"], "the overlap begins with the delivery")
    #expect(bench.run()?.report.counts == [.rotated: 1])
    #expect(vault.current["a"]?.tokenID == "id-2" && bench.cluster.posts.count == 2)
    #expect(bench.changesOfAnotherRun() == [])
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.report.counts == [.retired: 1])
    #expect(bench.liveIDs == ["id-2"] && vault.previous.isEmpty && bench.store.previous.isEmpty)
  }

  @Test func replacementsCountAsCreations() throws {
    let bench = Bench.rotating("a", "b", "c")
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: Bench.day * 30)
    bench.limits.maximumCreates = 2
    let result = try #require(bench.run())
    #expect(result.exit == 2 && result.report.problem?.code == "too_many_creates")
    #expect(bench.plan()?.exit == 2 && bench.cluster.changes == 3)
    bench.rows.append(Bench.row("d"))
    bench.limits.maximumCreates = 3
    let refused = try #require(bench.run())
    #expect(refused.exit == 2, "three replacements and one that is missing")
    #expect(
      refused.report.problem?.message.contains(
        "create 1 token for a row that has none (d) and replace 3 that are due or missing (a, b, c), and max")
        == true)
    bench.limits.maximumCreates = 4
    #expect(bench.run()?.report.counts == [.rotated: 3, .created: 1])
  }

  /// The run that retires the predecessors makes the next tokens.
  @Test func whatIsDueCountsAsACreationWhileItsPredecessorLives() throws {
    let bench = try #require(Bench.rotated("a", "b"))
    bench.clock.advance(by: Bench.day * 30)
    bench.limits.maximumCreates = 1
    let (changes, result) = (bench.cluster.changes, try #require(bench.run()))
    #expect(result.exit == 2 && result.report.problem?.code == "too_many_creates" && result.tokens.isEmpty)
    #expect(bench.plan()?.exit == 2 && bench.cluster.changes == changes)
    bench.limits.maximumCreates = 2
    #expect(bench.run()?.report.counts == [.rotated: 2] && bench.cluster.revoked.count == 2)
  }

  /// What GET calls gone takes nothing from anybody.
  @Test(arguments: [true, false])
  func aPredecessorThatIsGoneIsRetiredWhateverTheStoresSay(isInUse: Bool) throws {
    let bench = try #require(Bench.rotated("a"))
    bench.clock.advance(by: Bench.day + .seconds(60))
    bench.cluster.revokeElsewhere(id: "id-1")
    let current = bench.store.current["a"]
    if isInUse {
      bench.store.current["a"] = bench.store.previous["a"]
    } else {
      bench.store.flaws["a"] = StoreFlaw("DIR/a has mode 0666", hint: "chmod 0600 DIR/a")
    }
    #expect(bench.run()?.exit == 8, "the store is told of all the same")
    #expect(bench.events().last == "revoke.confirmed" && bench.store.previous.isEmpty)
    #expect(bench.liveIDs == ["id-2"] && bench.changesOfAnotherRun() == [])
    (bench.store.current["a"], bench.store.flaws) = (current, [:])
    #expect(bench.run()?.report.counts == [.unchanged: 1])
  }

  @Test func aTokenWhoseSuccessorIsFlawedInAStoreIsNotRetired() throws {
    let bench = try #require(Bench.rotated("a"))
    bench.clock.advance(by: Bench.day + .seconds(60))
    bench.store.flaws["a"] = StoreFlaw("DIR/a has mode 0666", hint: "chmod 0600 DIR/a")
    let plan = try #require(bench.plan())
    #expect(plan.exit == 8 && plan.steps.map(\.kind) == [.needsPerson])
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.token("a")?.problem?.code == "store_differs")
    #expect(bench.liveIDs == ["id-1", "id-2"] && bench.changesOfAnotherRun() == [])
    bench.store.flaws = [:]
    #expect(bench.run()?.report.counts == [.retired: 1])
  }
}
