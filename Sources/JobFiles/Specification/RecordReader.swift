internal import Glibc

/// The records of a CSV file, one after the other; what is malformed is said and left out.
final class RecordReader {
  enum Next {
    /// A record, in the reader's `record` until the next call.
    case record
    case malformed(JobFileError)
    /// Malformed, and nothing behind it can be read.
    case unreadable(JobFileError)
    case end
  }

  private let shownAs: String
  private let lines: LineSource
  private let parser = CSVParser()
  /// The physical line that comes next.
  private(set) var line: Int
  private var problem: JobFileError?

  /// - Parameter end: as `LineSource` has it.
  init(_ file: OpenFile, shownAs: String, from offset: Int = 0, to end: Int? = nil, line: Int = 1) {
    self.shownAs = shownAs
    lines = LineSource(file, from: offset, to: end)
    self.line = line
  }

  var record: CSVRecord { _read { yield parser.record } }

  /// Where in the file the next record starts.
  var offset: Int { lines.offset }

  func next() throws(FileError) -> Next {
    parser.beginRecord(line: line, byteOffset: lines.offset)
    problem = nil
    while true {
      let lineOffset = lines.offset
      switch try lines.next() {
      case .end: return parser.isInsideRecord ? finish() : .end
      case .tooLong: return .unreadable(tooLong("a line"))
      case .line(var bytes):
        if lineOffset == 0 { bytes = withoutByteOrderMark(bytes) }
        if !parser.isInsideRecord {
          if isBlank(bytes) {
            line += 1
            continue
          }
          parser.beginRecord(line: line, byteOffset: lines.offset - bytes.count)
        }
        if let next = take(bytes) { return next }
      }
    }
  }

  private func take(_ bytes: UnsafeRawBufferPointer) -> Next? {
    guard record.bytes.count + bytes.count <= LineSource.maximumBytes else {
      return .unreadable(tooLong("a record"))
    }
    let start = record.bytes.count
    let outcome = parser.feed(bytes)
    noteBadBytes(bytes, at: start)
    line += 1
    switch outcome {
    case .incomplete: return nil
    case .complete: return problem.map { .malformed($0) } ?? .record
    case .strayQuote(let offset, let fieldStart):
      let error = problem ?? strayQuote(at: offset, fieldStart: fieldStart)
      parser.restart()
      return .malformed(error)
    case .noMemory: return .unreadable(error("not enough memory to read it", atByte: start))
    }
  }

  private func finish() -> Next {
    switch parser.finish() {
    case .complete: return problem.map { .malformed($0) } ?? .record
    case .incomplete: return .end
    case .strayQuote(_, let fieldStart):
      return .unreadable(
        problem
          ?? error(
            "a quote that is never closed", atByte: fieldStart, hint: "everything behind it is one field"))
    case .noMemory: return .unreadable(error("not enough memory to read it", atByte: 0))
    }
  }

  private func isBlank(_ line: UnsafeRawBufferPointer) -> Bool {
    switch line.count {
    case 0: true
    case 1: line[0] == UInt8(ascii: "\n")
    case 2: line[0] == UInt8(ascii: "\r") && line[1] == UInt8(ascii: "\n")
    default: false
    }
  }

  private func withoutByteOrderMark(_ line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    line.starts(with: [0xEF, 0xBB, 0xBF]) ? UnsafeRawBufferPointer(rebasing: line[3...]) : line
  }

  private func noteBadBytes(_ line: UnsafeRawBufferPointer, at start: Int) {
    guard problem == nil, let base = line.baseAddress else { return }
    let invalid = UTF8Check.firstInvalid(in: line)
    if let found = memchr(base, 0, invalid ?? line.count) {
      problem = error("a NUL byte", atByte: start + (UnsafeRawPointer(found) - UnsafeRawPointer(base)))
    } else if let invalid {
      problem = error("not UTF-8", atByte: start + invalid, hint: "save the file as UTF-8")
    }
  }

  private func strayQuote(at offset: Int, fieldStart: Int) -> JobFileError {
    let isQuoted = fieldStart < record.bytes.count && record.bytes[fieldStart] == UInt8(ascii: "\"")
    guard isQuoted else {
      return error(
        "a quote inside a field that does not start with one", atByte: offset,
        hint: "put the whole field in quotes and write each quote in it twice")
    }
    let (line, column) = record.place(ofByte: fieldStart)
    return error(
      "a closing quote must be followed by a comma or the end of the line", atByte: offset,
      hint: "the field's quote was opened at \(line):\(column); a quote inside it is written twice")
  }

  private func tooLong(_ what: String) -> JobFileError {
    error(
      "\(what) longer than \(LineSource.maximumBytes) bytes", atByte: 0, hint: "is a quote left open?")
  }

  private func error(_ message: String, atByte offset: Int, hint: String? = nil) -> JobFileError {
    let (line, column) = record.place(ofByte: offset)
    return JobFileError(file: shownAs, line: line, column: column, message: message, hint: hint)
  }
}
