internal import RotationModel
internal import RotationPorts

/// The ledger's statements over one connection, plain and blocking. `SQLiteLedger` sees to it that one
/// thread at a time is in here.
final class LedgerStore {
  let database: SQLiteDatabase
  let installation: InstallationID
  var budgets: [RequestBudget: PermitBucket] = [:]
  /// How far each job's lineages without a row were claimed under the current lease.
  var restCursors: [String: RestCursor] = [:]
  private var isDurable = true

  /// Takes over a database that was migrated.
  init(database: SQLiteDatabase) throws {
    self.database = database
    let id = try database.statement("SELECT id FROM installation").first { $0.text(0) }
    guard let installation = id.flatMap({ InstallationID($0) }) else {
      throw LedgerError(
        .malformed, message: "the ledger holds no installation id",
        hint: "restore a backup of the state directory, or start with an empty one and run"
          + " `tokenrotate adopt`")
    }
    self.installation = installation
  }

  /// One write transaction. Where `durable` is false, a loss of power may undo it, but never one that a
  /// later durable transaction follows: good enough for a queue that the next run fills again.
  func write<Result>(durable: Bool, _ body: () throws -> Result) throws -> Result {
    if isDurable != durable {
      try database.execute(durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL")
      isDurable = durable
    }
    return try database.transaction(body)
  }

  /// The same, for a call that a run's lease must allow. Checked inside the transaction, so that no write
  /// of an ended lease can slip in behind the check.
  func write<Result>(under lease: Lease, durable: Bool, _ body: () throws -> Result) throws -> Result {
    try write(durable: durable) {
      try require(lease)
      return try body()
    }
  }

  /// The row id of a job, made when it is new.
  func jobID(_ job: String) throws -> Int64 {
    if let known = try knownJobID(job) { return known }
    let insert = try database.statement("INSERT INTO jobs (name) VALUES (?)")
    try insert.bind(1, job)
    try insert.run()
    return database.lastInsertedID
  }

  func knownJobID(_ job: String) throws -> Int64? {
    let select = try database.statement("SELECT id FROM jobs WHERE name = ?")
    try select.bind(1, job)
    return try select.first { $0.integer(0) }
  }
}

// Leases and what belongs to a run.
extension LedgerStore {
  /// Old leases are kept for inspection, this many of them.
  private static let keptLeases: Int64 = 1000

  func acquireLease(run: RunID, now: Instant) throws -> Lease {
    do {
      return try write(durable: true) { try supersede(run: run, now: now) }
    } catch let error as SQLiteError where error.isBusy {
      throw LedgerError(
        .busy, message: "another program holds the ledger's write lock",
        hint: "end it, or run again when it is done")
    }
  }

  private func supersede(run: RunID, now: Instant) throws -> Lease {
    let fence = try (database.statement("SELECT max(fence) FROM leases").first { $0.integer(0) } ?? 0) + 1
    let insert = try database.statement("INSERT INTO leases (fence, run, started_ms) VALUES (?, ?, ?)")
    try insert.bind(1, fence)
    try insert.bind(2, run.text)
    try insert.bind(3, now.milliseconds)
    try insert.run()
    let forget = try database.statement("DELETE FROM leases WHERE fence <= ?")
    try forget.bind(1, fence - LedgerStore.keptLeases)
    try forget.run()
    try endClaims()
    return Lease(run: run, fence: fence, expiresAt: nil)
  }

  func releaseLease(_ lease: Lease) throws {
    try write(under: lease, durable: true) {
      let update = try database.statement("UPDATE leases SET released = 1 WHERE fence = ?")
      try update.bind(1, lease.fence)
      try update.run()
      try endClaims()
    }
  }

  /// Claims carry their fence, so that only what is still queued needs to be taken back.
  private func endClaims() throws {
    try database.statement("UPDATE lineages SET is_queued = 0 WHERE is_queued = 1").run()
    try database.statement("DELETE FROM creation_budgets").run()
    restCursors = [:]
  }

  func require(_ lease: Lease) throws {
    let select = try database.statement(
      "SELECT fence, run, released FROM leases ORDER BY fence DESC LIMIT 1")
    let holds = try select.first { row in
      row.integer(0) == lease.fence && row.text(1) == lease.run.text && row.integer(2) == 0
    }
    guard holds == true else {
      throw LedgerError(
        .leaseEnded, message: "run \(lease.run) no longer holds the ledger: another run has begun",
        hint: "let the newer run finish; it does what this one left")
    }
  }

  func binding(job: String) throws -> JobBinding? {
    try database.snapshot {
      let select = try database.statement("SELECT id, cluster FROM jobs WHERE name = ?")
      try select.bind(1, job)
      guard let row = try select.first({ ($0.integer(0), $0.optionalText(1)) }), let cluster = row.1
      else { return nil }
      let storesOfJob = try database.statement(
        "SELECT store, name FROM job_stores WHERE job = ? ORDER BY position")
      try storesOfJob.bind(1, row.0)
      let stores = try storesOfJob.all { ($0.text(0), $0.optionalText(1)) }
      let names = stores.compactMap(\.1)
      return JobBinding(
        cluster: cluster, stores: stores.map(\.0), storeNames: names.count == stores.count ? names : nil)
    }
  }

  func bind(job: String, to binding: JobBinding, lease: Lease) throws {
    try write(under: lease, durable: true) {
      let id = try jobID(job)
      let update = try database.statement("UPDATE jobs SET cluster = ? WHERE id = ?")
      try update.bind(1, binding.cluster)
      try update.bind(2, id)
      try update.run()
      let clear = try database.statement("DELETE FROM job_stores WHERE job = ?")
      try clear.bind(1, id)
      try clear.run()
      let insert = try database.statement(
        "INSERT INTO job_stores (job, position, store, name) VALUES (?, ?, ?, ?)")
      for (position, (store, name)) in zip(binding.stores, binding.storeNames).enumerated() {
        try insert.bind(1, id)
        try insert.bind(2, Int64(position))
        try insert.bind(3, store)
        try insert.bind(4, name)
        try insert.run()
      }
    }
  }
}

// What a run may spend.
extension LedgerStore {
  func reserveCreations(_ count: Int, maximum: Int, job: String, lease: Lease) throws -> Bool {
    try write(under: lease, durable: true) {
      let id = try jobID(job)
      let select = try database.statement(
        "SELECT taken FROM creation_budgets WHERE fence = ? AND job = ?")
      try select.bind(1, lease.fence)
      try select.bind(2, id)
      let taken = try select.first { $0.integer(0) } ?? 0
      let (wanted, overflows) = taken.addingReportingOverflow(Int64(max(0, count)))
      guard !overflows, wanted <= Int64(maximum) else { return false }
      let upsert = try database.statement(
        """
        INSERT INTO creation_budgets (fence, job, taken) VALUES (?, ?, ?)
        ON CONFLICT (fence, job) DO UPDATE SET taken = excluded.taken
        """)
      try upsert.bind(1, lease.fence)
      try upsert.bind(2, id)
      try upsert.bind(3, wanted)
      try upsert.run()
      return true
    }
  }

  func reservePermits(
    _ budget: RequestBudget, wanted: Int, perSecond: Int, uptime: Duration, lease: Lease
  ) throws -> PermitGrant {
    try require(lease)
    var bucket = budgets[budget] ?? PermitBucket()
    let grant = bucket.take(wanted, perSecond: perSecond, uptime: uptime)
    budgets[budget] = bucket
    return grant
  }
}
