import RotationModel
import Testing

@testable import Sandbox

/// The strict eye, without a server.
@Suite struct RequestReaderTests {
  static let account = SandboxOptions.defaultAccountID
  static let cluster = SandboxOptions.defaultClusterID
  static let tokens = "/api/v0/accounts/\(account)/clusters/\(cluster)/tokens"
  static let tokenID = "55555555-5555-4555-8555-555555555555"
  let reader = RequestReader(product: .dedicated, accountID: account, clusterID: cluster)

  static func request(
    _ method: String, _ path: String, query: [(String, String?)] = [],
    authorization: [String] = ["Bearer secret"], contentType: String? = "application/json", body: String = ""
  ) -> HTTPRequest {
    var request = HTTPRequest(method: method, path: path)
    request.query = query.map { (name: $0.0, value: $0.1) }
    request.authorization = authorization
    request.contentType = contentType
    request.body = Array(body.utf8)
    return request
  }

  func rule(_ request: HTTPRequest) -> Violation? {
    do {
      _ = try reader.read(request)
      return nil
    } catch {
      return error
    }
  }

  @Test func readsEveryOperation() throws {
    let whole = try reader.read(
      Self.request(
        "POST", Self.tokens,
        body: #"{"description":"a","permissions":[{"action":"read","resource":"db1"},"#
          + #"{"action":"write","resource":"*"}],"expiresAt":"2030-01-01T00:00:00Z"}"#))
    let expected = TokenRequest(
      description: "a", permissions: PermissionSet([Permission(.read, "db1"), Permission(.write, "*")]),
      expiresAt: Instant(rfc3339: "2030-01-01T00:00:00Z"))
    #expect(whole == RequestReader.Reading(call: .create(expected), credential: "secret"))
    #expect(expected.expiresAt != nil)
    let least = try reader.read(Self.request("POST", Self.tokens, body: #"{"description":""}"#))
    #expect(least.call == .create(TokenRequest(description: "", permissions: PermissionSet([]))))
    let one = Self.tokens + "/" + Self.tokenID
    #expect(try reader.read(Self.request("GET", Self.tokens)).call == .list)
    #expect(try reader.read(Self.request("GET", one)).call == .get(id: Self.tokenID))
    #expect(try reader.read(Self.request("DELETE", one)).call == .revoke(id: Self.tokenID))
    let change = try reader.read(Self.request("PATCH", one, body: #"{"permissions":[]}"#))
    #expect(change.call == .update(id: Self.tokenID, TokenChange(permissions: PermissionSet([]))))
    let query = try reader.read(
      Self.request("GET", "/query", query: [("db", "plant"), ("q", "SHOW MEASUREMENTS LIMIT 1")]))
    #expect(query.call == .query(accessToken: "secret", database: "plant"))
    let write = try reader.read(
      Self.request(
        "POST", "/api/v2/write", query: [("bucket", "plant"), ("precision", "ns")],
        authorization: ["Token secret"]))
    #expect(write.call == .write(accessToken: "secret", database: "plant"))
  }

  @Test(arguments: [
    (#"{"description":"a","expirationType":"datetime"}"#, Violation.Rule.unknownKey),
    (#"{"permissions":[]}"#, .description), (#"{"description":7}"#, .description),
    (#"{"description":"a","description":"b"}"#, .repeatedKey), (#"["description"]"#, .json),
    (#"{"description":"a"} x"#, .json), (#"{"description":"a",}"#, .json), ("", .json),
    (#"{"description":"a","permissions":{}}"#, .permission),
    (#"{"description":"a","permissions":["read"]}"#, .permission),
    (#"{"description":"a","permissions":[{"action":"read"}]}"#, .permission),
    (#"{"description":"a","permissions":[{"action":"admin","resource":"b"}]}"#, .permission),
    (#"{"description":"a","permissions":[{"action":"read","resource":"b","id":"c"}]}"#, .unknownKey),
    (#"{"description":"a","permissions":[{"action":"read","resource":"a b"}]}"#, .databaseName),
    (#"{"description":"a","permissions":[{"action":"read","resource":""}]}"#, .databaseName),
    (#"{"description":"a","expiresAt":"2030-01-01T00:00:00+00:00"}"#, .expiresAt),
    (#"{"description":"a","expiresAt":"2030-01-01T00:00:00+0000"}"#, .expiresAt),
    (#"{"description":"a","expiresAt":"2030-02-30T00:00:00Z"}"#, .expiresAt),
    (#"{"description":"a","expiresAt":"2030-01-01 00:00:00Z"}"#, .expiresAt),
    (#"{"description":"a","expiresAt":null}"#, .expiresAt),
    (#"{"description":"a","expiresAt":1893456000}"#, .expiresAt),
  ])
  func refusesABodyOutsideTheSchema(body: String, rule expected: Violation.Rule) {
    let violation = rule(Self.request("POST", Self.tokens, body: body))
    #expect(violation?.rule == expected)
    #expect(violation?.status == 400)
    #expect(violation?.operation == .create)
  }

  @Test func refusesChangesOutsideTheSchema() {
    let one = Self.tokens + "/" + Self.tokenID
    #expect(rule(Self.request("PATCH", one, body: "{}"))?.rule == .emptyChange)
    let expiry = Self.request("PATCH", one, body: #"{"expiresAt":"2030-01-01T00:00:00Z"}"#)
    #expect(rule(expiry)?.rule == .unknownKey)
    let text = Self.request("PATCH", one, contentType: "text/plain", body: "{}")
    #expect(rule(text)?.rule == .contentType)
  }

  @Test func refusesPathsAndMethodsThatAreNotPublished() {
    func found(_ method: String, _ path: String) -> [String] {
      let violation = rule(Self.request(method, path, body: ""))
      return violation.map { [$0.rule.rawValue, String($0.status)] } ?? []
    }
    let databases = String(Self.tokens.dropLast(6)) + "databases"
    #expect(found("GET", "/") == ["unknown-path", "404"])
    #expect(found("GET", "/ping") == ["unknown-path", "404"])
    #expect(found("GET", Self.tokens + "/") == ["token-id", "400"])
    #expect(found("GET", Self.tokens + "/\(Self.tokenID)/more") == ["unknown-path", "404"])
    #expect(found("GET", "/api/v0/tokens") == ["unknown-path", "404"])
    #expect(found("PUT", Self.tokens) == ["wrong-method", "405"])
    #expect(found("POST", databases) == ["wrong-method", "405"])
    #expect(found("POST", "/query") == ["wrong-method", "405"])
    #expect(found("GET", "/api/v2/write") == ["wrong-method", "405"])
    #expect(found("GET", Self.tokens + "/42") == ["token-id", "400"])
    #expect(found("GET", "/api/v0/accounts/me/clusters/\(Self.cluster)/tokens") == ["account", "400"])
    let stranger = "/api/v0/accounts/\(Self.tokenID)/clusters/\(Self.cluster)/tokens"
    #expect(found("GET", stranger) == ["account", "404"])
    let versionOne = "55555555-5555-1555-8555-555555555555"
    #expect(
      found("GET", "/api/v0/accounts/\(Self.account)/clusters/\(versionOne)/tokens") == ["cluster", "400"])
    #expect(
      found("GET", "/api/v0/accounts/\(Self.account)/clusters/\(Self.tokenID)/tokens") == ["cluster", "404"])
  }

  @Test func refusesHeadersThatAreMissingRepeatedOrUnwanted() {
    func found(_ authorization: [String]) -> Violation.Rule? {
      rule(Self.request("GET", Self.tokens, authorization: authorization))?.rule
    }
    #expect(found([]) == .authorization)
    #expect(found(["Bearer a", "Bearer a"]) == .authorization)
    #expect(found(["Token a"]) == .authorization)
    #expect(found(["Bearer "]) == .authorization)
    #expect(found(["Bearer a b"]) == .authorization)
    #expect(found(["bearer a"]) == .authorization)
    #expect(found(["Bearer a"]) == nil)
    var expecting = Self.request("POST", Self.tokens, body: #"{"description":"a"}"#)
    expecting.expects = true
    #expect(rule(expecting)?.rule == .expect)
    #expect(rule(expecting)?.status == 417)
    let body = #"{"description":"a"}"#
    #expect(rule(Self.request("POST", Self.tokens, contentType: nil, body: body))?.rule == .contentType)
    #expect(rule(Self.request("GET", Self.tokens, body: "x"))?.rule == .unwantedBody)
    var long = Self.request("POST", Self.tokens)
    long.bodyIsTooLong = true
    #expect(rule(long)?.status == 413)
  }

  @Test func refusesQueryParametersThatAreNotSpecified() {
    func found(_ path: String, _ query: [(String, String?)]) -> Violation.Rule? {
      rule(Self.request(path == "/query" ? "GET" : "POST", path, query: query))?.rule
    }
    let good: [(String, String?)] = [("db", "plant"), ("q", "SHOW MEASUREMENTS LIMIT 1")]
    #expect(found("/query", good) == nil)
    #expect(found("/query", good + [("pretty", "true")]) == .queryParameter)
    #expect(found("/query", good + [("db", "plant")]) == .queryParameter)
    #expect(found("/query", [good[0]]) == .queryParameter)
    #expect(found("/query", [("db", ""), good[1]]) == .queryParameter)
    #expect(found("/query", [good[0], ("q", "SHOW DATABASES")]) == .unsupportedQuery)
    #expect(found("/query", [good[0], ("q", "DROP DATABASE plant")]) == .unsupportedQuery)
    #expect(found("/query", good + [("p", "x")]) == .tokenInURL)
    #expect(found("/query", [("db", "apiv1_abc"), good[1]]) == .tokenInURL)
    #expect(found("/api/v2/write", [("bucket", "plant"), ("precision", "h")]) == .queryParameter)
    #expect(found("/api/v2/write", [("precision", "ns")]) == .queryParameter)
    #expect(rule(Self.request("GET", Self.tokens, query: [("limit", "1")]))?.rule == .queryParameter)
  }

  @Test func refusesPointsBeforeAnythingElseOfAWrite() {
    let points = Self.request(
      "POST", "/api/v2/write", query: [("bucket", "plant"), ("precision", "ns")], body: "m v=1")
    #expect(rule(points)?.rule == .points)
  }

  @Test func neverShowsACredentialThatStoodInThePath() {
    let token = "apiv1_" + String(repeating: "x", count: 88)
    let violation = rule(Self.request("GET", "/query/" + token))
    #expect(violation?.rule == .tokenInURL)
    #expect(violation?.message.contains("xxxxxxxx") == false)
  }
}
