internal import CSQLite

/// A call of SQLite that failed.
struct SQLiteError: Error, Equatable {
  /// The primary result code: SQLITE_FULL, SQLITE_BUSY, …
  var code: Int32
  var extendedCode: Int32
  /// SQLite's own words.
  var message: String
  /// The function that failed.
  var call: String
  /// The statement it worked on; nil where there is none.
  var sql: String?

  init(extendedCode: Int32, message: String, call: String, sql: String? = nil) {
    self.code = extendedCode & 0xff
    self.extendedCode = extendedCode
    self.message = message
    self.call = call
    self.sql = sql
  }

  /// Whether another connection's lock was in the way for longer than the busy timeout.
  var isBusy: Bool { code == SQLITE_BUSY }
}

/// One connection to SQLite. Not for use from two threads at once.
final class SQLiteDatabase {
  private let handle: OpaquePointer
  private var statements: [String: Statement] = [:]

  enum Access {
    case readOnly
    /// Reads a file that nobody writes meanwhile, and leaves no trace of it.
    case readOnlyUnchanging
    case readWrite
  }

  /// Opens `path`; "" is a private temporary database that SQLite deletes, ":memory:" one in memory.
  init(path: String, access: Access) throws {
    var opened: OpaquePointer?
    let mode = access == .readWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY
    let flags = mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE
    let uri = access == .readOnlyUnchanging ? SQLITE_OPEN_URI : 0
    let create = path.isEmpty || path == ":memory:" ? SQLITE_OPEN_CREATE : 0
    let name = access == .readOnlyUnchanging ? SQLiteDatabase.unchangingURI(path) : path
    let result = sqlite3_open_v2(name, &opened, flags | create | uri, nil)
    guard result == SQLITE_OK, let opened else {
      let message = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
      sqlite3_close_v2(opened)
      throw SQLiteError(extendedCode: result, message: message, call: "sqlite3_open_v2")
    }
    handle = opened
  }

  private static func unchangingURI(_ path: String) -> String {
    let digits = Array("0123456789ABCDEF".unicodeScalars)
    var uri = "file:"
    for byte in path.utf8 {
      let scalar = Unicode.Scalar(byte)
      if scalar.isASCII, scalar == "/" || scalar.properties.isAlphabetic || (48...57).contains(byte) {
        uri.unicodeScalars.append(scalar)
      } else {
        uri.unicodeScalars.append(contentsOf: ["%", digits[Int(byte >> 4)], digits[Int(byte & 15)]])
      }
    }
    return uri + "?immutable=1"
  }

  deinit {
    statements.removeAll()
    sqlite3_close_v2(handle)
  }

  /// Switches a setting of the connection on or off.
  func configure(_ setting: Setting, on: Bool) throws {
    let name =
      switch setting {
      case .trustedSchema: SQLITE_DBCONFIG_TRUSTED_SCHEMA
      case .defensive: SQLITE_DBCONFIG_DEFENSIVE
      }
    try check(csqlite_configure(handle, name, on ? 1 : 0), "sqlite3_db_config")
  }

  enum Setting {
    case trustedSchema
    case defensive
  }

  /// How long a call waits for another process's lock.
  func setBusyTimeout(milliseconds: Int32) throws {
    try check(sqlite3_busy_timeout(handle, milliseconds), "sqlite3_busy_timeout")
  }

  /// Runs one or more statements that bind and return nothing.
  func execute(_ sql: String) throws {
    try check(sqlite3_exec(handle, sql, nil, nil, nil), "sqlite3_exec", sql)
  }

  /// The prepared form of `sql`, made once and kept for the connection's life.
  func statement(_ sql: String) throws -> Statement {
    if let known = statements[sql] { return known }
    var prepared: OpaquePointer?
    let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
    try check(sqlite3_prepare_v3(handle, sql, -1, flags, &prepared, nil), "sqlite3_prepare_v3", sql)
    guard let prepared else {
      throw SQLiteError(
        extendedCode: SQLITE_MISUSE, message: "an empty statement", call: "sqlite3_prepare_v3", sql: sql)
    }
    let statement = Statement(handle: prepared, connection: handle, sql: sql)
    statements[sql] = statement
    return statement
  }

  /// The id of the row that the last INSERT made.
  var lastInsertedID: Int64 { sqlite3_last_insert_rowid(handle) }

  /// Runs `body` in a transaction that takes the write lock at once; any error undoes all of it.
  func transaction<Result>(_ body: () throws -> Result) throws -> Result {
    try execute("BEGIN IMMEDIATE")
    do {
      let result = try body()
      try execute("COMMIT")
      return result
    } catch {
      // Some errors end the transaction by themselves; the first error is the one to report.
      if sqlite3_get_autocommit(handle) == 0 { _ = sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
      throw error
    }
  }

  /// Runs `body` so that all its reads see one state.
  func snapshot<Result>(_ body: () throws -> Result) throws -> Result {
    try execute("BEGIN")
    defer { _ = sqlite3_exec(handle, "ROLLBACK", nil, nil, nil) }
    return try body()
  }

  /// Copies everything from `source` into this database, a piece at a time.
  func copyContents(of source: SQLiteDatabase) throws {
    guard let backup = sqlite3_backup_init(handle, "main", source.handle, "main") else {
      throw lastError("sqlite3_backup_init")
    }
    let result = sqlite3_backup_step(backup, -1)
    let finished = sqlite3_backup_finish(backup)
    guard result == SQLITE_DONE else {
      // A source that cannot be read fails the step without being the destination's last error.
      throw SQLiteError(
        extendedCode: result, message: String(cString: sqlite3_errstr(result)), call: "sqlite3_backup_step")
    }
    try check(finished, "sqlite3_backup_finish")
  }

  private func check(_ result: Int32, _ call: String, _ sql: String? = nil) throws {
    guard result == SQLITE_OK else { throw lastError(call, sql) }
  }

  private func lastError(_ call: String, _ sql: String? = nil) -> SQLiteError {
    SQLiteError(
      extendedCode: sqlite3_extended_errcode(handle), message: String(cString: sqlite3_errmsg(handle)),
      call: call, sql: sql)
  }
}

/// A prepared statement. `bind` from 1, `step` until it is false, `reset` before the next use.
final class Statement {
  private let handle: OpaquePointer
  private let connection: OpaquePointer
  private let sql: String

  fileprivate init(handle: OpaquePointer, connection: OpaquePointer, sql: String) {
    self.handle = handle
    self.connection = connection
    self.sql = sql
  }

  deinit {
    sqlite3_finalize(handle)
  }

  func bind(_ index: Int32, _ value: Int64) throws {
    try check(sqlite3_bind_int64(handle, index, value), "sqlite3_bind_int64")
  }

  func bind(_ index: Int32, _ value: Int64?) throws {
    guard let value else { return try check(sqlite3_bind_null(handle, index), "sqlite3_bind_null") }
    try bind(index, value)
  }

  func bind(_ index: Int32, _ value: String) throws {
    var value = value
    let result = value.withUTF8 { bytes -> Int32 in
      guard let base = bytes.baseAddress else { return csqlite_bind_text(handle, index, "", 0) }
      return base.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
        csqlite_bind_text(handle, index, $0, Int32(clamping: bytes.count))
      }
    }
    try check(result, "sqlite3_bind_text")
  }

  func bind(_ index: Int32, _ value: String?) throws {
    guard let value else { return try check(sqlite3_bind_null(handle, index), "sqlite3_bind_null") }
    try bind(index, value)
  }

  /// Goes to the next row; false when there is none.
  func step() throws -> Bool {
    let result = sqlite3_step(handle)
    if result == SQLITE_ROW { return true }
    if result == SQLITE_DONE { return false }
    throw SQLiteError(
      extendedCode: result, message: String(cString: sqlite3_errmsg(connection)), call: "sqlite3_step",
      sql: sql)
  }

  /// Makes the statement ready for other values. Errors of the last step were reported by it.
  func reset() {
    sqlite3_reset(handle)
  }

  /// Steps through a statement that returns nothing.
  func run() throws {
    defer { reset() }
    while try step() {}
  }

  /// The first row as `read` sees it; nil when there is none.
  func first<Result>(_ read: (Statement) throws -> Result) throws -> Result? {
    defer { reset() }
    return try step() ? read(self) : nil
  }

  /// Every row as `read` sees it.
  func all<Result>(_ read: (Statement) throws -> Result) throws -> [Result] {
    defer { reset() }
    var rows: [Result] = []
    while try step() { rows.append(try read(self)) }
    return rows
  }

  func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

  func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

  func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

  func text(_ column: Int32) -> String {
    guard let bytes = sqlite3_column_text(handle, column) else { return "" }
    let count = Int(sqlite3_column_bytes(handle, column))
    return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
  }

  func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

  private func check(_ result: Int32, _ call: String) throws {
    guard result == SQLITE_OK else {
      throw SQLiteError(
        extendedCode: result, message: String(cString: sqlite3_errmsg(connection)), call: call, sql: sql)
    }
  }
}
