import HTTPClient
import RotationPorts
import Testing

/// HTTP/2's own ways of losing a request, each of which libcurl answers by sending it again.
@Suite struct HTTP2Tests {
  enum Fault: CaseIterable {
    case refusedStream, goAway, requiresOlderVersion, close
  }

  /// Answers the first `before` requests of each connection, then commits `fault` at the first one, and
  /// answers all that come on later connections.
  private func server(_ fault: Fault, after before: Int) throws -> TestServer {
    try TestServer { connection in
      guard let session = HTTP2Session(connection) else { return }
      var count = 0
      while let stream = session.nextRequest() {
        count += 1
        guard connection.number == 1, count > before else {
          session.answer(stream)
          continue
        }
        switch fault {
        case .refusedStream: session.resetStream(stream, .refusedStream)
        case .requiresOlderVersion: session.resetStream(stream, .http11Required)
        case .goAway: session.goAway(lastStream: stream < 3 ? 0 : stream - 2)
        case .close: return
        }
      }
    }
  }

  private func client() async throws -> HTTPClient {
    let authority = try await TestCertificates.shared.value.authority
    return try HTTPClient(
      configuration: HTTPClientConfiguration(
        tls: HTTPClientConfiguration.TLS(authorityFile: authority)))
  }

  @Test func oneConnectionCarriesManyRequests() async throws {
    let server = try TestServer { connection in
      guard let session = HTTP2Session(connection) else { return }
      while let stream = session.nextRequest() { session.answer(stream, body: Array("over h2".utf8)) }
    }
    defer { server.stop() }
    let front = try await TLSFront(to: server, TestCertificates.shared.value, protocols: "h2,http/1.1")
    defer { front.stop() }
    let client = try await client()
    let url = front.url
    try await withThrowingTaskGroup(of: HTTPResponse.self) { group in
      for index in 0..<100 {
        group.addTask {
          try await client.send(
            HTTPRequest(
              index.isMultiple(of: 2) ? .get : .post, url + "/\(index)",
              authorization: .bearer(Secret(Array("secret".utf8))), body: index % 4 == 1 ? [1, 2] : nil))
        }
      }
      for try await response in group {
        #expect(response.status == 200)
        #expect(response.body == Array("over h2".utf8))
      }
    }
    #expect(server.requests.count == 100)
    #expect(server.connectionCount == 1)
    _ = try await client.send(HTTPRequest(.get, url, freshConnection: true))
    #expect(server.connectionCount == 2)
  }

  @Test(arguments: Fault.allCases, [0, 1])
  func createIsSentOnce(fault: Fault, before: Int) async throws {
    let server = try server(fault, after: before)
    defer { server.stop() }
    let front = try await TLSFront(to: server, TestCertificates.shared.value, protocols: "h2,http/1.1")
    defer { front.stop() }
    let client = try await client()
    for _ in 0..<before { _ = try await client.send(HTTPRequest(.get, front.url)) }
    let error = await #expect(throws: HTTPError.self) {
      _ = try await client.send(HTTPRequest(.post, front.url, body: Array("create".utf8)))
    }
    #expect(error?.code == .resendRefused || error?.code == .connectionLost)
    #expect(error?.nothingWasSent == false)
    #expect(server.requests.count == before + 1)
  }

  /// A refused stream does make libcurl repeat a request that it may repeat, so the test above can fail.
  /// (Of the other faults libcurl 7.88 makes errors, at times an "ok" without an answer.)
  @Test func repeatableRequestIsSentAgain() async throws {
    let server = try server(.refusedStream, after: 1)
    defer { server.stop() }
    let front = try await TLSFront(to: server, TestCertificates.shared.value, protocols: "h2,http/1.1")
    defer { front.stop() }
    let client = try await client()
    _ = try await client.send(HTTPRequest(.get, front.url))
    let response = try await client.send(HTTPRequest(.patch, front.url, body: Array("set".utf8)))
    #expect(response.status == 200)
    #expect(server.requests.count == 3)
  }
}
