public import RotationModel
public import RotationPorts

/// The one place where events become durable: ledger and audit log, many tokens in one commit.
///
/// Callers wait until their events are on disk in both. While one commit runs, later callers gather for the
/// next, so the number of syncs follows the disk and not the number of tokens. The first failure is final:
/// nothing is recorded after it, hence nothing is sent.
public actor Journal {
  private let ledger: any Ledger
  private let auditLog: any AuditLog
  /// The audit log's name in the ledger.
  private let log: String
  private let lease: Lease
  private let actorName: String

  private var head: AuditHead
  private var acknowledged: AuditHead
  private var queue: [Follower] = []
  private var isCommitting = false
  private var failure: Stop?

  /// More than this many events are split into several commits, so that a commit's size is bounded.
  private static let eventsPerCommit = 256

  private struct Follower {
    var entries: [JournalEntry]
    var turn: CheckedContinuation<Turn, Never>
  }

  private enum Turn {
    case recorded(Result<Void, Stop>)
    /// The caller is the next to commit, its own entries first.
    case lead
  }

  /// A journal over an audit log that was opened with `state`, which the ledger has under the name `log`.
  /// `actorName` is who the audit log says acted.
  public init(
    ledger: any Ledger, auditLog: any AuditLog, log: String = AuditState.mainLog, state: AuditState,
    lease: Lease, actorName: String
  ) {
    self.ledger = ledger
    self.auditLog = auditLog
    self.log = log
    self.lease = lease
    self.actorName = actorName
    // The log was completed from the outbox when it was opened.
    head = state.head
    acknowledged = state.head
  }

  /// Records the entries, in order and together; returns when they are durable.
  ///
  /// The caller that finds no commit under way leads one, and hands the lead on to whoever came meanwhile:
  /// no task outlives its caller, which keeps a simulated run deterministic.
  public func append(_ entries: [JournalEntry]) async throws(Stop) {
    if let failure { throw failure }
    if isCommitting {
      let turn = await withCheckedContinuation { turn in
        queue.append(Follower(entries: entries, turn: turn))
      }
      if case .recorded(let result) = turn { return try result.get() }
    }
    isCommitting = true
    try await lead(entries).get()
  }

  /// Tells the ledger how far the audit log is known to reach. The journal takes nothing more.
  public func close() async throws(Stop) {
    if failure == nil {
      do {
        try await ledger.commit(
          LedgerTransaction(events: [], log: log, lines: [], head: nil, acknowledged: acknowledged),
          lease: lease)
      } catch { fail(Stop(error)) }
    }
    await auditLog.close()
    if let failure { throw failure }
  }

  private func lead(_ own: [JournalEntry]) async -> Result<Void, Stop> {
    var entries = own
    var followers: [Follower] = []
    while let next = queue.first, entries.count + next.entries.count <= Journal.eventsPerCommit {
      followers.append(queue.removeFirst())
      entries += next.entries
    }
    let result: Result<Void, Stop>
    if let failure {
      result = .failure(failure)
    } else {
      result = await commit(entries)
    }
    if case .failure(let stop) = result { fail(stop) }
    for follower in followers { follower.turn.resume(returning: .recorded(result)) }
    if queue.isEmpty {
      isCommitting = false
    } else {
      queue.removeFirst().turn.resume(returning: .lead)
    }
    return result
  }

  private func commit(_ entries: [JournalEntry]) async -> Result<Void, Stop> {
    let lines: [AuditLine]
    let newHead: AuditHead
    let events = entries.compactMap { entry in
      entry.event.map { (lineage: $0.lineage, event: TimedEvent($0.event, at: entry.time)) }
    }
    let renames = entries.compactMap { entry -> (lineage: LineageID, name: String)? in
      guard let lineage = entry.event?.lineage, let name = entry.newName else { return nil }
      return (lineage, name)
    }
    do throws(AuditError) {
      (lines, newHead) = try auditLog.compose(entries.map(auditEvent), after: head)
      // A line that has no room is not an intent: better to find out before the ledger says it is one.
      try await auditLog.reserve(byteCount: Int(newHead.offset - head.offset))
    } catch { return .failure(Stop(error, log: log)) }
    do throws(LedgerError) {
      try await ledger.commit(
        LedgerTransaction(
          events: events, log: log, renames: renames, lines: lines, head: newHead, acknowledged: acknowledged),
        lease: lease)
    } catch { return .failure(Stop(error)) }
    head = newHead
    do throws(AuditError) {
      try await auditLog.append(lines, head: newHead)
    } catch { return .failure(Stop(error, log: log)) }
    acknowledged = newHead
    return .success(())
  }

  private func fail(_ stop: Stop) {
    if failure == nil { failure = stop }
  }

  private func auditEvent(_ entry: JournalEntry) -> AuditEvent {
    AuditEvent(
      time: entry.time, run: lease.run, job: entry.job, cluster: entry.cluster, token: entry.token,
      actor: actorName, record: entry.record, details: entry.details)
  }
}

/// What is to be recorded: a lineage's event, or one of the run or job that only the audit log shows.
public struct JournalEntry: Sendable {
  public var time: Instant
  public var job: String?
  public var cluster: String?
  /// The token's name.
  public var token: String?
  /// For the ledger; nil for events of the run or job.
  public var event: (lineage: LineageID, event: Event)?
  /// For the audit log; may say more than the event, such as the token id of a generation.
  public var record: EventRecord
  public var details: [AuditEvent.Detail]
  /// What the event's lineage is called from here on, if that changes.
  public var newName: String?

  public init(
    time: Instant, job: String?, cluster: String?, token: String? = nil,
    event: (lineage: LineageID, event: Event)? = nil, record: EventRecord,
    details: [AuditEvent.Detail] = []
  ) {
    self.time = time
    self.job = job
    self.cluster = cluster
    self.token = token
    self.event = event
    self.record = record
    self.details = details
  }
}
