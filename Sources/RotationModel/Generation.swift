/// One token of a lineage whose string was staged, or that a person had made before: from there to its end.
public struct Generation: Equatable, Sendable {
  /// 1 for the first token that was made for the lineage, 0 for one that it took over.
  public let number: Int
  /// nil: somebody else made it, and its string was never ours.
  public let attempt: AttemptID?
  public let tokenID: String
  public let expiresAt: Instant?
  public let stagedAt: Instant
  /// What the token is stored under; nil: its name.
  public internal(set) var key: String?
  public internal(set) var phase: Phase
  /// The stores that call this generation current.
  public internal(set) var promotedIn: Set<String> = []
  /// The stores that have failed to make it current since they last did, and why.
  public internal(set) var failedStores: [String: String] = [:]
  /// The hooks that were told of it as it is now and have done their work.
  public internal(set) var hooksDone: Set<String> = []
  /// Whether those that are to be told of its end were not told yet, or not all of them.
  public internal(set) var owesHooks = false
  /// Whether hooks may not have been told of it although its delivery is on record as complete: a rollback that was to
  /// take it back was given up.
  public internal(set) var mayBeUntold = false
  /// When the cluster's refusals began that no acceptance has interrupted, outages aside.
  public internal(set) var refusedSince: Instant?
  /// Whether the run that last gave up waiting was refused, rather than unable to ask.
  public internal(set) var lastWaitEndedInRefusal = false
  /// Whether its string was handed to the person who had asked for it.
  public internal(set) var wasShown = false
  /// From staging to confirmation.
  public internal(set) var activationTook: Duration?
  public internal(set) var deliveredAt: Instant?
  /// When it ceased to be the current one everywhere, by the cluster's clock: the overlap's beginning.
  public internal(set) var supersededAt: Instant?
  /// When it was disabled, by the cluster's clock: the quarantine's beginning. At first the intent's time, then that
  /// at which it was seen without permissions.
  public internal(set) var disabledAt: Instant?
  /// What it was allowed before it was disabled.
  public internal(set) var permissionsBefore: PermissionSet?
  /// Whether a request that gives its permissions back was not answered.
  public internal(set) var mayBeEnabled = false
  /// Whether the cluster accepted it again, for the rollback under way.
  public internal(set) var isVerifiedAgain = false
  /// Whether the cluster was seen to refuse it after its revocation, as far as anybody has to ask.
  public internal(set) var isConfirmedGone = false

  /// Whether it went missing while it was current, so that the stores still have its string in that place.
  var isReplacedByNothing = false
  /// Of one that was left behind: whether the stores have its string as the current one.
  public internal(set) var holdsCurrentPlace = false

  /// The phases that survive a run. What ARCHITECTURE calls activating is `staged` with a schedule of
  /// probes, which lives in the run only.
  public enum Phase: String, Equatable, Sendable, CaseIterable {
    /// The string is durable in the pending place; the cluster may not know the token yet.
    /// Leaves to: active, revoking, left behind (shown).
    case staged
    /// Confirmed; no store is known to call it current yet. Leaves to: delivering.
    case active
    /// Current in some stores, not in all. Leaves to: current.
    case delivering
    /// Current in every store, or taken over and in use wherever it is. Leaves to: superseded, revoked (elsewhere).
    case current
    /// No store calls it current; it works until its overlap has passed.
    /// Leaves to: disabling, revoking, current (rolled back).
    case superseded
    /// It is losing its permissions, or nobody knows whether it has lost them.
    /// Leaves to: disabled, superseded (refused), revoking.
    case disabling
    /// It has no permissions. Leaves to: enabling, revoking.
    case disabled
    /// It is getting its permissions back. Leaves to: superseded, disabled (refused).
    case enabling
    /// The point of no return is passed. Leaves to: revoked.
    case revoking
    /// The cluster was told to end it, and said so. Leaves to: left behind, while it is not confirmed.
    case revoked
    /// It belongs to a cluster that the job has left, or to a person who took it out of the row or was shown its
    /// string. Final.
    case leftBehind = "left behind"
  }

  /// Whether every store had it, or it was in use before us: such a token is retired, others are given up.
  public var wasDelivered: Bool { deliveredAt != nil || attempt == nil }

  /// Whether the cluster may still accept it, as far as the ledger knows.
  public var isLive: Bool {
    switch phase {
    case .staged, .active, .delivering, .current, .superseded, .disabling, .disabled, .enabling, .revoking:
      true
    case .revoked, .leftBehind: false
    }
  }
}
