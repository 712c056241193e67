import RotationModel
import Testing

@testable import Sandbox

@Suite struct SimulatedClusterTests {
  let start = Instant(milliseconds: 1_800_000_000_000)

  func cluster(
    seed: UInt64 = 1, faults: [String] = [],
    _ change: (inout SimulatedCluster.Configuration) -> Void = { _ in }
  ) throws -> ClusterUnderTest {
    var configuration = SimulatedCluster.Configuration()
    configuration.databases = ["plant"]
    change(&configuration)
    return ClusterUnderTest(
      SimulatedCluster(
        configuration, generator: SeededGenerator(seed: seed), faults: try faults.map { try Fault.parse($0) })
    )
  }

  func request(_ description: String = "a", _ permissions: [Permission] = [Permission(.read, "plant")])
    -> TokenRequest
  { TokenRequest(description: description, permissions: PermissionSet(permissions)) }

  @Test func aTokenHasTheShapeOfARealOne() throws {
    let cluster = try cluster()
    let created = try #require(cluster.createToken(request(), at: start))
    #expect(created.accessToken.wholeMatch(of: /apiv1_[A-Za-z0-9_-]{88}/) != nil)
    #expect(TokenText.isUUIDv4(created.record.id))
    let other = try #require(cluster.createToken(request(), at: start))
    #expect(other.accessToken != created.accessToken)
    #expect(other.record.id != created.record.id)
  }

  @Test func nodesLearnATokenWithinTheSpreadAndAtDifferentTimes() throws {
    let cluster = try cluster { $0.nodes = 8 }
    let created = try #require(cluster.createToken(request(), at: start))
    let early = try #require(cluster.nodesKnowing(created.record.id, at: start + .milliseconds(2999)))
    let middle = try #require(cluster.nodesKnowing(created.record.id, at: start + .seconds(5)))
    let late = try #require(cluster.nodesKnowing(created.record.id, at: start + .seconds(7)))
    #expect(!early.contains(true))
    #expect(middle.contains(true) && middle.contains(false))
    #expect(!late.contains(false))
    for node in 0..<8 {
      let answer = cluster.query(
        node: node, accessToken: created.accessToken, database: "plant", at: start + .seconds(5))
      #expect(answer == (middle[node] ? .permitted : .unknownToken))
    }
  }

  @Test func theSameSeedGivesTheSameRunAndAnotherDoesNot() throws {
    func run(_ seed: UInt64) throws -> [CreatedToken?] {
      let cluster = try cluster(seed: seed)
      return (0..<5).map { cluster.createToken(request("\($0)"), at: start) }
    }
    #expect(try run(3) == run(3))
    #expect(try run(3) != run(4))
  }

  @Test func faultsDoNotMoveWhatTheClusterDraws() throws {
    let plain = try cluster()
    let faulty = try cluster(faults: ["list:error-before=500:p=0.5"])
    for _ in 0..<10 { _ = faulty.perform(.list, node: 0, at: start) }
    #expect(plain.createToken(request(), at: start) == faulty.createToken(request(), at: start))
  }

  @Test func aRevokedTokenIsGoneForTheListAndForNodesAfterTheirDelay() throws {
    let cluster = try cluster {
      $0.activationDelay = .zero
      $0.activationSpread = .zero
      $0.changeDelay = .seconds(3)
    }
    let created = try #require(cluster.createToken(request(), at: start))
    #expect(cluster.revokeToken(created.record.id, at: start))
    #expect(!cluster.revokeToken(created.record.id, at: start))
    #expect(cluster.listTokens(at: start).isEmpty)
    #expect(cluster.token(created.record.id, at: start) == nil)
    func asked(after seconds: Int) -> AccessAnswer {
      cluster.query(
        node: 0, accessToken: created.accessToken, database: "plant", at: start + .seconds(seconds))
    }
    #expect(asked(after: 2) == .permitted)
    #expect(asked(after: 3) == .unknownToken)
  }

  @Test func revokedTokensAreShownWhenAskedFor() throws {
    let cluster = try cluster { $0.includesRevoked = true }
    let created = try #require(cluster.createToken(request(), at: start))
    _ = cluster.revokeToken(created.record.id, at: start + .seconds(1))
    #expect(cluster.listTokens(at: start + .seconds(2)).map(\.revokedAt) == [start + .seconds(1)])
    #expect(cluster.token(created.record.id, at: start + .seconds(2))?.revokedAt != nil)
    #expect(cluster.liveTokens(at: start + .seconds(2)).isEmpty)
  }

  @Test func permissionsAreAskedForEachActionAndDatabase() throws {
    let cluster = try cluster {
      $0.activationDelay = .zero; $0.activationSpread = .zero
    }
    let reader = try #require(cluster.createToken(request(), at: start))
    let all = try #require(cluster.createToken(request("b", [Permission(.write, "*")]), at: start))
    func read(_ token: CreatedToken, _ database: String) -> AccessAnswer {
      cluster.query(node: 0, accessToken: token.accessToken, database: database, at: start)
    }
    func write(_ token: CreatedToken, _ database: String) -> AccessAnswer {
      cluster.write(node: 0, accessToken: token.accessToken, database: database, at: start)
    }
    #expect(read(reader, "plant") == .permitted)
    #expect(write(reader, "plant") == .notPermitted)
    #expect(read(reader, "other") == .notPermitted)
    #expect(write(all, "plant") == .permitted)
    #expect(write(all, "missing") == .databaseNotFound)
    _ = cluster.updateToken(reader.record.id, TokenChange(permissions: PermissionSet([])), at: start)
    #expect(read(reader, "plant") == .notPermitted)
  }

  @Test func anExpiredTokenIsUnknownFromThatInstantOn() throws {
    let cluster = try cluster {
      $0.activationDelay = .zero; $0.activationSpread = .zero
    }
    var wanted = request()
    wanted.expiresAt = start + .seconds(60)
    let created = try #require(cluster.createToken(wanted, at: start))
    let before = cluster.query(
      node: 0, accessToken: created.accessToken, database: "plant", at: start + .milliseconds(59_999))
    let after = cluster.query(
      node: 0, accessToken: created.accessToken, database: "plant", at: start + .seconds(60))
    #expect(before == .permitted)
    #expect(after == .unknownToken)
  }

  @Test func aNewTokenIsMissingFromTheListForTheLag() throws {
    let cluster = try cluster { $0.listLag = .seconds(2) }
    let created = try #require(cluster.createToken(request(), at: start))
    #expect(cluster.listTokens(at: start + .milliseconds(1999)).isEmpty)
    #expect(cluster.token(created.record.id, at: start) != nil)
    #expect(cluster.listTokens(at: start + .seconds(2)).count == 1)
  }

  @Test func tokensAndCountsAreBounded() throws {
    let cluster = try cluster { $0.maximumTokens = 1 }
    #expect(cluster.createToken(request(), at: start) != nil)
    #expect(cluster.createToken(request(), at: start) == nil)
    for description in ["a", "b", "a"] {
      _ = cluster.perform(.create(request(description)), node: 0, at: start)
    }
    #expect(cluster.postsByDescription == ["a": 2])
  }

  // MARK: Faults

  @Test func aLostAnswerHasItsEffectAndALostRequestHasNone() throws {
    let cluster = try cluster(faults: ["create:answer-lost:nth=1", "create:request-lost:nth=1"])
    #expect(cluster.perform(.create(request("a")), node: 0, at: start).reply == nil)
    #expect(cluster.perform(.create(request("b")), node: 0, at: start).reply == nil)
    #expect(cluster.listTokens(at: start).map(\.description) == ["a"])
    #expect(cluster.postsByDescription == ["a": 1, "b": 1])
  }

  @Test func aLateEffectLandsAtItsOwnTime() throws {
    let cluster = try cluster(faults: ["create:late-effect=5s:nth=1", "revoke:late-effect=1s,answer=504"])
    #expect(cluster.perform(.create(request()), node: 0, at: start).reply == nil)
    #expect(cluster.pendingEffects == 1)
    #expect(cluster.listTokens(at: start + .milliseconds(4999)).isEmpty)
    let listed = cluster.listTokens(at: start + .seconds(9))
    #expect(listed.map(\.createdAt) == [start + .seconds(5)])
    let answer = cluster.perform(.revoke(id: listed[0].id), node: 0, at: start + .seconds(9))
    #expect(answer.reply == .refused(status: 504, message: "gateway timeout", retryAfterSeconds: nil))
    #expect(cluster.listTokens(at: start + .seconds(9)).count == 1)
    #expect(cluster.listTokens(at: start + .seconds(10)).isEmpty)
    #expect(cluster.pendingEffects == 0)
  }

  @Test func errorsComeBeforeOrAfterTheEffect() throws {
    let cluster = try cluster(faults: ["create:error-before=503:nth=1", "create:error-after=500"])
    let before = cluster.perform(.create(request("a")), node: 0, at: start)
    let after = cluster.perform(.create(request("b")), node: 0, at: start)
    #expect(before.reply == .fault(503))
    #expect(after.reply == .fault(500))
    #expect(cluster.listTokens(at: start).map(\.description) == ["b"])
  }

  @Test func aThrottleSaysWhenToComeBackAndSlownessAddsUp() throws {
    let cluster = try cluster(faults: ["any:slow=2s", "list:slow=500ms", "list:throttle=429,retry-after=2"])
    let answer = cluster.perform(.list, node: 0, at: start)
    #expect(answer.reply == .fault(429, retryAfterSeconds: 2))
    #expect(answer.delay == .milliseconds(2500))
    #expect(cluster.perform(.databases, node: 0, at: start).delay == .seconds(2))
  }

  @Test func aDuplicateMakesTwoTokensOfOnePost() throws {
    let cluster = try cluster(faults: ["create:duplicate"])
    _ = cluster.perform(.create(request("a")), node: 0, at: start)
    #expect(cluster.listTokens(at: start).map(\.description) == ["a", "a"])
    #expect(cluster.postsByDescription == ["a": 1])
  }

  @Test func aWrongExpiryIsReallyInForce() throws {
    let cluster = try cluster(faults: ["create:wrong-expiry"])
    var wanted = request()
    wanted.expiresAt = start + .seconds(60)
    _ = cluster.perform(.create(wanted), node: 0, at: start)
    _ = cluster.perform(.create(request()), node: 0, at: start)
    #expect(
      cluster.listTokens(at: start).map(\.expiresAt) == [start + .seconds(86_460), start + .seconds(86_400)])
  }

  @Test func occurrenceNodeAndMatchChooseTheRequest() throws {
    let cluster = try cluster(faults: [
      "create:error-before=500:match=pump", "query:error-before=503:node=1:next=2",
    ])
    #expect(cluster.perform(.create(request("fan")), node: 0, at: start).reply != .fault(500))
    #expect(cluster.perform(.create(request("pump 3")), node: 0, at: start).reply == .fault(500))
    let call = ClusterCall.query(accessToken: "x", database: "plant")
    let replies = [0, 1, 1, 1].map { cluster.perform(call, node: $0, at: start).reply }
    #expect(replies == [.access(.unknownToken), .fault(503), .fault(503), .access(.unknownToken)])
    #expect(cluster.faults.entries.map(\.seen) == [1, 3])
    #expect(cluster.faults.entries.map(\.fired) == [1, 2])
  }

  @Test func aProbabilityIsKeptAndReplays() throws {
    func lost(_ seed: UInt64) throws -> [Bool] {
      let cluster = try cluster(seed: seed, faults: ["list:request-lost:p=0.25"])
      return (0..<2000).map { _ in cluster.perform(.list, node: 0, at: start).reply == nil }
    }
    let first = try lost(11)
    #expect((400...600).contains(first.count { $0 }))
    #expect(try first == lost(11))
    #expect(try first != lost(12))
  }
}
