internal import JSONText
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

  /// A value that `write` puts there.
  func raw(_ name: String, _ write: (SecretBuffer) -> Void) {
    key(name)
    write(buffer)
  }

  /// The finished object with a newline.
  func finish() -> SecretBuffer {
    buffer.append("}\n")
    return buffer
  }

  private func text(_ value: String) {
    buffer.append("\"")
    if JSONEscaping.required.isPlain(value) {
      buffer.append(value)
    } else {
      JSONEscaping.required.escape(value) { buffer.append($0) }
    }
    buffer.append("\"")
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
  private let fields: [String: Value]

  init?(_ bytes: [UInt8]) {
    guard let fields = FlatJSONReader.fields(of: bytes) else { return nil }
    self.bytes = bytes
    self.fields = fields
  }

  func text(_ name: String) -> String? {
    guard case .text(let range) = fields[name] else { return nil }
    return decoded(range)
  }

  func number(_ name: String) -> Int? {
    guard case .number(let value) = fields[name] else { return nil }
    return value
  }

  func texts(_ name: String) -> [String]? {
    guard case .texts(let ranges) = fields[name] else { return nil }
    let values = ranges.compactMap { decoded($0) }
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

  private func decoded(_ range: Range<Int>) -> String? {
    bytes.withUnsafeBytes { try? JSONScanner($0).text(range) }
  }

  // MARK: Reading

  private static func fields(of bytes: [UInt8]) -> [String: Value]? {
    bytes.withUnsafeBytes { bytes -> [String: Value]? in
      var scanner = JSONScanner(bytes)
      var fields: [String: Value] = [:]
      do throws(JSONScanner.Malformed) {
        try scanner.document { (name, scanner) throws(JSONScanner.Malformed) in
          guard fields.count < maximumFields, fields[name] == nil else { throw JSONScanner.Malformed() }
          fields[name] = try value(&scanner)
        }
        return fields
      } catch {
        return nil
      }
    }
  }

  private static func value(_ scanner: inout JSONScanner) throws(JSONScanner.Malformed) -> Value {
    if let text = try scanner.stringIfPresent() { return .text(text) }
    if try scanner.acceptNull() { return .null }
    var texts: [Range<Int>] = []
    let isArray = try scanner.arrayIfPresent { (scanner) throws(JSONScanner.Malformed) in
      guard let text = try scanner.stringIfPresent() else { throw JSONScanner.Malformed() }
      texts.append(text)
    }
    return isArray ? .texts(texts) : .number(try scanner.integer())
  }
}
