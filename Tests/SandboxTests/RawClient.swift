import Foundation
import RotationModel

@testable import Sandbox

/// One TCP connection, so that a test decides when a connection is used again.
final class RawClient {
  struct Answer {
    var status: Int
    var headers: [String: String]
    var body: String

    var json: [String: Any] {
      (try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [String: Any] ?? [:]
    }

    var list: [[String: Any]] {
      (try? JSONSerialization.jsonObject(with: Data(body.utf8))) as? [[String: Any]] ?? []
    }
  }

  private let descriptor: Int32
  private var buffered: [UInt8] = []

  init(port: UInt16) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    var deadline = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &deadline, socklen_t(MemoryLayout<timeval>.size))
    guard connected == 0 else { throw POSIXError(.ECONNREFUSED) }
  }

  deinit { close(descriptor) }

  func send(_ method: String, _ target: String, _ headers: [String] = [], body: String? = nil) {
    var text = "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    for header in headers { text += header + "\r\n" }
    if let body { text += "Content-Length: \(body.utf8.count)\r\n" }
    text += "\r\n" + (body ?? "")
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }

  /// Nil when the connection was closed before a whole head arrived.
  func receive() -> Answer? {
    var separator: Range<Int>?
    while true {
      separator = Self.find("\r\n\r\n", in: buffered)
      if separator != nil { break }
      guard fill() else { return nil }
    }
    guard let separator else { return nil }
    let lines = String(decoding: buffered[..<separator.lowerBound], as: UTF8.self)
      .components(separatedBy: "\r\n")
    buffered.removeFirst(separator.upperBound)
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 { headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces) }
    }
    let status = Int(lines[0].split(separator: " ").dropFirst().first ?? "") ?? 0
    if status == 100 { return receive() }
    let length = Int(headers["content-length"] ?? "0") ?? 0
    while buffered.count < length { guard fill() else { return nil } }
    let body = String(decoding: buffered.prefix(length), as: UTF8.self)
    buffered.removeFirst(length)
    return Answer(status: status, headers: headers, body: body)
  }

  func exchange(_ method: String, _ target: String, _ headers: [String] = [], body: String? = nil) -> Answer?
  {
    send(method, target, headers, body: body)
    return receive()
  }

  private func fill() -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &chunk, chunk.count, 0)
    guard count > 0 else { return false }
    buffered.append(contentsOf: chunk[..<count])
    return true
  }

  private static func find(_ needle: String, in hay: [UInt8]) -> Range<Int>? {
    let wanted = Array(needle.utf8)
    guard hay.count >= wanted.count else { return nil }
    for start in 0...(hay.count - wanted.count) where hay[start...].starts(with: wanted) {
      return start..<start + wanted.count
    }
    return nil
  }
}

/// A clock that stands still until it is told otherwise.
final class ManualClock: Sendable {
  private let lock = NSLock()
  private nonisolated(unsafe) var instant = Instant(milliseconds: 1_800_000_000_000)

  var now: Instant { lock.withLock { instant } }

  func advance(_ span: Duration) { lock.withLock { instant = instant + span } }
}

/// A server that ends with the test, and requests as the product sends them.
final class Bench {
  static let management = ["Authorization: Bearer \(SandboxOptions.defaultManagementToken)"]
  static let json = management + ["Content-Type: application/json"]
  static let tokens =
    "/api/v0/accounts/\(SandboxOptions.defaultAccountID)/clusters/\(SandboxOptions.defaultClusterID)/tokens"
  static let databases = tokens.replacingOccurrences(of: "/tokens", with: "/databases")

  let server: SandboxServer
  let clock = ManualClock()
  private var client: RawClient

  init(_ change: (inout SandboxOptions) throws -> Void = { _ in }) throws {
    var options = SandboxOptions()
    options.seed = 7
    options.cluster.nodes = 1
    options.cluster.activationSpread = .zero
    try change(&options)
    let clock = clock
    server = try SandboxServer.start(options, clock: { clock.now })
    client = try RawClient(port: server.port)
  }

  deinit { server.stop() }

  /// On one connection, opened again when the server closed it.
  func exchange(
    _ method: String, _ target: String, _ headers: [String] = [], body: String? = nil
  ) throws -> RawClient.Answer? {
    let answer = client.exchange(method, target, headers, body: body)
    if answer == nil { client = try RawClient(port: server.port) }
    return answer
  }

  func create(_ description: String, _ more: String = "") throws -> RawClient.Answer? {
    try exchange("POST", Self.tokens, Self.json, body: "{\"description\":\"\(description)\"\(more)}")
  }

  func list() throws -> [[String: Any]] {
    try exchange("GET", Self.tokens, Self.management)?.list ?? []
  }

  func query(_ accessToken: String, _ database: String = "plant") throws -> RawClient.Answer? {
    try exchange(
      "GET", "/query?db=\(database)&q=SHOW%20MEASUREMENTS%20LIMIT%201",
      ["Authorization: Bearer \(accessToken)"])
  }

  func write(_ accessToken: String, _ database: String = "plant") throws -> RawClient.Answer? {
    try exchange(
      "POST", "/api/v2/write?bucket=\(database)&precision=ns", ["Authorization: Bearer \(accessToken)"],
      body: "")
  }

  func setFaults(_ text: String) throws { _ = try exchange("POST", "/sandbox/faults", body: text) }

  func statistics() throws -> [String: Any] { try exchange("GET", "/sandbox/statistics")?.json ?? [:] }

  /// The rules broken so far.
  func violations() throws -> [String] {
    let violations = try statistics()["violations"] as? [String: Any]
    return (violations?["list"] as? [[String: Any]] ?? []).compactMap { $0["rule"] as? String }
  }
}
