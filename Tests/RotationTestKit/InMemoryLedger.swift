public import RotationModel
public import RotationPorts

/// A ledger of plain collections, for tests and the simulation. It answers as `SQLiteLedger` does: the
/// contract and a randomized comparison hold the two together.
///
/// What it holds survives the runner that is "killed" around it, as a disk would.
public actor InMemoryLedger: Ledger {
  public nonisolated let installation: InstallationID

  /// All that it knows, to be kept as a copy.
  public struct Contents: Sendable {
    fileprivate var fence: Int64
    fileprivate var bindings: [String: JobBinding]
    fileprivate var lineages: [Lineage]
    fileprivate var ids: [String: [String: Int]]
    fileprivate var audit: [String: AuditState]
  }

  public var contents: Contents {
    Contents(fence: fence, bindings: bindings, lineages: lineages, ids: ids, audit: audit)
  }

  /// Puts a copy back, as if the file had been.
  public func restore(_ contents: Contents) {
    fence = contents.fence
    bindings = contents.bindings
    lineages = contents.lineages
    ids = contents.ids
    audit = contents.audit
    lease = nil
  }

  struct Lineage {
    var job: String
    var name: String
    var isOneOff: Bool
    var row: QueuedRow
    var rowFence: Int64
    var isQueued: Bool
    var claimFence: Int64 = 0
    var events: [TimedEvent] = []

    /// Whether a generation was staged or adopted that was not revoked, gone or left behind later.
    var hasToken: Bool {
      var generations: Set<Int> = []
      for timed in events {
        switch timed.event {
        case .storeStaged(let generation, _, _, _), .tokenAdopted(let generation, _, _, _, _, _):
          generations.insert(generation)
        case .revokeDone(let generation), .tokenGone(let generation, _): generations.remove(generation)
        case .clusterChanged: generations = []
        default: break
        }
      }
      return !generations.isEmpty
    }
  }

  private var lease: Lease?
  private var fence: Int64 = 0
  private var bindings: [String: JobBinding] = [:]
  /// The lineage with id n is at n - 1.
  private var lineages: [Lineage] = []
  private var ids: [String: [String: Int]] = [:]
  private var creations: [String: Int] = [:]
  /// When each budget was last empty.
  private var emptySince: [RequestBudget: Duration] = [:]
  private var audit: [String: AuditState] = [:]
  private var failures: [LedgerError] = []

  public init(random: any RandomSource) {
    installation = InstallationID(bits: random.next())
  }

  /// The next call that writes throws `error` and does nothing; several are thrown in turn.
  public func failNext(_ error: LedgerError) {
    failures.append(error)
  }

  /// How many lineages were claimed under the newest lease.
  public var claimedCount: Int { lineages.count { $0.claimFence == fence } }

  private func failIfTold() throws(LedgerError) {
    if !failures.isEmpty { throw failures.removeFirst() }
  }

  private func require(_ lease: Lease) throws(LedgerError) {
    guard lease == self.lease else {
      throw LedgerError(.leaseEnded, message: "run \(lease.run) no longer holds the ledger", hint: "stop")
    }
  }

  public func acquireLease(run: RunID, now: Instant) throws(LedgerError) -> Lease {
    try failIfTold()
    fence += 1
    let lease = Lease(run: run, fence: fence, expiresAt: nil)
    self.lease = lease
    endClaims()
    return lease
  }

  public func releaseLease(_ lease: Lease) throws(LedgerError) {
    try failIfTold()
    try require(lease)
    self.lease = nil
    endClaims()
  }

  private func endClaims() {
    for index in lineages.indices { lineages[index].isQueued = false }
    creations = [:]
  }

  public func binding(job: String) -> JobBinding? { bindings[job] }

  public func bind(job: String, to binding: JobBinding, lease: Lease) throws(LedgerError) {
    try failIfTold()
    try require(lease)
    bindings[job] = binding
  }

  public func hasHistory(job: String) -> Bool {
    lineages.contains { lineage in
      lineage.job == job
        && lineage.events.contains { $0.event.record.attempt != nil || $0.event.record.tokenID != nil }
    }
  }

  public func enqueue(_ rows: [QueuedRow], job: String, lease: Lease) throws(LedgerError) {
    try failIfTold()
    try require(lease)
    for row in rows {
      guard let index = ids[job]?[row.name] else {
        ids[job, default: [:]][row.name] = lineages.count
        lineages.append(
          Lineage(
            job: job, name: row.name, isOneOff: row.isOneOff, row: row, rowFence: lease.fence,
            isQueued: true))
        continue
      }
      if !row.isOneOff { lineages[index].isOneOff = false }
      lineages[index].row = row
      lineages[index].rowFence = lease.fence
      lineages[index].isQueued = lineages[index].claimFence != lease.fence
    }
  }

  public func rowsWithoutToken(job: String, lease: Lease) throws(LedgerError) -> Int {
    try require(lease)
    return lineages.count { $0.job == job && $0.rowFence == lease.fence && !$0.hasToken }
  }

  public func rowsWithoutToken(
    among names: [String], job: String, lease: Lease
  ) throws(LedgerError) -> Set<String> {
    try require(lease)
    return Set(
      names.filter { name in
        guard let index = ids[job]?[name] else { return false }
        return lineages[index].rowFence == lease.fence && !lineages[index].hasToken
      })
  }

  public func claim(job: String, limit: Int, lease: Lease) throws(LedgerError) -> [ClaimedLineage] {
    try failIfTold()
    try require(lease)
    let ours = lineages.indices.filter { lineages[$0].job == job && lineages[$0].claimFence != lease.fence }
    let queued = ours.filter { lineages[$0].isQueued }
      .sorted { (lineages[$0].row.position, $0) < (lineages[$1].row.position, $1) }
    let rest = ours.filter { !lineages[$0].isQueued && !lineages[$0].events.isEmpty }
    let order = queued + rest.filter { !lineages[$0].isOneOff } + rest.filter { lineages[$0].isOneOff }
    return order.prefix(max(0, limit)).map { index in
      let row = lineages[index].isQueued ? lineages[index].row : nil
      lineages[index].isQueued = false
      lineages[index].claimFence = lease.fence
      return claimed(index, row: row)
    }
  }

  private func claimed(_ index: Int, row: QueuedRow?) -> ClaimedLineage {
    let lineage = lineages[index]
    return ClaimedLineage(
      id: LineageID(Int64(index) + 1), name: lineage.name, row: row, isOneOff: lineage.isOneOff,
      events: lineage.events)
  }

  public func lineage(named name: String, job: String) -> ClaimedLineage? {
    ids[job]?[name].map { claimed($0, row: newestRow($0)) }
  }

  public func lineages(naming tokenID: String) -> [NamedLineage] {
    ids.flatMap { job, names in names.values.map { (job, $0) } }.sorted { $0.1 < $1.1 }
      .map { NamedLineage(job: $0.0, lineage: claimed($0.1, row: nil)) }
      .filter { $0.lineage.events.contains { $0.event.record.tokenID == tokenID } }
  }

  private func newestRow(_ index: Int) -> QueuedRow? {
    lineages[index].rowFence == fence ? lineages[index].row : nil
  }

  public func lineages(job: String, after: String?, limit: Int) -> [ClaimedLineage] {
    let names = (ids[job] ?? [:]).filter { $0.key > (after ?? "") }.sorted { $0.key < $1.key }
    return names.prefix(max(0, limit)).map { claimed($0.value, row: newestRow($0.value)) }
  }

  public func commit(_ transaction: LedgerTransaction, lease: Lease) throws(LedgerError) {
    try failIfTold()
    try require(lease)
    var state = auditState(log: transaction.log)
    let known = Set(state.outbox.map(\.sequence))
    let before = (lineages: lineages, ids: ids)
    guard
      transaction.renames.allSatisfy({ rename($0.lineage, to: $0.name) }),
      transaction.events.allSatisfy({ index(of: $0.lineage) != nil }),
      transaction.lines.allSatisfy({ !known.contains($0.sequence) })
    else {
      (lineages, ids) = before
      throw LedgerError(
        .malformed, message: "an unknown lineage, a name in use or a repeated line", hint: "report this")
    }
    // As in SQLite, the id of the last lineage is given again when that one is gone.
    while lineages.last.map({ $0.job.isEmpty }) ?? false { lineages.removeLast() }
    for (lineage, event) in transaction.events {
      lineages[Int(lineage.value) - 1].events.append(event)
    }
    state.outbox = (state.outbox + transaction.lines).sorted { $0.sequence < $1.sequence }
    if let head = transaction.head { state.head = head }
    if let acknowledged = transaction.acknowledged {
      state.acknowledged = acknowledged
      state.outbox.removeAll { $0.sequence <= acknowledged.sequence }
    }
    audit[transaction.log] = state
  }

  /// Where a lineage is; nil: nowhere, or it has given its name away.
  private func index(of lineage: LineageID) -> Int? {
    guard (1..<Int64(lineages.count) + 1).contains(lineage.value) else { return nil }
    let index = Int(lineage.value) - 1
    return lineages[index].job.isEmpty ? nil : index
  }

  /// false: there is no such lineage, or one that was worked on has the name.
  private func rename(_ lineage: LineageID, to name: String) -> Bool {
    guard let index = index(of: lineage) else { return false }
    let job = lineages[index].job
    if let other = ids[job]?[name], other != index {
      guard lineages[other].events.isEmpty else { return false }
      // A lineage that was never worked on gives its name away; nothing is left of it but its place.
      lineages[other].job = ""
    }
    ids[job]?[lineages[index].name] = nil
    ids[job]?[name] = index
    lineages[index].name = name
    lineages[index].row.name = name
    return true
  }

  public func auditState(log: String) -> AuditState {
    audit[log] ?? .start(log: log, installation: installation)
  }

  public func reserveCreations(
    _ count: Int, maximum: Int, job: String, lease: Lease
  ) throws(LedgerError) -> Bool {
    try failIfTold()
    try require(lease)
    let wanted = creations[job, default: 0] + max(0, count)
    guard wanted <= maximum else { return false }
    creations[job] = wanted
    return true
  }

  public func reservePermits(
    _ budget: RequestBudget, wanted: Int, perSecond: Int, uptime: Duration, lease: Lease
  ) throws(LedgerError) -> PermitGrant {
    try require(lease)
    let rate = max(1, perSecond)
    let interval = Duration.seconds(1) / rate
    let capacity = max(1, rate / 10)
    var emptyAt = emptySince[budget] ?? uptime - interval * capacity
    emptyAt = min(uptime, max(emptyAt, uptime - interval * capacity))
    var count = 0
    while count < wanted, count < capacity, emptyAt + interval <= uptime {
      emptyAt += interval
      count += 1
    }
    emptySince[budget] = emptyAt
    return PermitGrant(count: count, nextAt: max(uptime, emptyAt + interval))
  }
}
