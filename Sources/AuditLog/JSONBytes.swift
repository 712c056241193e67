/// JSON that grows by appending.
struct JSONBytes {
  private(set) var bytes: [UInt8] = []

  init() { bytes.reserveCapacity(512) }

  /// Appends text that is JSON already.
  mutating func raw(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  /// Appends a comma, a key and a string or null.
  mutating func field(_ key: StaticString, _ value: String?, _ maximumBytes: Int) {
    raw(",\"\(key)\":")
    if let value { string(value, maximumBytes: maximumBytes) } else { raw("null") }
  }

  /// Appends a string in quotes, of at most `maximumBytes` between them once escaped; what is longer ends
  /// with an ellipsis.
  ///
  /// Escaped is all that JSON demands, and everything that could disturb a terminal or mislead a reader:
  /// control characters of both blocks, line separators, and marks that turn or hide text.
  mutating func string(_ text: String, maximumBytes: Int) {
    bytes.append(UInt8(ascii: "\""))
    let start = bytes.count
    var cut = start
    for scalar in text.unicodeScalars {
      append(scalar)
      let used = bytes.count - start
      if used <= maximumBytes - JSONBytes.ellipsis.count { cut = bytes.count }
      if used > maximumBytes {
        bytes.removeSubrange(cut...)
        bytes.append(contentsOf: JSONBytes.ellipsis)
        break
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static let ellipsis = Array("…".utf8)

  private mutating func append(_ scalar: Unicode.Scalar) {
    switch scalar {
    case "\"": raw("\\\"")
    case "\\": raw("\\\\")
    case "\n": raw("\\n")
    case "\r": raw("\\r")
    case "\t": raw("\\t")
    case _ where JSONBytes.misleads(scalar): appendEscape(scalar)
    case _ where scalar.isASCII: bytes.append(UInt8(truncatingIfNeeded: scalar.value))
    default: bytes.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
    }
  }

  private static func misleads(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x00...0x1f, 0x7f...0x9f: true
    // Direction marks, embeddings, overrides and isolates; line and paragraph separators.
    case 0x061c, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069: true
    // Characters without width, and tags that nothing shows.
    case 0x200b...0x200d, 0x2060, 0xfeff, 0xe0000...0xe007f: true
    default: false
    }
  }

  private mutating func appendEscape(_ scalar: Unicode.Scalar) {
    for unit in UTF16.encode(scalar) ?? UTF16.EncodedScalar() {
      let digits = String(unit, radix: 16)
      raw("\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits)
    }
  }
}
