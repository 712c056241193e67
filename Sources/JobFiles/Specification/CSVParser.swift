internal import CCSV

/// libcsv in strict mode, fed one physical line at a time, and what it does not do by itself: where each
/// field stands.
///
/// libcsv hands over a field's value without its place. In strict mode the place follows: fields stand one
/// behind the other, an unquoted one is as long as its value, a quoted one by its quotes longer.
final class CSVParser {
  enum Outcome {
    /// A quoted field goes on on the next line, or the line was blank.
    case incomplete
    case complete
    /// A quote where none may be: its offset in the record, and the field that it is in.
    case strayQuote(offset: Int, fieldStart: Int)
    case noMemory
  }

  private let parser: UnsafeMutablePointer<csv_parser>
  private(set) var record = CSVRecord()
  /// Where in the record the next field starts.
  private var cursor = 0
  private var isComplete = false

  init() {
    parser = .allocate(capacity: 1)
    parser.initialize(to: csv_parser())
    start()
  }

  deinit {
    csv_free(parser)
    parser.deallocate()
  }

  private func start() {
    csv_init(parser, UInt8(CSV_STRICT | CSV_STRICT_FINI))
    // Spaces outside quotes belong to the field (RFC 4180, section 2.4); libcsv would trim them.
    csv_set_space_func(parser) { _ in 0 }
    // A carriage return by itself ends no line; the one before a line feed is left out when fed.
    csv_set_term_func(parser) { $0 == UInt8(ascii: "\n") ? 1 : 0 }
  }

  /// Forgets the record that was begun.
  func restart() {
    csv_free(parser)
    start()
    beginRecord(line: 0, byteOffset: 0)
  }

  var isInsideRecord: Bool { !isComplete && !record.bytes.isEmpty }

  func beginRecord(line: Int, byteOffset: Int) {
    record.removeAll()
    record.line = line
    record.byteOffset = byteOffset
    cursor = 0
    isComplete = false
  }

  /// Takes the next physical line of the record, its line break included.
  func feed(_ line: UnsafeRawBufferPointer) -> Outcome {
    let lineStart = record.bytes.count
    record.bytes.append(contentsOf: line)
    let endsInBoth =
      line.count >= 2 && line[line.count - 1] == UInt8(ascii: "\n")
      && line[line.count - 2] == UInt8(ascii: "\r")
    guard endsInBoth else { return parse(line, at: lineStart) }
    let content = UnsafeRawBufferPointer(rebasing: line[..<(line.count - 2)])
    let outcome = parse(content, at: lineStart)
    guard case .incomplete = outcome else { return outcome }
    // Inside quotes the line break is part of the value, as it stands. libcsv's state 2 is a field that
    // was begun, 3 one whose closing quote was seen.
    let isInsideQuotes = parser.pointee.quoted != 0 && parser.pointee.pstate == 2
    let lineBreak = UnsafeRawBufferPointer(rebasing: line[(line.count - (isInsideQuotes ? 2 : 1))...])
    return parse(lineBreak, at: lineStart + line.count - lineBreak.count)
  }

  /// Ends a record whose last line has no line break.
  func finish() -> Outcome {
    let code = csv_fini(parser, onField, onRecord, Unmanaged.passUnretained(self).toOpaque())
    if code != 0 { return .strayQuote(offset: cursor, fieldStart: cursor) }
    return isComplete ? .complete : .incomplete
  }

  private func parse(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Outcome {
    guard !bytes.isEmpty else { return .incomplete }
    let context = Unmanaged.passUnretained(self).toOpaque()
    let parsed = csv_parse(parser, bytes.baseAddress, bytes.count, onField, onRecord, context)
    guard parsed == bytes.count else {
      guard csv_error(parser) == CSV_EPARSE else { return .noMemory }
      return .strayQuote(offset: offset + parsed, fieldStart: cursor)
    }
    return isComplete ? .complete : .incomplete
  }

  fileprivate func take(_ value: UnsafeRawBufferPointer) {
    let isQuoted = cursor < record.bytes.count && record.bytes[cursor] == UInt8(ascii: "\"")
    let start = record.values.count
    record.values.append(contentsOf: value)
    let quotes = isQuoted ? 2 + value.count { $0 == UInt8(ascii: "\"") } : 0
    let end = cursor + value.count + quotes
    record.fields.append(
      CSVRecord.Field(start: cursor, end: end, isQuoted: isQuoted, value: start..<record.values.count))
    cursor = end + 1
  }

  fileprivate func takeEnd() { isComplete = true }
}

/// Called by libcsv while `CSVParser.parse` holds the parser.
private func onField(_ value: UnsafeMutableRawPointer?, _ count: Int, _ context: UnsafeMutableRawPointer?) {
  guard let context else { return }
  Unmanaged<CSVParser>.fromOpaque(context).takeUnretainedValue()
    .take(UnsafeRawBufferPointer(start: value, count: count))
}

private func onRecord(_: Int32, _ context: UnsafeMutableRawPointer?) {
  guard let context else { return }
  Unmanaged<CSVParser>.fromOpaque(context).takeUnretainedValue().takeEnd()
}
