import Foundation
import Testing

/// Stands between the program and the sandbox on a loopback port, and keeps every byte of the answers: what
/// the program may have learned, token strings included, is in there.
final class RecordingProxy: Sendable {
  let url: String
  private let listener: Int32
  private let target: UInt16
  private let lock = NSLock()
  /// Guarded by `lock`, an entry a connection.
  private nonisolated(unsafe) var answers: [[UInt8]] = []

  /// `target` is the sandbox's URL.
  init(to target: String) throws {
    self.target = try #require(target.split(separator: ":").last.flatMap { UInt16($0) })
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = RecordingProxy.loopback(port: 0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 64) == 0
          && getsockname(listener, $0, &length) == 0
      }
    }
    try #require(bound)
    self.listener = listener
    url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
    Thread.detachNewThread { [self] in acceptAll() }
  }

  /// No new connections from now on; those that are open end with their peers.
  func stop() {
    shutdown(listener, Int32(SHUT_RDWR))
  }

  /// Every token string in the answers so far.
  var tokens: Set<String> {
    let texts = lock.withLock { answers.map { String(decoding: $0, as: UTF8.self) } }
    return Set(texts.flatMap { $0.matches(of: #/apiv1_[A-Za-z0-9._~+\/=-]+/#).map { String($0.output) } })
  }

  private func acceptAll() {
    while true {
      let client = accept(listener, nil, nil)
      guard client >= 0 else { break }
      let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      var address = RecordingProxy.loopback(port: target)
      let isConnected = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
      }
      guard isConnected else {
        close(client)
        close(server)
        continue
      }
      let index = lock.withLock {
        answers.append([])
        return answers.count - 1
      }
      // Each direction ends by itself; whoever ends last closes both sockets.
      let directions = DispatchGroup()
      for (source, sink, keeps) in [(client, server, false), (server, client, true)] {
        directions.enter()
        Thread.detachNewThread { [self] in
          relay(source, sink, keptAs: keeps ? index : nil)
          directions.leave()
        }
      }
      directions.notify(queue: .global()) {
        close(client)
        close(server)
      }
    }
    close(listener)
  }

  private func relay(_ source: Int32, _ sink: Int32, keptAs index: Int?) {
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    while true {
      let count = recv(source, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      if let index { lock.withLock { answers[index] += buffer[..<count] } }
      var sent = 0
      while sent < count {
        let part = buffer[sent..<count].withUnsafeBytes {
          send(sink, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        guard part > 0 else { break }
        sent += part
      }
    }
    shutdown(sink, Int32(SHUT_WR))
  }

  private static func loopback(port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
  }
}
