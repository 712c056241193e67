import Foundation
import HTTPClient
import RotationModel
import RotationPorts
import RotationTestKit
import Testing

@testable import SecretStores

/// Where the checkout is.
let repository = #filePath.components(separatedBy: "/Tests/").dropLast().joined(separator: "/Tests/")

/// The vault store against a real OpenBao server.
@Suite(.serialized, .enabled(if: OpenBaoServer.isToBeTried(in: repository)))
struct VaultTests {

  /// One server for all tests, each with an engine of its own.
  private static let shared = Task { try await OpenBaoServer(repository: repository) }

  private static func mount(_ server: OpenBaoServer, version: String = "2") async throws -> String {
    let mount = "kv-" + UUID().uuidString.lowercased()
    let answer = try await server.call(
      .post, "sys/mounts/\(mount)", #"{"type":"kv","options":{"version":"\#(version)"}}"#)
    #expect(answer.status == 204)
    return mount
  }

  private static func settings(
    _ server: OpenBaoServer, _ mount: String,
    _ installation: InstallationID = SecretStoreContract.installation,
    token: String? = nil
  ) -> VaultSettings {
    let token = token ?? server.rootToken
    return VaultSettings(
      name: "vault", job: "plant", address: server.url, mount: mount, path: "influx/{name}",
      authentication: .token { () async throws(StoreError) in Secret(Array(token.utf8)) },
      timeout: .seconds(10), installation: installation)
  }

  private static func store(
    _ server: OpenBaoServer, _ settings: VaultSettings, _ steps: FaultySteps? = nil
  ) -> any SecretStore {
    VaultStore.make(settings, clock: SystemUptime()) { request throws(HTTPError) in
      guard let steps else { return try await server.client.send(request) }
      let fault = HTTPError(
        code: .connectionLost, operation: "\(request.method)", message: "the connection was lost",
        nothingWasSent: false)
      return try await steps.step(fault) { () async throws(HTTPError) in
        try await server.client.send(request)
      }
    }
  }

  private func fresh(
    _ change: (inout VaultSettings) -> Void = { _ in }
  ) async throws -> (OpenBaoServer, any SecretStore, VaultSettings) {
    let server = try await Self.shared.value
    var settings = Self.settings(server, try await Self.mount(server))
    change(&settings)
    return (server, Self.store(server, settings), settings)
  }

  @Test(arguments: SecretStoreContract.Rule.allCases)
  func keepsTheContract(_ rule: SecretStoreContract.Rule) async throws {
    let server = try await Self.shared.value
    let mount = try await Self.mount(server)
    try await SecretStoreContract { Self.store(server, Self.settings(server, mount, $0)) }.check(rule)
  }

  /// Requests that are lost on their way, and answers that are.
  @Test(arguments: SecretStoreContract.Rule.allCases, FaultySteps.Moment.allCases)
  func keepsTheContractWhileRequestsFail(
    _ rule: SecretStoreContract.Rule, _ moment: FaultySteps.Moment
  ) async throws {
    let server = try await Self.shared.value
    var position = moment == .beforeItsEffect ? 2 : 5
    while true {
      let mount = try await Self.mount(server)
      let steps = FaultySteps(at: position, moment)
      try await SecretStoreContract { installation in
        RepeatingStore(Self.store(server, Self.settings(server, mount, installation), steps), attempts: 4)
      }.check(rule)
      try await server.call(.delete, "sys/mounts/\(mount)")
      guard steps.hasHappened else { break }
      position += 29
    }
  }

  @Test func consumersFindWhatTheyNeed() async throws {
    let (server, store, settings) = try await fresh()
    try await store.open()
    let place = SecretStoreContract.place
    var token = SecretStoreContract.token(1)
    token.databases = ["plant_a"]
    try await store.reserve(place, for: token.planned)
    try await store.stage(token, at: place)
    try await store.promote(generation: 1, at: place)
    let answer = try await server.call(.get, "\(settings.mount)/data/influx/line-1")
    let json = try #require(JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
    let data = try #require((json["data"] as? [String: Any])?["data"] as? [String: Any])
    #expect(data["INFLUX_TOKEN"] as? String == "apiv1_token/string+of.generation-1000==")
    #expect(data["INFLUX_HOST"] as? String == "https://cluster.example:8086")
    #expect(data["INFLUX_DATABASE"] as? String == "plant_a" && data["databases"] as? [String] == ["plant_a"])
    #expect(data["token_id"] as? String == "id-1000")
    #expect(data["expires_at"] as? String == token.expiresAt?.rfc3339)
    let metadata = try await server.call(.get, "\(settings.mount)/metadata/influx/line-1")
    let text = String(decoding: metadata.body, as: UTF8.self)
    for part in [#""token_id":"id-1000""#, #""generation":"1""#, #""job":"plant""#] {
      #expect(text.contains(part))
    }
    // Nothing of a staged string can be read any more, no older version of it either.
    let pending = try await server.call(.get, "\(settings.mount)/metadata/tokenrotate/pending/influx/line-1")
    #expect(pending.status == 404)
  }

  @Test func whatSomebodyElseWroteIsLeftAlone() async throws {
    let (server, store, settings) = try await fresh()
    try await store.open()
    try await server.call(
      .post, "\(settings.mount)/data/influx/line-1", #"{"data":{"INFLUX_TOKEN":"theirs"}}"#)
    await expect(.ownedByAnother, "left alone") {
      try await store.reserve(SecretStoreContract.place, for: SecretStoreContract.token(1).planned)
    }
    // After they have deleted it, the place is free, whatever its versions.
    try await server.call(.delete, "\(settings.mount)/data/influx/line-1")
    try await SecretStoreContract { _ in store }.put(SecretStoreContract.token(1), into: store)
    #expect(
      try await store.inspect(SecretStoreContract.place, attempt: SecretStoreContract.token(1).attempt) == nil
    )
    try await server.call(
      .post, "\(settings.mount)/data/influx/line-1", #"{"data":{"INFLUX_TOKEN":"theirs"}}"#)
    let flaw = try await store.inspect(
      SecretStoreContract.place, attempt: SecretStoreContract.token(1).attempt)
    #expect(flaw?.message.contains("written over") == true)
  }

  @Test func twoWritersNeverOverwriteEachOther() async throws {
    let (server, store, settings) = try await fresh()
    try await store.open()
    let place = SecretStoreContract.place
    try await store.reserve(place, for: SecretStoreContract.token(1).planned)
    let documents = VaultDocuments(
      settings: settings,
      client: VaultClient(settings: settings, clock: SystemUptime()) { request throws(HTTPError) in
        try await server.client.send(request)
      })
    let version = try await documents.read(.pending, at: place, withString: true).version
    let records = (0...1).map {
      PlaceRecord(SecretStoreContract.token(1, variant: $0), at: place, installation: settings.installation)
    }
    try await documents.write(records[0], to: .pending, at: place, replacing: version)
    await expect(.conflict, "at the same time") {
      try await documents.write(records[1], to: .pending, at: place, replacing: version)
    }
    #expect(
      try await documents.read(.pending, at: place, withString: true).record?.attempt == records[0].attempt)
  }

  // MARK: What is wrong

  @Test func anEngineThatIsNoneIsTold() async throws {
    let (server, none, _) = try await fresh { $0.mount = "nothing" }
    await expect(.misconfigured, "refuses us") { try await none.open() }
    let old = Self.store(server, Self.settings(server, try await Self.mount(server, version: "1")))
    await expect(.misconfigured, "not KV version 2") { try await old.open() }
    let (_, elsewhere, _) = try await fresh { $0.namespace = "nowhere" }
    await expect(.misconfigured, "nothing mounted") { try await elsewhere.open() }
  }

  @Test func aPolicyThatDoesNotSufficeIsToldWithWhatItNeeds() async throws {
    let (server, store, settings) = try await fresh()
    try await store.open()
    let policy = #"path \"\#(settings.mount)/data/tokenrotate/*\" { capabilities = [\"read\"] }"#
    try await server.call(.post, "sys/policies/acl/\(settings.mount)", #"{"policy":"\#(policy)"}"#)
    let made = try await server.call(.post, "auth/token/create", #"{"policies":["\#(settings.mount)"]}"#)
    let token = try #require(VaultAnswer.login(made.body)).token
    let weak = Self.store(
      server,
      Self.settings(
        server, settings.mount, token: token.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }))
    try await weak.open()
    let error = await expect(.misconfigured, "refuses us \(settings.mount)/data/influx/line-1") {
      try await weak.reserve(SecretStoreContract.place, for: SecretStoreContract.token(1).planned)
    }
    #expect(error?.hint?.contains("capabilities = [\"read\"]") == true)
  }

  @Test func aSealedServerIsWaitedFor() async throws {
    let server = try await OpenBaoServer(repository: repository)
    let store = Self.store(server, Self.settings(server, "secret"))
    try await store.open()
    #expect(try await server.call(.post, "sys/seal").status == 204)
    await expect(.unreachable, "is sealed") {
      _ = try await store.read(.current, at: SecretStoreContract.place)
    }
    server.end()
    await expect(.unreachable, "does not answer") {
      _ = try await store.read(.current, at: SecretStoreContract.place)
    }
  }

  /// What a server in dev mode never answers.
  @Test(arguments: [
    (412, "{\"errors\":[]}", StoreError.Code.unreachable, "caught up"),
    (
      429, "{\"errors\":[\"rate limit\"]}", .unreachable,
      "too many requests (429), and wants to be asked again in 7 s"
    ),
    (500, "{\"errors\":[\"internal\"]}", .unreachable, "fails (500)"),
    (
      500, "{\"errors\":[\"local node not active but active cluster node not found\"]}", .unreachable,
      "standby"
    ),
    (502, "<html>", .unreachable, "fails (502)"),
    (307, "", .unreachable, "is a standby"),
    (403, "<html>", .misconfigured, "does not answer like a Vault server"),
    (200, "<html>", .misconfigured, "does not answer like a Vault server"),
    (400, "{\"errors\":[\"Upgrading from non-versioned to versioned data.\"]}", .unreachable, "still making"),
    (400, "{\"errors\":[\"bad\"]}", .misconfigured, "does not understand"),
  ])
  func answersAreToldApart(_ status: Int, _ body: String, _ code: StoreError.Code, _ words: String) async {
    let settings = VaultSettings(
      name: "vault", job: "plant", address: "https://vault.example",
      authentication: .token { () async throws(StoreError) in Secret(Array("t".utf8)) },
      installation: SecretStoreContract.installation)
    let store = VaultStore.make(settings, clock: SystemUptime()) { _ throws(HTTPError) in
      HTTPResponse(status: status, headers: [HTTPHeader("Retry-After", "7")], body: Array(body.utf8))
    }
    await expect(code, words) { _ = try await store.read(.current, at: SecretStoreContract.place) }
  }

  // MARK: Logging in

  @Test func anAppRoleLogsInOnceAndAgainWhenItsTokenHasEnded() async throws {
    let (server, _, settings) = try await fresh()
    try await server.call(.post, "sys/auth/\(settings.mount)", #"{"type":"approle"}"#)
    try await server.call(
      .post, "sys/policies/acl/\(settings.mount)",
      #"{"policy":"path \"\#(settings.mount)/*\" { capabilities = [\"create\",\"read\",\"update\",\"delete\",\"patch\"] }"}"#
    )
    let role = "auth/\(settings.mount)/role/rotator"
    try await server.call(.post, role, #"{"token_policies":["\#(settings.mount)"]}"#)
    func text(_ path: String, _ method: HTTPRequest.Method, _ field: String) async throws -> String {
      let answer = try await server.call(method, path)
      let json = try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any]
      return try #require((json?["data"] as? [String: Any])?[field] as? String)
    }
    let roleID = try await text(role + "/role-id", .get, "role_id")
    let secretID = try await text(role + "/secret-id", .post, "secret_id")
    var own = settings
    own.authentication = .appRole(mount: settings.mount, roleID: roleID) { () async throws(StoreError) in
      Secret(Array(secretID.utf8))
    }
    final class Seen: @unchecked Sendable {
      let lock = NSLock()
      var logins = 0
      var tokens: [Secret] = []
    }
    let seen = Seen()
    let store = VaultStore.make(own, clock: SystemUptime()) { request throws(HTTPError) in
      seen.lock.withLock {
        if request.url.hasSuffix("/login") { seen.logins += 1 }
        if case .header(_, let token) = request.authorization, seen.tokens.last != token {
          seen.tokens.append(token)
        }
      }
      return try await server.client.send(request)
    }
    try await store.open()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 1...8 {
        group.addTask {
          _ = try await store.read(.current, at: StorePlace(job: "plant", name: "line-\(number)"))
        }
      }
      try await group.waitForAll()
    }
    #expect(seen.logins == 1)
    let token = try #require(seen.tokens.first).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    try await server.call(.post, "auth/token/revoke", #"{"token":"\#(token)"}"#)
    try await SecretStoreContract { _ in store }.put(SecretStoreContract.token(1), into: store)
    #expect(seen.logins == 2)
    own.authentication = .appRole(mount: settings.mount, roleID: roleID) { () async throws(StoreError) in
      Secret(Array("wrong-secret-id".utf8))
    }
    let refused = Self.store(server, own)
    let error = await expect(.misconfigured, "refuses the login") { try await refused.open() }
    #expect(error.map { !"\($0)".contains("wrong-secret-id") } == true)
  }

  @Test func aServiceAccountsTokenIsExchanged() async throws {
    let settings = VaultSettings(
      name: "vault", job: "plant", address: "https://vault.example", namespace: "team",
      authentication: .kubernetes(mount: "kubernetes", role: "rotator") { () async throws(StoreError) in
        Secret(Array("a.service.account".utf8))
      }, installation: SecretStoreContract.installation)
    let store = VaultStore.make(settings, clock: SystemUptime()) { request throws(HTTPError) in
      #expect(request.headers.contains(HTTPHeader("X-Vault-Namespace", "team")))
      if request.url == "https://vault.example/v1/auth/kubernetes/login" {
        #expect(request.body == Array(#"{"role":"rotator","jwt":"a.service.account"}"#.utf8))
        return HTTPResponse(
          status: 200, body: Array(#"{"auth":{"client_token":"hvs.own","lease_duration":60}}"#.utf8))
      }
      guard case .header("X-Vault-Token", let token) = request.authorization else {
        return HTTPResponse(status: 403, body: Array(#"{"errors":[]}"#.utf8))
      }
      #expect(token == Secret(Array("hvs.own".utf8)))
      return HTTPResponse(status: 404, body: Array(#"{"errors":[]}"#.utf8))
    }
    #expect(try await store.read(.current, at: SecretStoreContract.place) == nil)
  }

  @discardableResult
  private func expect(
    _ code: StoreError.Code, _ words: String, _ body: () async throws -> Void,
    _ location: SourceLocation = #_sourceLocation
  ) async -> StoreError? {
    do {
      try await body()
      Issue.record("it succeeded", sourceLocation: location)
    } catch let error as StoreError {
      #expect(
        error.code == code && error.message.contains(words), "\(error.message)", sourceLocation: location)
      return error
    } catch { Issue.record(error, sourceLocation: location) }
    return nil
  }
}

/// The machine's monotonic clock.
struct SystemUptime: RotationClock {
  var now: Instant { Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
  var uptime: Duration { .nanoseconds(Int64(DispatchTime.now().uptimeNanoseconds)) }
  func sleep(until deadline: Duration) async throws { try await Task.sleep(for: deadline - uptime) }
}
