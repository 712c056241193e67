import HTTPClient
import RotationPorts
import Testing

@Suite struct RoundTripTests {
  @Test func getCarriesPathQueryAndHeadersAndReturnsTheAnswer() async throws {
    let server = try TestServer { connection in
      while connection.readRequest() != nil {
        connection.answer(
          "418 I'm a teapot",
          headers: ["Date: Sun, 06 Nov 1994 08:49:37 GMT", "X-Empty:", "X-Two: first", "x-two: second"],
          body: Array("short".utf8))
      }
    }
    defer { server.stop() }
    let client = try HTTPClient(configuration: HTTPClientConfiguration(userAgent: "test/1"))
    let response = try await client.send(
      HTTPRequest(
        .get, server.url + "/query?db=a%20b&q=1",
        headers: [HTTPHeader("Accept", "a/b"), HTTPHeader("X-E", "")]))
    #expect(response.status == 418)
    #expect(response.body == Array("short".utf8))
    #expect(response.header("date") == "Sun, 06 Nov 1994 08:49:37 GMT")
    #expect(response.header("X-EMPTY") == "")
    #expect(response.header("X-Two") == "first")
    #expect(response.header("absent") == nil)
    let request = try #require(server.requests.first)
    #expect(request.method == "GET")
    #expect(request.path == "/query?db=a%20b&q=1")
    #expect(request.header("user-agent") == "test/1")
    #expect(request.header("accept") == "a/b")
    #expect(request.header("x-e") == "")
    #expect(request.header("content-length") == nil)
    #expect(request.header("authorization") == nil)
  }

  @Test(arguments: [1, 3000, 1_000_000])
  func postCarriesItsBody(size: Int) async throws {
    let server = try TestServer.echo()
    defer { server.stop() }
    let client = try HTTPClient()
    let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    let response = try await client.send(
      HTTPRequest(
        .post, server.url + "/tokens", headers: [HTTPHeader("Content-Type", "application/json")], body: body))
    #expect(response.status == 200)
    #expect(response.body == body)
    let request = try #require(server.requests.first)
    #expect(request.method == "POST")
    #expect(request.header("content-length") == "\(size)")
    #expect(request.header("content-type") == "application/json")
    #expect(request.header("expect") == nil)
    #expect(request.header("transfer-encoding") == nil)
  }

  @Test(arguments: [nil, []] as [[UInt8]?])
  func emptyPostSaysItsLength(body: [UInt8]?) async throws {
    let server = try TestServer.echo()
    defer { server.stop() }
    let client = try HTTPClient()
    let response = try await client.send(HTTPRequest(.post, server.url + "/write", body: body))
    #expect(response.status == 200)
    let request = try #require(server.requests.first)
    #expect(request.header("content-length") == "0")
    #expect(request.header("content-type") == nil)
  }

  @Test(arguments: HTTPRequest.Method.allCases, [nil, [1, 2, 3]] as [[UInt8]?])
  func methodsAreSentAsNamed(method: HTTPRequest.Method, body: [UInt8]?) async throws {
    let server = try TestServer.echo()
    defer { server.stop() }
    let client = try HTTPClient()
    let response = try await client.send(HTTPRequest(method, server.url + "/x", body: body))
    #expect(response.body == body ?? [])
    #expect(server.requests.map(\.method) == [method.rawValue])
  }

  /// One handle carries them all: nothing of a request may stay for the next.
  @Test func nothingOfARequestStaysForTheNext() async throws {
    let server = try TestServer.echo()
    defer { server.stop() }
    let client = try HTTPClient(configuration: HTTPClientConfiguration(maximumTransfersInFlight: 1))
    let secret = Secret(Array("first-secret".utf8))
    _ = try await client.send(
      HTTPRequest(
        .patch, server.url, headers: [HTTPHeader("X-First", "1")], authorization: .bearer(secret), body: [1]))
    _ = try await client.send(HTTPRequest(.get, server.url))
    let second = try #require(server.requests.last)
    #expect(second.method == "GET")
    #expect(second.header("x-first") == nil)
    #expect(second.header("authorization") == nil)
    #expect(second.body.isEmpty)
  }

  @Test func redirectIsReturnedAndNotFollowed() async throws {
    let target = try TestServer.echo()
    defer { target.stop() }
    let location = target.url + "/elsewhere"
    let server = try TestServer { connection in
      while connection.readRequest() != nil {
        connection.answer("307 Temporary Redirect", headers: ["Location: \(location)"])
      }
    }
    defer { server.stop() }
    let client = try HTTPClient()
    let response = try await client.send(HTTPRequest(.get, server.url))
    #expect(response.status == 307)
    #expect(response.header("location") == location)
    #expect(target.connectionCount == 0)
  }

  @Test func interimAnswersAndTrailersLeaveNoHeaders() async throws {
    let server = try TestServer { connection in
      while connection.readRequest() != nil {
        connection.write("HTTP/1.1 103 Early Hints\r\nX-From: interim\r\n\r\n")
        connection.write("HTTP/1.1 200 OK\r\nX-Final: yes\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.write("3\r\nabc\r\n0\r\nX-From: trailer\r\n\r\n")
      }
    }
    defer { server.stop() }
    let client = try HTTPClient()
    let response = try await client.send(HTTPRequest(.get, server.url))
    #expect(response.status == 200)
    #expect(response.body == Array("abc".utf8))
    #expect(response.header("x-final") == "yes")
    #expect(response.header("x-from") == nil)
  }

  @Test func credentialsArriveIntact() async throws {
    let server = try TestServer.echo()
    defer { server.stop() }
    let client = try HTTPClient()
    let text = "apiv1_" + String(repeating: "aZ0-._~+/=", count: 40)
    let secret = Secret(Array(text.utf8))
    for authorization: HTTPRequest.Authorization in [
      .bearer(secret), .token(secret), .header(name: "X-Vault-Token", secret),
    ] {
      _ = try await client.send(HTTPRequest(.get, server.url, authorization: authorization))
    }
    let requests = server.requests
    #expect(requests.map { $0.header("authorization") } == ["Bearer \(text)", "Token \(text)", nil])
    #expect(requests.last?.header("x-vault-token") == text)
  }
}
