/// One record of a CSV: its bytes as they stand in the file, and its fields without their quotes.
struct CSVRecord {
  struct Field {
    /// Where the field, its opening quote included, starts in `bytes`.
    var start: Int
    /// Where it ends, its closing quote included.
    var end: Int
    var isQuoted: Bool
    /// Its value, in `values`.
    var value: Range<Int>
  }

  /// From the first byte of its first line to the line break that ends it, that included.
  var bytes: [UInt8] = []
  var values: [UInt8] = []
  var fields: [Field] = []
  /// The physical line it starts on, from 1.
  var line = 0
  /// Where it starts in the file.
  var byteOffset = 0

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
    fields.removeAll(keepingCapacity: true)
  }

  func value(_ field: Int) -> ArraySlice<UInt8> { values[fields[field].value] }

  /// The place of a byte of `bytes`: physical line, and column in Unicode scalars, both from 1.
  func place(ofByte offset: Int) -> (line: Int, column: Int) {
    var line = self.line
    var column = 1
    for byte in bytes.prefix(offset) {
      if byte == UInt8(ascii: "\n") {
        line += 1
        column = 1
      } else if byte & 0xC0 != 0x80 {
        column += 1
      }
    }
    return (line, column)
  }

  /// The offset in `bytes` of a byte of a field's value.
  func offset(ofValueByte index: Int, in field: Int) -> Int {
    let field = fields[field]
    guard field.isQuoted else { return field.start + index }
    let before = values[field.value.lowerBound..<field.value.lowerBound + index]
    // In a quoted field each quote is written twice, and one opens it.
    return field.start + 1 + index + before.count { $0 == UInt8(ascii: "\"") }
  }
}
