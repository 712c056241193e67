/// Which characters of a JSON string are written as escapes. All spellings read back as the same text
/// (RFC 8259, section 7).
public enum JSONEscaping: Sendable {
  /// What JSON demands, for other programs' requests, answers and files.
  case required
  /// Also everything that could disturb a terminal or mislead a reader, for reports and logs: control
  /// characters of both blocks, line separators, and marks that turn or hide text.
  case visible

  /// Whether `text` can stand between quotes as it is. For `visible` that is only said of ASCII.
  public func isPlain(_ text: String) -> Bool {
    let end: UInt8 = self == .required ? 0xFF : 0x7E
    return text.utf8.allSatisfy {
      $0 >= 0x20 && $0 <= end && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
    }
  }

  /// Hands the bytes of `text`, escaped, to `emit`; the quotes are the caller's. What is emitted is not kept.
  public func escape(_ text: String, _ emit: (UInt8) -> Void) {
    for scalar in text.unicodeScalars { escape(scalar, emit) }
  }

  /// Hands the bytes of one character, escaped if need be, to `emit`.
  func escape(_ scalar: Unicode.Scalar, _ emit: (UInt8) -> Void) {
    switch scalar {
    case "\"", "\\": JSONEscaping.short(UInt8(ascii: scalar), emit)
    case "\n": JSONEscaping.short(UInt8(ascii: "n"), emit)
    case "\r": JSONEscaping.short(UInt8(ascii: "r"), emit)
    case "\t": JSONEscaping.short(UInt8(ascii: "t"), emit)
    case "\0"..<" ": JSONEscaping.long(scalar, emit)
    case _ where self == .visible && JSONEscaping.misleads(scalar): JSONEscaping.long(scalar, emit)
    default: for byte in UTF8.encode(scalar) ?? .init() { emit(byte) }
    }
  }

  private static func misleads(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x7f...0x9f: true
    // Direction marks, embeddings, overrides and isolates; line and paragraph separators.
    case 0x061c, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069: true
    // Characters without width, and tags that nothing shows.
    case 0x200b...0x200d, 0x2060, 0xfeff, 0xe0000...0xe007f: true
    default: false
    }
  }

  private static func short(_ letter: UInt8, _ emit: (UInt8) -> Void) {
    emit(UInt8(ascii: "\\"))
    emit(letter)
  }

  /// `\uXXXX`, twice for what lies beyond 16 bits.
  private static func long(_ scalar: Unicode.Scalar, _ emit: (UInt8) -> Void) {
    for unit in UTF16.encode(scalar) ?? .init() {
      short(UInt8(ascii: "u"), emit)
      for shift in [12, 8, 4, 0] {
        let digit = UInt8(truncatingIfNeeded: unit >> shift) & 15
        emit(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
      }
    }
  }
}
