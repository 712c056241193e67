/// Something that went wrong with one lineage, and how it ended: what a report tells of the past.
///
/// A failure that is met again before it has ended is the same incident, so that an outage of a day is one line and
/// not one for each run.
public struct Incident: Equatable, Sendable {
  public enum Kind: String, Sendable, CaseIterable {
    /// The cluster, or something on the way to it, refused to make a token.
    case creationRefused
    /// A creation was not answered.
    case creationUnanswered
    /// A run ended between a creation and what follows it.
    case interruption
    /// A token whose string was lost.
    case orphan
    case activation
    case delivery
    case hook
    case update
    case disable
    case enable
    case revocation
    /// The token in use was not on the cluster any more.
    case disappearance
    case rollback
    case relocation
  }

  /// How an incident ended.
  public enum Ending: String, Sendable, CaseIterable {
    /// The step was done later.
    case done
    /// A string that a store had was taken up again.
    case adopted
    /// The token whose string was lost was found and revoked.
    case orphanRevoked
    /// Another attempt made the token.
    case createdAnew
    /// Nothing ever came to light of the attempt.
    case neverSeen
    /// The token itself was given up or has come to its end.
    case tokenEnded
    /// It was refused, and nothing was changed.
    case leftAsItWas
  }

  public var kind: Kind
  /// Which token of the lineage; nil where none was made.
  public var generation: Int?
  /// The store, the hook or the attempt that it is about.
  public var subject: String?
  public var firstAt: Instant
  public var lastAt: Instant
  /// How often it was met.
  public var count = 1
  /// In words for people, as it was met last.
  public var reason: String
  /// nil: it goes on.
  public var ending: Ending?
  public var endedAt: Instant?

  public var isOpen: Bool { ending == nil }

  public init(
    _ kind: Kind, at firstAt: Instant, generation: Int? = nil, subject: String? = nil, reason: String = ""
  ) {
    self.kind = kind
    self.generation = generation
    self.subject = subject
    self.firstAt = firstAt
    lastAt = firstAt
    self.reason = reason
  }

  /// Those of a lineage, in the order in which they began.
  public static func all(in events: [TimedEvent]) -> [Incident] {
    var history = IncidentHistory()
    for timed in events { history.add(timed) }
    return history.incidents
  }
}

/// What is known of a lineage's incidents after some of its events.
private struct IncidentHistory {
  private(set) var incidents: [Incident] = []
  private var intendedAt: [AttemptID: Instant] = [:]

  mutating func add(_ timed: TimedEvent) {
    let now = timed.time
    switch timed.event {
    case .createIntended(_, let attempt, _, _): intendedAt[attempt] = now
    case .createRefused(_, let reason): meet(.creationRefused, now, reason: reason)
    case .createUnknown(let attempt, let reason):
      meet(.creationUnanswered, now, subject: attempt.text, reason: reason)
    case .createWatchEnded(let attempt): end(.neverSeen, now, [.creationUnanswered], subject: attempt.text)
    case .orphanFound(let attempt, _, let reason):
      if !isOpen([.creationUnanswered, .orphan], subject: attempt.text) {
        meet(.orphan, now, subject: attempt.text, reason: reason)
      }
    case .orphanRevokeRefused(let attempt, _, let reason), .orphanRevokeUnknown(let attempt, _, let reason):
      meet(.orphan, now, subject: attempt.text, reason: reason)
    case .orphanRevoked(let attempt, _):
      end(.orphanRevoked, now, [.creationUnanswered, .orphan], subject: attempt.text)
    case .tokenAdopted(let generation, let attempt, _, _, _, _): adopt(attempt, generation, now)
    case .storeStaged: end(.createdAnew, now, [.creationRefused, .creationUnanswered])
    default: addOfGeneration(timed.event, now)
    }
  }

  private mutating func addOfGeneration(_ event: Event, _ now: Instant) {
    switch event {
    case .activationTimedOut(let generation, _, let reason):
      meet(.activation, now, generation, reason: reason)
    case .activationConfirmed(let generation, _): end(.done, now, [.activation], generation)
    case .deliveryFailed(let generation, let store, let reason):
      meet(.delivery, now, generation, subject: store, reason: reason)
    case .storePromoted(_, let store), .storeRolledBack(_, let store), .storeWithdrawn(_, let store, _),
      .storeRelocated(let store):
      end(.done, now, [.delivery], subject: store)
    case .deliveryDone(let generation, _):
      end(.done, now, [.delivery, .hook], generation)
      end(.done, now, [.disappearance])
    case .hookFailed(let generation, let hook, let reason):
      meet(.hook, now, generation, subject: hook, reason: reason)
    case .hookDone(let generation, let hook): end(.done, now, [.hook], generation, subject: hook)
    case .hooksSettled(let generation): end(.leftAsItWas, now, [.hook], generation)
    case .tokenGone(let generation, let reason): meet(.disappearance, now, generation, reason: reason)
    case .rollbackDone: end(.done, now, [.disappearance])
    case .rollbackRefused(let generation, let reason):
      meet(.rollback, now, generation, reason: reason)
      end(.leftAsItWas, now, [.rollback], generation)
    case .relocationRefused(let reason):
      meet(.relocation, now, reason: reason)
      end(.leftAsItWas, now, [.relocation])
    default: addOfChange(event, now)
    }
  }

  private mutating func addOfChange(_ event: Event, _ now: Instant) {
    switch event {
    case .updateRefused(let generation, let reason), .updateUnknown(let generation, let reason):
      meet(.update, now, generation, reason: reason)
    case .updateDone(let generation): end(.done, now, [.update], generation)
    case .disableRefused(let generation, let reason), .disableUnknown(let generation, let reason):
      meet(.disable, now, generation, reason: reason)
    case .disableDone(let generation, _): end(.done, now, [.disable], generation)
    case .enableRefused(let generation, let reason), .enableUnknown(let generation, let reason):
      meet(.enable, now, generation, reason: reason)
    case .enableDone(let generation): end(.done, now, [.enable], generation)
    case .revokeRefused(let generation, let reason), .revokeUnknown(let generation, let reason):
      meet(.revocation, now, generation, reason: reason)
    case .revokeDone(let generation):
      end(.done, now, [.revocation], generation)
      end(.tokenEnded, now, [.activation, .delivery, .update, .disable, .enable], generation)
    case .tokenForgotten(let generation):
      end(.tokenEnded, now, Incident.Kind.allCases.filter { $0 != .orphan }, generation)
    default: break
    }
  }

  /// A string that nobody has told a failure of was found after an interruption.
  private mutating func adopt(_ attempt: AttemptID, _ generation: Int, _ now: Instant) {
    if isOpen([.creationUnanswered], subject: attempt.text) {
      end(.adopted, now, [.creationUnanswered], subject: attempt.text)
    } else {
      meet(.interruption, intendedAt[attempt] ?? now, generation, subject: attempt.text)
      end(.adopted, now, [.interruption], subject: attempt.text)
    }
    end(.createdAnew, now, [.creationRefused, .creationUnanswered])
  }

  private func isOpen(_ kinds: [Incident.Kind], subject: String) -> Bool {
    incidents.contains { $0.isOpen && kinds.contains($0.kind) && $0.subject == subject }
  }

  private mutating func meet(
    _ kind: Incident.Kind, _ now: Instant, _ generation: Int? = nil, subject: String? = nil,
    reason: String = ""
  ) {
    let known = incidents.lastIndex {
      $0.isOpen && $0.kind == kind && $0.generation == generation && $0.subject == subject
    }
    guard let known else {
      incidents.append(Incident(kind, at: now, generation: generation, subject: subject, reason: reason))
      return
    }
    incidents[known].lastAt = now
    incidents[known].count += 1
    incidents[known].reason = reason
  }

  /// nil stands for any generation, and for any subject.
  private mutating func end(
    _ ending: Incident.Ending, _ now: Instant, _ kinds: [Incident.Kind], _ generation: Int? = nil,
    subject: String? = nil
  ) {
    for index in incidents.indices where incidents[index].isOpen && kinds.contains(incidents[index].kind) {
      guard generation == nil || incidents[index].generation == generation,
        subject == nil || incidents[index].subject == subject
      else { continue }
      incidents[index].ending = ending
      incidents[index].endedAt = now
    }
  }
}
