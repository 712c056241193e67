/// Writes JSON piece by piece: keys stay in the order in which they are written, and `take` empties what has
/// gathered, so that a document of any length can be streamed. The caller keeps the order of brackets right.
///
/// Not for secrets: its bytes are not wiped.
public struct JSONWriter: Sendable {
  /// What was written and not yet taken, without a space anywhere.
  public private(set) var bytes: [UInt8] = []
  private let escaping: JSONEscaping
  private var needsComma = false

  /// `visible` is for whatever a person may come to see. `capacity` bytes are kept ready.
  public init(_ escaping: JSONEscaping = .visible, capacity: Int = 0) {
    self.escaping = escaping
    bytes.reserveCapacity(capacity)
  }

  /// What was written since the last call.
  public mutating func take() -> String {
    defer { bytes.removeAll(keepingCapacity: true) }
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: Objects and arrays

  public mutating func beginObject() { begin("{") }
  public mutating func endObject() { end("}") }
  public mutating func beginArray() { begin("[") }
  public mutating func endArray() { end("]") }

  public mutating func object(_ members: (inout JSONWriter) -> Void) {
    beginObject()
    members(&self)
    endObject()
  }

  public mutating func array(_ elements: (inout JSONWriter) -> Void) {
    beginArray()
    elements(&self)
    endArray()
  }

  /// The name of the value that is written next; see `string` for `maximumBytes`.
  public mutating func key(_ key: String, maximumBytes: Int? = nil) {
    separate()
    quote(key, maximumBytes)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  public mutating func member(_ key: String, _ value: String?, maximumBytes: Int? = nil) {
    self.key(key)
    string(value, maximumBytes: maximumBytes)
  }

  public mutating func member(_ key: String, _ value: Int?) {
    self.key(key)
    integer(value)
  }

  // MARK: Values

  /// nil is `null`. A text of more than `maximumBytes` between its quotes, once escaped, is cut between two
  /// characters and ends with an ellipsis.
  public mutating func string(_ value: String?, maximumBytes: Int? = nil) {
    guard let value else { return null() }
    separate()
    quote(value, maximumBytes)
  }

  /// nil is `null`.
  public mutating func integer(_ value: Int?) {
    guard let value else { return null() }
    separate()
    bytes.append(contentsOf: String(value).utf8)
  }

  /// A number with at most three decimals; nil and what is no number are `null`.
  public mutating func thousandths(_ value: Double?) {
    guard let value, value.isFinite, abs(value) < 1e15 else { return null() }
    separate()
    bytes.append(contentsOf: String((value * 1000).rounded() / 1000).utf8)
  }

  public mutating func bool(_ value: Bool) {
    separate()
    bytes.append(contentsOf: (value ? "true" : "false").utf8)
  }

  public mutating func null() {
    separate()
    bytes.append(contentsOf: "null".utf8)
  }

  // MARK: Bytes

  private mutating func begin(_ bracket: Unicode.Scalar) {
    separate()
    bytes.append(UInt8(ascii: bracket))
    needsComma = false
  }

  private mutating func end(_ bracket: Unicode.Scalar) {
    bytes.append(UInt8(ascii: bracket))
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  private mutating func quote(_ text: String, _ maximumBytes: Int?) {
    bytes.append(UInt8(ascii: "\""))
    if escaping.isPlain(text), text.utf8.count <= maximumBytes ?? .max {
      bytes.append(contentsOf: text.utf8)
    } else if let maximumBytes {
      appendCut(text, maximumBytes)
    } else {
      escaping.escape(text) { bytes.append($0) }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static let ellipsis = Array("…".utf8)

  private mutating func appendCut(_ text: String, _ maximumBytes: Int) {
    let start = bytes.count
    var cut = start
    for scalar in text.unicodeScalars {
      escaping.escape(scalar) { bytes.append($0) }
      let used = bytes.count - start
      if used <= maximumBytes - JSONWriter.ellipsis.count { cut = bytes.count }
      if used > maximumBytes {
        bytes.removeSubrange(cut...)
        bytes.append(contentsOf: JSONWriter.ellipsis)
        return
      }
    }
  }
}
