import Foundation
import Testing

/// A server of raw sockets on 127.0.0.1 whose behaviour on each connection is a closure, run on a thread of
/// its own. It keeps every request that it read.
final class TestServer: @unchecked Sendable {
  struct Request: Sendable {
    let method: String
    let path: String
    /// Names in lower case; values as they came.
    let headers: [(name: String, value: String)]
    let body: [UInt8]
    let connection: Int

    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
  }

  let port: Int
  private let listener: Int32
  private let lock = NSLock()
  private var seen: [Request] = []
  private var open: Set<Int32> = []
  private var accepted = 0
  private var ended = 0
  private var isStopped = false

  init(_ behaviour: @escaping @Sendable (Connection) -> Void) throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = self.listener
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        bind(listener, generic, size) == 0 && listen(listener, 512) == 0
          && getsockname(listener, generic, &size) == 0
      }
    }
    try #require(isListening)
    port = Int(UInt16(bigEndian: address.sin_port))
    Thread.detachNewThread { [self] in accept(behaviour) }
  }

  var url: String { "http://127.0.0.1:\(port)" }
  var requests: [Request] { lock.withLock { seen } }
  var connectionCount: Int { lock.withLock { accepted } }
  /// Connections whose behaviour has returned.
  var endedCount: Int { lock.withLock { ended } }

  /// Ends the listener and every connection.
  func stop() {
    lock.withLock {
      guard !isStopped else { return }
      isStopped = true
      shutdown(listener, Int32(SHUT_RDWR))
      for descriptor in open { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }
  }

  private func accept(_ behaviour: @escaping @Sendable (Connection) -> Void) {
    while true {
      let descriptor = Foundation.accept(listener, nil, nil)
      guard descriptor >= 0 else { break }
      let number: Int? = lock.withLock {
        guard !isStopped else { return nil }
        accepted += 1
        open.insert(descriptor)
        return accepted
      }
      guard let number else {
        close(descriptor)
        break
      }
      Thread.detachNewThread { [self] in
        behaviour(Connection(descriptor, number, self))
        lock.withLock {
          open.remove(descriptor)
          ended += 1
          close(descriptor)
        }
      }
    }
    close(listener)
  }

  fileprivate func record(_ request: Request) { lock.withLock { seen.append(request) } }

  /// One accepted connection; its methods block the behaviour's own thread.
  final class Connection {
    /// From 1, in the order in which connections were accepted.
    let number: Int
    private let descriptor: Int32
    private let server: TestServer
    private var buffer: [UInt8] = []

    init(_ descriptor: Int32, _ number: Int, _ server: TestServer) {
      self.descriptor = descriptor
      self.number = number
      self.server = server
    }

    /// Reads and records a whole request; nil when the client closed.
    func readRequest() -> Request? {
      guard let request = readHead() else { return nil }
      let length = request.header("content-length").flatMap { Int($0) } ?? 0
      guard let body = read(length) else { return nil }
      let whole = Request(
        method: request.method, path: request.path, headers: request.headers, body: body,
        connection: number)
      server.record(whole)
      return whole
    }

    /// Records a request that was read in another way.
    func record(method: String, path: String) {
      server.record(Request(method: method, path: path, headers: [], body: [], connection: number))
    }

    func read(_ count: Int) -> [UInt8]? {
      while buffer.count < count { guard fill() else { return nil } }
      let bytes = Array(buffer.prefix(count))
      buffer.removeFirst(count)
      return bytes
    }

    func write(_ text: String) { write(Array(text.utf8)) }

    func write(_ bytes: [UInt8]) {
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes {
          send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
      }
    }

    func answer(_ status: String = "200 OK", headers: [String] = [], body: [UInt8] = []) {
      let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.count)"] + headers
      write(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
    }

    /// Waits until the client closes, and keeps nothing of what it sends.
    func waitForEnd() { while fill() { buffer.removeAll() } }

    /// Ends the connection with a reset instead of an orderly close.
    func reset() {
      var linger = linger(l_onoff: 1, l_linger: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Foundation.linger>.size))
    }

    private func readHead() -> Request? {
      var end: Int?
      while end == nil {
        end = buffer.indices.first { buffer[$0...].starts(with: [13, 10, 13, 10]) }
        if end == nil { guard fill() else { return nil } }
      }
      let head = read((end ?? 0) + 4) ?? []
      let lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
      let words = lines[0].split(separator: " ").map(String.init)
      let headers = lines.dropFirst().compactMap { line -> (name: String, value: String)? in
        guard let colon = line.firstIndex(of: ":") else { return nil }
        let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        return (line[..<colon].lowercased(), value)
      }
      guard words.count == 3 else { return nil }
      return Request(method: words[0], path: words[1], headers: headers, body: [], connection: number)
    }

    private func fill() -> Bool {
      var chunk = [UInt8](repeating: 0, count: 65_536)
      let count = recv(descriptor, &chunk, chunk.count, 0)
      guard count > 0 else { return false }
      buffer.append(contentsOf: chunk.prefix(count))
      return true
    }
  }
}

extension TestServer {
  /// Answers every request on every connection with `status` and its own body.
  static func echo() throws -> TestServer {
    try TestServer { connection in
      while let request = connection.readRequest() { connection.answer(body: request.body) }
    }
  }

  /// Reads requests and never answers.
  static func silent() throws -> TestServer {
    try TestServer { connection in while connection.readRequest() != nil {} }
  }
}

/// Waits for `condition`, at most 20 seconds.
func eventually(
  _ condition: () -> Bool, _ comment: Comment = "the condition never held",
  sourceLocation: SourceLocation = #_sourceLocation
) async throws {
  let deadline = ContinuousClock.now + .seconds(20)
  while !condition() {
    try #require(ContinuousClock.now < deadline, comment, sourceLocation: sourceLocation)
    try await Task.sleep(for: .milliseconds(2))
  }
}

/// A port of 127.0.0.1 on which nobody listens: bound, so that nobody else gets it, but not listening.
final class ClosedPort {
  let port: Int
  private let descriptor: Int32

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let descriptor = self.descriptor
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        bind(descriptor, generic, size) == 0 && getsockname(descriptor, generic, &size) == 0
      }
    }
    try #require(isBound)
    port = Int(UInt16(bigEndian: address.sin_port))
  }

  deinit { close(descriptor) }
}
