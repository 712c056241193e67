import Foundation
import HTTPClient
import Testing

@Suite struct ConcurrencyTests {
  @Test func connectionsAreReusedUnlessAFreshOneIsAskedFor() async throws {
    let server = try TestServer.echo()
    defer { server.stop() }
    let client = try HTTPClient()
    for _ in 1...3 { _ = try await client.send(HTTPRequest(.get, server.url)) }
    #expect(server.connectionCount == 1)
    for _ in 1...3 { _ = try await client.send(HTTPRequest(.get, server.url, freshConnection: true)) }
    #expect(server.connectionCount == 4)
    try await eventually { server.endedCount == 3 }
    _ = try await client.send(HTTPRequest(.get, server.url))
    #expect(server.connectionCount == 4)
    #expect(server.requests.map(\.connection) == [1, 1, 1, 2, 3, 4, 1])
  }

  @Test(arguments: [4, 32])
  func manyRequestsAllCompleteWithinTheBounds(connections: Int) async throws {
    let server = try TestServer.echo()
    defer { server.stop() }
    let client = try HTTPClient(
      configuration: HTTPClientConfiguration(
        maximumTransfersInFlight: 8, maximumConnectionsPerHost: connections))
    let url = server.url
    let answered = try await withThrowingTaskGroup(of: Bool.self) { group in
      for index in 0..<500 {
        group.addTask {
          let body = Array("body \(index)".utf8)
          return try await client.send(HTTPRequest(.post, url, body: body)).body == body
        }
      }
      return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(answered == 500)
    #expect(server.requests.count == 500)
    #expect(server.connectionCount <= min(8, connections))
  }

  @Test func freshConnectionsBeyondTheHostsBoundTakeTurns() async throws {
    let server = try TestServer.echo()
    defer { server.stop() }
    let client = try HTTPClient(
      configuration: HTTPClientConfiguration(maximumTransfersInFlight: 8, maximumConnectionsPerHost: 2))
    let url = server.url
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<60 {
        group.addTask {
          _ = try await client.send(
            HTTPRequest(.get, url, timeout: .seconds(15), freshConnection: index.isMultiple(of: 2)))
        }
      }
      try await group.waitForAll()
    }
    #expect(server.requests.count == 60)
  }

  @Test func waitingRequestsAreServedInOrder() async throws {
    let server = try TestServer.echo()
    defer { server.stop() }
    let blocker = try TestServer.silent()
    defer { blocker.stop() }
    let client = try HTTPClient(configuration: HTTPClientConfiguration(maximumTransfersInFlight: 1))
    let blocking = Task { try await client.send(HTTPRequest(.get, blocker.url)) }
    try await eventually { blocker.requests.count == 1 }
    let url = server.url
    let executor = OneThread()
    let waiting = (0..<20).map { index in
      Task(executorPreference: executor) { try await client.send(HTTPRequest(.get, url + "/\(index)")) }
    }
    await Task(executorPreference: executor) {}.value
    blocking.cancel()
    for task in waiting { _ = try await task.value }
    #expect(server.requests.map(\.path) == (0..<20).map { "/\($0)" })
  }

  @Test func cancelBeforeTheStartSendsNothing() async throws {
    let server = try TestServer.echo()
    defer { server.stop() }
    let client = try HTTPClient()
    let url = server.url
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return try await client.send(HTTPRequest(.post, url))
    }
    task.cancel()
    let error = await failure(of: task)
    #expect(error?.code == .cancelled)
    #expect(error?.nothingWasSent == true)
    #expect(server.connectionCount == 0)
  }

  @Test func cancelWhileWaitingAndInFlight() async throws {
    let server = try TestServer.silent()
    defer { server.stop() }
    let client = try HTTPClient(configuration: HTTPClientConfiguration(maximumTransfersInFlight: 1))
    let url = server.url
    let running = Task { try await client.send(HTTPRequest(.post, url, body: [1])) }
    try await eventually { server.requests.count == 1 }
    let waiting = Task { try await client.send(HTTPRequest(.post, url, body: [2])) }
    waiting.cancel()
    let waitingError = await failure(of: waiting)
    #expect(waitingError?.code == .cancelled)
    #expect(waitingError?.nothingWasSent == true)
    running.cancel()
    let runningError = await failure(of: running)
    #expect(runningError?.code == .cancelled)
    #expect(runningError?.nothingWasSent == false)
    // The cancelled transfer's connection is closed, and its place is free again.
    try await eventually { server.endedCount == 1 }
    let next = Task { try await client.send(HTTPRequest(.get, url)) }
    try await eventually { server.requests.count == 2 }
    next.cancel()
    #expect(await failure(of: next)?.code == .cancelled)
  }

  /// Cancels race with queueing, starting and finishing; each request must end exactly once, and soon.
  @Test func noCancelIsLost() async throws {
    let server = try TestServer.echo()
    defer { server.stop() }
    let client = try HTTPClient(configuration: HTTPClientConfiguration(maximumTransfersInFlight: 4))
    let url = server.url
    let started = ContinuousClock.now
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<400 {
        group.addTask {
          let task = Task { try await client.send(HTTPRequest(.get, url, timeout: .seconds(60))) }
          for _ in 0..<index % 7 { await Task.yield() }
          task.cancel()
          let error = await failure(of: task)
          #expect(error == nil || error?.code == .cancelled)
        }
      }
    }
    #expect(ContinuousClock.now - started < .seconds(30))
  }

  @Test func shutdownEndsWaitingAndRunningRequests() async throws {
    let server = try TestServer.silent()
    defer { server.stop() }
    let client = try HTTPClient(configuration: HTTPClientConfiguration(maximumTransfersInFlight: 2))
    let url = server.url
    let tasks = (0..<10).map { _ in Task { try await client.send(HTTPRequest(.post, url, body: [1])) } }
    try await eventually { server.requests.count == 2 }
    client.shutdown()
    var sent = 0
    for task in tasks {
      let error = await failure(of: task)
      #expect(error?.code == .shutDown)
      if error?.nothingWasSent == false { sent += 1 }
    }
    #expect(sent == 2)
    try await eventually { server.endedCount == 2 }
    client.shutdown()
    let error = await #expect(throws: HTTPError.self) {
      _ = try await client.send(HTTPRequest(.get, url))
    }
    #expect(error?.code == .shutDown)
    #expect(error?.nothingWasSent == true)
  }

  @Test func lastReferenceEndsTheThreadAndItsConnections() async throws {
    let server = try TestServer.echo()
    defer { server.stop() }
    var client: HTTPClient? = try HTTPClient()
    _ = try await client?.send(HTTPRequest(.get, server.url))
    #expect(server.endedCount == 0)
    client = nil
    try await eventually { server.endedCount == 1 }
  }

  @Test func childProcessesInheritNoConnection() async throws {
    let server = try TestServer.echo()
    defer { server.stop() }
    let client = try HTTPClient()
    _ = try await client.send(HTTPRequest(.get, server.url))
    let ours = (0..<4096).filter { (descriptor: Int32) in
      var address = sockaddr_in()
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      let isConnected = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &size) == 0 }
      }
      return isConnected && address.sin_family == AF_INET
        && Int(UInt16(bigEndian: address.sin_port)) == server.port
    }
    #expect(ours.count == 1)
    #expect(ours.allSatisfy { fcntl($0, F_GETFD) & FD_CLOEXEC != 0 })
  }

  @Test func clientLastsAsLongAsItsRequest() async throws {
    let server = try TestServer { connection in
      guard connection.readRequest() != nil else { return }
      usleep(50_000)
      connection.answer()
    }
    defer { server.stop() }
    let response = try await HTTPClient().send(HTTPRequest(.get, server.url))
    #expect(response.status == 200)
  }
}

/// Runs the tasks that prefer it one after the other, in the order in which they were made, each as far as
/// it gets.
private final class OneThread: TaskExecutor {
  private let queue = DispatchQueue(label: "one thread")

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
