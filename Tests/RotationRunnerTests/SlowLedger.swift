import RotationModel
import RotationPorts
import RotationTestKit

/// The ledger of the test kit behind a slow disk: each commit takes virtual time, and each is kept.
final class SlowLedger: Ledger, @unchecked Sendable {
  // Only ever touched by the thread of the deterministic executor.
  let base: InMemoryLedger
  let clock: SimulatedClock
  var commitTime: Duration = .milliseconds(10)
  private(set) var commits: [LedgerTransaction] = []
  private let life: Life

  init(base: InMemoryLedger, clock: SimulatedClock, life: Life = Life()) {
    self.base = base
    self.clock = clock
    self.life = life
  }

  var installation: InstallationID { base.installation }

  func commit(_ transaction: LedgerTransaction, lease: Lease) async throws(LedgerError) {
    if commitTime > .zero { try? await clock.sleep(for: commitTime) }
    let dead = LedgerError(.unavailable, message: "the process is dead")
    guard life.reaches("the commit") else { throw dead }
    try await base.commit(transaction, lease: lease)
    commits.append(transaction)
    guard life.reaches("the commit's end") else { throw dead }
  }

  func acquireLease(run: RunID, now: Instant) async throws(LedgerError) -> Lease {
    try await base.acquireLease(run: run, now: now)
  }
  func releaseLease(_ lease: Lease) async throws(LedgerError) { try await base.releaseLease(lease) }
  func binding(job: String) async throws(LedgerError) -> JobBinding? { await base.binding(job: job) }
  func bind(job: String, to binding: JobBinding, lease: Lease) async throws(LedgerError) {
    try await base.bind(job: job, to: binding, lease: lease)
  }
  func hasHistory(job: String) async throws(LedgerError) -> Bool { await base.hasHistory(job: job) }
  func enqueue(_ rows: [QueuedRow], job: String, lease: Lease) async throws(LedgerError) {
    try await base.enqueue(rows, job: job, lease: lease)
  }
  func rowsWithoutToken(job: String, lease: Lease) async throws(LedgerError) -> Int {
    try await base.rowsWithoutToken(job: job, lease: lease)
  }
  func rowsWithoutToken(
    among names: [String], job: String, lease: Lease
  ) async throws(LedgerError) -> Set<String> {
    try await base.rowsWithoutToken(among: names, job: job, lease: lease)
  }
  func claim(job: String, limit: Int, lease: Lease) async throws(LedgerError) -> [ClaimedLineage] {
    try await base.claim(job: job, limit: limit, lease: lease)
  }
  func lineage(named name: String, job: String) async throws(LedgerError) -> ClaimedLineage? {
    await base.lineage(named: name, job: job)
  }
  func lineages(naming tokenID: String) async throws(LedgerError) -> [NamedLineage] {
    await base.lineages(naming: tokenID)
  }
  func lineages(job: String, after: String?, limit: Int) async throws(LedgerError) -> [ClaimedLineage] {
    await base.lineages(job: job, after: after, limit: limit)
  }
  func auditState(log: String) async throws(LedgerError) -> AuditState { await base.auditState(log: log) }
  func reserveCreations(
    _ count: Int, maximum: Int, job: String, lease: Lease
  ) async throws(LedgerError) -> Bool {
    try await base.reserveCreations(count, maximum: maximum, job: job, lease: lease)
  }
  func reservePermits(
    _ budget: RequestBudget, wanted: Int, perSecond: Int, uptime: Duration, lease: Lease
  ) async throws(LedgerError) -> PermitGrant {
    try await base.reservePermits(budget, wanted: wanted, perSecond: perSecond, uptime: uptime, lease: lease)
  }
}
