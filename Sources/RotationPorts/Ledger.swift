public import RotationModel

/// The journal of every lineage and the work queue of every run.
///
/// It never holds permissions to act on: those come from the runner's own CSV, of which the ledger knows
/// only where each row stands and its digest. All calls of a run carry its lease; a call under a lease that
/// has ended is refused, so that a runner which was paused finds out before its next effect.
public protocol Ledger: Sendable {
  /// The id of this installation, made when the ledger was.
  var installation: InstallationID { get }

  /// Starts a run as the only one (or one of several, where the ledger is shared), and ends what dead runs
  /// held. `LedgerError.busy` when another run may not be joined.
  func acquireLease(run: RunID, now: Instant) async throws(LedgerError) -> Lease
  /// Ends the run's lease and all its claims.
  func releaseLease(_ lease: Lease) async throws(LedgerError)

  /// What the job's lineages are bound to; nil for a job that the ledger has never seen.
  func binding(job: String) async throws(LedgerError) -> JobBinding?
  func bind(job: String, to binding: JobBinding, lease: Lease) async throws(LedgerError)
  /// Whether anything was ever recorded for the job that is about an attempt or a token. What people have asked
  /// for is no history: nothing was made yet.
  func hasHistory(job: String) async throws(LedgerError) -> Bool

  /// Queues rows for this run. A row whose name is known keeps its lineage; others become new ones.
  /// Calling it again with the same rows changes nothing.
  func enqueue(_ rows: [QueuedRow], job: String, lease: Lease) async throws(LedgerError)
  /// How many of the rows queued in this run have no token: none was ever staged or adopted, or each that
  /// was has been revoked, is gone, or was left behind on another cluster.
  func rowsWithoutToken(job: String, lease: Lease) async throws(LedgerError) -> Int
  /// Those of these names that belong to such a row.
  func rowsWithoutToken(
    among names: [String], job: String, lease: Lease
  ) async throws(LedgerError) -> Set<String>
  /// The next lineages that this run has not claimed yet, each once: first those with a queued row, in the
  /// order of the CSV, then those of the job with events but no row in this run, in the order in which
  /// they were made, last of them those of one-off CSVs. Empty: all were claimed.
  func claim(job: String, limit: Int, lease: Lease) async throws(LedgerError) -> [ClaimedLineage]

  /// One lineage of the job by its name; nil: the ledger has none. Takes no lease and claims nothing; `row` is
  /// the one that this run has queued, if it has.
  func lineage(named name: String, job: String) async throws(LedgerError) -> ClaimedLineage?
  /// Every lineage, of whichever job, with an event that names this token, and the job's name. Takes no lease and
  /// claims nothing; none has a `row`.
  func lineages(naming tokenID: String) async throws(LedgerError) -> [NamedLineage]
  /// Every lineage of the job, by name and with its events, `limit` at a time; `after` is the last name of
  /// the page before, nil for the first page. Takes no lease and claims nothing; `row` is the one that the
  /// newest run has queued for it, if it has.
  func lineages(
    job: String, after: String?, limit: Int
  ) async throws(LedgerError) -> [ClaimedLineage]

  /// Records events of lineages that this run claimed, and the audit lines written from them, all or
  /// nothing, durable on return. `acknowledged` is the head that the audit file is known to have reached;
  /// lines up to it are dropped from the outbox.
  func commit(_ transaction: LedgerTransaction, lease: Lease) async throws(LedgerError)
  /// Where an audit log stands as far as the ledger knows; the start of a new chain for a log that it has
  /// never heard of. `log` is `AuditState.mainLog` or, for a job with a file of its own, that file's path.
  func auditState(log: String) async throws(LedgerError) -> AuditState

  /// Takes `count` creations from what the job may do in this run, together with all runners of it;
  /// false, taking none, when that is more than `maximum` in all.
  func reserveCreations(
    _ count: Int, maximum: Int, job: String, lease: Lease
  ) async throws(LedgerError) -> Bool
  /// Takes up to `wanted` permits from a budget that refills at `perSecond` and holds at most a tenth of a
  /// second's worth (at least one), shared by all runners.
  func reservePermits(
    _ budget: RequestBudget, wanted: Int, perSecond: Int, uptime: Duration, lease: Lease
  ) async throws(LedgerError) -> PermitGrant
}

/// The id of one run: 16 lower-case hexadecimal digits.
public struct RunID: Hashable, Sendable, CustomStringConvertible {
  public let text: String

  public init(bits: UInt64) {
    text = InstallationID(bits: bits).text
  }

  public init(text: String) {
    self.text = text
  }

  public var description: String { text }
}

/// A run's right to act.
public struct Lease: Hashable, Sendable {
  public var run: RunID
  /// Grows with every lease; a smaller one has ended when a larger one exists.
  public var fence: Int64
  /// By the ledger's clock; nil where the lease ends with the process.
  public var expiresAt: Instant?

  public init(run: RunID, fence: Int64, expiresAt: Instant?) {
    self.run = run
    self.fence = fence
    self.expiresAt = expiresAt
  }
}

/// What the lineages of a job belong to. A job file that no longer matches is refused.
public struct JobBinding: Equatable, Sendable {
  /// The cluster's identity: `account/cluster` for Cloud Dedicated.
  public var cluster: String
  /// The stores in the job's order: kind and place of each, in a fixed form that begins with the kind and a colon.
  public var stores: [String]
  /// What events call each of the stores. A store keeps its name as long as the job has it, wherever it stands in
  /// the job's order.
  public var storeNames: [String]

  /// - Parameter storeNames: nil: the kind of each, numbered from the second of a kind on.
  public init(cluster: String, stores: [String], storeNames: [String]? = nil) {
    self.cluster = cluster
    self.stores = stores
    self.storeNames = storeNames ?? JobBinding.names(of: stores, known: nil)
  }

  /// Names for a job's stores: those that `known` has for them, and for new ones their kind with the first number
  /// that neither has.
  public static func names(of stores: [String], known: JobBinding?) -> [String] {
    var taken = Set(known?.storeNames ?? [])
    return stores.map { store in
      if let known, let index = known.stores.firstIndex(of: store) { return known.storeNames[index] }
      let kind = String(store.prefix { $0 != ":" })
      let name = (1...).lazy.map { $0 == 1 ? kind : "\(kind)-\($0)" }.first { !taken.contains($0) } ?? kind
      taken.insert(name)
      return name
    }
  }
}

/// One row of a CSV, as the queue knows it.
public struct QueuedRow: Equatable, Sendable {
  public var name: String
  /// 0 for the first row; the order in which rows are claimed.
  public var position: Int64
  /// Where the row's bytes stand in the CSV.
  public var byteOffset: Int64
  public var byteLength: Int64
  /// Of the row's bytes, to notice a CSV that changed under the run.
  public var digest: String
  /// Whether the row came from a one-off CSV, which `run` leaves alone.
  public var isOneOff: Bool

  public init(
    name: String, position: Int64, byteOffset: Int64, byteLength: Int64, digest: String,
    isOneOff: Bool
  ) {
    self.name = name
    self.position = position
    self.byteOffset = byteOffset
    self.byteLength = byteLength
    self.digest = digest
    self.isOneOff = isOneOff
  }
}

/// The ledger's own id of a lineage.
public struct LineageID: Hashable, Sendable {
  public var value: Int64

  public init(_ value: Int64) {
    self.value = value
  }
}

/// A lineage that this run may act on until its lease ends.
public struct ClaimedLineage: Equatable, Sendable {
  public var id: LineageID
  public var name: String
  /// nil: the lineage has no row in this run's CSV.
  public var row: QueuedRow?
  /// Whether the lineage was made by a one-off CSV and no row of the job has taken its name.
  public var isOneOff: Bool
  /// In the order in which they were committed.
  public var events: [TimedEvent]

  public init(id: LineageID, name: String, row: QueuedRow?, isOneOff: Bool, events: [TimedEvent]) {
    self.id = id
    self.name = name
    self.row = row
    self.isOneOff = isOneOff
    self.events = events
  }
}

/// A lineage and whose it is.
public struct NamedLineage: Equatable, Sendable {
  public var job: String
  public var lineage: ClaimedLineage

  public init(job: String, lineage: ClaimedLineage) {
    self.job = job
    self.lineage = lineage
  }
}

/// What one group commit writes.
public struct LedgerTransaction: Sendable {
  public var events: [(lineage: LineageID, event: TimedEvent)]
  /// The audit log that `lines`, `head` and `acknowledged` are about.
  public var log: String
  /// Lineages that are called otherwise from here on. A name that another lineage has which was never worked on
  /// is taken from it.
  public var renames: [(lineage: LineageID, name: String)]
  public var lines: [AuditLine]
  /// The head after `lines`; nil when there are none.
  public var head: AuditHead?
  /// What the audit file is known to hold.
  public var acknowledged: AuditHead?

  public init(
    events: [(lineage: LineageID, event: TimedEvent)], log: String = AuditState.mainLog,
    renames: [(lineage: LineageID, name: String)] = [], lines: [AuditLine], head: AuditHead?,
    acknowledged: AuditHead?
  ) {
    self.events = events
    self.log = log
    self.renames = renames
    self.lines = lines
    self.head = head
    self.acknowledged = acknowledged
  }
}

/// The budgets that all requests of a run are taken from.
public enum RequestBudget: String, Sendable, CaseIterable {
  case management
  case probes
}

public struct PermitGrant: Equatable, Sendable {
  /// How many requests may be sent now.
  public var count: Int
  /// When to ask again, if `count` is less than what was wanted.
  public var nextAt: Duration

  public init(count: Int, nextAt: Duration) {
    self.count = count
    self.nextAt = nextAt
  }
}

/// Why the ledger did not do what it was asked. Nothing was recorded.
public struct LedgerError: Error, Equatable, Sendable {
  public enum Code: String, Sendable {
    case busy
    /// The lease has ended: another run has begun.
    case leaseEnded = "lease_ended"
    case noRoom = "no_room"
    case unavailable
    /// Written by a newer program, or damaged.
    case malformed
  }

  public var code: Code
  public var message: String
  public var hint: String?

  public init(_ code: Code, message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }
}
