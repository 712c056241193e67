import HTTPClient
import Testing

@Suite struct TLSTests {
  private func client(_ certificates: TestCertificates, withIdentity: Bool = false) throws -> HTTPClient {
    try HTTPClient(
      configuration: HTTPClientConfiguration(
        tls: HTTPClientConfiguration.TLS(
          authorityFile: certificates.authority,
          certificateFile: withIdentity ? certificates.clientCertificate : nil,
          keyFile: withIdentity ? certificates.clientKey : nil)))
  }

  @Test(arguments: ["TLSv1_2", "TLSv1_3"])
  func unknownAuthorityIsRefusedAndAKnownOneAccepted(version: String) async throws {
    let certificates = try await TestCertificates.shared.value
    let server = try TestServer.echo()
    defer { server.stop() }
    let front = try await TLSFront(to: server, certificates, maximumTLS: version)
    defer { front.stop() }
    let error = await #expect(throws: HTTPError.self) {
      _ = try await HTTPClient().send(HTTPRequest(.post, front.url + "/x", body: [1]))
    }
    #expect(error?.code == .certificate)
    #expect(error?.nothingWasSent == true)
    #expect(server.requests.isEmpty)
    let response = try await client(certificates).send(HTTPRequest(.post, front.url + "/x", body: [1]))
    #expect(response.status == 200)
    #expect(response.body == [1])
  }

  @Test func certificateOfAnotherHostIsRefused() async throws {
    let certificates = try await TestCertificates.make(for: "IP:127.0.0.9,DNS:other.example.com")
    defer { certificates.remove() }
    let server = try TestServer.echo()
    defer { server.stop() }
    let front = try await TLSFront(to: server, certificates)
    defer { front.stop() }
    let error = await #expect(throws: HTTPError.self) {
      _ = try await client(certificates).send(HTTPRequest(.post, front.url, body: [1]))
    }
    #expect(error?.code == .certificate)
    #expect(error?.nothingWasSent == true)
    #expect(server.requests.isEmpty)
  }

  @Test func olderTLSIsRefused() async throws {
    let certificates = try await TestCertificates.shared.value
    let server = try TestServer.echo()
    defer { server.stop() }
    let front = try await TLSFront(to: server, certificates, maximumTLS: "TLSv1_1")
    defer { front.stop() }
    let error = await #expect(throws: HTTPError.self) {
      _ = try await client(certificates).send(HTTPRequest(.post, front.url, body: [1]))
    }
    #expect(error?.code == .tls)
    #expect(error?.nothingWasSent == true)
  }

  @Test func clientCertificateIsShown() async throws {
    let certificates = try await TestCertificates.shared.value
    let server = try TestServer.echo()
    defer { server.stop() }
    let front = try await TLSFront(to: server, certificates, asksForClientCertificate: true)
    defer { front.stop() }
    let response = try await client(certificates, withIdentity: true).send(HTTPRequest(.get, front.url))
    #expect(response.status == 200)
    await #expect(throws: HTTPError.self) {
      _ = try await client(certificates).send(HTTPRequest(.get, front.url))
    }
    #expect(server.requests.count == 1)
  }

  @Test func unusableKeyIsACertificateError() async throws {
    let certificates = try await TestCertificates.shared.value
    let server = try TestServer.echo()
    defer { server.stop() }
    let front = try await TLSFront(to: server, certificates)
    defer { front.stop() }
    let client = try HTTPClient(
      configuration: HTTPClientConfiguration(
        tls: HTTPClientConfiguration.TLS(
          authorityFile: certificates.authority, certificateFile: certificates.clientCertificate,
          keyFile: certificates.key)))
    let error = await #expect(throws: HTTPError.self) {
      _ = try await client.send(HTTPRequest(.post, front.url, body: [1]))
    }
    #expect(error?.code == .certificate)
    #expect(error?.nothingWasSent == true)
  }

  @Test(arguments: ["http/1.1", ""])
  func reusedAndFreshConnectionsOverTLS(protocols: String) async throws {
    let certificates = try await TestCertificates.shared.value
    let server = try TestServer.echo()
    defer { server.stop() }
    let front = try await TLSFront(to: server, certificates, protocols: protocols)
    defer { front.stop() }
    let client = try client(certificates)
    for _ in 1...3 { _ = try await client.send(HTTPRequest(.get, front.url)) }
    #expect(server.connectionCount == 1)
    for _ in 1...3 { _ = try await client.send(HTTPRequest(.get, front.url, freshConnection: true)) }
    #expect(server.connectionCount == 4)
  }

  /// One slow answer must not hold up the others until it is known whether the server speaks HTTP/2.
  @Test(arguments: ["http/1.1", ""])
  func silentRequestHoldsUpNoOther(protocols: String) async throws {
    let certificates = try await TestCertificates.shared.value
    let server = try TestServer { connection in
      while let request = connection.readRequest() {
        if request.path == "/silent" { connection.waitForEnd() } else { connection.answer() }
      }
    }
    defer { server.stop() }
    let front = try await TLSFront(to: server, certificates, protocols: protocols)
    defer { front.stop() }
    let client = try client(certificates)
    let silentURL = front.url + "/silent"
    let silent = Task { try await client.send(HTTPRequest(.get, silentURL)) }
    try await eventually { server.requests.count == 1 }
    let response = try await client.send(HTTPRequest(.get, front.url + "/quick", timeout: .seconds(10)))
    #expect(response.status == 200)
    silent.cancel()
    _ = await silent.result
  }
}
