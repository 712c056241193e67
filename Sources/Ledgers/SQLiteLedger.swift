public import RotationModel
public import RotationPorts

/// The ledger of one machine: an SQLite database in the state directory.
///
/// One process at a time runs on it: the caller holds a lock on the state directory, so a new lease always
/// supersedes the last one. Events are on disk when `commit` returns (WAL, `synchronous=FULL`); the queue
/// and the claims of a run are not synced, because the next run makes them anew.
///
/// Calls block the thread that they run on. Without an executor that is the one of the calling task, which
/// lets a simulation run everything on one thread; with one, all of SQLite runs there.
public actor SQLiteLedger: Ledger {
  public nonisolated let installation: InstallationID
  private nonisolated let executor: (any TaskExecutor)?
  private nonisolated let place: String
  private let store: LedgerStore

  init(store: sending LedgerStore, place: String, executor: (any TaskExecutor)?) {
    installation = store.installation
    self.place = place
    self.executor = executor
    self.store = store
  }

  private nonisolated func perform<Answer: Sendable>(
    _ body: @Sendable (LedgerStore) throws -> Answer
  ) async throws(LedgerError) -> Answer {
    let answer = await withTaskExecutorPreference(executor) { await self.isolated(body) }
    return try answer.get()
  }

  private func isolated<Answer: Sendable>(
    _ body: @Sendable (LedgerStore) throws -> Answer
  ) -> Result<Answer, LedgerError> {
    do {
      return .success(try body(store))
    } catch {
      return .failure(LedgerError(any: error, place: place))
    }
  }

  public nonisolated func acquireLease(run: RunID, now: Instant) async throws(LedgerError) -> Lease {
    try await perform { try $0.acquireLease(run: run, now: now) }
  }

  public nonisolated func releaseLease(_ lease: Lease) async throws(LedgerError) {
    try await perform { try $0.releaseLease(lease) }
  }

  public nonisolated func binding(job: String) async throws(LedgerError) -> JobBinding? {
    try await perform { try $0.binding(job: job) }
  }

  public nonisolated func bind(
    job: String, to binding: JobBinding, lease: Lease
  ) async throws(LedgerError) {
    try await perform { try $0.bind(job: job, to: binding, lease: lease) }
  }

  public nonisolated func hasHistory(job: String) async throws(LedgerError) -> Bool {
    try await perform { try $0.hasHistory(job: job) }
  }

  public nonisolated func enqueue(
    _ rows: [QueuedRow], job: String, lease: Lease
  ) async throws(LedgerError) {
    try await perform { try $0.enqueue(rows, job: job, lease: lease) }
  }

  public nonisolated func rowsWithoutToken(job: String, lease: Lease) async throws(LedgerError) -> Int {
    try await perform { try $0.rowsWithoutToken(job: job, lease: lease) }
  }

  public nonisolated func rowsWithoutToken(
    among names: [String], job: String, lease: Lease
  ) async throws(LedgerError) -> Set<String> {
    try await perform { try $0.rowsWithoutToken(among: names, job: job, lease: lease) }
  }

  public nonisolated func claim(
    job: String, limit: Int, lease: Lease
  ) async throws(LedgerError) -> [ClaimedLineage] {
    try await perform { try $0.claim(job: job, limit: limit, lease: lease) }
  }

  public nonisolated func lineage(
    named name: String, job: String
  ) async throws(LedgerError) -> ClaimedLineage? {
    try await perform { try $0.lineage(named: name, job: job) }
  }

  public nonisolated func lineages(naming tokenID: String) async throws(LedgerError) -> [NamedLineage] {
    try await perform { try $0.lineages(naming: tokenID) }
  }

  public nonisolated func lineages(
    job: String, after: String?, limit: Int
  ) async throws(LedgerError) -> [ClaimedLineage] {
    try await perform { try $0.lineages(job: job, after: after, limit: limit) }
  }

  public nonisolated func commit(
    _ transaction: LedgerTransaction, lease: Lease
  ) async throws(LedgerError) {
    try await perform { try $0.commit(transaction, lease: lease) }
  }

  public nonisolated func auditState(log: String) async throws(LedgerError) -> AuditState {
    try await perform { try $0.auditState(log: log) }
  }

  public nonisolated func reserveCreations(
    _ count: Int, maximum: Int, job: String, lease: Lease
  ) async throws(LedgerError) -> Bool {
    try await perform { try $0.reserveCreations(count, maximum: maximum, job: job, lease: lease) }
  }

  public nonisolated func reservePermits(
    _ budget: RequestBudget, wanted: Int, perSecond: Int, uptime: Duration, lease: Lease
  ) async throws(LedgerError) -> PermitGrant {
    try await perform {
      try $0.reservePermits(budget, wanted: wanted, perSecond: perSecond, uptime: uptime, lease: lease)
    }
  }
}
