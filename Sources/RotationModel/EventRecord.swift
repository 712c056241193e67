/// An event as flat fields, the form in which a ledger keeps it and the audit log shows it.
///
/// One mapping for both, so that a new event is written down in one place and no ledger needs to know what
/// an event means.
public struct EventRecord: Equatable, Sendable {
  /// The event's name in the audit log: `create.intended`, `store.staged`, …
  public var name: String
  public var generation: Int?
  public var attempt: String?
  public var tokenID: String?
  /// The store's name within the job.
  public var store: String?
  /// A deadline, an expiry or the beginning of refusals, by the event's name.
  public var instant: Instant?
  /// A span in milliseconds.
  public var milliseconds: Int64?
  /// A place of a store: pending, current or previous.
  public var place: String?
  /// What the token is stored under, where that is not its name.
  public var key: String?
  /// The hook's name within the job.
  public var hook: String?
  /// What a token was allowed, as `PermissionSet.text`.
  public var permissions: String?
  /// Why, in words for people.
  public var reason: String?

  public init(
    name: String, generation: Int? = nil, attempt: String? = nil, tokenID: String? = nil,
    store: String? = nil, instant: Instant? = nil, milliseconds: Int64? = nil, place: String? = nil,
    key: String? = nil, permissions: String? = nil, hook: String? = nil, reason: String? = nil
  ) {
    self.name = name
    self.generation = generation
    self.attempt = attempt
    self.tokenID = tokenID
    self.store = store
    self.instant = instant
    self.milliseconds = milliseconds
    self.place = place
    self.key = key
    self.permissions = permissions
    self.hook = hook
    self.reason = reason
  }
}

extension Event {
  /// The event as flat fields: one switch by what an event tells, so that none can be forgotten.
  public var record: EventRecord {
    switch self {
    case .createIntended(let generation, let attempt, let deadline, let key):
      EventRecord(name: name, generation: generation, attempt: attempt.text, instant: deadline, key: key)
    case .createDone(let attempt, let tokenID, let expiresAt):
      EventRecord(name: name, attempt: attempt.text, tokenID: tokenID, instant: expiresAt)
    case .createRefused(let attempt, let reason), .createUnknown(let attempt, let reason):
      EventRecord(name: name, attempt: attempt.text, reason: reason)
    case .createWatchEnded(let attempt): EventRecord(name: name, attempt: attempt.text)
    case .storeStaged(let generation, let attempt, let store, let key):
      EventRecord(name: name, generation: generation, attempt: attempt.text, store: store, key: key)
    case .tokenAdopted(let generation, let attempt, let tokenID, let place, let expiresAt, let key):
      EventRecord(
        name: name, generation: generation, attempt: attempt.text, tokenID: tokenID, instant: expiresAt,
        place: place.rawValue, key: key)
    case .orphanRevokeIntended(let attempt, let tokenID), .orphanRevoked(let attempt, let tokenID):
      EventRecord(name: name, attempt: attempt.text, tokenID: tokenID)
    case .orphanFound(let attempt, let tokenID, let reason),
      .orphanRevokeRefused(let attempt, let tokenID, let reason),
      .orphanRevokeUnknown(let attempt, let tokenID, let reason):
      EventRecord(name: name, attempt: attempt.text, tokenID: tokenID, reason: reason)
    case .activationConfirmed(let generation, let after):
      EventRecord(name: name, generation: generation, milliseconds: after.milliseconds)
    case .activationTimedOut(let generation, let refusedSince, let reason):
      EventRecord(name: name, generation: generation, instant: refusedSince, reason: reason)
    case .activationAccepted(let generation), .updateIntended(let generation), .updateDone(let generation),
      .enableIntended(let generation), .enableDone(let generation), .revokeDone(let generation),
      .revokeConfirmed(let generation), .rotationRequested(let generation, _),
      .rollbackRequested(let generation), .tokenForgotten(let generation):
      EventRecord(name: name, generation: generation)
    case .tokenGone(let generation, let reason), .updateRefused(let generation, let reason),
      .updateUnknown(let generation, let reason), .disableRefused(let generation, let reason),
      .disableUnknown(let generation, let reason), .enableRefused(let generation, let reason),
      .enableUnknown(let generation, let reason), .revokeIntended(let generation, let reason),
      .revokeRefused(let generation, let reason), .revokeUnknown(let generation, let reason),
      .rollbackRefused(let generation, let reason):
      EventRecord(name: name, generation: generation, reason: reason)
    case .storePromoted(let generation, let store), .storeRolledBack(let generation, let store):
      EventRecord(name: name, generation: generation, store: store)
    case .deliveryFailed(let generation, let store, let reason):
      EventRecord(name: name, generation: generation, store: store, reason: reason)
    case .deliveryDone(let generation, let at), .disableDone(let generation, let at),
      .rollbackDone(let generation, let at):
      EventRecord(name: name, generation: generation, instant: at)
    case .hookDone(let generation, let hook):
      EventRecord(name: name, generation: generation, hook: hook)
    case .hookFailed(let generation, let hook, let reason):
      EventRecord(name: name, generation: generation, hook: hook, reason: reason)
    case .hooksOwed(let generation), .hooksSettled(let generation), .secretShown(let generation):
      EventRecord(name: name, generation: generation)
    case .tokenTakenOver(let tokenID, let expiresAt):
      EventRecord(name: name, generation: 0, tokenID: tokenID, instant: expiresAt)
    case .disableIntended(let generation, let permissions, let at):
      EventRecord(name: name, generation: generation, instant: at, permissions: permissions.text)
    case .storeWithdrawn(let generation, let store, let at):
      EventRecord(name: name, generation: generation, store: store, instant: at)
    case .lineageHeld, .lineageReleased, .retirementRequested: EventRecord(name: name)
    case .lineageRenamed(let from), .clusterChanged(let from): EventRecord(name: name, key: from)
    case .storeRelocated(let store): EventRecord(name: name, store: store)
    case .relocationIntended(let key), .relocationDone(let key): EventRecord(name: name, key: key)
    case .relocationRefused(let reason): EventRecord(name: name, reason: reason)
    }
  }

  /// Reads an event back; nil when the name is not known or a field that the event needs is missing, as
  /// in a ledger written by a newer program.
  public init?(record: EventRecord) {
    let event =
      Event.attemptEvent(record) ?? Event.generationEvent(record) ?? Event.changeEvent(record)
      ?? Event.wishEvent(record)
    guard let event else { return nil }
    self = event
  }

  private static func attemptEvent(_ record: EventRecord) -> Event? {
    guard let attempt = record.attempt.flatMap({ AttemptID($0) }) else { return nil }
    let reason = record.reason ?? ""
    switch record.name {
    case "create.refused": return .createRefused(attempt: attempt, reason: reason)
    case "create.unknown": return .createUnknown(attempt: attempt, reason: reason)
    case "create.watch_ended": return .createWatchEnded(attempt: attempt)
    case "create.intended":
      guard let generation = record.generation, let deadline = record.instant else { return nil }
      return .createIntended(
        generation: generation, attempt: attempt, deadline: deadline, key: record.key)
    case "store.staged":
      guard let generation = record.generation, let store = record.store else { return nil }
      return .storeStaged(
        generation: generation, attempt: attempt, store: store, key: record.key)
    default: break
    }
    guard let tokenID = record.tokenID else { return nil }
    switch record.name {
    case "create.done":
      return .createDone(attempt: attempt, tokenID: tokenID, expiresAt: record.instant)
    case "token.adopted":
      guard let generation = record.generation,
        let place = record.place.flatMap({ Place(rawValue: $0) })
      else { return nil }
      return .tokenAdopted(
        generation: generation, attempt: attempt, tokenID: tokenID, place: place,
        expiresAt: record.instant, key: record.key)
    case "orphan.found": return .orphanFound(attempt: attempt, tokenID: tokenID, reason: reason)
    case "orphan.revoke_intended": return .orphanRevokeIntended(attempt: attempt, tokenID: tokenID)
    case "orphan.revoked": return .orphanRevoked(attempt: attempt, tokenID: tokenID)
    case "orphan.revoke_refused":
      return .orphanRevokeRefused(attempt: attempt, tokenID: tokenID, reason: reason)
    case "orphan.revoke_unknown":
      return .orphanRevokeUnknown(attempt: attempt, tokenID: tokenID, reason: reason)
    default: return nil
    }
  }

  private static func generationEvent(_ record: EventRecord) -> Event? {
    guard let generation = record.generation else { return nil }
    let reason = record.reason ?? ""
    switch record.name {
    case "activation.confirmed":
      guard let milliseconds = record.milliseconds else { return nil }
      return .activationConfirmed(generation: generation, after: .milliseconds(milliseconds))
    case "secret.shown": return .secretShown(generation: generation)
    case "activation.accepted": return .activationAccepted(generation: generation)
    case "activation.timed_out":
      return .activationTimedOut(
        generation: generation, refusedSince: record.instant, reason: reason)
    case "store.promoted":
      guard let store = record.store else { return nil }
      return .storePromoted(generation: generation, store: store)
    case "delivery.failed":
      guard let store = record.store else { return nil }
      return .deliveryFailed(generation: generation, store: store, reason: reason)
    case "delivery.done":
      guard let at = record.instant else { return nil }
      return .deliveryDone(generation: generation, at: at)
    case "hook.done":
      guard let hook = record.hook else { return nil }
      return .hookDone(generation: generation, hook: hook)
    case "hook.failed":
      guard let hook = record.hook else { return nil }
      return .hookFailed(generation: generation, hook: hook, reason: reason)
    case "hooks.owed": return .hooksOwed(generation: generation)
    case "hooks.settled": return .hooksSettled(generation: generation)
    default: return nil
    }
  }
}
