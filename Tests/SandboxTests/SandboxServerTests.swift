import Foundation
import RotationModel
import Testing

@testable import Sandbox

@Suite struct SandboxServerTests {
  @Test func createsShowsChangesAndRevokesAToken() throws {
    let bench = try Bench()
    let created = try #require(
      try bench.create(
        "pump",
        #","permissions":[{"action":"read","resource":"plant"}],"expiresAt":"2030-01-01T00:00:00Z""#))
    #expect(created.status == 200)
    #expect(created.headers["content-type"] == "application/json")
    let accessToken = try #require(created.json["accessToken"] as? String)
    #expect(accessToken.wholeMatch(of: /apiv1_[A-Za-z0-9_-]{88}/) != nil)
    #expect(created.json["accountId"] as? String == SandboxOptions.defaultAccountID)
    #expect(created.json["clusterId"] as? String == SandboxOptions.defaultClusterID)
    #expect(created.json["createdAt"] as? String == bench.clock.now.rfc3339)
    #expect(created.json["expiresAt"] as? String == "2030-01-01T00:00:00.000Z")
    let id = try #require(created.json["id"] as? String)

    let path = Bench.tokens + "/" + id
    let got = try #require(try bench.exchange("GET", path, Bench.management))
    #expect(got.status == 200)
    #expect(got.json["description"] as? String == "pump")
    #expect(got.json["accessToken"] == nil)
    let changed = try #require(
      try bench.exchange("PATCH", path, Bench.json, body: #"{"description":"fan","permissions":[]}"#))
    #expect(changed.status == 200)
    #expect(changed.json["description"] as? String == "fan")
    #expect((changed.json["permissions"] as? [Any])?.isEmpty == true)
    let listed = try bench.list()
    #expect(listed.map { $0["id"] as? String } == [id])
    #expect(listed[0]["accessToken"] == nil)

    let revoked = try #require(try bench.exchange("DELETE", path, Bench.management))
    #expect(revoked.status == 204)
    #expect(revoked.body.isEmpty)
    #expect(try bench.list().isEmpty)
    for method in ["GET", "DELETE"] {
      let gone = try #require(try bench.exchange(method, path, Bench.management))
      #expect(gone.status == 404)
      #expect(gone.body == #"{"code":404,"message":"not found"}"#)
    }
    #expect(try bench.violations().isEmpty)
  }

  @Test func listsDatabasesAsSpecified() throws {
    let bench = try Bench { $0.cluster.databases = ["plant", "a/b"] }
    let answer = try #require(try bench.exchange("GET", Bench.databases, Bench.management))
    #expect(answer.status == 200)
    #expect(answer.list.map { $0["name"] as? String } == ["plant", "a/b"])
    #expect(
      Set(answer.list[0].keys)
        == ["accountId", "clusterId", "name", "maxTables", "maxColumnsPerTable", "retentionPeriod"])
  }

  @Test func aWrongManagementTokenIsUnauthorizedAndStillCountsThePost() throws {
    let bench = try Bench()
    let headers = ["Authorization: Bearer M.V1.wrong", "Content-Type: application/json"]
    let answer = try #require(
      try bench.exchange("POST", Bench.tokens, headers, body: #"{"description":"a"}"#))
    #expect(answer.status == 401)
    #expect(answer.body == #"{"code":401,"message":"unauthorized"}"#)
    #expect(try bench.list().isEmpty)
    let statistics = try bench.statistics()
    #expect((statistics["postsByDescription"] as? [String: Int]) == ["a": 1])
    #expect(
      (statistics["requests"] as? [String: [String: Int]]) == ["create": ["401": 1], "list": ["200": 1]])
    #expect(try bench.violations().isEmpty)
  }

  @Test func aTokenIsRefusedUntilTheNodeLearnsIt() throws {
    let bench = try Bench()
    let permissions =
      #","permissions":[{"action":"read","resource":"plant"},{"action":"write","resource":"weather"}]"#
    let created = try #require(try bench.create("a", permissions))
    let accessToken = try #require(created.json["accessToken"] as? String)
    let id = try #require(created.json["id"] as? String)
    let early = try #require(try bench.query(accessToken))
    #expect(early.status == 401)
    #expect(early.body == #"{"code":"unauthorized","message":"unauthorized access"}"#)
    #expect(try bench.write(accessToken, "weather")?.status == 401)
    #expect(try bench.exchange("GET", "/sandbox/nodes?token_id=\(id)")?.body == #"{"nodes":[false]}"#)
    bench.clock.advance(.seconds(5))
    let active = try #require(try bench.query(accessToken))
    #expect(active.status == 200)
    #expect(active.body == #"{"results":[{"statement_id":0}]}"#)
    #expect(try bench.query(accessToken, "weather")?.status == 403)
    #expect(try bench.write(accessToken, "weather")?.status == 204)
    #expect(try bench.write(accessToken)?.status == 403)
    #expect(try bench.exchange("GET", "/sandbox/nodes?token_id=\(id)")?.body == #"{"nodes":[true]}"#)
    #expect(try bench.exchange("POST", "/sandbox/tokens/\(id)/revoke", body: "")?.status == 204)
    #expect(try bench.query(accessToken)?.status == 401)
    #expect(try bench.violations().isEmpty)
  }

  @Test func otherEditionsAnswersAreOptions() throws {
    let bench = try Bench {
      $0.unknownTokenOnWrite = .forbidden
      $0.refusesQueriesInside = true
      $0.refusesEmptyWrites = true
    }
    let created = try #require(try bench.create("a", #","permissions":[{"action":"write","resource":"*"}]"#))
    let accessToken = try #require(created.json["accessToken"] as? String)
    #expect(try bench.write(accessToken)?.status == 403)
    #expect(try bench.query(accessToken)?.status == 401)
    #expect(try bench.exchange("POST", "/sandbox/activate", body: "")?.status == 204)
    let inside = try #require(try bench.query(accessToken))
    #expect(inside.status == 200)
    #expect(inside.body == #"{"results":[{"error":"insufficient permissions","statement_id":0}]}"#)
    #expect(try bench.write(accessToken)?.status == 400)
    let missing = try #require(try bench.write(accessToken, "missing"))
    #expect(missing.status == 404)
    #expect(missing.json["code"] as? String == "not found")
  }

  @Test func aConnectionStaysWithItsNode() throws {
    let bench = try Bench {
      $0.cluster.nodes = 3
      $0.nodeAssignment = .roundRobin
      $0.faults = [try Fault.parse("query:error-before=503:node=1")]
    }
    // The bench's own connection is the first, so these three are the nodes 1, 2 and 0.
    #expect(try bench.query("x")?.status == 401)
    let clients = try (0..<3).map { _ in try RawClient(port: bench.server.port) }
    for _ in 0..<2 {
      let statuses = clients.map {
        $0.exchange("GET", "/query?db=plant&q=SHOW+MEASUREMENTS", ["Authorization: Bearer x"])?.status
      }
      #expect(statuses == [503, 401, 401])
    }
  }

  @Test func theDateHeaderFollowsTheSkew() throws {
    let bench = try Bench { $0.clockSkew = .seconds(600) }
    let expected = Instant(milliseconds: 1_800_000_600_000)
    let answer = try #require(try bench.exchange("GET", Bench.databases, Bench.management))
    #expect(answer.headers["date"] == "Fri, 15 Jan 2027 08:10:00 GMT")
    #expect(try bench.create("a")?.json["createdAt"] as? String == expected.rfc3339)
    bench.clock.advance(.seconds(1))
    #expect(try bench.exchange("GET", "/sandbox/state")?.headers["date"] == "Fri, 15 Jan 2027 08:10:01 GMT")
  }

  @Test func violationsAreAnsweredAndRecorded() throws {
    let bench = try Bench()
    let unknownKey = try bench.create("a", #","expirationType":"noExpiration""#)
    #expect(unknownKey?.status == 400)
    #expect(unknownKey?.json["code"] as? Int == 400)
    let expecting = Bench.json + ["Expect: 100-continue"]
    let body = #"{"description":"a"}"#
    #expect(try bench.exchange("POST", Bench.tokens, expecting, body: body)?.status == 417)
    let twice = Bench.json + ["Authorization: Bearer other"]
    #expect(try bench.exchange("POST", Bench.tokens, twice, body: body)?.status == 401)
    #expect(try bench.exchange("GET", "/nowhere")?.json["code"] as? String == "not found")
    let points = try bench.exchange(
      "POST", "/api/v2/write?bucket=plant&precision=ns", ["Authorization: Bearer x"], body: "m v=1")
    #expect(points?.status == 400)
    #expect(try bench.exchange("GET", Bench.tokens + "?limit=1", Bench.management)?.status == 400)
    #expect(
      try bench.violations()
        == ["unknown-key", "expect", "authorization", "unknown-path", "points", "query-parameter"])
    #expect(try bench.list().isEmpty)
    let state = try bench.statistics()
    #expect((state["postsByDescription"] as? [String: Int])?.isEmpty == true)
  }

  @Test func aLongBodyIsRefusedWithoutBeingKept() throws {
    let bench = try Bench()
    let long = String(repeating: "x", count: HTTPRequest.maximumBodyBytes)
    let answer = try #require(try bench.create(long))
    #expect(answer.status == 413)
    #expect(try bench.violations() == ["body-too-long"])
  }

  @Test func noTokenStringIsInAnyAdminAnswer() throws {
    let bench = try Bench()
    var secrets: [String] = [SandboxOptions.defaultManagementToken]
    for number in 0..<5 {
      secrets.append(try #require(try bench.create("t\(number)")?.json["accessToken"] as? String))
    }
    let listed = try bench.list()
    let id = try #require(listed[0]["id"] as? String)
    for path in ["/sandbox/state", "/sandbox/statistics", "/sandbox/nodes?token_id=\(id)"] {
      let answer = try #require(try bench.exchange("GET", path))
      #expect(answer.status == 200)
      for secret in secrets { #expect(!answer.body.contains(secret.dropFirst(6).prefix(8))) }
    }
    let tokens = try #require(try bench.exchange("GET", "/sandbox/state")?.json["tokens"] as? [[String: Any]])
    #expect(tokens.map { $0["description"] as? String } == ["t0", "t1", "t2", "t3", "t4"])
    #expect(tokens.allSatisfy { $0["posts"] as? Int == 1 })
  }

  @Test func resetStartsAnew() throws {
    let bench = try Bench()
    let first = try #require(try bench.create("a"))
    try bench.setFaults("list:error-before=500")
    _ = try bench.exchange("GET", "/nowhere")
    #expect(try bench.exchange("POST", "/sandbox/reset", body: "")?.status == 204)
    let statistics = try bench.statistics()
    #expect(statistics["total"] as? Int == 0)
    #expect((statistics["faults"] as? [Any])?.isEmpty == true)
    #expect(try bench.violations().isEmpty)
    #expect(try bench.list().isEmpty)
    #expect(try bench.create("a")?.json["id"] as? String == first.json["id"] as? String)
  }

  @Test func onlyLoopbackIsListenedOn() throws {
    for address in ["0.0.0.0", "::", "192.168.1.1", "128.0.0.1", "example.com", "", "::ffff:127.0.0.1"] {
      var options = SandboxOptions()
      options.address = address
      let error = #expect(throws: SandboxError.self) { try SandboxServer.start(options) }
      #expect(error?.code == .notLoopback)
    }
    var options = SandboxOptions()
    options.address = "127.9.8.7"
    let server = try SandboxServer.start(options)
    defer { server.stop() }
    #expect(server.url == "http://127.9.8.7:\(server.port)")
    #expect(throws: (any Error).self) { try RawClient(port: server.port) }
  }

  @Test func aTakenPortIsSaidAndBadOptionsAreRefused() throws {
    let server = try SandboxServer.start(SandboxOptions())
    var options = SandboxOptions()
    options.port = server.port
    let taken = #expect(throws: SandboxError.self) { try SandboxServer.start(options) }
    #expect(taken?.code == .cannotListen)
    #expect(taken?.message.contains("Address already in use") == true)
    server.stop()
    server.stop()
    let again = try SandboxServer.start(options)
    #expect(again.port == server.port)
    again.stop()
    for change: (inout SandboxOptions) -> Void in [
      { $0.accountID = "me" }, { $0.cluster.nodes = 0 }, { $0.cluster.databases = ["a b"] },
      { $0.cluster.activationDelay = .seconds(-1) },
    ] {
      var options = SandboxOptions()
      change(&options)
      let error = #expect(throws: SandboxError.self) { try SandboxServer.start(options) }
      #expect(error?.code == .badOption)
    }
  }
}
