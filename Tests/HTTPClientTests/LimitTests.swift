import HTTPClient
import Testing

@Suite struct LimitTests {
  @Test func answerOfExactlyTheLimitIsTaken() async throws {
    let server = try TestServer.echo()
    defer { server.stop() }
    let client = try HTTPClient()
    let body = [UInt8](repeating: 7, count: 100)
    let request = HTTPRequest(.post, server.url, body: body, maximumResponseBytes: 100)
    #expect(try await client.send(request).body == body)
  }

  @Test(arguments: [
    "Content-Length: 101\r\n\r\n" + String(repeating: "x", count: 101),
    "Transfer-Encoding: chunked\r\n\r\n65\r\n" + String(repeating: "x", count: 101) + "\r\n0\r\n\r\n",
    "Connection: close\r\n\r\n" + String(repeating: "x", count: 101),
  ])
  func longerAnswerIsRefused(rest: String) async throws {
    let server = try TestServer { connection in
      _ = connection.readRequest()
      connection.write("HTTP/1.1 200 OK\r\n" + rest)
    }
    defer { server.stop() }
    let client = try HTTPClient()
    let error = await #expect(throws: HTTPError.self) {
      _ = try await client.send(HTTPRequest(.get, server.url, maximumResponseBytes: 100))
    }
    #expect(error?.code == .responseTooLarge)
    #expect(error?.nothingWasSent == false)
  }

  @Test(arguments: [
    String(repeating: "X-Many: 1\r\n", count: 300),
    String(repeating: "X-Long: " + String(repeating: "y", count: 8000) + "\r\n", count: 9),
  ])
  func tooManyHeadersAreRefused(headers: String) async throws {
    let server = try TestServer { connection in
      _ = connection.readRequest()
      connection.write("HTTP/1.1 200 OK\r\n\(headers)Content-Length: 0\r\n\r\n")
    }
    defer { server.stop() }
    let client = try HTTPClient()
    let error = await #expect(throws: HTTPError.self) {
      _ = try await client.send(HTTPRequest(.get, server.url))
    }
    #expect(error?.code == .responseTooLarge)
  }

  @Test func fullLineRefusesAndCancelledPlacesAreFree() async throws {
    let server = try TestServer.silent()
    defer { server.stop() }
    let client = try HTTPClient(
      configuration: HTTPClientConfiguration(maximumTransfersInFlight: 1, maximumWaitingRequests: 1))
    let running = Task { try await client.send(HTTPRequest(.get, server.url)) }
    try await eventually { server.requests.count == 1 }
    let url = server.url
    // Whichever of the two comes second finds the line full.
    let waiting = (1...2).map { _ in Task { try await client.send(HTTPRequest(.get, url)) } }
    let refused = try await firstFailure(of: waiting)
    #expect(refused.code == .queueFull)
    #expect(refused.nothingWasSent)
    for task in waiting { task.cancel() }
    for task in waiting { _ = await task.result }
    let next = Task { try await client.send(HTTPRequest(.get, url, timeout: .milliseconds(50))) }
    #expect(await failure(of: next)?.code == .timeout)
    running.cancel()
    _ = await running.result
  }

  private func firstFailure(of tasks: [Task<HTTPResponse, any Error>]) async throws -> HTTPError {
    let first = await withTaskGroup(of: HTTPError?.self) { group in
      for task in tasks { group.addTask { await failure(of: task) } }
      let first = await group.next() ?? nil
      for task in tasks { task.cancel() }
      return first
    }
    return try #require(first)
  }
}

/// The error with which a request ended, nil when it was answered.
func failure(of task: Task<HTTPResponse, any Error>) async -> HTTPError? {
  switch await task.result {
  case .success: nil
  case .failure(let error): error as? HTTPError
  }
}
