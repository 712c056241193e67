internal import Glibc
public import RotationPorts

extension SQLiteLedger {
  /// Opens the ledger at `path`, making it when there is none: mode 0600, with an installation id from
  /// `random`. Older schemas are brought up to date; a newer one is `LedgerError.malformed`.
  public static func open(
    path: String, random: any RandomSource, executor: (any TaskExecutor)? = nil
  ) throws(LedgerError) -> SQLiteLedger {
    try opening(path) {
      let resolved = try LedgerFile.resolve(path)
      try LedgerFile.create(resolved)
      let database = try SQLiteDatabase(path: resolved, access: .readWrite)
      try prepare(database, onDisk: true)
      try LedgerSchema.migrate(database, random: random)
      return SQLiteLedger(store: try LedgerStore(database: database), place: path, executor: executor)
    }
  }

  /// A ledger in memory, gone with the object.
  public static func inMemory(
    random: any RandomSource, executor: (any TaskExecutor)? = nil
  ) throws(LedgerError) -> SQLiteLedger {
    try opening("in memory") {
      let database = try SQLiteDatabase(path: ":memory:", access: .readWrite)
      try prepare(database, onDisk: false)
      try LedgerSchema.migrate(database, random: random)
      return SQLiteLedger(
        store: try LedgerStore(database: database), place: "in memory", executor: executor)
    }
  }

  /// A copy of the ledger at `path` to plan with: what is written to it ends with the object, and the
  /// ledger itself is opened for reading only. An empty ledger with an id from `random` when there is
  /// none at `path`.
  ///
  /// The copy lies in a temporary file of SQLite's that has no name, so memory stays bounded.
  public static func temporaryCopy(
    of path: String, random: any RandomSource, executor: (any TaskExecutor)? = nil
  ) throws(LedgerError) -> SQLiteLedger {
    try opening(path) {
      let copy = try SQLiteDatabase(path: "", access: .readWrite)
      if try LedgerFile.exists(path) { try fill(copy, from: try LedgerFile.resolve(path)) }
      try prepare(copy, onDisk: false)
      try LedgerSchema.migrate(copy, random: random)
      return SQLiteLedger(
        store: try LedgerStore(database: copy), place: "copied from \(path)", executor: executor)
    }
  }

  /// Copies the ledger at `path`, reading only.
  ///
  /// A ledger that was closed has no write-ahead log. Opening it in the usual way would leave an empty one
  /// beside it, so it is read as a file that nobody writes, and read again in the usual way when that
  /// turns out to have been wrong.
  private static func fill(_ copy: SQLiteDatabase, from path: String) throws {
    if let before = try LedgerFile.closedVersion(path) {
      do {
        let source = try SQLiteDatabase(path: path, access: .readOnlyUnchanging)
        try LedgerSchema.refuseForeign(source)
        try copy.copyContents(of: source)
        if try LedgerFile.closedVersion(path) == before { return }
      } catch {
        // A file that was being written may look damaged; one that was not, is.
        if try LedgerFile.closedVersion(path) == before { throw error }
      }
    }
    let source = try SQLiteDatabase(path: path, access: .readOnly)
    try source.setBusyTimeout(milliseconds: 5000)
    try LedgerSchema.refuseForeign(source)
    try copy.copyContents(of: source)
  }

  private static func prepare(_ database: SQLiteDatabase, onDisk: Bool) throws {
    try database.setBusyTimeout(milliseconds: 5000)
    try database.configure(.trustedSchema, on: false)
    try database.configure(.defensive, on: true)
    try database.execute("PRAGMA foreign_keys = ON")
    // 16 MiB of pages at most, whatever the ledger's size.
    try database.execute("PRAGMA cache_size = -16384")
    try database.execute("PRAGMA synchronous = \(onDisk ? "FULL" : "OFF")")
    guard onDisk else { return }
    let mode = try database.statement("PRAGMA journal_mode = WAL").first { $0.text(0) }
    guard mode == "wal" else {
      throw LedgerError(
        .unavailable, message: "the ledger's file system does not offer what SQLite's WAL needs",
        hint: "put the state directory on a local file system")
    }
  }

  private static func opening(
    _ place: String, _ body: () throws -> SQLiteLedger
  ) throws(LedgerError) -> SQLiteLedger {
    do {
      return try body()
    } catch {
      throw LedgerError(any: error, place: place)
    }
  }
}

extension LedgerError {
  init(any error: any Error, place: String) {
    switch error {
    case let error as LedgerError: self = error
    case let error as SQLiteError: self.init(error, place: place)
    default:
      self.init(
        .unavailable, message: "the ledger \(place) failed: \(type(of: error))",
        hint: "report this: no other error is expected here")
    }
  }
}

/// The ledger's file, before SQLite has it.
enum LedgerFile {
  /// The path with its folder's links followed, as a service manager's state directories need; the file
  /// itself may not be a link.
  static func resolve(_ path: String) throws -> String {
    let cut = path.lastIndex(of: "/")
    let folder = cut.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let name = cut.map { path[path.index(after: $0)...] } ?? path[...]
    guard !name.isEmpty, let real = realpath(folder, nil) else { throw failure(path, "be found", errno) }
    defer { free(real) }
    let base = String(cString: real)
    return base == "/" ? "/\(name)" : "\(base)/\(name)"
  }

  static func exists(_ path: String) throws -> Bool {
    var status = stat()
    if lstat(path, &status) == 0 { return true }
    guard errno == ENOENT else { throw failure(path, "be looked at", errno) }
    return false
  }

  /// What changes when a ledger is written; nil while it has a write-ahead log, so that it may be in use.
  static func closedVersion(_ path: String) throws -> [Int]? {
    guard try !exists(path + "-wal") else { return nil }
    var status = stat()
    guard lstat(path, &status) == 0 else { throw failure(path, "be looked at", errno) }
    return [
      Int(status.st_ino), Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
      status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
    ]
  }

  /// Makes an empty file of mode 0600 unless there is one, and refuses what is not a regular file.
  static func create(_ path: String) throws {
    let flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
    let descriptor = Glibc.open(path, flags, 0o600)
    guard descriptor >= 0 else { throw failure(path, "be opened", errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw failure(path, "be looked at", errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw LedgerError(
        .malformed, message: "the ledger \(path) is not a regular file",
        hint: "remove it or give another state directory with --state")
    }
  }

  private static func failure(_ path: String, _ what: String, _ code: Int32) -> LedgerError {
    LedgerError(
      code == ENOSPC || code == EDQUOT ? .noRoom : .unavailable,
      message: "the ledger \(path) could not \(what): \(String(cString: strerror(code)))",
      hint: code == ELOOP
        ? "the ledger may not be a symbolic link: put the file itself there"
        : "check the state directory and its permissions")
  }
}
