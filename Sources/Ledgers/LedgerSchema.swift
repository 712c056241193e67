internal import RotationModel
internal import RotationPorts

/// The tables of a ledger and how older ledgers become this one. Migrations go forward only.
enum LedgerSchema {
  /// "TRot": says whose file it is to `file` and to us.
  static let applicationID: Int64 = 0x5452_6f74
  /// What step n of `migrations` leaves in `user_version` is n + 1.
  static var version: Int64 { Int64(migrations.count) }

  static let migrations: [String] = [
    """
    CREATE TABLE installation (
      only INTEGER PRIMARY KEY CHECK (only = 1),
      id TEXT NOT NULL,
      event_sequence INTEGER NOT NULL
    );
    CREATE TABLE audit_heads (
      log TEXT NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('acknowledged', 'head')),
      chain TEXT NOT NULL,
      sequence INTEGER NOT NULL,
      hash TEXT NOT NULL,
      byte_offset INTEGER NOT NULL,
      PRIMARY KEY (log, kind)
    ) WITHOUT ROWID;
    CREATE TABLE outbox (
      log TEXT NOT NULL,
      sequence INTEGER NOT NULL,
      text TEXT NOT NULL,
      PRIMARY KEY (log, sequence)
    ) WITHOUT ROWID;
    CREATE TABLE leases (
      fence INTEGER PRIMARY KEY,
      run TEXT NOT NULL,
      started_ms INTEGER NOT NULL,
      released INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE jobs (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      cluster TEXT
    );
    CREATE TABLE job_stores (
      job INTEGER NOT NULL REFERENCES jobs (id),
      position INTEGER NOT NULL,
      store TEXT NOT NULL,
      PRIMARY KEY (job, position)
    ) WITHOUT ROWID;
    CREATE TABLE creation_budgets (
      fence INTEGER NOT NULL,
      job INTEGER NOT NULL REFERENCES jobs (id),
      taken INTEGER NOT NULL,
      PRIMARY KEY (fence, job)
    ) WITHOUT ROWID;
    -- row_… are where the lineage's row stood in the CSV of the run row_fence; is_queued says that this
    -- run has yet to claim it, so that the index below holds just what is waiting.
    CREATE TABLE lineages (
      id INTEGER PRIMARY KEY,
      job INTEGER NOT NULL REFERENCES jobs (id),
      name TEXT NOT NULL,
      is_one_off INTEGER NOT NULL,
      is_queued INTEGER NOT NULL,
      claim_fence INTEGER NOT NULL DEFAULT 0,
      row_fence INTEGER NOT NULL,
      row_position INTEGER NOT NULL,
      row_offset INTEGER NOT NULL,
      row_length INTEGER NOT NULL,
      row_digest TEXT NOT NULL,
      row_is_one_off INTEGER NOT NULL,
      UNIQUE (job, name)
    );
    CREATE INDEX lineages_queued ON lineages (job, row_position) WHERE is_queued = 1;
    -- Clustered by lineage, so that replaying one reads neighbouring rows.
    CREATE TABLE events (
      lineage INTEGER NOT NULL REFERENCES lineages (id),
      sequence INTEGER NOT NULL,
      time_ms INTEGER NOT NULL,
      name TEXT NOT NULL,
      generation INTEGER,
      attempt TEXT,
      token_id TEXT,
      store TEXT,
      instant_ms INTEGER,
      span_ms INTEGER,
      place TEXT,
      key TEXT,
      reason TEXT,
      PRIMARY KEY (lineage, sequence)
    ) WITHOUT ROWID;
    """,
    // What a token was allowed before it was disabled.
    "ALTER TABLE events ADD COLUMN permissions TEXT;",
    // Which program was told what became of a token.
    "ALTER TABLE events ADD COLUMN hook TEXT;",
    // What events call a store; null in what older programs wrote, which went by position.
    "ALTER TABLE job_stores ADD COLUMN name TEXT;",
  ]

  /// Brings the database to the current version. `random` gives a new ledger its installation id and the
  /// id of its audit chain. Throws `LedgerError.malformed` for another program's file or a newer ledger.
  static func migrate(_ database: SQLiteDatabase, random: any RandomSource) throws {
    try refuseForeign(database)
    let current = try userVersion(database)
    guard current < version else { return }
    try database.transaction {
      // Another process may have done it while this one waited for the write lock.
      let current = try userVersion(database)
      for step in migrations.dropFirst(Int(current)) { try database.execute(step) }
      if current == 0 { try fill(database, random: random) }
      try database.execute("PRAGMA application_id = \(applicationID)")
      try database.execute("PRAGMA user_version = \(version)")
    }
  }

  /// Throws `LedgerError.malformed` unless the file is empty or a ledger that this program can read.
  static func refuseForeign(_ database: SQLiteDatabase) throws {
    let tables = try database.statement("SELECT count(*) FROM sqlite_schema").first { $0.integer(0) } ?? 0
    let id = try database.statement("PRAGMA application_id").first { $0.integer(0) } ?? 0
    guard tables == 0 || id == applicationID else {
      throw LedgerError(
        .malformed, message: "the ledger's file is a database of another program",
        hint: "give another state directory with --state")
    }
    let current = try userVersion(database)
    guard current <= version else {
      throw LedgerError(
        .malformed,
        message: "the ledger was written by a newer tokenrotate"
          + " (its schema is \(current), this program knows \(version))",
        hint: "run the newer version; a ledger is never taken back to an older schema")
    }
  }

  static func userVersion(_ database: SQLiteDatabase) throws -> Int64 {
    try database.statement("PRAGMA user_version").first { $0.integer(0) } ?? 0
  }

  private static func fill(_ database: SQLiteDatabase, random: any RandomSource) throws {
    let insert = try database.statement(
      "INSERT INTO installation (only, id, event_sequence) VALUES (1, ?, 0)")
    try insert.bind(1, InstallationID(bits: random.next()).text)
    try insert.run()
  }
}
