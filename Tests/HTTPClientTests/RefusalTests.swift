import HTTPClient
import RotationPorts
import Testing

/// Requests that are refused before anything is looked up, opened or sent.
@Suite struct RefusalTests {
  private func refusal(of request: HTTPRequest) async throws -> HTTPError? {
    let client = try HTTPClient()
    return await #expect(throws: HTTPError.self) { _ = try await client.send(request) }
  }

  @Test(arguments: [
    "http://console.influxdata.invalid/api", "http://192.0.2.1/", "http://127.0.0.1.example.com/",
    "http://localhost.example.com/", "http://localhost./", "http://[::2]/", "http://0.0.0.0/",
    "HTTP://example.com/",
    "http://128.0.0.1/",
  ])
  func plainHTTPIsForLoopbackOnly(url: String) async throws {
    let error = try await refusal(of: HTTPRequest(.get, url, timeout: .seconds(1)))
    #expect(error?.code == .insecureURL)
    #expect(error?.curlCode == 0)
    #expect(error?.nothingWasSent == true)
  }

  @Test func loopbackByAnyNameIsReached() async throws {
    let server = try TestServer.echo()
    defer { server.stop() }
    let client = try HTTPClient()
    for host in ["localhost", "127.0.0.1", "LOCALHOST"] {
      let response = try await client.send(HTTPRequest(.get, "http://\(host):\(server.port)/"))
      #expect(response.status == 200)
    }
    let closed = try ClosedPort()
    let error = await #expect(throws: HTTPError.self) {
      _ = try await client.send(HTTPRequest(.get, "http://[::1]:\(closed.port)/"))
    }
    #expect(error?.code == .connect)
  }

  @Test(arguments: [
    "", "example.com", "//example.com", "/path", "https://", "ftp://127.0.0.1/", "file:///etc/passwd",
    "https://user@example.com/", "https://user:word@example.com/", "https://example.com/a b",
    "https://example.com/a\r\nX: y", "https://example.com/ü", "https://example.com/#part",
    "https://example.com/tokens/..", "https://example.com/tokens/./x", "https://example.com/%2E%2e/x",
    "https://example.com/a/%2e%2e%2Fb", "https://example.com/\u{0}", "https://example.com:99999/",
    "https://example.com/" + String(repeating: "a", count: 9000),
  ])
  func badURLIsRefused(url: String) async throws {
    let error = try await refusal(of: HTTPRequest(.get, url, timeout: .seconds(1)))
    #expect(error?.code == .badURL)
    #expect(error?.curlCode == 0)
    #expect(error?.nothingWasSent == true)
  }

  @Test(arguments: ["/a..b/..c", "/a.b", "/?x=/../", "/.hidden"])
  func dotsInsideNamesAreFine(path: String) async throws {
    let server = try TestServer.echo()
    defer { server.stop() }
    let client = try HTTPClient()
    _ = try await client.send(HTTPRequest(.get, server.url + path))
    #expect(server.requests.map(\.path) == [path])
  }

  @Test(arguments: [
    HTTPHeader("X-A", "a\r\nX-B: b"), HTTPHeader("X-A", "a\n"), HTTPHeader("X-A", "a\u{0}"),
    HTTPHeader("X-A", "\u{7F}"), HTTPHeader("X A", "a"), HTTPHeader("X-A:", "a"), HTTPHeader("", "a"),
    HTTPHeader("X-A\r\n", "a"), HTTPHeader("Authorization", "Bearer x"), HTTPHeader("content-length", "3"),
    HTTPHeader("Host", "else.where"), HTTPHeader("Expect", "100-continue"),
    HTTPHeader("X-A", String(repeating: "a", count: 20_000)),
  ])
  func badHeaderIsRefused(header: HTTPHeader) async throws {
    let closed = try ClosedPort()
    let error = try await refusal(
      of: HTTPRequest(.get, "http://127.0.0.1:\(closed.port)/", headers: [header]))
    #expect(error?.code == .badHeader)
    #expect(error?.nothingWasSent == true)
  }

  @Test(arguments: ["", "two words", "line\r\nend", "ends\n", "nul\u{0}", "ünicode"])
  func badCredentialIsRefusedWithoutShowingIt(text: String) async throws {
    let closed = try ClosedPort()
    let error = try await refusal(
      of: HTTPRequest(
        .get, "http://127.0.0.1:\(closed.port)/", authorization: .bearer(Secret(Array(text.utf8)))))
    #expect(error?.code == .badHeader)
    if !text.isEmpty { #expect(error.map { "\($0) \(String(reflecting: $0))" }?.contains(text) == false) }
  }

  @Test func missingFilesOfTheConfigurationAreNamed() {
    let tls = HTTPClientConfiguration.TLS(authorityFile: "/nonexistent/ca.pem")
    let error = #expect(throws: HTTPError.self) {
      _ = try HTTPClient(configuration: HTTPClientConfiguration(tls: tls))
    }
    #expect(error?.code == .configuration)
    #expect(error?.message.contains("/nonexistent/ca.pem") == true)
  }
}
