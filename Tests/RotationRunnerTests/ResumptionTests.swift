import RotationModel
import RotationPorts
import RotationTestKit
import Testing

/// Runs that are stopped, limited or begun anew.
struct ResumptionTests {
  @Test func anInterruptedRunIsFinishedByTheNext() throws {
    let bench = Bench("a", "b")
    bench.cluster.answerToProbe = { _, at in
      at < .seconds(40) ? .refused(status: 401, message: "no") : .accepted
    }
    bench.interruptedAt = .seconds(20)
    let result = try #require(bench.run())
    #expect(result.exit == 130 && result.report.problem?.code == "interrupted")
    #expect(result.report.counts == [.pending: 2])
    #expect(result.tokens.map(\.name).sorted() == ["a", "b"])
    for token in result.tokens {
      #expect(token.outcome == .pending && token.problem?.code == "interrupted" && token.tokenID != nil)
    }
    #expect(bench.clock.uptime < .seconds(25), "the run went on until \(bench.clock.uptime)")
    #expect(try bench.status("a") == .staged)
    bench.interruptedAt = nil
    #expect(bench.run()?.exit == 0)
    #expect(bench.cluster.posts.count == 2 && bench.cluster.changes == 2)
  }

  /// Every moment of a run with an unanswered creation, a throttled one and a slow activation.
  @Test func thereIsNoBadMomentToInterrupt() throws {
    for step in 0..<110 {
      let bench = Bench("a", "b", "c")
      bench.cluster.creations = ["a": [.vanish(effectAfter: .seconds(4))], "b": [.refuse(.throttled(3))]]
      bench.cluster.answerToProbe = { _, at in
        at < .seconds(3) ? .refused(status: 401, message: "no") : .accepted
      }
      let moment = Duration.milliseconds(Int64(step) * 170)
      bench.interruptedAt = moment
      let interrupted = try #require(bench.run())
      #expect([0, 130].contains(interrupted.exit), "\(interrupted)")
      #expect(bench.clock.uptime <= moment + .seconds(8) || interrupted.exit == 0)
      bench.interruptedAt = nil
      let posted = Set(bench.cluster.posts.map(\.attempt))
      #expect(bench.run()?.exit == 0, "after an interruption at \(moment)")
      #expect(bench.cluster.live.count == 3 && Set(posted).count == posted.count)
      for name in ["a", "b", "c"] {
        #expect(try bench.status(name) == .current)
        let id = try bench.machine(name)?.newest?.tokenID
        #expect(bench.store.current[name]?.tokenID == id && bench.cluster.live.contains { $0.id == id })
      }
    }
  }

  /// The process dies between the intent and the answer: what the store has decides.
  @Test func aStringThatWasStagedBeforeADeathIsAdopted() throws {
    let bench = Bench("a")
    let marker = bench.marker("a", attempt: 5)
    bench.remember(
      "a",
      [.createIntended(generation: 1, attempt: marker.attempt, deadline: bench.clock.now + .seconds(7))])
    bench.cluster.plant(id: "T", description: marker.described("Token a"))
    bench.store.pending["a"] = StoredToken(
      generation: 1, attempt: marker.attempt, tokenID: "T",
      accessToken: Secret(Array("apiv1_0123456789".utf8)), host: "https://h", databases: ["air"],
      expiresAt: nil)
    #expect(bench.run()?.exit == 0)
    #expect(bench.cluster.changes == 0 && bench.current("a") == "apiv1_0123456789")
    #expect(try bench.machine("a")?.attempts.map(\.state) == [.kept(tokenID: "T")])
  }

  @Test func aStringThatDiedWithItsProcessIsAnOrphan() throws {
    for isAnswered in [false, true] {
      let bench = Bench("a")
      let marker = bench.marker("a", attempt: 5)
      bench.remember(
        "a",
        [.createIntended(generation: 1, attempt: marker.attempt, deadline: bench.clock.now + .seconds(7))]
          + (isAnswered ? [.createDone(attempt: marker.attempt, tokenID: "T", expiresAt: nil)] : []))
      bench.cluster.plant(id: "T", description: marker.described("Token a"))
      #expect(bench.run()?.exit == 0)
      #expect(bench.cluster.revoked == ["T"] && bench.cluster.posts.count == 1)
      #expect(try bench.machine("a")?.attempts.first?.state == .lost)
    }
  }

  /// Its revocation was sent by a run that had seen it: that the cluster does not show it now is no lagging replica.
  @Test func anOrphanWhoseRevocationWasNotAnsweredIsGoneForTheNextRun() throws {
    let bench = Bench("a")
    bench.store.stageErrors = [StoreError(.misconfigured, message: "no such user")]
    let silence = ServiceError(.noAnswer, message: "the connection was lost")
    bench.cluster.revocations = Array(repeating: .unknown(silence), count: 20)
    bench.cluster.onRequest = { [cluster = bench.cluster] request in
      if case .revoke(let id) = request { cluster.revokeElsewhere(id: id) }
    }
    #expect(bench.run()?.exit == 1 && bench.liveIDs == [])
    bench.cluster.revocations = []
    let next = try #require(bench.run())
    #expect(next.exit == 0, "\(String(describing: next.token("a")?.problem))")
    #expect(bench.store.current["a"]?.tokenID == "id-2" && bench.events().contains("orphan.revoked"))
  }

  @Test func onlyTheNamedTokensAreWorkedOn() throws {
    let bench = Bench("a", "b", "c")
    bench.only = ["b"]
    bench.limits.maximumCreates = 1
    let result = try #require(bench.run())
    #expect(result.exit == 0 && result.tokens.map(\.name) == ["b"])
    #expect(bench.cluster.posts.map(\.name) == ["b"])
  }

  @Test func oneOffTokensAreMadeOnceAndLeftAlone() throws {
    let bench = Bench("x")
    bench.isOneOff = true
    #expect(bench.run()?.report.counts == [.created: 1])
    #expect(bench.run()?.report.counts == [.unchanged: 1])
    bench.isOneOff = false
    bench.rows = [Bench.row("a")]
    let result = try #require(bench.run())
    #expect(result.exit == 0 && result.tokens.map(\.name) == ["a"])
    // A one-off CSV does not call the job's own tokens forgotten either.
    bench.isOneOff = true
    bench.rows = [Bench.row("y")]
    #expect(bench.run()?.exit == 0)
    bench.isOneOff = false
    bench.rows = [Bench.row("a"), Bench.row("x")]
    #expect(bench.run()?.report.counts == [.unchanged: 2])
    #expect(bench.cluster.posts.map(\.name) == ["x", "a", "y"])
    // Once a row had it, it is the job's.
    bench.rows = [Bench.row("a")]
    #expect(bench.run()?.token("x")?.problem?.code == "row_gone")
  }

  @Test func aLostLedgerIsRebuiltFromStoreAndCluster() throws {
    let bench = Bench("a", "b")
    #expect(bench.run()?.exit == 0)
    bench.rows.append(Bench.row("new"))
    bench.ledger = InMemoryLedger(random: SeededRandom(seed: 1))
    #expect(bench.run()?.exit == 8, "an empty ledger creates nothing")
    let (changes, stored) = (bench.cluster.changes, bench.store.changes)
    let result = try #require(bench.adopt())
    #expect(result.exit == 0 && result.report.counts == [.unchanged: 2])
    #expect(bench.cluster.changes == changes && bench.store.changes == stored)
    #expect(try bench.status("a") == .current && bench.status("b") == .current)
    #expect(bench.run()?.report.counts == [.unchanged: 2, .created: 1])
    #expect(bench.adopt()?.report.counts == [.unchanged: 3], "what the ledger knows stays as it is")
  }

  /// Tokens of `create`, and of rows that are gone.
  @Test func tokensWithoutARowAreAdoptedToo() throws {
    let bench = Bench("a", "once")
    #expect(bench.run()?.exit == 0)
    bench.rows.removeLast()
    bench.ledger = InMemoryLedger(random: SeededRandom(seed: 1))
    let adopted = try #require(bench.adopt())
    #expect(adopted.exit == 0 && adopted.noticed.isEmpty)
    #expect(Set(adopted.tokens.map(\.name)) == ["a", "once"])
    #expect(bench.run()?.report.counts == [.unchanged: 1] && bench.cluster.changes == 2)
    // A person may end them, or give them a row again.
    #expect(bench.wish(.retire(now: true), "once")?.exit == 0)
    #expect(bench.liveIDs == [bench.store.current["a"]?.tokenID].compactMap(\.self))
    #expect(bench.store.current["once"] == nil)
  }

  @Test func aStagedTokenIsAdoptedAndActivatedLater() throws {
    let bench = Bench("a")
    bench.cluster.answerToProbe = { _, _ in .refused(status: 401, message: "no") }
    #expect(bench.run()?.exit == 5)
    bench.ledger = InMemoryLedger(random: SeededRandom(seed: 1))
    #expect(bench.adopt()?.report.counts == [.pending: 1])
    bench.cluster.answerToProbe = { _, _ in .accepted }
    #expect(bench.run()?.exit == 0)
    #expect(bench.cluster.changes == 1)
  }

  @Test func whatOnlyOneSideKnowsIsReportedByAdopt() throws {
    let bench = Bench("cluster-only", "store-only", "neither")
    bench.cluster.plant(id: "C", description: bench.marker("cluster-only", attempt: 1).text)
    bench.cluster.plant(id: "N", description: bench.marker("no-row", attempt: 1).text)
    bench.store.current["store-only"] = StoredToken(
      generation: 1, attempt: AttemptID(bits: 3), tokenID: "S",
      accessToken: Secret(Array("apiv1_0123456789".utf8)), host: "https://h", databases: [], expiresAt: nil)
    bench.store.isThere = true
    let result = try #require(bench.adopt())
    #expect(result.exit == 8 && result.noticed.count == 1)
    #expect(result.token("cluster-only")?.problem?.code == "string_lost")
    #expect(result.token("store-only")?.problem?.code == "token_missing")
    #expect(result.token("neither") == nil && bench.cluster.changes == 0)
  }

  @Test func adoptIsRefusedForAnotherClusterOrStoreAndBindsNothing() throws {
    let bench = Bench("a")
    bench.cluster.answerToProbe = { _, _ in .refused(status: 401, message: "no") }
    #expect(bench.run()?.exit == 5)
    let binding = bench.binding
    bench.binding = JobBinding(cluster: binding.cluster, stores: ["elsewhere"])
    let refused = try #require(bench.adopt())
    #expect(refused.exit == 2 && refused.report.problem?.code == "binding_changed")
    bench.binding = binding
    bench.cluster.answerToProbe = { _, _ in .accepted }
    #expect(bench.run()?.exit == 0 && bench.cluster.revoked.isEmpty)
  }

  /// With two stores only the first is known to have an adopted token.
  @Test func theOtherStoresAreServedAfterAnAdoption() throws {
    let bench = Bench("a")
    let vault = MemoryStore(name: "vault")
    bench.stores.append(vault)
    #expect(bench.run()?.exit == 0)
    bench.ledger = InMemoryLedger(random: SeededRandom(seed: 1))
    vault.current = [:]
    #expect(bench.adopt()?.exit == 0 && bench.current("a", in: vault) == nil)
    #expect(bench.run()?.exit == 0 && bench.current("a", in: vault) == bench.current("a"))
    #expect(bench.cluster.posts.count == 1)
  }

  @Test func aTokenThatTheRebuiltLedgerDoesNotKnowIsToldByAdopt() throws {
    let bench = Bench("a")
    #expect(bench.run()?.exit == 0)
    bench.cluster.plant(id: "B", description: bench.marker("a", attempt: 99).text)
    let result = try #require(bench.adopt())
    let problem = try #require(result.token("a")?.problem)
    #expect(result.exit == 8 && problem.code == "string_lost" && problem.message.contains("token B "))
  }

  /// A wall clock that was set between two runs, either way, or a deadline that it made wrong.
  @Test(arguments: [-86_400, -20, 20, 86_400])
  func anEarlierRunsAttemptIsSearchedForAWholeRequestLater(_ shift: Int64) throws {
    let bench = Bench("a")
    let attempt = AttemptID(bits: 5)
    bench.remember(
      "a",
      [
        .createIntended(
          generation: 1, attempt: attempt, deadline: bench.clock.now + .seconds(7) + .seconds(shift))
      ])
    let start = bench.clock.uptime
    #expect(bench.run()?.exit == 0)
    let post = try #require(bench.cluster.posts.first)
    #expect(post.at >= start + .seconds(7))
    let listing = bench.cluster.requests.last { $0.request == .list && $0.at < post.at }
    #expect(try #require(listing).at >= start + .seconds(7))
  }

  @Test func aReadThatIsRepeatedEndsWithTheSignal() throws {
    let bench = Bench("a")
    bench.cluster.listError = ServiceError(
      .unavailable, status: 503, message: "down", retryAfter: .seconds(60))
    bench.interruptedAt = .seconds(3)
    #expect(bench.run()?.exit == 130)
    #expect(bench.clock.uptime < .seconds(4), "it went on until \(bench.clock.uptime)")
  }

  @Test(arguments: [(61, "left alone for 61s"), (600, "left alone for 10m or longer")])
  func aServiceThatWantsToBeLeftAloneForLongIsLeftToTheNextRun(seconds: Int, words: String) throws {
    let bench = Bench("a")
    bench.cluster.listError = ServiceError(
      .unavailable, status: 503, message: "listing tokens at https://console.example: HTTP 503",
      retryAfter: .seconds(seconds))
    let result = try #require(bench.run())
    #expect(result.exit == 1 && bench.clock.uptime < .seconds(2), "it went on until \(bench.clock.uptime)")
    let problem = try #require(result.report.problem)
    #expect(problem.message.contains("https://console.example"), "\(problem)")
    #expect(problem.message.hasSuffix(words), "\(problem)")
    #expect(problem.hint?.contains("next run") == true, "\(problem)")
    bench.cluster.listError = nil
    #expect(bench.run()?.exit == 0)
  }

  /// Their markers have the former name as long as nobody has described them anew.
  @Test func adoptingKnowsTokensByTheirFormerName() throws {
    let bench = Bench("old")
    #expect(bench.run()?.exit == 0)
    bench.rows = [Bench.row("new")]
    bench.cluster.updates = [.refuse(ServiceError(.badRequest, status: 400, message: "no"))]
    #expect(bench.wish(.rename(to: "new"), "old")?.exit == 1)
    let marker = Marker.split(try #require(bench.cluster.live.first).description).marker
    #expect(marker?.name == "old")
    let adopted = try #require(bench.adopt())
    #expect(adopted.exit == 0 && adopted.noticed.isEmpty && adopted.report.counts == [.unchanged: 1])
  }
}
