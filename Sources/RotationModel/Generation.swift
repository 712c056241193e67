/// One token of a lineage whose string was staged: from there to its end.
public struct Generation: Equatable, Sendable {
  /// 1 for a lineage's first token.
  public let number: Int
  public let attempt: AttemptID
  public let tokenID: String
  public let expiresAt: Instant?
  public let stagedAt: Instant
  /// What the token is stored under; nil: its name.
  public let key: String?
  public internal(set) var phase: Phase
  /// The stores that call this generation current.
  public internal(set) var promotedIn: Set<String> = []
  /// When the cluster's refusals began that no acceptance has interrupted, outages aside.
  public internal(set) var refusedSince: Instant?
  /// Whether the run that last gave up waiting was refused, rather than unable to ask.
  public internal(set) var lastWaitEndedInRefusal = false
  /// From staging to confirmation.
  public internal(set) var activationTook: Duration?
  public internal(set) var deliveredAt: Instant?

  /// The phases that survive a run. What ARCHITECTURE calls activating is `staged` with a schedule of
  /// probes, which lives in the run only.
  public enum Phase: String, Equatable, Sendable, CaseIterable {
    /// The string is durable in the pending place; the cluster may not know the token yet.
    /// Leaves to: active, revoking.
    case staged
    /// Confirmed; no store calls it current yet. Leaves to: delivering, revoking.
    case active
    /// Current in some stores, not in all. Leaves to: current.
    case delivering
    /// Current in every store. Leaves to: superseded, by rotation.
    case current
    /// The point of no return is passed. Leaves to: revoked.
    case revoking
    /// Final.
    case revoked
  }
}
