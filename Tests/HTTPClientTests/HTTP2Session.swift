/// The server's side of one HTTP/2 connection, as much of it as the tests need: frames, no header
/// compression beyond the static table, no flow control (nothing here is longer than the initial window).
final class HTTP2Session {
  /// RFC 9113 section 7.
  enum ErrorCode: UInt8 {
    case refusedStream = 7
    case http11Required = 13
  }

  /// RFC 9113 section 6.
  private enum FrameType: UInt8 {
    case data = 0
    case headers = 1
    case resetStream = 3
    case settings = 4
    case ping = 6
    case goAway = 7
  }

  private let connection: TestServer.Connection

  /// Nil when the client does not begin as an HTTP/2 client does.
  init?(_ connection: TestServer.Connection) {
    self.connection = connection
    let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    guard connection.read(preface.count) == preface else { return nil }
    write(.settings)
  }

  /// The stream of the next request that has come whole; nil when the connection ends.
  func nextRequest() -> UInt32? {
    while let header = connection.read(9) {
      let length = Int(header[0]) << 16 | Int(header[1]) << 8 | Int(header[2])
      let flags = header[4]
      let stream = header[5...8].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      guard let payload = connection.read(length) else { return nil }
      switch FrameType(rawValue: header[3]) {
      case .data, .headers:
        guard flags & 1 != 0 else { continue }
        connection.record(method: "(h2)", path: "stream \(stream)")
        return stream
      case .settings where flags & 1 == 0: write(.settings, flags: 1)
      case .ping where flags & 1 == 0: write(.ping, flags: 1, payload)
      default: continue
      }
    }
    return nil
  }

  /// Status 200 is entry 8 of HPACK's static table.
  func answer(_ stream: UInt32, body: [UInt8] = []) {
    write(.headers, flags: body.isEmpty ? 5 : 4, stream: stream, [0x88])
    if !body.isEmpty { write(.data, flags: 1, stream: stream, body) }
  }

  func resetStream(_ stream: UInt32, _ code: ErrorCode) {
    write(.resetStream, stream: stream, [0, 0, 0, code.rawValue])
  }

  /// Says that no stream after `lastStream` was or will be looked at.
  func goAway(lastStream: UInt32) {
    write(.goAway, HTTP2Session.bytes(lastStream) + [0, 0, 0, 0])
  }

  private func write(_ type: FrameType, flags: UInt8 = 0, stream: UInt32 = 0, _ payload: [UInt8] = []) {
    let length = HTTP2Session.bytes(UInt32(payload.count))[1...]
    connection.write(Array(length) + [type.rawValue, flags] + HTTP2Session.bytes(stream) + payload)
  }

  private static func bytes(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }
}
