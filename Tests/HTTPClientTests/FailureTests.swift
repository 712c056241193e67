import HTTPClient
import RotationPorts
import Testing

@Suite struct FailureTests {
  @Test func refusedConnectionProvesThatNothingWasSent() async throws {
    let closed = try ClosedPort()
    let client = try HTTPClient()
    let error = await #expect(throws: HTTPError.self) {
      _ = try await client.send(HTTPRequest(.post, "http://127.0.0.1:\(closed.port)/x?q=hidden", body: [1]))
    }
    #expect(error?.code == .connect)
    #expect(error?.curlCode == 7)
    #expect(error?.nothingWasSent == true)
    #expect(error?.operation == "POST http://127.0.0.1:\(closed.port)")
    #expect(error?.description.contains("hidden") == false)
  }

  /// The name is reserved (RFC 6761), and no server is asked beyond the machine's resolver.
  @Test func unknownHostProvesThatNothingWasSent() async throws {
    let client = try HTTPClient()
    let error = await #expect(throws: HTTPError.self) {
      _ = try await client.send(HTTPRequest(.post, "https://host.invalid/", body: [1], timeout: .seconds(5)))
    }
    // A machine whose resolver does not answer times out instead.
    #expect(error?.code == .resolve || error?.code == .timeout)
    #expect(error?.nothingWasSent == true)
  }

  @Test func silentServerTimesOutAndNothingIsKnown() async throws {
    let server = try TestServer.silent()
    defer { server.stop() }
    let client = try HTTPClient()
    let error = await #expect(throws: HTTPError.self) {
      _ = try await client.send(HTTPRequest(.post, server.url, body: [1], timeout: .milliseconds(150)))
    }
    #expect(error?.code == .timeout)
    #expect(error?.nothingWasSent == false)
    let elapsed = try #require(error?.elapsed)
    #expect(elapsed >= .milliseconds(140) && elapsed < .seconds(10))
    #expect(server.requests.count == 1)
  }

  /// A server that accepts but never shakes hands: the connection is not up, so nothing can have left.
  @Test func silentHandshakeTimesOutAndNothingWasSent() async throws {
    let server = try TestServer { $0.waitForEnd() }
    defer { server.stop() }
    let client = try HTTPClient()
    let error = await #expect(throws: HTTPError.self) {
      _ = try await client.send(
        HTTPRequest(
          .post, "https://127.0.0.1:\(server.port)/", body: [1], connectTimeout: .milliseconds(150)))
    }
    #expect(error?.code == .timeout)
    #expect(error?.nothingWasSent == true)
  }

  @Test func waitingForAPlaceCountsTowardsTheTimeout() async throws {
    let server = try TestServer.silent()
    defer { server.stop() }
    let client = try HTTPClient(configuration: HTTPClientConfiguration(maximumTransfersInFlight: 1))
    let running = Task { try await client.send(HTTPRequest(.get, server.url)) }
    try await eventually { server.requests.count == 1 }
    let error = await #expect(throws: HTTPError.self) {
      _ = try await client.send(HTTPRequest(.post, server.url, body: [1], timeout: .milliseconds(100)))
    }
    #expect(error?.code == .timeout)
    #expect(error?.nothingWasSent == true)
    #expect(server.requests.count == 1)
    running.cancel()
    _ = await running.result
  }

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "HTTP/1.1 200 OK\r\nX-Cut",
    "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
  ])
  func brokenAnswerIsAnErrorAndNothingIsKnown(answer: String) async throws {
    let server = try TestServer { connection in
      _ = connection.readRequest()
      connection.write(answer)
    }
    defer { server.stop() }
    let client = try HTTPClient()
    let error = await #expect(throws: HTTPError.self) {
      _ = try await client.send(HTTPRequest(.post, server.url, body: [1]))
    }
    #expect(error?.nothingWasSent == false)
    #expect(server.requests.count == 1)
  }

  @Test func noErrorShowsTheCredentialOrTheBody() async throws {
    let text = "apiv1_SECRETSECRETSECRET"
    let secret = Secret(Array(text.utf8))
    let echoing = try TestServer { connection in
      guard let request = connection.readRequest() else { return }
      // A server that throws the credential back in a broken answer.
      connection.write("HTTP/1.1 \(request.header("authorization") ?? "")\r\n\r\n")
    }
    defer { echoing.stop() }
    let silent = try TestServer.silent()
    defer { silent.stop() }
    let closed = try ClosedPort()
    let client = try HTTPClient()
    for url in [echoing.url, silent.url, "http://127.0.0.1:\(closed.port)"] {
      let request = HTTPRequest(
        .post, url + "/p?q=\(text)", authorization: .bearer(secret), body: Array(text.utf8),
        timeout: .milliseconds(200))
      let error = await #expect(throws: HTTPError.self) { _ = try await client.send(request) }
      var dumped = ""
      dump(error, to: &dumped)
      dump(request, to: &dumped)
      #expect(
        !"\(String(describing: error)) \(String(reflecting: error)) \(dumped) \(request)".contains("SECRET"))
    }
    var dumped = ""
    dump(HTTPResponse(status: 200, body: Array(text.utf8)), to: &dumped)
    #expect(dumped == "- HTTPResponse(status: 200, body: 24 bytes)\n")
  }
}
