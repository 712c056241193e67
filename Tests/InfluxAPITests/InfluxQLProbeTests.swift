import HTTPClient
import InfluxAPI
import RotationModel
import RotationPorts
import Testing

/// The probe against the sandbox's nodes.
@Suite struct InfluxQLProbeTests {
  private static let both = [Permission(.read, "plant"), Permission(.write, "weather")]

  private func token(_ bench: SandboxBench, _ permissions: [Permission] = both) async throws -> CreatedToken {
    let answer = await bench.service.createToken(
      TokenRequest(description: "probe", permissions: PermissionSet(permissions), expiresAt: nil))
    guard case .created(let token) = answer else {
      Issue.record("not created: \(answer)")
      throw CancellationError()
    }
    return token
  }

  private func ask(
    _ bench: SandboxBench, _ token: CreatedToken, _ action: Permission.Action, _ database: String
  )
    async -> String
  {
    let answer = await bench.probe.probe(
      ProbeTarget(action: action, database: database), accessToken: token.accessToken)
    let string = token.accessToken.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    #expect(!"\(answer)".contains(string.dropFirst(6).prefix(8)))
    switch answer {
    case .accepted: return "accepted"
    case .refused(let status, _): return "refused \(status)"
    case .unavailable(let error): return "unavailable \(error.code.rawValue)"
    case .impossible(let error): return "impossible \(error.code.rawValue)"
    }
  }

  @Test func isRefusedUntilTheNodesKnowTheTokenThenAcceptedOnEach() async throws {
    let bench = try SandboxBench {
      $0.cluster.activationDelay = .seconds(60)
      $0.cluster.activationSpread = .zero
    }
    let token = try await token(bench)
    for _ in 0..<3 {
      #expect(await ask(bench, token, .read, "plant") == "refused 401")
      #expect(await ask(bench, token, .write, "weather") == "refused 401")
    }
    bench.clock.advance(.seconds(60))
    let before = try await bench.connections()
    for _ in 0..<3 {
      #expect(await ask(bench, token, .read, "plant") == "accepted")
      #expect(await ask(bench, token, .write, "weather") == "accepted")
    }
    // Each question came on a connection of its own, so that the nodes took turns.
    #expect(try await bench.connections() >= before + 6)
    #expect(await ask(bench, token, .read, "weather") == "refused 403")
    #expect(await ask(bench, token, .write, "plant") == "refused 403")
    #expect(try await bench.violations().isEmpty)
  }

  @Test func seesThatOneNodeDoesNotKnowTheTokenYet() async throws {
    let bench = try SandboxBench("query:error-before=401:node=1") { $0.cluster.activationDelay = .zero }
    let token = try await token(bench)
    try await bench.activate()
    var answers: Set<String> = []
    for _ in 0..<6 { answers.insert(await ask(bench, token, .read, "plant")) }
    #expect(answers == ["accepted", "refused 401"])
  }

  @Test func aRevokedOrDisabledTokenIsRefused() async throws {
    let bench = try SandboxBench()
    let token = try await token(bench)
    try await bench.activate()
    #expect(await ask(bench, token, .read, "plant") == "accepted")
    _ = await bench.service.updateToken(id: token.id, description: nil, permissions: PermissionSet([]))
    #expect(await ask(bench, token, .read, "plant") == "refused 403")
    _ = await bench.service.revokeToken(id: token.id)
    #expect(await ask(bench, token, .read, "plant") == "refused 401")
    #expect(await ask(bench, token, .write, "weather") == "refused 401")
  }

  @Test func otherEditionsAreUnderstood() async throws {
    let bench = try SandboxBench {
      $0.unknownTokenOnWrite = .forbidden
      $0.refusesQueriesInside = true
      $0.refusesEmptyWrites = true
    }
    let token = try await token(bench)
    #expect(await ask(bench, token, .write, "weather") == "refused 403")
    try await bench.activate()
    #expect(await ask(bench, token, .write, "weather") == "accepted")
    #expect(await ask(bench, token, .write, "plant") == "refused 403")
    #expect(await ask(bench, token, .read, "weather") == "refused 403")
    #expect(try await bench.violations().isEmpty)
  }

  @Test func aDatabaseOfAVersion1PairIsAskedAboutUnderItsWholeName() async throws {
    let bench = try SandboxBench { $0.cluster.databases = ["telegraf/autogen"] }
    let token = try await token(
      bench, [Permission(.read, "telegraf/autogen"), Permission(.write, "telegraf/autogen")])
    try await bench.activate()
    #expect(await ask(bench, token, .read, "telegraf/autogen") == "accepted")
    #expect(await ask(bench, token, .write, "telegraf/autogen") == "accepted")
    #expect(try await bench.violations().isEmpty)
  }

  @Test func aMissingDatabaseIsImpossible() async throws {
    let bench = try SandboxBench()
    let token = try await token(bench, [Permission(.read, "*"), Permission(.write, "*")])
    try await bench.activate()
    #expect(await ask(bench, token, .read, "gone") == "impossible not_found")
    #expect(await ask(bench, token, .write, "gone") == "impossible not_found")
  }

  @Test(arguments: [
    ("error-before=500", "unavailable unavailable"), ("error-before=503", "unavailable unavailable"),
    ("throttle=429,retry-after=3", "unavailable throttled"), ("answer-lost", "unavailable no_answer"),
    ("request-lost", "unavailable no_answer"), ("error-before=403", "refused 403"),
  ])
  func troubleSaysNothingAboutTheToken(_ effect: String, _ expected: String) async throws {
    let bench = try SandboxBench("query:\(effect)\nwrite:\(effect)")
    let token = try await token(bench)
    try await bench.activate()
    #expect(await ask(bench, token, .read, "plant") == expected)
    #expect(await ask(bench, token, .write, "weather") == expected)
    guard effect.hasPrefix("throttle") else { return }
    let answer = await bench.probe.probe(
      ProbeTarget(action: .read, database: "plant"), accessToken: token.accessToken)
    guard case .unavailable(let error) = answer else { return }
    #expect(error.retryAfter == .seconds(3))
  }

  @Test(arguments: ["truncated", "empty", "html"])
  func aSpoiled200IsNoAcceptance(_ how: String) async throws {
    let bench = try SandboxBench("query:malformed=\(how)")
    let token = try await token(bench)
    try await bench.activate()
    #expect(await ask(bench, token, .read, "plant") == "unavailable malformed")
  }

  @Test func aSlowAnswerAndNobodyListening() async throws {
    let bench = try SandboxBench("query:slow=30s", probeTimeout: .milliseconds(300))
    let token = try await token(bench)
    try await bench.activate()
    #expect(await ask(bench, token, .read, "plant") == "unavailable no_answer")
    bench.server.stop()
    #expect(await ask(bench, token, .write, "weather") == "unavailable unreachable")
  }
}
