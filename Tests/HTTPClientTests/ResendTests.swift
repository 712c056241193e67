import Foundation
import HTTPClient
import Testing

/// libcurl repeats a request by itself when a reused connection dies without an answer. These servers answer
/// the first request of a connection, read the second one whole and close.
@Suite struct ResendTests {
  enum Ending: CaseIterable { case close, reset }

  private func forgetfulServer(_ ending: Ending) throws -> TestServer {
    try TestServer { connection in
      guard connection.readRequest() != nil else { return }
      connection.answer()
      _ = connection.readRequest()
      if ending == .reset { connection.reset() }
    }
  }

  @Test(arguments: Ending.allCases, [nil, [], Array("{\"description\":\"x\"}".utf8)] as [[UInt8]?])
  func createIsSentOnceWhenAReusedConnectionDies(ending: Ending, body: [UInt8]?) async throws {
    let server = try forgetfulServer(ending)
    defer { server.stop() }
    let client = try HTTPClient()
    _ = try await client.send(HTTPRequest(.get, server.url + "/warm"))
    let error = await #expect(throws: HTTPError.self) {
      _ = try await client.send(HTTPRequest(.post, server.url + "/create", body: body))
    }
    #expect(error?.code == .resendRefused)
    #expect(error?.nothingWasSent == false)
    #expect(server.requests.map(\.path) == ["/warm", "/create"])
    #expect(server.requests.map(\.connection) == [1, 1])
  }

  @Test(arguments: Ending.allCases, HTTPRequest.Method.allCases)
  func repeatableRequestIsSentAgain(ending: Ending, method: HTTPRequest.Method) async throws {
    let server = try forgetfulServer(ending)
    defer { server.stop() }
    let client = try HTTPClient()
    _ = try await client.send(HTTPRequest(.get, server.url + "/warm"))
    let response = try await client.send(
      HTTPRequest(method, server.url + "/again", body: Array("whole body".utf8), neverResend: false))
    #expect(response.status == 200)
    let again = server.requests.dropFirst()
    #expect(again.map(\.path) == ["/again", "/again"])
    #expect(again.allSatisfy { $0.body == Array("whole body".utf8) })
  }

  @Test func createOnANewConnectionThatDiesIsSentOnce() async throws {
    let server = try TestServer { connection in _ = connection.readRequest() }
    defer { server.stop() }
    let client = try HTTPClient()
    let error = await #expect(throws: HTTPError.self) {
      _ = try await client.send(HTTPRequest(.post, server.url, body: [1]))
    }
    #expect(error?.code == .connectionLost)
    #expect(error?.nothingWasSent == false)
    #expect(server.requests.count == 1)
  }

  @Test func postMustNotBeRepeatedUnlessSaidOtherwise() {
    #expect(HTTPRequest(.post, "https://h").neverResend)
    #expect(!HTTPRequest(.post, "https://h", neverResend: false).neverResend)
    for method in [HTTPRequest.Method.get, .patch, .delete] {
      #expect(!HTTPRequest(method, "https://h").neverResend)
    }
  }

  /// A connection that the server closed while it was idle is noticed before it is used.
  @Test func createAfterAnIdleCloseIsAnswered() async throws {
    let server = try TestServer { connection in
      guard connection.readRequest() != nil else { return }
      connection.answer()
    }
    defer { server.stop() }
    let client = try HTTPClient()
    for index in 1...3 {
      let response = try await client.send(HTTPRequest(.post, server.url, body: [1]))
      #expect(response.status == 200)
      try await eventually { server.endedCount == index }
    }
    #expect(server.requests.count == 3)
  }
}
