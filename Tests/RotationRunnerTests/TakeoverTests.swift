import RotationModel
import RotationPorts
import RotationTestKit
import Testing

/// `replaces`: a token that somebody made by hand gives way to one of ours.
struct TakeoverTests {
  private static let wide = PermissionSet([Permission(.read, "air"), Permission(.read, "water")])

  /// A row that names `hand`, with permissions of its own or those of `hand`.
  private static func bench(inherits: Bool) -> Bench {
    let bench = Bench.rotating("a")
    bench.rows[0].replaces = "hand"
    if inherits { bench.rows[0].permissions = PermissionSet([]) }
    bench.cluster.plant(id: "hand", description: "made by hand", permissions: wide)
    return bench
  }

  @Test(arguments: [false, true])
  func theTokenIsReplacedAndRetiredLikeAnyPredecessor(inherits: Bool) throws {
    let bench = Self.bench(inherits: inherits)
    let result = try #require(bench.run())
    #expect(result.exit == 0 && result.report.counts == [.rotated: 1])
    #expect(result.token("a")?.previousTokenID == "hand")
    #expect(bench.cluster.token("id-1")?.permissions == (inherits ? Self.wide : Bench.permissions))
    #expect(bench.store.current["a"]?.databases == ["air", "water"])
    #expect(bench.liveIDs == ["hand", "id-1"] && bench.changesOfAnotherRun() == [])
    bench.clock.advance(by: Bench.day - .seconds(60))
    #expect(bench.run()?.exit == 0 && bench.cluster.revoked.isEmpty)
    bench.clock.advance(by: .seconds(120))
    #expect(bench.run()?.report.counts == [.retired: 1])
    #expect(bench.liveIDs == ["id-1"] && bench.changesOfAnotherRun() == [])
    // What the row leaves open is passed on from one token to the next.
    bench.clock.advance(by: Bench.day * 30)
    #expect(bench.run()?.report.counts == [.rotated: 1])
    #expect(bench.cluster.token("id-2")?.permissions == (inherits ? Self.wide : Bench.permissions))
  }

  @Test func aTakenOverTokenIsDisabledFirstWhereTheJobSaysSo() throws {
    let bench = Self.bench(inherits: true)
    bench.policy.quarantine = Bench.day
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.exit == 0)
    #expect(
      bench.cluster.token("hand")?.permissions.isEmpty == true && bench.cluster.disables(of: "hand") == 1)
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.report.counts == [.retired: 1] && bench.liveIDs == ["id-1"])
  }

  @Test func aTokenThatTheRowNoLongerNamesIsNotRevoked() throws {
    let bench = Self.bench(inherits: false)
    #expect(bench.run()?.exit == 0)
    bench.rows[0].replaces = nil
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.plan()?.exit == 8 && bench.plan()?.steps.map(\.kind) == [.needsPerson])
    let told = try #require(bench.run())
    #expect(told.exit == 8 && told.token("a")?.problem?.code == "replaces_changed")
    #expect(bench.events().last == "token.forgotten" && bench.liveIDs == ["hand", "id-1"])
    #expect(bench.plan()?.exit == 0 && bench.changesOfAnotherRun() == [])
    #expect(bench.run()?.exit == 0, "it is told once")
    // It is in nobody's way, and stays what it is.
    bench.clock.advance(by: Bench.day * 30)
    #expect(bench.run()?.report.counts == [.rotated: 1])
    bench.rows[0].replaces = "hand"
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.report.counts == [.retired: 1])
    #expect(bench.liveIDs == ["hand", "id-2"] && bench.cluster.token("hand")?.permissions == Self.wide)
  }

  @Test func aDisabledTokenThatTheRowNoLongerNamesIsNotRevoked() throws {
    let bench = Self.bench(inherits: false)
    bench.policy.quarantine = Bench.day
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.exit == 0 && bench.cluster.disables(of: "hand") == 1)
    bench.rows[0].replaces = nil
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.token("a")?.problem?.code == "replaces_changed")
    #expect(bench.run()?.exit == 0 && bench.liveIDs == ["hand", "id-1"])
    #expect(bench.cluster.revoked.isEmpty && bench.changesOfAnotherRun() == [])
  }

  @Test func aRowThatIsGoneDoesNotNameItEither() throws {
    let bench = Self.bench(inherits: false)
    #expect(bench.run()?.exit == 0)
    let rows = bench.rows
    bench.rows = []
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.exit == 8 && bench.events().last == "token.forgotten")
    #expect(bench.changesOfAnotherRun() == [])
    bench.rows = rows
    #expect(bench.run()?.exit == 0 && bench.liveIDs == ["hand", "id-1"])
  }

  /// Whoever wants the whole lineage to end has the row taken out before.
  @Test func aRetirementTakesTheTokenThatWasTakenOverWithIt() throws {
    let bench = Self.bench(inherits: false)
    #expect(bench.run()?.exit == 0)
    bench.rows = []
    #expect(bench.wish(.retire(now: true), "a")?.report.counts == [.retired: 1])
    #expect(bench.liveIDs.isEmpty && bench.cluster.revoked == ["hand", "id-1"])
    #expect(bench.changesOfAnotherRun() == [])
  }

  @Test func morePermissionsThanThePolicyAllowsAreNotPassedOn() throws {
    let bench = Self.bench(inherits: true)
    bench.allows = { $0.database != "water" }
    let result = try #require(bench.run())
    #expect(result.exit == 1 && result.token("a")?.problem?.code == "policy")
    #expect(bench.cluster.changes == 0)
    bench.allows = { _ in true }
    #expect(bench.run()?.report.counts == [.rotated: 1])
  }

  /// Ours, another job's, or another installation's: a marked token is somebody's.
  @Test(arguments: [(Bench.job, nil), ("other", nil), ("other", 77)] as [(String, UInt64?)])
  func aTokenWithAMarkerIsNotTakenOver(job: String, installation: UInt64?) throws {
    let bench = Bench.rotating("b", "a")
    #expect(bench.run()?.exit == 0)
    let marker = bench.marker("b", attempt: 9, installation: installation, job: job)
    bench.cluster.plant(id: "marked", description: marker.described("x"))
    bench.rows.append(Bench.row("new"))
    bench.rows[2].replaces = job == Bench.job ? "id-1" : "marked"
    let (posts, plan) = (bench.cluster.posts.count, try #require(bench.plan()))
    #expect(plan.steps.contains { $0.name == "new" && $0.kind == .needsPerson })
    let result = try #require(bench.run())
    #expect(result.exit == 1 && result.token("new")?.problem?.code == "replaces_marked")
    #expect(bench.cluster.posts.count == posts && bench.cluster.revoked.isEmpty)
  }

  @Test func aTokenThatIsNotThereIsNotReplaced() throws {
    let bench = Self.bench(inherits: true)
    bench.rows[0].replaces = "nosuch"
    let result = try #require(bench.run())
    #expect(result.exit == 1 && result.token("a")?.problem?.code == "replaced_gone")
    bench.rows[0].replaces = "hand"
    bench.cluster.change(id: "hand", permissions: PermissionSet([]))
    #expect(bench.run()?.token("a")?.problem?.code == "no_permissions")
    #expect(bench.cluster.changes == 0)
  }

  @Test func replacesIsForANamesFirstToken() throws {
    let bench = Bench.rotating("a")
    #expect(bench.run()?.exit == 0)
    bench.cluster.plant(id: "hand", description: "made by hand")
    bench.rows[0].replaces = "hand"
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.token("a")?.problem?.code == "replaces_too_late")
    #expect(bench.liveIDs == ["hand", "id-1"])
  }

  /// Nobody can go back to a token whose string was never ours, so another one is made beside it at once.
  @Test func aSuccessorThatIsGoneWithinTheOverlapIsReplaced() throws {
    let bench = Self.bench(inherits: false)
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: .seconds(3600))
    bench.cluster.revokeElsewhere(id: "id-1")
    #expect(bench.run()?.exit == 0 && bench.store.current["a"]?.tokenID == "id-2")
    #expect(bench.liveIDs == ["hand", "id-2"] && bench.changesOfAnotherRun() == [])
    // Nobody who has not moved yet ever saw the one that is gone: the overlap begins anew.
    bench.clock.advance(by: Bench.day - .seconds(60))
    #expect(bench.run()?.report.counts == [.unchanged: 1] && bench.liveIDs == ["hand", "id-2"])
    bench.clock.advance(by: .seconds(120))
    #expect(bench.run()?.exit == 0 && bench.liveIDs == ["id-2"])
    bench.clock.advance(by: Bench.day * 30)
    #expect(bench.run()?.report.counts == [.rotated: 1], "nothing is left in the store's way")
    #expect(bench.store.current["a"]?.tokenID == "id-3" && bench.changesOfAnotherRun() == [])
  }

  @Test func oneSuccessorAfterTheOtherMayGoWithinTheOverlap() throws {
    let bench = Self.bench(inherits: false)
    #expect(bench.run()?.exit == 0)
    for number in 2...4 {
      bench.clock.advance(by: .seconds(3600))
      bench.cluster.revokeElsewhere(id: "id-\(number - 1)")
      #expect(bench.run()?.exit == 0 && bench.store.current["a"]?.tokenID == "id-\(number)")
      #expect(bench.liveIDs == ["hand", "id-\(number)"] && bench.changesOfAnotherRun() == [])
    }
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.exit == 0 && bench.liveIDs == ["id-4"])
    bench.clock.advance(by: Bench.day * 30)
    #expect(bench.run()?.report.counts == [.rotated: 1] && bench.changesOfAnotherRun() == [])
  }

  /// Two in a row are gone, and the first one's string was still accepted when it was asked about.
  @Test func aGoneSuccessorThatIsStillAcceptedIsInNobodysWay() throws {
    let bench = Self.bench(inherits: false)
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: .seconds(3600))
    bench.cluster.revokeElsewhere(id: "id-1")
    bench.cluster.onRequest = { [cluster = bench.cluster] request in
      if case .create = request { cluster.stillAccepted = ["id-1"] }
    }
    #expect([0, 8].contains(bench.run()?.exit ?? -1) && bench.store.current["a"]?.tokenID == "id-2")
    bench.cluster.onRequest = { _ in }
    bench.clock.advance(by: .seconds(3600))
    bench.cluster.revokeElsewhere(id: "id-2")
    bench.cluster.stillAccepted = []
    #expect(bench.run()?.exit == 0 && bench.store.current["a"]?.tokenID == "id-3")
    #expect(bench.liveIDs == ["hand", "id-3"] && bench.changesOfAnotherRun() == [])
  }

  /// What was never sent, or never came, binds nobody's token.
  @Test(arguments: [
    ScriptedCluster.Creation.refuse(ServiceError(.badRequest, status: 400, message: "no")),
    .vanish(effectAfter: nil), .answer("short"),
  ])
  func aMistypedIdThatIsCorrectedBindsNothing(creation: ScriptedCluster.Creation) throws {
    let bench = Self.bench(inherits: true)
    bench.cluster.plant(id: "mistyped", description: "somebody else's", permissions: Self.wide)
    bench.rows[0].replaces = "mistyped"
    bench.cluster.creations["a"] = Array(repeating: creation, count: 3)
    let failed = try #require(bench.run())
    #expect(failed.exit != 0 && bench.store.current.isEmpty && !bench.events().contains("token.taken_over"))
    bench.cluster.creations = [:]
    bench.rows[0].replaces = "hand"
    let result = try #require(bench.run())
    #expect(result.exit == 0 && result.token("a")?.previousTokenID == "hand")
    #expect(bench.events().contains("token.taken_over"))
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.exit == 0)
    #expect(bench.cluster.token("mistyped")?.permissions == Self.wide && bench.cluster.token("hand") == nil)
    #expect(bench.changesOfAnotherRun() == [])
  }

  /// A run died after the string was put away and before that was on record.
  @Test func aTokenThatIsRecoveredTakesThePlaceThatTheRowSays() throws {
    let bench = Self.bench(inherits: true)
    let attempt = AttemptID(bits: 1)
    bench.remember("a", [.createIntended(generation: 1, attempt: attempt, deadline: bench.clock.now)])
    bench.store.pending["a"] = StoredToken(
      generation: 1, attempt: attempt, tokenID: "T", accessToken: Secret("apiv1_x".utf8),
      host: "https://cluster.example", databases: ["air"], expiresAt: nil)
    bench.cluster.plant(id: "T", description: bench.marker("a", attempt: 1).described("Token a"))
    let result = try #require(bench.run())
    #expect(result.exit == 0 && result.token("a")?.previousTokenID == "hand", "\(result)")
    #expect(bench.events().prefix(2) == ["token.taken_over", "token.adopted"])
    #expect(bench.store.current["a"]?.tokenID == "T" && bench.cluster.posts.isEmpty)
    bench.clock.advance(by: Bench.day + .seconds(60))
    #expect(bench.run()?.report.counts == [.retired: 1] && bench.liveIDs == ["T"])
  }

  /// Between the take-over and the first token of ours nothing happens to the one that was made by hand.
  @Test func aTakeoverWhoseCreationFailsGoesOnWithTheNextRun() throws {
    let bench = Self.bench(inherits: true)
    bench.cluster.creations["a"] = [.refuse(ServiceError(.badRequest, status: 400, message: "no"))]
    #expect(bench.run()?.exit == 1 && bench.liveIDs == ["hand"])
    bench.clock.advance(by: Bench.day * 40)
    #expect(bench.run()?.report.counts == [.rotated: 1])
    #expect(bench.liveIDs == ["hand", "id-1"] && bench.cluster.revoked.isEmpty)
  }
}
