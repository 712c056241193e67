/// What happened, or was about to happen, to one lineage. The ledger holds these in order; replayed through
/// `RotationMachine.apply` they give its state. Every event is also a line of the audit log, under the same
/// name.
public enum Event: Equatable, Sendable {
  /// A POST is about to be sent. Nothing that the cluster does for this attempt is expected after `deadline`.
  case createIntended(generation: Int, attempt: AttemptID, deadline: Instant)
  /// The cluster answered with a token; its string is in memory only.
  case createDone(attempt: AttemptID, tokenID: String, expiresAt: Instant?)
  /// The cluster certainly made nothing, by a definite refusal or because nothing was sent.
  case createRefused(attempt: AttemptID, reason: String)
  /// Nobody knows whether the cluster made a token. The attempt is never sent again and stays on watch.
  case createUnknown(attempt: AttemptID, reason: String)
  /// An unknown attempt was looked for during its whole watch and never seen.
  case createWatchEnded(attempt: AttemptID)

  /// The string is durable in the store's pending place. `key` is what the token is stored under, where
  /// that is not its name.
  case storeStaged(generation: Int, attempt: AttemptID, store: String, key: String? = nil)
  /// A string that an earlier run had staged, or a store holds as current, belongs to this attempt.
  case tokenAdopted(
    generation: Int, attempt: AttemptID, tokenID: String, place: Place, expiresAt: Instant?,
    key: String? = nil)

  /// A token on the cluster carries the attempt's marker, and its string is lost or unusable.
  case orphanFound(attempt: AttemptID, tokenID: String, reason: String)
  case orphanRevokeIntended(attempt: AttemptID, tokenID: String)
  case orphanRevoked(attempt: AttemptID, tokenID: String)
  case orphanRevokeRefused(attempt: AttemptID, tokenID: String, reason: String)
  case orphanRevokeUnknown(attempt: AttemptID, tokenID: String, reason: String)

  /// The cluster accepted the token often enough, for long enough. `after` counts from the staging.
  case activationConfirmed(generation: Int, after: Duration)
  /// A node accepted the token, though not often enough yet: refusals before this no longer count.
  case activationAccepted(generation: Int)
  /// One run's patience ended. `refusedSince` is the first refusal of an unbroken row of refusals, which
  /// may have begun in an earlier run; nil when the cluster could not be asked.
  case activationTimedOut(generation: Int, refusedSince: Instant?, reason: String)

  /// The store calls this generation current.
  case storePromoted(generation: Int, store: String)
  case deliveryFailed(generation: Int, store: String, reason: String)
  /// Every store has the generation.
  case deliveryDone(generation: Int)

  /// The point of no return: such a generation is never current again.
  case revokeIntended(generation: Int, reason: String)
  case revokeDone(generation: Int)
  case revokeRefused(generation: Int, reason: String)
  case revokeUnknown(generation: Int, reason: String)

  /// The places in which a store keeps a token.
  public enum Place: String, Sendable, CaseIterable {
    case pending
    case current
    case previous
  }
}

/// An event with the time at which it was recorded.
public struct TimedEvent: Equatable, Sendable {
  public var time: Instant
  public var event: Event

  public init(_ event: Event, at time: Instant) {
    self.time = time
    self.event = event
  }
}
