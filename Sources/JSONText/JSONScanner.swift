/// Walks over JSON text without building values from it, so that a token string can go from the bytes of
/// an answer or a file to where it is kept and nowhere else (RFC 8259).
///
/// The buffer must outlive the scanner.
public struct JSONScanner {
  /// The text is not JSON, or not of the form that was asked for. Quotes nothing of it.
  public struct Malformed: Error {
    public init() {}
  }

  /// Where a string's bytes are, between its quotes, with valid escapes that are not yet decoded.
  public typealias RawString = Range<Int>

  private static let maximumDepth = 64

  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  public init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  /// Hands each member of the one top-level object to `member`, which must read or skip its value.
  public mutating func document(
    _ member: (_ key: String, _ scanner: inout JSONScanner) throws(Malformed) -> Void
  ) throws(Malformed) {
    try members(member)
    skipSpace()
    guard position == bytes.count else { throw Malformed() }
  }

  /// Hands each member of the object that stands here to `member`, which must read or skip its value.
  public mutating func members(
    _ member: (_ key: String, _ scanner: inout JSONScanner) throws(Malformed) -> Void
  ) throws(Malformed) {
    try expect("{")
    if accept("}") { return }
    repeat {
      let key = try text(string())
      try expect(":")
      try member(key, &self)
    } while accept(",")
    try expect("}")
  }

  /// The string that stands here; nil, with nothing read, when it is another value.
  public mutating func stringIfPresent() throws(Malformed) -> RawString? {
    skipSpace()
    return peek == UInt8(ascii: "\"") ? try string() : nil
  }

  /// Reads `null` if that stands here.
  public mutating func acceptNull() throws(Malformed) -> Bool {
    skipSpace()
    guard peek == UInt8(ascii: "n") else { return false }
    try word("null")
    return true
  }

  /// Hands the scanner to `element` for each value of the array that stands here, which must read or skip it;
  /// false, with nothing read, when it is another value.
  public mutating func arrayIfPresent(
    _ element: (inout JSONScanner) throws(Malformed) -> Void
  ) throws(Malformed) -> Bool {
    guard accept("[") else { return false }
    if accept("]") { return true }
    repeat { try element(&self) } while accept(",")
    try expect("]")
    return true
  }

  /// The whole number that stands here.
  ///
  /// - Throws: `Malformed` for everything else, numbers with a fraction or an exponent and those that `Int`
  ///   cannot hold among them.
  public mutating func integer() throws(Malformed) -> Int {
    skipSpace()
    let start = position
    try number()
    guard let value = Int(String(decoding: bytes[start..<position], as: UTF8.self)) else {
      throw Malformed()
    }
    return value
  }

  /// Reads over the value that stands here.
  public mutating func skipValue() throws(Malformed) {
    try skipValue(depth: 0)
  }

  /// The string as a `String`. Not for secrets.
  public func text(_ raw: RawString) throws(Malformed) -> String {
    var decoded: [UInt8] = []
    try decode(raw) { decoded.append($0) }
    guard let text = String(validating: decoded, as: UTF8.self) else { throw Malformed() }
    return text
  }

  // MARK: Values

  private mutating func skipValue(depth: Int) throws(Malformed) {
    guard depth < JSONScanner.maximumDepth else { throw Malformed() }
    skipSpace()
    switch peek {
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "{"): try skipMembers(depth: depth, isObject: true)
    case UInt8(ascii: "["): try skipMembers(depth: depth, isObject: false)
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    default: try number()
    }
  }

  private mutating func skipMembers(depth: Int, isObject: Bool) throws(Malformed) {
    let close: Unicode.Scalar = isObject ? "}" : "]"
    position += 1
    if accept(close) { return }
    repeat {
      if isObject {
        _ = try string()
        try expect(":")
      }
      try skipValue(depth: depth + 1)
    } while accept(",")
    try expect(close)
  }

  private mutating func string() throws(Malformed) -> RawString {
    try expect("\"")
    let start = position
    var hasEscapes = false
    while let byte = peek {
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        let raw = start..<position - 1
        if hasEscapes { try decode(raw) { _ in } }
        return raw
      case UInt8(ascii: "\\"):
        hasEscapes = true
        position += 1
      case 0..<0x20: throw Malformed()
      default: break
      }
    }
    throw Malformed()
  }

  private mutating func number() throws(Malformed) {
    if peek == UInt8(ascii: "-") { position += 1 }
    let hasLeadingZero = peek == UInt8(ascii: "0")
    let digitCount = digits()
    guard digitCount > 0, !hasLeadingZero || digitCount == 1 else { throw Malformed() }
    if peek == UInt8(ascii: ".") {
      position += 1
      guard digits() > 0 else { throw Malformed() }
    }
    if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
      position += 1
      if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { position += 1 }
      guard digits() > 0 else { throw Malformed() }
    }
  }

  private mutating func digits() -> Int {
    let start = position
    while let byte = peek, (0x30...0x39).contains(byte) { position += 1 }
    return position - start
  }

  // MARK: Escapes

  /// Hands the bytes that the string stands for to `emit`, one after the other and without a copy. They are
  /// never more than `raw.count`, because no escape is shorter than what it stands for.
  public func decode(_ raw: RawString, _ emit: (UInt8) -> Void) throws(Malformed) {
    var index = raw.lowerBound
    let end = raw.upperBound
    while index < end {
      let byte = bytes[index]
      index += 1
      guard byte == UInt8(ascii: "\\") else {
        emit(byte)
        continue
      }
      guard index < end else { throw Malformed() }
      let escape = bytes[index]
      index += 1
      if escape == UInt8(ascii: "u") {
        for byte in UTF8.encode(try scalar(&index, end: end)) ?? .init() { emit(byte) }
      } else {
        guard let meant = JSONScanner.meaning(of: escape) else { throw Malformed() }
        emit(meant)
      }
    }
  }

  private static func meaning(of escape: UInt8) -> UInt8? {
    switch escape {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): escape
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0C
    case UInt8(ascii: "n"): 0x0A
    case UInt8(ascii: "r"): 0x0D
    case UInt8(ascii: "t"): 0x09
    default: nil
    }
  }

  /// The scalar of `\uXXXX`, or of a pair of them.
  private func scalar(_ index: inout Int, end: Int) throws(Malformed) -> Unicode.Scalar {
    let unit = try codeUnit(&index, end: end)
    guard (0xD800...0xDBFF).contains(unit) else {
      guard let scalar = Unicode.Scalar(unit) else { throw Malformed() }
      return scalar
    }
    guard index + 1 < end, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u") else {
      throw Malformed()
    }
    index += 2
    let low = try codeUnit(&index, end: end)
    guard (0xDC00...0xDFFF).contains(low),
      let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
    else { throw Malformed() }
    return scalar
  }

  private func codeUnit(_ index: inout Int, end: Int) throws(Malformed) -> UInt32 {
    guard index + 4 <= end else { throw Malformed() }
    var value: UInt32 = 0
    for byte in bytes[index..<index + 4] {
      switch byte {
      case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
      case 0x41...0x46: value = value << 4 | UInt32(byte - 0x41 + 10)
      case 0x61...0x66: value = value << 4 | UInt32(byte - 0x61 + 10)
      default: throw Malformed()
      }
    }
    index += 4
    return value
  }

  // MARK: Bytes

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard peek == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(Malformed) {
    guard accept(character) else { throw Malformed() }
  }

  private mutating func word(_ word: StaticString) throws(Malformed) {
    let count = word.utf8CodeUnitCount
    guard position + count <= bytes.count else { throw Malformed() }
    for offset in 0..<count where bytes[position + offset] != word.utf8Start[offset] { throw Malformed() }
    position += count
  }
}
