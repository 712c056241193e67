import RotationModel
import RotationPorts
import Testing

/// What one run does about each answer to a creation.
struct CreationFlowTests {
  @Test func everyRowGetsItsToken() throws {
    let bench = Bench("a", "b", "c")
    let vault = MemoryStore(name: "vault")
    bench.stores.append(vault)
    let result = try #require(bench.run())
    #expect(result.exit == 0 && result.report.counts == [.created: 3])
    #expect(bench.cluster.posts.map(\.name).sorted() == ["a", "b", "c"])
    for name in ["a", "b", "c"] {
      #expect(try bench.status(name) == .current)
      #expect(bench.current(name) != nil && bench.current(name) == bench.current(name, in: vault))
      #expect(result.token(name)?.activationSeconds.map { $0 >= 4 } == true)
    }
    #expect(bench.store.pending.isEmpty && !bench.store.isOpen && bench.audit.isClosed)
  }

  @Test func aSecondRunChangesNothing() throws {
    let bench = Bench("a", "b")
    #expect(bench.run()?.exit == 0)
    let (changes, stored, lines) = (bench.cluster.changes, bench.store.changes, bench.audit.lines)
    let result = try #require(bench.run())
    #expect(result.exit == 0 && result.report.counts == [.unchanged: 2])
    #expect(bench.cluster.changes == changes && bench.store.changes == stored)
    #expect(bench.audit.lines == lines)
  }

  @Test func theIntentIsWrittenBeforeThePost() throws {
    let bench = Bench("a")
    bench.audit.appendError = AuditError(.unwritable, message: "read-only file system")
    let result = try #require(bench.run())
    #expect(result.exit == 7 && result.report.problem?.code == "audit_unwritable")
    #expect(bench.cluster.posts.isEmpty)
  }

  @Test func aThrottledCreationIsSentAgainAsANewAttemptNotBeforeItsTime() throws {
    let bench = Bench("a")
    bench.cluster.creations["a"] = [.refuse(.throttled(30)), .refuse(.throttled(20))]
    #expect(bench.run()?.exit == 0)
    let posts = bench.cluster.posts
    try #require(posts.count == 3)
    #expect(Set(posts.map(\.attempt)).count == 3)
    #expect(posts[1].at - posts[0].at >= .seconds(30) && posts[2].at - posts[1].at >= .seconds(20))
    #expect(bench.cluster.live.count == 1)
  }

  /// A throttled cluster answers: it is obeyed, not given up.
  @Test func aClusterThatThrottlesTheFirstCreationsIsStillUsed() throws {
    let bench = Bench("a", "b", "c", "d", "e", "f")
    for name in ["a", "b", "c", "d", "e", "f"] { bench.cluster.creations[name] = [.refuse(.throttled(5))] }
    let result = try #require(bench.run())
    #expect(result.exit == 0 && result.report.counts == [.created: 6])
    #expect(bench.cluster.posts.count == 12)
  }

  /// Bounded for the job, however many tokens wait: the run holds the lock of all jobs.
  @Test func aClusterThatOnlyThrottlesIsGivenUpAfterAWhile() throws {
    let names = (0..<80).map { "t\($0)" }
    let bench = Bench()
    bench.rows = names.map { Bench.row($0) }
    for name in names {
      bench.cluster.creations[name] = Array(repeating: .refuse(.throttled(30)), count: 99)
    }
    let start = bench.clock.uptime
    let result = try #require(bench.run())
    #expect(result.exit == 1 && result.report.counts == [.failed: 80])
    #expect(bench.clock.uptime - start < .seconds(700))
    let problem = result.tokens.compactMap(\.problem).first { $0.code == "circuit_open" }
    #expect(problem?.message.contains("slow down") == true, "\(String(describing: problem))")
    #expect(bench.run()?.exit == 1)
    bench.cluster.creations = [:]
    #expect(bench.run()?.exit == 0)
  }

  @Test func rowsThatCannotBeCreatedYetAreNotTakenUp() throws {
    let names = (0..<600).map { "t\($0)" }
    let bench = Bench()
    bench.rows = names.map { Bench.row($0) }
    bench.limits.maximumCreates = 600
    for name in names { bench.cluster.creations[name] = [.refuse(.throttled(300))] }
    bench.interruptedAt = bench.clock.uptime + .seconds(200)
    _ = try #require(bench.run())
    #expect(bench.claimedCount <= 200, "\(bench.claimedCount) lineages are held in memory")
  }

  @Test func aClusterThatAnswersNothingIsLeftAlone() throws {
    let names = (0..<20).map { "t\($0)" }
    let bench = Bench()
    bench.rows = names.map { Bench.row($0) }
    for name in names {
      bench.cluster.creations[name] = Array(repeating: .vanish(effectAfter: nil), count: 9)
    }
    let result = try #require(bench.run())
    #expect(result.exit == 1)
    // Three for each that may be under way, and those that were under way when the last of them failed.
    #expect(bench.cluster.posts.count <= 3 * 4 + 3, "\(bench.cluster.posts.count) creations were tried")
    #expect(result.tokens.contains { $0.problem?.code == "circuit_open" })
  }

  @Test func aRefusedRowFailsAtOnceAndTheOthersGoOn() throws {
    let bench = Bench("a", "b", "c")
    bench.cluster.creations["a"] = [.refuse(ServiceError(.badRequest, status: 400, message: "bad"))]
    let result = try #require(bench.run())
    #expect(result.exit == 1 && result.report.counts == [.failed: 1, .created: 2])
    #expect(result.token("a")?.problem?.code == "bad_request")
    #expect(bench.cluster.posts.count { $0.name == "a" } == 1)
    #expect(try bench.status("a") == .planned && bench.status("b") == .current)
    #expect(bench.run()?.exit == 0)
  }

  @Test func aMessageThatOnlyBeginsLikeTheNameIsToldWithTheName() throws {
    let bench = Bench("s")
    for message in ["some reason", "s: some reason"] {
      bench.cluster.creations["s"] = [.refuse(ServiceError(.badRequest, status: 400, message: message))]
      #expect(bench.run()?.token("s")?.problem?.message == "s: some reason")
    }
  }

  @Test func aRefusedCredentialStopsTheJob() throws {
    let bench = Bench("a", "b", "c", "d")
    bench.limits.concurrency = 1
    bench.cluster.creations["b"] = [.refuse(ServiceError(.credentialRefused, status: 401, message: "no"))]
    let result = try #require(bench.run())
    #expect(result.exit == 4 && result.report.problem?.code == "credential_refused")
    #expect(bench.cluster.posts.map(\.name) == ["a", "b"])
    #expect(bench.run()?.exit == 0)
    #expect(bench.cluster.live.count == 4)
  }

  @Test func aRefusedListingStopsTheJobBeforeAnyCreation() throws {
    let bench = Bench("a")
    bench.cluster.listError = ServiceError(.credentialRefused, status: 403, message: "no")
    #expect(bench.run()?.exit == 4)
    bench.cluster.listError = ServiceError(.malformed, message: "not JSON")
    #expect(bench.run()?.exit == 1)
    #expect(bench.cluster.posts.isEmpty)
  }

  @Test func anUnansweredAttemptIsSearchedForAfterItsDeadlineOnly() throws {
    let bench = Bench("a")
    bench.cluster.creations["a"] = [.vanish(effectAfter: .seconds(4))]
    let result = try #require(bench.run())
    #expect(result.exit == 0 && result.report.counts == [.created: 1])
    let posts = bench.cluster.posts
    try #require(posts.count == 2)
    let listings = bench.cluster.requests.filter { $0.request == .list }.map(\.at)
    try #require(listings.count == 2)
    #expect(listings[1] - posts[0].at >= bench.cluster.requestTimeout)
    #expect(posts[1].at > listings[1] && posts[0].attempt != posts[1].attempt)
    #expect(bench.cluster.revoked == ["id-1"] && bench.cluster.live.map(\.id) == ["id-2"])
    #expect(try bench.machine("a")?.attempts.map(\.state) == [.lost, .kept(tokenID: "id-2")])
  }

  @Test func anEffectThatComesAfterTheSearchIsFoundByALaterRun() throws {
    let bench = Bench("a")
    bench.cluster.creations["a"] = [.vanish(effectAfter: .seconds(600))]
    #expect(bench.run()?.exit == 0)
    #expect(bench.cluster.revoked.isEmpty && bench.cluster.live.map(\.id) == ["id-2"])
    bench.clock.advance(by: .seconds(600))
    let result = try #require(bench.run())
    #expect(result.exit == 0 && bench.cluster.revoked == ["id-1"])
    #expect(bench.cluster.live.map(\.id) == ["id-2"] && bench.cluster.posts.count == 2)
  }

  @Test func anAttemptThatNobodyEverSawIsReportedWhenItsWatchEnds() throws {
    let bench = Bench("a")
    bench.cluster.creations["a"] = [.vanish(effectAfter: nil)]
    #expect(bench.run()?.exit == 0)
    bench.clock.advance(by: .seconds(8 * 86_400))
    let result = try #require(bench.run())
    #expect(result.exit == 8 && result.token("a")?.problem?.code == "attempt_unknown")
    #expect(bench.run()?.exit == 0, "it is said once")
  }

  @Test(arguments: ["apiv1_with-a-newline-at-its-end\n", "short", String(repeating: "x", count: 5000)])
  func anUnusableStringIsRevokedAndNothingElseIsTriedInThatRun(string: String) throws {
    let bench = Bench("a")
    bench.cluster.creations["a"] = [.answer(string)]
    let result = try #require(bench.run())
    #expect(result.exit == 1 && result.token("a")?.problem?.code == "token_unusable")
    #expect(bench.cluster.posts.count == 1 && bench.cluster.live.isEmpty)
    #expect(bench.store.stagings == 0)
    #expect(bench.run()?.exit == 0)
    #expect(bench.cluster.live.map(\.id) == ["id-2"])
  }

  @Test func anExpiryThatWasNotAskedForMakesATokenUnusable() throws {
    for expiry in [DesiredToken.Expiry.never, .after(.seconds(86_400))] {
      let bench = Bench()
      bench.rows = [Bench.row("a", expiry: expiry)]
      bench.cluster.creations["a"] = [.wrongExpiry]
      #expect(bench.run()?.token("a")?.problem?.code == "token_unusable")
      #expect(bench.cluster.live.isEmpty && bench.cluster.posts.count == 1)
    }
  }

  @Test func noPartOfAStringIsToldAnywhere() throws {
    let bench = Bench("a", "b")
    bench.cluster.creations["a"] = [.answer("apiv1_verysecretstring\n")]
    let result = try #require(bench.run())
    let texts = result.tokens.map { "\($0)" } + bench.audit.lines.map(\.text) + ["\(result.report)"]
    for text in texts { #expect(!text.contains("verysecr") && !text.contains("string-of-")) }
  }
}

extension ServiceError {
  static func throttled(_ seconds: Int) -> ServiceError {
    ServiceError(.throttled, status: 429, message: "slow down", retryAfter: .seconds(seconds))
  }
}
