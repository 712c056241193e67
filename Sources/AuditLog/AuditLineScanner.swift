internal import FoundationEssentials

/// What the chain needs to know of a line, read without parsing the rest of it.
struct ScannedLine: Equatable {
  var chain: String
  var sequence: Int64
  var event: String
  var previous: String
  /// Where the digits of `seq` stand in the line's bytes.
  var sequenceRange: Range<Int>
  /// Where the digits of `prev` stand in the line's bytes.
  var previousRange: Range<Int>
}

/// Reads lines in the form in which `AuditLineWriter` writes them. Any other form, be it the same JSON with
/// a space more, was not written by us.
///
/// Apart from `JSONScanner` on purpose: that one accepts all of JSON, this one only the canonical form, whose
/// bytes are what was hashed.
struct AuditLineScanner {
  private let bytes: [UInt8]
  private var position = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// nil when the line has not our form.
  static func scan(_ bytes: [UInt8]) -> ScannedLine? {
    var scanner = AuditLineScanner(bytes)
    return scanner.line()
  }

  /// Whether the line is JSON at all, to tell an edited line from rubbish.
  static func isJSONObject(_ bytes: [UInt8]) -> Bool {
    (try? JSONDecoder().decode([String: AnyValue].self, from: Data(bytes))) != nil
  }

  private struct AnyValue: Decodable {
    init(from decoder: any Decoder) {}
  }

  private mutating func line() -> ScannedLine? {
    guard accept("{\"v\":1,\"chain\":"), let chain = string(), accept(",\"seq\":"),
      let sequenceRange = number(), let sequence = Int64(text(sequenceRange)), accept(",\"time\":"),
      value() != nil, field("run"), field("job"), field("cluster"), field("token"), field("generation"),
      field("attempt"), accept(",\"event\":"), let event = string(), field("token_id"), field("actor"),
      accept(",\"prev\":"), let previousRange = string(), previousRange.count == 64,
      bytes.last == UInt8(ascii: "}")
    else { return nil }
    return ScannedLine(
      chain: text(chain), sequence: sequence, event: text(event), previous: text(previousRange),
      sequenceRange: sequenceRange, previousRange: previousRange)
  }

  private func text(_ range: Range<Int>) -> String {
    String(decoding: bytes[range], as: UTF8.self)
  }

  private mutating func accept(_ expected: StaticString) -> Bool {
    let count = expected.utf8CodeUnitCount
    guard position + count <= bytes.count else { return false }
    for index in 0..<count where bytes[position + index] != expected.utf8Start[index] { return false }
    position += count
    return true
  }

  private mutating func accept(key: StaticString) -> Bool {
    accept(",\"") && accept(key) && accept("\":")
  }

  private mutating func field(_ key: StaticString) -> Bool {
    accept(key: key) && value() != nil
  }

  private mutating func value() -> Range<Int>? {
    if accept("null") { return position..<position }
    return string() ?? number()
  }

  private mutating func number() -> Range<Int>? {
    let start = position
    while position < bytes.count, (48...57).contains(bytes[position]) { position += 1 }
    let count = position - start
    guard (1...18).contains(count), count == 1 || bytes[start] != UInt8(ascii: "0") else { return nil }
    return start..<position
  }

  /// The bytes between the quotes, escapes as they are.
  private mutating func string() -> Range<Int>? {
    guard accept("\"") else { return nil }
    let start = position
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        return start..<position - 1
      case UInt8(ascii: "\\"): position += 2
      case 0..<32: return nil
      default: position += 1
      }
    }
    return nil
  }
}
