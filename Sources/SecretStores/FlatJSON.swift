internal import RotationPorts

/// Writes one JSON object whose values are texts, numbers, null or lists of texts.
struct FlatJSONWriter {
  let buffer = SecretBuffer()

  init() {
    buffer.append("{")
  }

  private func key(_ name: String) {
    if buffer.count > 1 { buffer.append(",") }
    text(name)
    buffer.append(":")
  }

  func field(_ name: String, _ value: String?) {
    key(name)
    if let value { text(value) } else { buffer.append("null") }
  }

  func field(_ name: String, _ value: Int) {
    key(name)
    buffer.append(String(value))
  }

  func field(_ name: String, _ values: [String]) {
    key(name)
    buffer.append("[")
    for (index, value) in values.enumerated() {
      if index > 0 { buffer.append(",") }
      text(value)
    }
    buffer.append("]")
  }

  /// A token's string, whose characters need no escaping: the store has checked them.
  func field(_ name: String, _ secret: Secret) {
    key(name)
    buffer.append("\"")
    buffer.append(secret)
    buffer.append("\"")
  }

  /// The finished object with a newline.
  func finish() -> SecretBuffer {
    buffer.append("}\n")
    return buffer
  }

  private func text(_ value: String) {
    buffer.append("\"")
    defer { buffer.append("\"") }
    let needsEscape = { (byte: UInt8) in
      byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }
    guard value.utf8.contains(where: needsEscape) else { return buffer.append(value) }
    for byte in value.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        buffer.append(UInt8(ascii: "\\"))
        buffer.append(byte)
      case 0..<0x20:
        buffer.append("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
      default: buffer.append(byte)
      }
    }
  }
}

/// Reads one JSON object of the shape that `FlatJSONWriter` writes, without ever making a String of a value
/// that nobody asked for as text: a token stays bytes. Other shapes are nil, never a trap.
struct FlatJSONReader {
  private enum Value {
    /// Between the quotes, escapes included.
    case text(Range<Int>)
    case number(Int)
    case texts([Range<Int>])
    case null
  }

  private static let maximumFields = 64
  private let bytes: [UInt8]
  private var position = 0
  private var fields: [String: Value] = [:]

  init?(_ bytes: [UInt8]) {
    self.bytes = bytes
    guard readObject() else { return nil }
  }

  func text(_ name: String) -> String? {
    guard case .text(let range) = fields[name] else { return nil }
    return unescaped(range)
  }

  func number(_ name: String) -> Int? {
    guard case .number(let value) = fields[name] else { return nil }
    return value
  }

  func texts(_ name: String) -> [String]? {
    guard case .texts(let ranges) = fields[name] else { return nil }
    let values = ranges.compactMap { unescaped($0) }
    return values.count == ranges.count ? values : nil
  }

  func isNull(_ name: String) -> Bool {
    if case .null = fields[name] { return true }
    return false
  }

  /// The bytes between the quotes as they are; nil when one of them is not of the kind that `isAllowed` says.
  func secret(_ name: String, where isAllowed: (UInt8) -> Bool) -> Secret? {
    guard case .text(let range) = fields[name], !range.isEmpty, bytes[range].allSatisfy(isAllowed) else {
      return nil
    }
    return bytes.withUnsafeBytes { Secret(copying: UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  // MARK: Reading

  private mutating func readObject() -> Bool {
    guard accept("{") else { return false }
    if accept("}") { return isAtEnd() }
    repeat {
      guard fields.count < FlatJSONReader.maximumFields, let name = readText().flatMap({ unescaped($0) }),
        fields[name] == nil, accept(":"), let value = readValue()
      else { return false }
      fields[name] = value
    } while accept(",")
    return accept("}") && isAtEnd()
  }

  private mutating func readValue() -> Value? {
    skipSpaces()
    guard position < bytes.count else { return nil }
    switch bytes[position] {
    case UInt8(ascii: "\""): return readText().map { .text($0) }
    case UInt8(ascii: "["): return readTexts().map { .texts($0) }
    case UInt8(ascii: "n"):
      guard bytes[position...].starts(with: "null".utf8) else { return nil }
      position += 4
      return .null
    default: return readNumber().map { .number($0) }
    }
  }

  private mutating func readTexts() -> [Range<Int>]? {
    guard accept("[") else { return nil }
    var values: [Range<Int>] = []
    if accept("]") { return values }
    repeat {
      guard let value = readText() else { return nil }
      values.append(value)
    } while accept(",")
    return accept("]") ? values : nil
  }

  private mutating func readText() -> Range<Int>? {
    guard accept("\"") else { return nil }
    let start = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        return start..<position - 1
      case UInt8(ascii: "\\"): position += 2
      case 0..<0x20: return nil
      default: position += 1
      }
    }
    return nil
  }

  private mutating func readNumber() -> Int? {
    let start = position
    while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
      position += 1
    }
    return Int(String(decoding: bytes[start..<position], as: UTF8.self))
  }

  private mutating func skipSpaces() {
    while position < bytes.count, isSpace(bytes[position]) { position += 1 }
  }

  private func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipSpaces()
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func isAtEnd() -> Bool {
    skipSpaces()
    return position == bytes.count
  }

  /// Only the escapes that our writer makes: others mean that somebody else wrote the file.
  private func unescaped(_ range: Range<Int>) -> String? {
    var plain: [UInt8] = []
    var index = range.lowerBound
    while index < range.upperBound {
      guard bytes[index] == UInt8(ascii: "\\") else {
        plain.append(bytes[index])
        index += 1
        continue
      }
      switch bytes[index + 1] {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
        plain.append(bytes[index + 1])
        index += 2
      case UInt8(ascii: "u"):
        guard index + 6 <= range.upperBound,
          let value = UInt8(String(decoding: bytes[index + 2..<index + 6], as: UTF8.self), radix: 16),
          value < 0x80
        else { return nil }
        plain.append(value)
        index += 6
      default: return nil
      }
    }
    return String(validating: plain, as: UTF8.self)
  }
}
