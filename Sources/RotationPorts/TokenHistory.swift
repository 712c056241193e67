public import RotationModel

/// What the ledger knows of one name: where it stands, and what has happened to it.
public struct TokenHistory: Equatable, Sendable {
  /// Of the token in use, and of the one on its way to be while there is none. `problem` is what needs a person,
  /// `next` what is under way.
  public var standing: TokenStanding
  /// Whether the token was in use before there was a job: its age is not known.
  public var isTakenOver = false
  /// Whether the job's own CSV has a row for it.
  public var hasRow: Bool
  /// Whether every store has the newest token and every hook was told.
  public var isDelivered: Bool
  /// Of the row, by key.
  public var labels: [String: String] = [:]
  /// Of all the tokens that were ever made for the name.
  public var activations: [Activation] = []
  /// What went wrong, in the order in which it began.
  public var incidents: [Incident] = []

  /// When the cluster accepted a token, and how long that took from the moment its string was stored.
  public struct Activation: Equatable, Sendable {
    public var at: Instant
    public var took: Duration

    public init(at: Instant, took: Duration) {
      self.at = at
      self.took = took
    }
  }

  public init(standing: TokenStanding, hasRow: Bool, isDelivered: Bool) {
    self.standing = standing
    self.hasRow = hasRow
    self.isDelivered = isDelivered
  }
}

/// One run, or another command that writes, as the audit log tells it.
public struct RecordedRun: Equatable, Sendable {
  public var id: String
  /// nil: it began before what was read of the log.
  public var command: String?
  public var startedAt: Instant?
  /// nil: the log tells no end, because the run goes on or was killed.
  public var finishedAt: Instant?
  /// The process exit code.
  public var exitCode: Int?
  /// What the log tells of it last.
  public var lastAt: Instant
  public var created = 0
  public var delivered = 0
  /// Orphans included.
  public var revoked = 0
  /// Refusals, unanswered requests, and what a store or a hook did not do.
  public var failures = 0

  public init(id: String, lastAt: Instant) {
    self.id = id
    self.lastAt = lastAt
  }
}
