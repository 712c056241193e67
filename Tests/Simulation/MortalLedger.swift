import RotationModel
import RotationPorts
import RotationTestKit

/// A ledger whose process can die before or after each call; what was committed stays.
struct MortalLedger: Ledger {
  let world: World
  private var base: InMemoryLedger { world.ledger }

  init(world: World) {
    self.world = world
  }

  var installation: InstallationID { base.installation }

  private func live(_ what: String) throws(LedgerError) {
    world.step(what)
    if world.isDead { throw LedgerError(.unavailable, message: "the process is dead") }
  }

  func acquireLease(run: RunID, now: Instant) async throws(LedgerError) -> Lease {
    try await base.acquireLease(run: run, now: now)
  }
  func releaseLease(_ lease: Lease) async throws(LedgerError) { try await base.releaseLease(lease) }
  func binding(job: String) async throws(LedgerError) -> JobBinding? { await base.binding(job: job) }
  func bind(job: String, to binding: JobBinding, lease: Lease) async throws(LedgerError) {
    try live("before bind")
    try await base.bind(job: job, to: binding, lease: lease)
  }
  func hasHistory(job: String) async throws(LedgerError) -> Bool { await base.hasHistory(job: job) }
  func enqueue(_ rows: [QueuedRow], job: String, lease: Lease) async throws(LedgerError) {
    try live("before enqueue")
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
    try live("before claim")
    let claimed = try await base.claim(job: job, limit: limit, lease: lease)
    for lineage in claimed where world.lineages[lineage.id] == nil {
      world.lineages[lineage.id] = (lineage.name, RotationMachine())
    }
    return claimed
  }
  func lineage(named name: String, job: String) async throws(LedgerError) -> ClaimedLineage? {
    let found = await base.lineage(named: name, job: job)
    if let found, world.lineages[found.id] == nil {
      world.lineages[found.id] = (found.name, RotationMachine())
    }
    return found
  }
  func lineages(naming tokenID: String) async throws(LedgerError) -> [NamedLineage] {
    await base.lineages(naming: tokenID)
  }
  func lineages(job: String, after: String?, limit: Int) async throws(LedgerError) -> [ClaimedLineage] {
    await base.lineages(job: job, after: after, limit: limit)
  }
  func commit(_ transaction: LedgerTransaction, lease: Lease) async throws(LedgerError) {
    let names = transaction.events.map(\.event.event.record.name).joined(separator: " ")
    if world.chance(world.trouble.slowCommitPercent) {
      try? await world.clock.sleep(for: .milliseconds(Int64(500 + world.draw.next() % 5000)))
    }
    try live("before commit \(names)")
    try await base.commit(transaction, lease: lease)
    for (lineage, event) in transaction.events {
      world.took(event, of: lineage)
      do { try world.lineages[lineage]?.machine.apply(event) } catch {
        world.broken("machine", "the ledger took an impossible event: \(error)")
      }
    }
    try live("after commit \(names)")
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
    try await base.reservePermits(
      budget, wanted: wanted, perSecond: perSecond, uptime: uptime, lease: lease)
  }
}
