import Foundation
import Testing

/// Stands in for a service that is told how runs go: keeps the path of every request.
final class MonitorServer: Sendable {
  enum Answer: Sendable {
    case status(Int)
    /// The connection is kept, and nothing is said.
    case silence
  }

  let url: String
  private let listener: Int32
  private let answer: Answer
  private let lock = NSLock()
  /// Guarded by `lock`.
  private nonisolated(unsafe) var requested: [String] = []

  init(_ answer: Answer = .status(200)) throws {
    self.answer = answer
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 16) == 0
          && getsockname(listener, $0, &length) == 0
      }
    }
    try #require(isBound)
    self.listener = listener
    url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
    Thread.detachNewThread { [self] in acceptAll() }
  }

  /// No new connections from now on.
  func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

  var paths: [String] { lock.withLock { requested } }

  private func acceptAll() {
    while case let client = accept(listener, nil, nil), client >= 0 {
      var buffer = [UInt8](repeating: 0, count: 8192)
      let count = recv(client, &buffer, buffer.count, 0)
      let words = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
      lock.withLock { requested.append(words.count > 1 ? String(words[1]) : "") }
      // A connection that is left open is closed with the process.
      guard case .status(let status) = answer else { continue }
      let text = Array("HTTP/1.1 \(status) x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
      _ = text.withUnsafeBytes { send(client, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      close(client)
    }
    close(listener)
  }
}
