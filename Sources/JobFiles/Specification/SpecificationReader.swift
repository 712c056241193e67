public import RotationModel

/// A CSV specification, read as a stream: memory does not grow with the file, but for about 16 bytes a row
/// by which names are found to be unique, and as much for each `secret` and `replaces`.
///
/// The file stays open, so that all passes see one file even if another takes its place; a change inside
/// it is noticed by the rows' digests. It may be used from several threads.
public final class SpecificationReader: Sendable {
  /// The most errors that are reported in one go.
  public static let maximumErrors = 100

  /// How error messages name the file.
  public let shownAs: String
  private let file: OpenFile
  private let decoder: RowDecoder
  private let headerErrors: [JobFileError]
  private let firstRow: (offset: Int, line: Int)

  /// Opens the file and reads its header.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - shownAs: how error messages name it; nil is `path`.
  ///   - policy: what the rows may ask for.
  ///   - rotation: what their ages and lifetimes are held against; nil: these tokens are not rotated, and a
  ///     row that asks for it is wrong.
  ///   - now: what `expires_at` must be later than.
  /// - Throws: when it cannot be opened or is not to be trusted. Errors of the header come with those of the
  ///   rows.
  public init(
    path: String, shownAs: String? = nil, policy: PolicySettings? = nil, rotation: RotationBounds? = nil,
    now: Instant, trust: TrustRule = .ofThisProcess
  ) throws(JobFileErrors) {
    let shown = shownAs ?? path
    self.shownAs = shown
    do throws(FileError) {
      try trust.check(path)
      file = try OpenFile(path)
      let records = RecordReader(file, shownAs: shown)
      let header = try SpecificationReader.readHeader(records, shownAs: shown)
      headerErrors = header.errors
      decoder = RowDecoder(
        columns: header.columns, policy: policy, rotation: rotation, now: now, shownAs: shown,
        headerDigest: RowDigest(of: header.bytes))
      firstRow = (records.offset, records.line)
    } catch {
      throw JobFileErrors([SpecificationReader.error(error, shownAs: shown)])
    }
  }

  /// Reads every row and hands those that are valid to `body`, in the order of the file.
  ///
  /// Once something is found to be wrong, no further row is handed over; the rows before it were. Nothing
  /// may be done about any of them until this returns.
  ///
  /// - Throws: `JobFileErrors` with the first 100 errors, sorted by place; what `body` throws, at once.
  public func forEachRow(_ body: (SpecificationRow) throws -> Void) throws {
    var pass = RowPass(errors: headerErrors)
    // Without names there is nothing to be said about the rows; a column that is not known is left out.
    if decoder.columns.hasName {
      try read { record in
        try pass.take(record, decoder: decoder, body)
      } malformed: { error in
        pass.errors.append(error)
        return pass.errors.count < SpecificationReader.maximumErrors
      }
      try addRepeated(&pass)
    }
    guard pass.errors.isEmpty else {
      let sorted = pass.errors.inFileOrder(first: shownAs)
      throw JobFileErrors(Array(sorted.prefix(SpecificationReader.maximumErrors)))
    }
  }

  /// Makes sure that each of these names has a row.
  ///
  /// - Throws: `JobFileErrors` that names those without one, with the nearest name that has.
  public func requireNames(_ wanted: [String]) throws {
    var missing = Set(wanted)
    try forEachRow { missing.remove($0.name) }
    guard !missing.isEmpty else { return }
    var nearest: [String: (name: String, distance: Int)] = [:]
    try forEachRow { row in
      for name in missing {
        let distance = Suggestion.distance(Array(name.unicodeScalars), Array(row.name.unicodeScalars))
        if distance < nearest[name]?.distance ?? Int.max { nearest[name] = (row.name, distance) }
      }
    }
    throw JobFileErrors(
      missing.sorted().map { name in
        JobFileError(
          file: shownAs, line: 1, column: 1, message: "no row has the name \(Shown.text(name))",
          hint: nearest[name].map { "the nearest name is \(Shown.text($0.name))" })
      })
  }

  /// Where a reading of rows one batch at a time has come to.
  public struct Cursor: Sendable {
    fileprivate var offset: Int
    fileprivate var line: Int
  }

  /// Up to `limit` rows from `cursor` (nil: the first row), and where to go on; nil at the end. For a file
  /// that `validate` has found to be in order: the first error that has come since ends it.
  public func rows(
    from cursor: Cursor?, limit: Int
  ) throws(JobFileErrors) -> (rows: [SpecificationRow], next: Cursor?) {
    let records = records(from: cursor)
    var rows: [SpecificationRow] = []
    while rows.count < limit {
      guard try advance(records) else { return (rows, nil) }
      rows.append(try valid(records.record))
    }
    return (rows, Cursor(offset: records.offset, line: records.line))
  }

  /// The cells that name a database outside `names`, with the names of their rows: those of the rows from
  /// `cursor` on, row by row until there are `limit` or more, and where to go on. Else like `rows`.
  public func unknownDatabases(
    among names: Set<String>, from cursor: Cursor?, limit: Int
  ) throws(JobFileErrors) -> (cells: [(row: String, error: JobFileError)], next: Cursor?) {
    let records = records(from: cursor)
    var knowing = decoder
    knowing.known = KnownDatabases(names)
    var cells: [(row: String, error: JobFileError)] = []
    while cells.count < limit {
      guard try advance(records) else { return (cells, nil) }
      var errors: [JobFileError] = []
      if knowing.decode(records.record, note: { errors.append($0) }) != nil { continue }
      let name = try valid(records.record).name
      cells += errors.map { (name, $0) }
    }
    return (cells, Cursor(offset: records.offset, line: records.line))
  }

  private func records(from cursor: Cursor?) -> RecordReader {
    RecordReader(
      file, shownAs: shownAs, from: cursor?.offset ?? firstRow.offset, line: cursor?.line ?? firstRow.line)
  }

  /// False at the end of a file that was in order when it was validated.
  private func advance(_ records: RecordReader) throws(JobFileErrors) -> Bool {
    let next: RecordReader.Next
    do throws(FileError) {
      next = try records.next()
    } catch {
      throw JobFileErrors([SpecificationReader.error(error, shownAs: shownAs)])
    }
    switch next {
    case .record: return true
    case .end: return false
    case .malformed(let error), .unreadable(let error): throw JobFileErrors([error])
    }
  }

  private func valid(_ record: CSVRecord) throws(JobFileErrors) -> SpecificationRow {
    var errors: [JobFileError] = []
    guard let row = decoder.decode(record, note: { errors.append($0) }) else { throw JobFileErrors(errors) }
    return row
  }

  /// Reads every row and keeps none.
  ///
  /// - Returns: the number of rows.
  /// - Throws: `JobFileErrors` with the first 100 errors, sorted by place.
  public func validate() throws -> Int {
    var count = 0
    try forEachRow { _ in count += 1 }
    return count
  }

  /// Reads one row again.
  ///
  /// - Parameters:
  ///   - byteOffset: as `SpecificationRow` has it, like `length` and `digest`.
  /// - Throws: when there is another row now, or none.
  public func row(
    atByteOffset byteOffset: Int, length: Int, digest: RowDigest
  ) throws(JobFileErrors) -> SpecificationRow {
    var found: SpecificationRow?
    do throws(FileError) {
      if byteOffset >= 0, (1...LineSource.maximumBytes).contains(length), headerErrors.isEmpty {
        let records = RecordReader(
          file, shownAs: shownAs, from: byteOffset, to: byteOffset + length, line: 1)
        if case .record = try records.next() { found = decoder.decode(records.record) { _ in } }
      }
    } catch {
      throw JobFileErrors([SpecificationReader.error(error, shownAs: shownAs)])
    }
    guard var row = found, row.digest == digest else {
      throw JobFileErrors([
        JobFileError(
          file: shownAs, line: 1, column: 1,
          message: "the file was changed while it was being used (at byte \(byteOffset))",
          hint: "run it again; to change a file safely, write a new one and rename it")
      ])
    }
    row.line = 0
    return row
  }

  /// Feeds every record behind the header to `body`, until one of the two says false.
  private func read(
    _ body: (CSVRecord) throws -> Bool, malformed: (JobFileError) -> Bool
  ) throws {
    let records = RecordReader(file, shownAs: shownAs, from: firstRow.offset, line: firstRow.line)
    while true {
      let next: RecordReader.Next
      do throws(FileError) {
        next = try records.next()
      } catch {
        throw JobFileErrors([SpecificationReader.error(error, shownAs: shownAs)])
      }
      switch next {
      case .end: return
      case .record: if try !body(records.record) { return }
      case .malformed(let error): if !malformed(error) { return }
      case .unreadable(let error):
        _ = malformed(error)
        return
      }
    }
  }

  /// A hash that came twice is looked at again: two names, places or ids, or one twice?
  private func addRepeated(_ pass: inout RowPass) throws {
    guard !pass.repeated.isEmpty else { return }
    var repeated = RepeatedPlaces(hashes: pass.repeated, shownAs: shownAs, columns: decoder.columns)
    try read { record in
      repeated.take(record)
      return repeated.errors.count < SpecificationReader.maximumErrors
    } malformed: { _ in
      true
    }
    pass.errors += repeated.errors
  }

  private struct Header {
    var columns: SpecificationColumns
    var errors: [JobFileError]
    var bytes: [UInt8]
  }

  private static func readHeader(_ records: RecordReader, shownAs: String) throws(FileError) -> Header {
    switch try records.next() {
    case .record: break
    case .malformed(let error), .unreadable(let error):
      return Header(columns: SpecificationColumns(), errors: [error], bytes: [])
    case .end:
      let error = JobFileError(
        file: shownAs, line: 1, column: 1, message: "the file is empty",
        hint: "its first line names the columns: name,description,read_database,write_database")
      return Header(columns: SpecificationColumns(), errors: [error], bytes: [])
    }
    let record = records.record
    var cells = CellReader(record: record, shownAs: shownAs)
    let columns = SpecificationColumns(header: record) { field, offset, message, hint in
      cells.note(message, at: field, valueByte: offset, hint: hint)
    }
    return Header(
      columns: columns, errors: Array(cells.errors.prefix(maximumErrors)), bytes: record.bytes)
  }

  private static func error(_ error: FileError, shownAs: String) -> JobFileError {
    JobFileError(file: shownAs, line: 1, column: 1, message: error.message, hint: error.hint)
  }
}
