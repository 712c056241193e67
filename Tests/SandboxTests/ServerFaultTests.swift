import Foundation
import RotationModel
import Testing

@testable import Sandbox

/// Faults as a client on the network sees them.
@Suite struct ServerFaultTests {
  @Test func anAnswerLostOnAUsedConnectionLeavesItsEffect() throws {
    let bench = try Bench()
    try bench.setFaults("create:answer-lost:nth=2")
    let client = try RawClient(port: bench.server.port)
    func post(_ description: String) -> RawClient.Answer? {
      client.exchange("POST", Bench.tokens, Bench.json, body: "{\"description\":\"\(description)\"}")
    }
    #expect(post("a")?.status == 200)
    #expect(post("b") == nil)
    #expect(post("c") == nil, "the connection must be closed")
    #expect(try bench.list().map { $0["description"] as? String } == ["a", "b"])
    let statistics = try bench.statistics()
    #expect((statistics["postsByDescription"] as? [String: Int]) == ["a": 1, "b": 1])
    let requests = statistics["requests"] as? [String: [String: Int]]
    #expect(requests?["create"] == ["200": 1, "closed": 1])
  }

  @Test func aRequestLostLeavesNothing() throws {
    let bench = try Bench()
    try bench.setFaults("create:request-lost")
    #expect(try bench.create("a") == nil)
    #expect(try bench.list().isEmpty)
  }

  @Test func aLateEffectAppearsLater() throws {
    let bench = try Bench { $0.faults = [try Fault.parse("create:late-effect=5s:nth=1")] }
    #expect(try bench.create("a") == nil)
    #expect(try bench.list().isEmpty)
    #expect(try bench.statistics()["pendingEffects"] as? Int == 1)
    bench.clock.advance(.seconds(5))
    #expect(try bench.list().count == 1)
  }

  @Test func errorsAndThrottlesHaveTheShapeOfTheirEndpoint() throws {
    let bench = try Bench()
    try bench.setFaults(
      "create:error-before=500:next=1\ncreate:error-after=502:next=1\nlist:throttle=429,retry-after=2\nquery:error-before=503"
    )
    #expect(try bench.create("a")?.body == #"{"code":500,"message":"internal server error"}"#)
    #expect(try bench.create("b")?.status == 502)
    let throttled = try #require(try bench.exchange("GET", Bench.tokens, Bench.management))
    #expect(throttled.status == 429)
    #expect(throttled.headers["retry-after"] == "2")
    #expect(try bench.query("x")?.body == #"{"code":"unavailable","message":"service unavailable"}"#)
    try bench.setFaults("")
    #expect(try bench.list().map { $0["description"] as? String } == ["b"])
  }

  @Test func malformedAnswersAreSuccessesThatCannotBeUsed() throws {
    let bench = try Bench()
    var bodies: [String: String] = [:]
    for kind in Fault.Malformation.allCases {
      try bench.setFaults("create:malformed=\(kind.rawValue)")
      let answer = try #require(try bench.create(kind.rawValue))
      #expect(answer.status == 200)
      bodies[kind.rawValue] = answer.body
    }
    let whole = JSONReader.read(Array((bodies["missing"] ?? "").utf8))
    #expect(whole != nil && bodies["missing"]?.contains("accessToken") == false)
    #expect(bodies["newline"]?.contains(#"\n"#) == true)
    #expect(bodies["short"]?.contains("apiv1_") == true)
    #expect(JSONReader.read(Array((bodies["truncated"] ?? "{}").utf8)) == nil)
    #expect(bodies["empty"] == "")
    #expect(bodies["html"]?.hasPrefix("<html>") == true)
    #expect(try bench.list().count == Fault.Malformation.allCases.count)
  }

  @Test func aDuplicateAndAWrongExpiryAreSeenInTheList() throws {
    let bench = try Bench()
    try bench.setFaults("create:duplicate:nth=1\ncreate:wrong-expiry:nth=1")
    let created = try #require(try bench.create("a"))
    let wrong = try #require(try bench.create("b", #","expiresAt":"2030-01-01T00:00:00Z""#))
    let listed = try bench.list()
    #expect(listed.map { $0["description"] as? String } == ["a", "a", "b"])
    #expect(listed[1]["id"] as? String == created.json["id"] as? String)
    #expect(wrong.json["expiresAt"] as? String == "2030-01-02T00:00:00.000Z")
  }

  @Test func twentySlowAnswersDoNotHoldUpAFastOne() throws {
    let bench = try Bench()
    try bench.setFaults("list:slow=1500ms")
    let slow = try (0..<20).map { _ in try RawClient(port: bench.server.port) }
    let started = ContinuousClock.now
    for client in slow { client.send("GET", Bench.tokens, Bench.management) }
    #expect(try bench.exchange("GET", Bench.databases, Bench.management)?.status == 200)
    let fast = ContinuousClock.now - started
    #expect(slow.map { $0.receive()?.status } == Array(repeating: 200, count: 20))
    let all = ContinuousClock.now - started
    #expect(fast < .milliseconds(1400))
    #expect(all >= .milliseconds(1500))
    #expect(all < .seconds(10), "the slow answers must wait side by side, not one after the other")
    #expect(try bench.statistics()["maximumConcurrent"] as? Int ?? 0 >= 20)
  }

  @Test func aSlowAnswerCanBeLostAndStopDoesNotWaitForIt() throws {
    let bench = try Bench()
    try bench.setFaults("create:slow=50ms\ncreate:answer-lost")
    #expect(try bench.create("a") == nil)
    #expect(try bench.list().count == 1)
    try bench.setFaults("list:slow=60s")
    let client = try RawClient(port: bench.server.port)
    client.send("GET", Bench.tokens, Bench.management)
    for _ in 0..<10_000 where try firings(bench) == 0 {}
    #expect(try firings(bench) == 1)
    let started = ContinuousClock.now
    bench.server.stop()
    #expect(ContinuousClock.now - started < .seconds(20))
    _ = client.receive()
  }

  @Test func aBadFaultIsRefusedAndLeavesTheOldOnes() throws {
    let bench = try Bench()
    try bench.setFaults("list:error-before=503")
    let answer = try #require(try bench.exchange("POST", "/sandbox/faults", body: "create:explode"))
    #expect(answer.status == 400)
    #expect(answer.body.contains("explode"))
    #expect(try bench.exchange("GET", Bench.tokens, Bench.management)?.status == 503)
  }

  /// How often the fault in force has fired, which tells that a request is under way.
  private func firings(_ bench: Bench) throws -> Int {
    let faults = try bench.statistics()["faults"] as? [[String: Any]]
    return faults?.first?["fired"] as? Int ?? 0
  }
}
