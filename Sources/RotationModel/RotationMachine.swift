/// The life of one lineage as a pure state machine: events go in, the next action comes out.
///
/// Replaying a ledger and living through a run use the same `apply`, so what recovery sees is what the run
/// meant. The machine does no I/O, reads no clock and decides everything.
public struct RotationMachine: Equatable, Sendable {
  /// In the order in which they were intended.
  public private(set) var attempts: [Attempt] = []
  /// In the order in which they were staged.
  public private(set) var generations: [Generation] = []

  public init() {}

  /// The machine after the events of a ledger.
  public init(replaying events: [TimedEvent]) throws(IllegalEvent) {
    for event in events { try apply(event) }
  }

  /// The generation with this number.
  public func generation(_ number: Int) -> Generation? {
    generations.last { $0.number == number }
  }

  /// The generation that the stores call current, all of them.
  public var incumbent: Generation? {
    generations.last { $0.phase == .current }
  }

  /// The generation that is on its way to be current, or that is given up on the way.
  public var successor: Generation? {
    generations.last.flatMap { $0.phase == .current || $0.phase == .revoked ? nil : $0 }
  }

  /// The generation that the lineage is about: the successor while there is one, else the incumbent.
  public var newest: Generation? { successor ?? incumbent }

  /// What the next created token's generation would be.
  public var nextGeneration: Int { (generations.last?.number ?? 0) + 1 }

  /// Records what happened. Throws, changing nothing, when it cannot have happened in this state: a
  /// damaged ledger or a fault of ours, and in both cases nothing more may be done with the lineage.
  public mutating func apply(_ timed: TimedEvent) throws(IllegalEvent) {
    let time = timed.time
    switch timed.event {
    case .createIntended(let generation, let attempt, let deadline):
      guard generation == nextGeneration, newest == nil, index(of: attempt) == nil,
        !attempts.contains(where: \.isOpen)
      else { throw illegal(timed) }
      for index in attempts.indices where attempts[index].wasUnknown {
        attempts[index].wasSearched = true
      }
      attempts.append(
        Attempt(
          id: attempt, generation: generation, intendedAt: time, deadline: deadline, state: .inFlight))
    case .createDone(let attempt, let tokenID, let expiresAt):
      let index = try attemptIndex(attempt, in: [.inFlight], timed)
      attempts[index].state = .answered(tokenID: tokenID, expiresAt: expiresAt)
    case .createRefused(let attempt, _):
      let index = try attemptIndex(attempt, in: [.inFlight], timed)
      attempts[index].state = .refused
    case .createUnknown(let attempt, _):
      let index = try attemptIndex(attempt, in: [.inFlight], timed)
      attempts[index].state = .unknown
      attempts[index].wasUnknown = true
    case .createWatchEnded(let attempt):
      let index = try attemptIndex(attempt, in: [.unknown], timed)
      attempts[index].state = .closed

    case .storeStaged(let generation, let attempt, _, let key):
      guard let index = index(of: attempt), generation == nextGeneration, newest == nil,
        case .answered(let tokenID, let expiresAt) = attempts[index].state
      else { throw illegal(timed) }
      attempts[index].state = .kept(tokenID: tokenID)
      generations.append(
        Generation(
          number: generation, attempt: attempt, tokenID: tokenID, expiresAt: expiresAt,
          stagedAt: time, key: key, phase: .staged))
    case .tokenAdopted(let generation, let attempt, let tokenID, let place, let expiresAt, let key):
      try adopt(
        Generation(
          number: generation, attempt: attempt, tokenID: tokenID, expiresAt: expiresAt,
          stagedAt: time, key: key, phase: place == .pending ? .staged : .active), timed)

    case .orphanFound(let attempt, let tokenID, _):
      guard let index = index(of: attempt), attempts[index].mayHaveOrphan(tokenID)
      else { throw illegal(timed) }
      attempts[index].noteOrphan(tokenID, .found)
      switch attempts[index].state {
      case .answered, .unknown, .closed: attempts[index].state = .lost
      case .inFlight, .refused, .kept, .lost: break
      }
    case .orphanRevokeIntended(let attempt, let tokenID):
      try setOrphan(tokenID, of: attempt, from: [.found, .revoking], to: .revoking, timed)
    case .orphanRevoked(let attempt, let tokenID):
      try setOrphan(tokenID, of: attempt, from: [.found, .revoking], to: .revoked, timed)
      if let index = index(of: attempt) { attempts[index].noteOrphan(tokenID, .revoked, at: time) }
    case .orphanRevokeRefused(let attempt, let tokenID, _),
      .orphanRevokeUnknown(let attempt, let tokenID, _):
      try setOrphan(tokenID, of: attempt, from: [.revoking], to: .found, timed)

    case .activationConfirmed(let generation, let after):
      let index = try generationIndex(generation, in: [.staged], timed)
      generations[index].phase = .active
      generations[index].activationTook = after
      generations[index].refusedSince = nil
    case .activationAccepted(let generation):
      let index = try generationIndex(generation, in: [.staged], timed)
      generations[index].refusedSince = nil
      generations[index].lastWaitEndedInRefusal = false
    case .activationTimedOut(let generation, let refusedSince, _):
      let index = try generationIndex(generation, in: [.staged], timed)
      generations[index].refusedSince = refusedSince ?? generations[index].refusedSince
      generations[index].lastWaitEndedInRefusal = refusedSince != nil
    case .storePromoted(let generation, let store):
      let index = try generationIndex(generation, in: [.active, .delivering, .current], timed)
      generations[index].promotedIn.insert(store)
      if generations[index].phase == .active { generations[index].phase = .delivering }
    case .deliveryFailed(let generation, _, _):
      _ = try generationIndex(generation, in: [.active, .delivering, .current], timed)
    case .deliveryDone(let generation):
      let index = try generationIndex(generation, in: [.delivering, .current], timed)
      generations[index].phase = .current
      generations[index].deliveredAt = time

    case .revokeIntended(let generation, _):
      let index = try generationIndex(generation, in: [.staged, .active, .revoking], timed)
      generations[index].phase = .revoking
    case .revokeDone(let generation):
      let index = try generationIndex(generation, in: [.revoking], timed)
      generations[index].phase = .revoked
      // Should a listing show the token again, it is an orphan like any other.
      if let attempt = self.index(of: generations[index].attempt) {
        attempts[attempt].state = .lost
        attempts[attempt].noteOrphan(generations[index].tokenID, .revoked, at: time)
      }
    case .revokeRefused(let generation, _), .revokeUnknown(let generation, _):
      _ = try generationIndex(generation, in: [.revoking], timed)
    }
  }

  /// An adopted token belongs to an attempt of this ledger that has no token yet, or, when a ledger is
  /// rebuilt, to an attempt that it has never seen; never to another than the one that is open.
  private mutating func adopt(_ generation: Generation, _ timed: TimedEvent) throws(IllegalEvent) {
    guard newest == nil, generation.number >= nextGeneration,
      attempts.allSatisfy({ !$0.isOpen || $0.id == generation.attempt })
    else { throw illegal(timed) }
    if let index = index(of: generation.attempt) {
      switch attempts[index].state {
      case .inFlight, .answered, .unknown: break
      case .refused, .kept, .lost, .closed: throw illegal(timed)
      }
      attempts[index].state = .kept(tokenID: generation.tokenID)
    } else {
      attempts.append(
        Attempt(
          id: generation.attempt, generation: generation.number, intendedAt: timed.time,
          deadline: timed.time, state: .kept(tokenID: generation.tokenID)))
    }
    generations.append(generation)
  }

  private func index(of attempt: AttemptID) -> Int? {
    attempts.lastIndex { $0.id == attempt }
  }

  private func attemptIndex(
    _ attempt: AttemptID, in states: [Attempt.State], _ timed: TimedEvent
  ) throws(IllegalEvent) -> Int {
    guard let index = index(of: attempt), states.contains(attempts[index].state)
    else { throw illegal(timed) }
    return index
  }

  private func generationIndex(
    _ number: Int, in phases: [Generation.Phase], _ timed: TimedEvent
  ) throws(IllegalEvent) -> Int {
    guard let index = generations.lastIndex(where: { $0.number == number }),
      phases.contains(generations[index].phase)
    else { throw illegal(timed) }
    return index
  }

  private mutating func setOrphan(
    _ tokenID: String, of attempt: AttemptID, from states: [Attempt.Orphan.State],
    to state: Attempt.Orphan.State, _ timed: TimedEvent
  ) throws(IllegalEvent) {
    guard let index = index(of: attempt),
      let orphan = attempts[index].orphans.firstIndex(where: { $0.tokenID == tokenID }),
      states.contains(attempts[index].orphans[orphan].state)
    else { throw illegal(timed) }
    attempts[index].orphans[orphan].state = state
  }

  private func illegal(_ timed: TimedEvent) -> IllegalEvent {
    IllegalEvent(event: timed.event.record.name, time: timed.time, status: status)
  }
}

/// An event that cannot have happened in the state it was applied to.
public struct IllegalEvent: Error, Equatable, Sendable {
  /// The event's name in the audit log.
  public var event: String
  public var time: Instant
  /// What the lineage's status was.
  public var status: LineageStatus
}

extension Attempt {
  /// Whether this token can come to light as an orphan now. While the attempt is open only its own answer
  /// can, when the string turns out to be of no use: recovery comes before any other judgement.
  fileprivate func mayHaveOrphan(_ tokenID: String) -> Bool {
    guard !orphans.contains(where: { $0.tokenID == tokenID && $0.state != .revoked })
    else { return false }
    switch state {
    case .inFlight: return false
    case .answered(let answered, _): return answered == tokenID
    case .kept(let kept): return kept != tokenID
    case .refused, .unknown, .lost, .closed: return true
    }
  }

  fileprivate mutating func noteOrphan(
    _ tokenID: String, _ state: Orphan.State, at revokedAt: Instant? = nil
  ) {
    if let index = orphans.firstIndex(where: { $0.tokenID == tokenID }) {
      orphans[index].state = state
      orphans[index].revokedAt = revokedAt ?? orphans[index].revokedAt
    } else {
      orphans.append(Orphan(tokenID: tokenID, state: state, revokedAt: revokedAt))
    }
  }

  /// Whether an answer is still to come, or was taken without being put away.
  var isOpen: Bool {
    switch state {
    case .inFlight, .answered: true
    case .refused, .unknown, .kept, .lost, .closed: false
    }
  }
}
