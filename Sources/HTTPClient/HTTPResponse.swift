/// What the server answered.
public struct HTTPResponse: Sendable {
  /// The final status code: 100 to 199 are never seen here.
  public let status: Int

  /// The bytes after the headers, transfer encoding removed, content encoding (never asked for) left alone.
  public let body: [UInt8]

  /// The header lines of the final answer as they came, each with its line end. Most answers are asked for
  /// one header or none, so that they are looked through on demand instead of being cut into strings.
  private let headerLines: [UInt8]

  /// For stand-ins of a client.
  public init(status: Int, headers: [HTTPHeader] = [], body: [UInt8] = []) {
    var lines: [UInt8] = []
    for header in headers { lines.append(contentsOf: "\(header.name): \(header.value)\r\n".utf8) }
    self.init(status: status, headerLines: lines, body: body)
  }

  init(status: Int, headerLines: [UInt8], body: [UInt8]) {
    self.status = status
    self.headerLines = headerLines
    self.body = body
  }

  /// The value of the first header of that name, upper and lower case being the same, without the spaces
  /// around it; nil when there is none or it is not UTF-8.
  public func header(_ name: String) -> String? {
    let wanted = name.utf8
    for line in headerLines.split(separator: UInt8(ascii: "\n")) {
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")),
        line[..<colon].elementsEqual(wanted, by: HTTPResponse.sameIgnoringCase)
      else { continue }
      let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0D }
      var value = line[line.index(after: colon)...].drop(while: isBlank)
      while let last = value.last, isBlank(last) { value.removeLast() }
      return String(validating: value, as: UTF8.self)
    }
    return nil
  }

  private static func sameIgnoringCase(_ left: UInt8, _ right: UInt8) -> Bool {
    func lowered(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
    return lowered(left) == lowered(right)
  }
}

/// The answer to a create holds a token string, so the body is never printed by accident.
extension HTTPResponse: CustomStringConvertible, CustomReflectable {
  public var description: String { "HTTPResponse(status: \(status), body: \(body.count) bytes)" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
