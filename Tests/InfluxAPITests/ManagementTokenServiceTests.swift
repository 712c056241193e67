import HTTPClient
import InfluxAPI
import RotationModel
import RotationPorts
import struct Sandbox.SandboxOptions
import Testing

/// The service against the sandbox, whose strict eye must have nothing to say afterwards.
@Suite struct ManagementTokenServiceTests {
  private static let request = TokenRequest(
    description: "pump \"7\" [tokenrotate i/j/n#a] ä",
    permissions: PermissionSet([Permission(.read, "plant")]),
    expiresAt: Instant(rfc3339: "2031-01-01T00:00:00.750Z"))
  private static let strangerID = "99999999-9999-4999-8999-999999999999"

  private func created(_ answer: CreateAnswer) throws -> CreatedToken {
    guard case .created(let token) = answer else {
      Issue.record("not created: \(answer)")
      throw Stop()
    }
    return token
  }

  private func unknown(_ answer: CreateAnswer) throws -> ServiceError {
    guard case .unknown(let error) = answer else {
      Issue.record("not unknown: \(answer)")
      throw Stop()
    }
    return error
  }

  private struct Stop: Error {}

  private func error(_ work: () async throws -> Void) async throws -> ServiceError {
    do {
      try await work()
    } catch let error as ServiceError {
      return error
    }
    Issue.record("nothing was thrown")
    throw Stop()
  }

  @Test(arguments: SandboxOptions.Product.allCases)
  func createsShowsChangesAndRevokes(product: SandboxOptions.Product) async throws {
    let bench = try SandboxBench { $0.product = product }
    let service = bench.service
    #expect(service.address == bench.server.url)
    let token = try created(await service.createToken(Self.request))
    #expect(token.expiresAt == Instant(rfc3339: "2031-01-01T00:00:00Z"))
    #expect(token.accessToken.count == 94)

    let record = try #require(try await service.token(id: token.id.uppercased()))
    #expect(record.description == Self.request.description)
    #expect(record.permissions == Self.request.permissions)
    #expect(record.createdAt == bench.clock.now)
    let listing = try await service.listTokens { $0.description.hasPrefix("pump") }
    #expect(listing.tokens == [record])
    #expect(listing.serviceTime == bench.clock.now)
    #expect(try await service.listTokens { _ in false }.tokens.isEmpty)

    let wider = PermissionSet([Permission(.write, "weather"), Permission(.read, "*")])
    guard case .done = await service.updateToken(id: token.id, description: "fan", permissions: wider) else {
      Issue.record("not changed")
      return
    }
    guard
      case .done = await service.updateToken(id: token.id, description: nil, permissions: PermissionSet([]))
    else {
      Issue.record("not disabled")
      return
    }
    let changed = try #require(try await service.token(id: token.id))
    #expect(changed.description == "fan")
    #expect(changed.permissions.isEmpty)

    guard case .done = await service.revokeToken(id: token.id) else {
      Issue.record("not revoked")
      return
    }
    #expect(try await service.token(id: token.id) == nil)
    #expect(try await service.listDatabases() == ["sandbox", "plant", "weather"])
    #expect(try await bench.violations().isEmpty)
  }

  @Test func aTokenWithoutExpiryOrPermissionsIsAskedForWithoutThem() async throws {
    let bench = try SandboxBench()
    let token = try created(
      await bench.service.createToken(
        TokenRequest(description: "a/b\n\u{1}", permissions: PermissionSet([]), expiresAt: nil)))
    #expect(token.expiresAt == nil)
    let record = try #require(try await bench.service.token(id: token.id))
    #expect(record.description == "a/b\n\u{1}")
    #expect(record.permissions.isEmpty)
    #expect(try await bench.violations().isEmpty)
  }

  @Test func showsRevokedTokensWhereTheServiceDoes() async throws {
    let bench = try SandboxBench { $0.cluster.includesRevoked = true }
    let token = try created(await bench.service.createToken(Self.request))
    bench.clock.advance(.seconds(5))
    _ = await bench.service.revokeToken(id: token.id)
    let listing = try await bench.service.listTokens { _ in true }
    #expect(listing.tokens.map(\.revokedAt) == [bench.clock.now])
  }

  @Test func ofAnUnknownIDIsSaidThatItIsNotFound() async throws {
    let bench = try SandboxBench()
    #expect(try await bench.service.token(id: Self.strangerID) == nil)
    guard case .notFound = await bench.service.revokeToken(id: Self.strangerID) else {
      Issue.record("revoked")
      return
    }
    guard
      case .notFound = await bench.service.updateToken(
        id: Self.strangerID, description: "x", permissions: nil)
    else {
      Issue.record("changed")
      return
    }
    #expect(try await bench.violations().isEmpty)
  }

  @Test(arguments: ["", ".", "..", String(repeating: "a", count: 300)])
  func anIDThatIsNoPathComponentIsNeverSent(_ id: String) async throws {
    let bench = try SandboxBench()
    let error = try await error { _ = try await bench.service.token(id: id) }
    #expect(error.code == .badRequest)
    guard case .refused = await bench.service.revokeToken(id: id) else {
      Issue.record("sent")
      return
    }
    guard case .refused = await bench.service.updateToken(id: id, description: "x", permissions: nil) else {
      Issue.record("sent")
      return
    }
    #expect(try await bench.violations().isEmpty)
  }

  /// The sandbox names the path that it was asked for as a violation: the id arrived as one component.
  @Test func anIDIsEncoded() async throws {
    let bench = try SandboxBench()
    let error = try await error { _ = try await bench.service.token(id: "a?x=1#y z") }
    #expect(error.code == .badRequest)
    let violations = try await bench.violations()
    #expect(violations == ["<null> token-id: the token id in the path is not a version 4 UUID"])
  }

  @Test func nothingToChangeAndActionsWeDoNotKnowAreNotSent() async throws {
    let bench = try SandboxBench()
    let strange = PermissionSet([Permission(.read, "(unknown action admin) plant")])
    guard
      case .refused = await bench.service.updateToken(id: Self.strangerID, description: nil, permissions: nil),
      case .refused = await bench.service.updateToken(
        id: Self.strangerID, description: nil, permissions: strange),
      case .refused = await bench.service.createToken(
        TokenRequest(description: "x", permissions: strange, expiresAt: nil))
    else {
      Issue.record("sent")
      return
    }
    #expect(try await bench.connections() == 1)
  }

  @Test func aWrongManagementTokenIsACredentialProblem() async throws {
    let bench = try SandboxBench(managementToken: "M.V1.wrongwrongwrongwrong")
    guard case .refused(let refusal) = await bench.service.createToken(Self.request) else {
      Issue.record("not refused")
      return
    }
    #expect(refusal.code == .credentialRefused)
    #expect(refusal.message == "creating a token at \(bench.server.url): HTTP 401: unauthorized")
    #expect(refusal.hint?.contains("M.V1.") == true)
    #expect(refusal.hint?.contains("influxctl management create") == true)
    for error in [
      try await error { _ = try await bench.service.listTokens { _ in true } },
      try await error { _ = try await bench.service.token(id: Self.strangerID) },
      try await error { _ = try await bench.service.listDatabases() },
    ] {
      #expect(error.code == .credentialRefused)
      #expect(error.hint == refusal.hint)
      #expect(!"\(error)".contains("wrongwrong"))
    }
    #expect(try await bench.violations().isEmpty)
  }

  @Test func aWrongClusterIsFoundByItsHint() async throws {
    let bench = try SandboxBench()
    let service = try ManagementTokenService(
      .init(
        managementURL: bench.server.managementURL + "/",
        cluster: .dedicated(accountID: Self.strangerID, clusterID: Self.strangerID),
        managementToken: Secret(SandboxBench.managementToken.utf8)), client: bench.client)
    guard case .refused(let refusal) = await service.createToken(Self.request) else {
      Issue.record("not refused")
      return
    }
    #expect(refusal.code == .notFound)
    #expect(refusal.hint?.contains("account_id and cluster_id") == true)
    let listing = try await error { _ = try await service.listTokens { _ in true } }
    #expect(listing.code == .notFound)
    #expect(listing.hint == refusal.hint)
  }

  @Test(arguments: [
    "", "console.influxdata.com", "https://", "https://u:p@h/api", "https://h/a?b=c", "ftp://h",
  ])
  func aURLThatCannotBeUsedIsRefusedAtOnce(_ url: String) throws {
    let client = try HTTPClient()
    defer { client.shutdown() }
    let error = #expect(throws: ServiceError.self) {
      try ManagementTokenService(
        .init(
          managementURL: url, cluster: .dedicated(accountID: "a", clusterID: "c"),
          managementToken: Secret("M.V1.x".utf8)),
        client: client)
    }
    #expect(error?.code == .badRequest)
    #expect(throws: ServiceError.self) { try InfluxQLProbe(host: url, client: client) }
  }

  // MARK: Faults

  @Test(arguments: [
    "create:answer-lost", "create:malformed", "create:malformed=truncated", "create:malformed=empty",
    "create:malformed=html", "create:error-after=500", "create:error-after=504", "create:duplicate",
  ])
  func anEffectWithoutAReadableAnswerIsUnknownAndSentOnce(_ fault: String) async throws {
    let bench = try SandboxBench(fault)
    // The connection is used before, because a reused one is what libcurl would repeat a POST on.
    _ = try await bench.service.listDatabases()
    let answer = await bench.service.createToken(Self.request)
    if fault.hasSuffix("duplicate") {
      _ = try created(answer)
      #expect(try await bench.liveTokenIDs().count == 2)
    } else {
      let error = try unknown(answer)
      #expect(!"\(error)".contains("apiv1_"))
      #expect(try await bench.liveTokenIDs().count == 1)
    }
    #expect(try await bench.posts(Self.request.description) == 1)
    #expect(try await bench.violations().isEmpty)
  }

  @Test(arguments: ["late-effect=60s", "late-effect=60s,answer=504"])
  func aLateEffectIsUnknownNowAndListedLater(_ effect: String) async throws {
    let bench = try SandboxBench("create:\(effect)")
    _ = try unknown(await bench.service.createToken(Self.request))
    #expect(try await bench.service.listTokens { _ in true }.tokens.isEmpty)
    bench.clock.advance(.seconds(61))
    #expect(try await bench.service.listTokens { _ in true }.tokens.count == 1)
    #expect(try await bench.posts(Self.request.description) == 1)
  }

  @Test func aLostRequestIsUnknownToo() async throws {
    let bench = try SandboxBench("create:request-lost")
    #expect(try unknown(await bench.service.createToken(Self.request)).code == .noAnswer)
    #expect(try await bench.liveTokenIDs().isEmpty)
  }

  @Test(arguments: [400, 401, 403, 404, 413, 422, 429])
  func definiteRefusalsAreKnown(_ status: Int) async throws {
    let bench = try SandboxBench("create:error-before=\(status)")
    guard case .refused(let error) = await bench.service.createToken(Self.request) else {
      Issue.record("\(status) is not refused")
      return
    }
    #expect(error.status == status)
    #expect(try await bench.liveTokenIDs().isEmpty)
  }

  @Test func throttlingSaysForHowLong() async throws {
    let bench = try SandboxBench("any:throttle=429,retry-after=7")
    guard case .refused(let creation) = await bench.service.createToken(Self.request),
      case .refused(let update) = await bench.service.updateToken(
        id: Self.strangerID, description: "x", permissions: nil),
      case .refused(let revocation) = await bench.service.revokeToken(id: Self.strangerID)
    else {
      Issue.record("not refused")
      return
    }
    let listing = try await error { _ = try await bench.service.listTokens { _ in true } }
    for error in [creation, update, revocation, listing] {
      #expect(error.code == .throttled)
      #expect(error.retryAfter == .seconds(7))
      #expect(error.isPassing)
    }
    try await bench.setFaults("create:throttle")
    guard case .refused(let plain) = await bench.service.createToken(Self.request) else {
      Issue.record("not refused")
      return
    }
    #expect(plain.retryAfter == nil)
  }

  @Test func aSlowAnswerEndsAtTheTimeLimitAndIsUnknown() async throws {
    let bench = try SandboxBench("create:slow=30s", requestTimeout: .milliseconds(300))
    #expect(bench.service.requestTimeout == .milliseconds(300))
    let error = try unknown(await bench.service.createToken(Self.request))
    #expect(error.code == .noAnswer)
    #expect(try await bench.liveTokenIDs().count == 1)
  }

  @Test func aWrongExpiryAndAnUnusableStringAreHandedOnAsTheyAre() async throws {
    let bench = try SandboxBench(
      "create:wrong-expiry:nth=1\ncreate:malformed=newline:nth=1\ncreate:malformed=short:nth=1")
    let late = try created(await bench.service.createToken(Self.request))
    #expect(late.expiresAt == Instant(rfc3339: "2031-01-02T00:00:00Z"))
    let broken = try created(await bench.service.createToken(Self.request))
    #expect(broken.accessToken.withUnsafeBytes { $0.contains(UInt8(ascii: "\n")) })
    let short = try created(await bench.service.createToken(Self.request))
    #expect(short.accessToken.count == 8)
  }

  @Test func nobodyListeningMeansNothingWasSent() async throws {
    let bench = try SandboxBench()
    bench.server.stop()
    guard case .refused(let error) = await bench.service.createToken(Self.request) else {
      Issue.record("not refused")
      return
    }
    #expect(error.code == .unreachable)
    guard case .refused = await bench.service.revokeToken(id: Self.strangerID) else {
      Issue.record("not refused")
      return
    }
    #expect(try await self.error { _ = try await bench.service.listDatabases() }.code == .unreachable)
  }

  @Test(arguments: ["answer-lost", "error-after=500", "error-before=409", "malformed=truncated"])
  func changesWithoutACertainAnswerAreUnknown(_ effect: String) async throws {
    let bench = try SandboxBench()
    let token = try created(await bench.service.createToken(Self.request))
    // Without a condition, because libcurl may repeat a PATCH or DELETE, and every copy must be hit.
    try await bench.setFaults("update:\(effect)\nrevoke:\(effect)")
    let update = await bench.service.updateToken(
      id: token.id, description: nil, permissions: PermissionSet([]))
    guard case .unknown = update else {
      Issue.record("\(effect): \(update)")
      return
    }
    let revocation = await bench.service.revokeToken(id: token.id)
    switch revocation {
    case .unknown: #expect(effect != "malformed=truncated")
    // A 204 has no body to spoil.
    case .done: #expect(effect == "malformed=truncated")
    case .notFound, .refused: Issue.record("\(effect): \(revocation)")
    }
    #expect(try await bench.violations().isEmpty)
  }

  @Test(arguments: ["truncated", "empty", "html"])
  func readsOfASpoiledAnswerAreMalformed(_ how: String) async throws {
    let bench = try SandboxBench()
    let token = try created(await bench.service.createToken(Self.request))
    try await bench.setFaults("any:malformed=\(how)")
    for error in [
      try await error { _ = try await bench.service.listTokens { _ in true } },
      try await error { _ = try await bench.service.token(id: token.id) },
      try await error { _ = try await bench.service.listDatabases() },
    ] {
      #expect(error.code == .malformed)
      #expect(error.status == 200)
    }
  }

  @Test func aListLongerThanAllowedIsMalformed() async throws {
    let bench = try SandboxBench()
    _ = try created(await bench.service.createToken(Self.request))
    let service = try ManagementTokenService(
      .init(
        managementURL: bench.server.managementURL,
        cluster: .dedicated(
          accountID: SandboxOptions.defaultAccountID, clusterID: SandboxOptions.defaultClusterID),
        managementToken: Secret(SandboxBench.managementToken.utf8), maximumListBytes: 100),
      client: bench.client)
    #expect(try await error { _ = try await service.listTokens { _ in true } }.code == .malformed)
  }

  @Test func aCancelledTaskSaysSo() async throws {
    let bench = try SandboxBench("list:slow=30s")
    let task = Task { try await bench.service.listTokens { _ in true } }
    task.cancel()
    let result = await task.result
    #expect(throws: ServiceError.self) { try result.get() }
    if case .failure(let error as ServiceError) = result { #expect(error.code == .cancelled) }
  }
}
