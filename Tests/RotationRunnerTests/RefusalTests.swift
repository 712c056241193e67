import RotationModel
import RotationPorts
import RotationTestKit
import Testing

/// What a run refuses to do at all, and what it only tells.
struct RefusalTests {
  @Test func anUnknownDatabaseRefusesTheJob() throws {
    let bench = Bench("a")
    bench.rows.append(Bench.row("b", permissions: PermissionSet([Permission(.read, "nosuch")])))
    let result = try #require(bench.run())
    #expect(result.exit == 2 && result.report.problem?.code == Problem.unknownDatabase)
    #expect(result.report.problem?.message.contains("nosuch") == true)
    #expect(bench.cluster.changes == 0)
  }

  private static func about(_ database: String) -> PermissionSet {
    PermissionSet([Permission(.read, database)])
  }

  @Test func aDatabaseThatIsGoneKeepsNoOtherTokenFromBeingMade() throws {
    let bench = Bench("a")
    bench.rows.append(Bench.row("b", permissions: Self.about("dust")))
    bench.cluster.databases.append("dust")
    #expect(bench.run()?.exit == 0)
    bench.cluster.databases.removeLast()
    bench.rows.append(Bench.row("c"))
    let plan = try #require(bench.plan())
    #expect(plan.steps.map(\.kind) == [.nothing, .nothing, .create] && plan.exit == 8)
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.noticed.map(\.code) == ["database_missing"])
    #expect(result.noticed.first?.message.contains("b: no database dust") == true)
    #expect(result.token("c")?.outcome == .created && result.token("b")?.outcome == .unchanged)
    #expect(bench.cluster.revoked.isEmpty)
  }

  @Test func aNewRowIsHeldAgainstTheDatabasesHoweverManyTokensHaveLostTheirs() throws {
    let bench = Bench()
    bench.cluster.databases.append("dust")
    bench.rows = (0..<150).map { Bench.row("t\($0)", permissions: Self.about("dust")) }
    #expect(bench.run()?.exit == 0)
    bench.cluster.databases.removeLast()
    bench.rows.append(Bench.row("new", permissions: Self.about("nosuch")))
    let posts = bench.cluster.posts.count
    #expect(bench.plan()?.exit == 2)
    let result = try #require(bench.run())
    #expect(result.exit == 2 && result.report.problem?.code == Problem.unknownDatabase)
    #expect(result.report.problem?.message == "tokens.csv:2:1: new: no database nosuch")
    #expect(bench.cluster.posts.count == posts)
    bench.rows.removeLast()
    let told = try #require(bench.run())
    #expect(told.exit == 8 && told.report.counts == [.unchanged: 150])
    #expect(told.noticed.first?.message.components(separatedBy: "\n").count == 101, "100 places and the rest")
  }

  /// The refusals of a database that is gone end in `abandon_after`.
  @Test func aTokenThatIsGivenUpIsNotMadeAgainForADatabaseThatIsGone() throws {
    let bench = Bench()
    bench.cluster.databases.append("dust")
    bench.rows = [Bench.row("a", permissions: Self.about("dust"))]
    bench.cluster.answerToProbe = { _, _ in .refused(status: 404, message: "no such database") }
    #expect(bench.run()?.exit == 5)
    bench.cluster.databases.removeLast()
    bench.clock.advance(by: .seconds(90_000))
    let result = try #require(bench.run())
    #expect(bench.cluster.posts.count == 1 && bench.cluster.revoked == ["id-1"])
    #expect(result.exit == 1 && result.token("a")?.problem?.code == "database_missing")
    #expect(bench.run()?.exit == 2, "from now on the row needs a token")
  }

  @Test func anAdoptionTakesTokensOverWhoseDatabaseIsGone() throws {
    let bench = Bench()
    bench.cluster.databases.append("dust")
    bench.rows = [Bench.row("a", permissions: Self.about("dust"))]
    #expect(bench.run()?.exit == 0)
    bench.cluster.databases.removeLast()
    bench.ledger = InMemoryLedger(random: SeededRandom(seed: 1))
    let adopted = try #require(bench.adopt())
    #expect(adopted.report.counts == [.unchanged: 1], "\(adopted)")
    #expect(bench.run()?.exit == 8)
  }

  @Test func tooManyCreationsAreRefusedBeforeTheFirstRequest() throws {
    let bench = Bench("a", "b", "c")
    bench.limits.maximumCreates = 2
    let result = try #require(bench.run())
    #expect(result.exit == 2 && result.report.problem?.code == "too_many_creates")
    let words = "create 3 tokens for rows that have none (a, b, c), and max_creates is 2"
    #expect(result.report.problem?.message.contains(words) == true, "\(result)")
    #expect(bench.cluster.requests.isEmpty)
    bench.limits.maximumCreates = 3
    #expect(bench.run()?.exit == 0)
    // Tokens that exist do not count.
    bench.limits.maximumCreates = 0
    #expect(bench.run()?.exit == 0)
  }

  /// Three names are enough to see what it is about; those that have a token or are not meant are none of them.
  @Test func aRefusalNamesTheFirstRows() throws {
    let bench = Bench("d", "c")
    #expect(bench.run()?.exit == 0)
    bench.rows += ["g", "f", "e", "b", "a"].map { Bench.row($0) }
    bench.limits.maximumCreates = 4
    let refused = try #require(bench.run()?.report.problem?.message)
    #expect(
      refused.contains("5 tokens for rows that have none (a, b, e and 2 more), and max_creates"), "\(refused)"
    )
    (bench.limits.maximumCreates, bench.only) = (1, ["c", "f", "g"])
    let meant = try #require(bench.run()?.report.problem?.message)
    #expect(meant.contains("2 tokens for rows that have none (f, g), and max_creates"), "\(meant)")
    bench.limits.maximumCreates = 2
    #expect(bench.run()?.exit == 0)
  }

  @Test func aLostLedgerRefusesAJobThatHasTokens() throws {
    for installation in [nil, UInt64(77)] {
      let bench = Bench("a", "b")
      bench.cluster.plant(
        id: "old", description: bench.marker("a", attempt: 1, installation: installation).described("x"))
      let result = try #require(bench.run())
      #expect(result.exit == 8 && result.report.problem?.code == "ledger_empty")
      #expect(bench.cluster.changes == 0)
    }
  }

  @Test func markersOfOtherJobsAreNoneOfOurBusiness() throws {
    let bench = Bench("a")
    bench.cluster.plant(id: "other", description: bench.marker("a", attempt: 1, job: "other").text)
    bench.cluster.plant(id: "hand", description: "made by hand")
    #expect(bench.run()?.exit == 0)
    #expect(bench.cluster.live.map(\.id).sorted() == ["hand", "id-1", "other"])
  }

  @Test(arguments: [nil, UInt64(77)])
  func aForeignMarkerIsReportedAndNeverTouched(installation: UInt64?) throws {
    let bench = Bench("a")
    #expect(bench.run()?.exit == 0)
    bench.cluster.plant(id: "F", description: bench.marker("a", attempt: 9, installation: installation).text)
    bench.rows.append(Bench.row("b"))
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.token("a")?.problem?.code == "foreign_marker")
    #expect(result.token("b")?.outcome == .created)
    #expect(bench.cluster.revoked.isEmpty && bench.cluster.live.contains { $0.id == "F" })
  }

  @Test func aForeignMarkerUnderAFreeNameKeepsItsRowFromBeingCreated() throws {
    let bench = Bench("a")
    #expect(bench.run()?.exit == 0)
    bench.cluster.plant(id: "F", description: bench.marker("b", attempt: 9).text)
    bench.cluster.plant(id: "G", description: bench.marker("nobody", attempt: 9).text)
    bench.rows.append(Bench.row("b"))
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.token("b")?.outcome == .attention)
    #expect(result.noticed.map(\.code) == ["foreign_marker"], "the one without a row is told too")
    #expect(bench.cluster.posts.count == 1 && bench.cluster.revoked.isEmpty)
  }

  @Test func clocksThatAreApartAreTold() throws {
    for (skew, exit) in [(301, Int32(8)), (-301, 8), (299, 0)] {
      let bench = Bench("a")
      bench.cluster.skew = .seconds(skew)
      let result = try #require(bench.run())
      #expect(result.exit == exit && result.noticed.map(\.code) == (exit == 8 ? ["clocks_apart"] : []))
      #expect(result.token("a")?.outcome == .created)
    }
  }

  @Test func anotherClusterOrStoreIsRefused() throws {
    let bench = Bench("a")
    #expect(bench.run()?.exit == 0)
    let requests = bench.cluster.requests.count
    bench.binding.cluster = "account/another"
    #expect(bench.run()?.report.problem?.code == "binding_changed")
    bench.binding = JobBinding(cluster: "account/cluster", stores: ["elsewhere"])
    #expect(bench.run()?.exit == 2)
    #expect(bench.cluster.requests.count == requests)
  }

  @Test func aTokenWhoseRowIsGoneIsToldAndKept() throws {
    let bench = Bench("a", "b")
    #expect(bench.run()?.exit == 0)
    bench.rows.removeLast()
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.token("b")?.problem?.code == "row_gone")
    #expect(bench.cluster.live.count == 2)
  }

  @Test func aTokenThatIsMissingIsToldAndNotMadeAgain() throws {
    let bench = Bench("a")
    #expect(bench.run()?.exit == 0)
    bench.cluster.remove(id: "id-1")
    bench.clock.advance(by: .seconds(3600))
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.token("a")?.problem?.code == "token_missing")
    #expect(bench.cluster.posts.count == 1)
  }

  @Test func aTokenThatNearsItsExpiryIsTold() throws {
    let bench = Bench("a")
    bench.rows = [Bench.row("a", expiry: .after(.seconds(90 * 86_400)))]
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: .seconds(59 * 86_400))
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: .seconds(2 * 86_400))
    #expect(bench.run()?.token("a")?.problem?.code == "expires_soon")
    bench.clock.advance(by: .seconds(30 * 86_400))
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.token("a")?.problem?.code == "expired")
  }

  @Test func permissionsThatDifferAreTold() throws {
    let bench = Bench("a")
    #expect(bench.run()?.exit == 0)
    bench.cluster.change(id: "id-1", permissions: PermissionSet([Permission(.read, "*")]))
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.token("a")?.problem?.code == "permissions_differ")
    #expect(bench.cluster.changes == 1)
  }

  @Test func aSecondTokenOfAnAttemptIsRevokedAndTheFirstIsKept() throws {
    let bench = Bench("a")
    #expect(bench.run()?.exit == 0)
    let description = try #require(bench.cluster.live.first?.description)
    bench.cluster.plant(id: "second", description: description)
    let result = try #require(bench.run())
    #expect(result.exit == 0)
    #expect(bench.cluster.revoked == ["second"] && bench.cluster.live.map(\.id) == ["id-1"])
    #expect(result.report.orphansRevoked == 1)
  }

  @Test func aTokenWhoseDescriptionWasChangedIsNotRevoked() throws {
    let bench = Bench("a")
    bench.cluster.answerToProbe = { _, _ in .refused(status: 401, message: "no") }
    #expect(bench.run()?.exit == 5)
    bench.store.pending = [:]
    bench.cluster.remove(id: "id-1")
    bench.cluster.plant(id: "id-1", description: "somebody else's now")
    bench.clock.advance(by: .seconds(60))
    let result = try #require(bench.run())
    #expect(result.token("a")?.problem?.code == "foreign_marker" && result.exit == 8)
    #expect(bench.cluster.revoked.isEmpty && bench.cluster.live.count == 1)
  }
}
