/// What happened, or was about to happen, to one lineage. The ledger holds these in order; replayed through
/// `RotationMachine.apply` they give its state. Every event is also a line of the audit log, under the same
/// name.
public enum Event: Equatable, Sendable {
  /// A POST is about to be sent. Nothing that the cluster does for this attempt is expected after `deadline`.
  /// `key` is what its string will be stored under, where that is not the lineage's name.
  case createIntended(generation: Int, attempt: AttemptID, deadline: Instant, key: String? = nil)
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

  /// The string was handed to the person who asked for the token, and to nobody else: what becomes of it is that
  /// person's business. The stores have it for a moment still.
  case secretShown(generation: Int)

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
  /// Every store has the generation. `at` is the cluster's time, from which the overlap is counted.
  case deliveryDone(generation: Int, at: Instant)

  /// A hook was told of the generation, and said that it has done its work: it is not told again.
  case hookDone(generation: Int, hook: String)
  /// It was told, and failed, or did not end in time.
  case hookFailed(generation: Int, hook: String, reason: String)
  /// The generation was delivered once and is gone: those who wait for that have to be told.
  case hooksOwed(generation: Int)
  /// None of the job is left to be told.
  case hooksSettled(generation: Int)

  /// The point of no return: such a generation is never current again.
  case revokeIntended(generation: Int, reason: String)
  case revokeDone(generation: Int)
  case revokeRefused(generation: Int, reason: String)
  case revokeUnknown(generation: Int, reason: String)
  /// The cluster was asked until it refused the revoked token's string, or showed that the token is gone.
  case revokeConfirmed(generation: Int)

  /// A token that somebody made by hand becomes the lineage's first generation, number 0: its string was never
  /// ours, and it is retired like any predecessor.
  case tokenTakenOver(tokenID: String, expiresAt: Instant?)
  /// The cluster no longer has the incumbent, by our doing or not; it was replaced by nothing yet.
  case tokenGone(generation: Int, reason: String)
  /// The description on the cluster is about to be made that of the row.
  case updateIntended(generation: Int)
  case updateDone(generation: Int)
  case updateRefused(generation: Int, reason: String)
  case updateUnknown(generation: Int, reason: String)
  /// The token is about to lose all its permissions, which were these. Sent once: while its effect is in doubt
  /// no other is sent, because it might land after the permissions were given back.
  /// `at` is the cluster's time.
  case disableIntended(generation: Int, permissions: PermissionSet, at: Instant)
  /// The disable was seen, by its answer or by asking. `at` is the cluster's time.
  case disableDone(generation: Int, at: Instant)
  case disableRefused(generation: Int, reason: String)
  case disableUnknown(generation: Int, reason: String)
  /// The permissions that the token had before are about to be given back.
  case enableIntended(generation: Int)
  case enableDone(generation: Int)
  case enableRefused(generation: Int, reason: String)
  case enableUnknown(generation: Int, reason: String)

  /// A person wants the tokens up to this generation replaced now; `compromised`: without an overlap.
  case rotationRequested(generation: Int, compromised: Bool)
  case lineageHeld
  case lineageReleased
  /// A person wants the previous generation back.
  case rollbackRequested(generation: Int)
  /// The store calls the previous generation current again.
  case storeRolledBack(generation: Int, store: String)
  /// Every store has the previous generation again; the newer one is retired, and the lineage is held.
  /// `at` is the cluster's time.
  case rollbackDone(generation: Int, at: Instant)
  /// The rollback is given up; no store was changed.
  case rollbackRefused(generation: Int, reason: String)
  /// A person wants the lineage to end; `now`: without an overlap.
  case retirementRequested(now: Bool)
  /// The store calls no token of this name current any more. `at` is the cluster's time.
  case storeWithdrawn(generation: Int, store: String, at: Instant)
  /// The row's name changed; `from` is what it was. The stores still have the tokens under the old name.
  case lineageRenamed(from: String)
  /// They are about to be put under this key, in every store; nil: the lineage's name. Whatever the row says later,
  /// the stores agree on one place. Ledgers of earlier versions do not have it.
  case relocationIntended(key: String?)
  /// The place was somebody else's already; no store was changed.
  case relocationRefused(reason: String)
  /// The store has the lineage's tokens under their new name.
  case storeRelocated(store: String)
  /// Every store has them under this key; nil: the lineage's name.
  case relocationDone(key: String?)
  /// The job was moved to another cluster: what was made before is not looked after any more.
  case clusterChanged(from: String)
  /// Nobody looks after the token any more: it belongs to a cluster that the job has left, and the stores have lost
  /// its string; or it was made by hand, and a person has taken it out of the row.
  case tokenForgotten(generation: Int)

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
