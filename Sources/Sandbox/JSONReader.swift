/// A JSON value with its keys in order, repeated ones included, which a dictionary would hide.
enum JSONValue: Equatable {
  case null
  case bool(Bool)
  /// Not needed as a number anywhere: no field of the API's requests is one.
  case number
  case string(String)
  case array([JSONValue])
  case object([(key: String, value: JSONValue)])

  static func == (left: JSONValue, right: JSONValue) -> Bool {
    switch (left, right) {
    case (.null, .null), (.number, .number): true
    case (.bool(let one), .bool(let other)): one == other
    case (.string(let one), .string(let other)): one == other
    case (.array(let one), .array(let other)): one == other
    case (.object(let one), .object(let other)):
      one.count == other.count && zip(one, other).allSatisfy { $0.key == $1.key && $0.value == $1.value }
    default: false
    }
  }
}

/// Reads RFC 8259 JSON and nothing looser. It is here because request bodies are small and many, and
/// because the strict eye wants to see repeated keys.
///
/// Apart from `JSONScanner` on purpose: the sandbox is the judge of what the client sends, and a judge that
/// reads with the client's own eyes would share its errors.
struct JSONReader {
  private static let maximumDepth = 16
  private let bytes: [UInt8]
  private var position = 0

  /// Nil when `bytes` is not exactly one JSON value.
  static func read(_ bytes: [UInt8]) -> JSONValue? {
    var reader = JSONReader(bytes: bytes)
    guard let value = reader.value(depth: 0) else { return nil }
    reader.skipSpace()
    return reader.position == bytes.count ? value : nil
  }

  private init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard current == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func word(_ text: StaticString, _ value: JSONValue) -> JSONValue? {
    let length = text.utf8CodeUnitCount
    guard position + length <= bytes.count else { return nil }
    for offset in 0..<length where bytes[position + offset] != text.utf8Start[offset] { return nil }
    position += length
    return value
  }

  private mutating func value(depth: Int) -> JSONValue? {
    guard depth < Self.maximumDepth else { return nil }
    skipSpace()
    switch current {
    case UInt8(ascii: "{"): return object(depth: depth)
    case UInt8(ascii: "["): return array(depth: depth)
    case UInt8(ascii: "\""): return string().map { .string($0) }
    case UInt8(ascii: "t"): return word("true", .bool(true))
    case UInt8(ascii: "f"): return word("false", .bool(false))
    case UInt8(ascii: "n"): return word("null", .null)
    default: return number()
    }
  }

  private mutating func object(depth: Int) -> JSONValue? {
    position += 1
    var members: [(key: String, value: JSONValue)] = []
    skipSpace()
    if accept("}") { return .object(members) }
    repeat {
      skipSpace()
      guard let key = string() else { return nil }
      skipSpace()
      guard accept(":"), let value = value(depth: depth + 1) else { return nil }
      members.append((key, value))
      skipSpace()
    } while accept(",")
    return accept("}") ? .object(members) : nil
  }

  private mutating func array(depth: Int) -> JSONValue? {
    position += 1
    var elements: [JSONValue] = []
    skipSpace()
    if accept("]") { return .array(elements) }
    repeat {
      guard let value = value(depth: depth + 1) else { return nil }
      elements.append(value)
      skipSpace()
    } while accept(",")
    return accept("]") ? .array(elements) : nil
  }

  private mutating func digits() -> Bool {
    let start = position
    while let byte = current, (48...57).contains(byte) { position += 1 }
    return position > start
  }

  private mutating func number() -> JSONValue? {
    _ = accept("-")
    let start = position
    guard digits() else { return nil }
    if bytes[start] == UInt8(ascii: "0"), position - start > 1 { return nil }
    if accept("."), !digits() { return nil }
    if accept("e") || accept("E") {
      if !accept("-") { _ = accept("+") }
      guard digits() else { return nil }
    }
    return .number
  }

  private mutating func string() -> String? {
    guard accept("\"") else { return nil }
    let start = position
    while let byte = current, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
      guard byte >= 0x20 else { return nil }
      position += 1
    }
    if current == UInt8(ascii: "\"") {
      position += 1
      return String(validating: bytes[start..<position - 1], as: UTF8.self)
    }
    var text = Array(bytes[start..<position])
    while let byte = current {
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard escape(into: &text) else { return nil }
      case 0..<0x20: return nil
      default: text.append(byte)
      }
    }
    return nil
  }

  private mutating func escape(into text: inout [UInt8]) -> Bool {
    guard let byte = current else { return false }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      guard let scalar = unicodeEscape() else { return false }
      text.append(contentsOf: String(scalar).utf8)
    default: return false
    }
    return true
  }

  private mutating func unicodeEscape() -> Unicode.Scalar? {
    guard let first = fourDigits() else { return nil }
    guard (0xD800..<0xDC00).contains(first) else { return Unicode.Scalar(first) }
    guard accept("\\"), accept("u"), let second = fourDigits(), (0xDC00..<0xE000).contains(second) else {
      return nil
    }
    return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
  }

  private mutating func fourDigits() -> UInt32? {
    guard position + 4 <= bytes.count else { return nil }
    var value: UInt32 = 0
    for byte in bytes[position..<position + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
      value = value << 4 + UInt32(digit)
    }
    position += 4
    return value
  }
}
