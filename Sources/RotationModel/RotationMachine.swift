/// The life of one lineage as a pure state machine: events go in, the next action comes out.
///
/// Replaying a ledger and living through a run use the same `apply`, so what recovery sees is what the run
/// meant. The machine does no I/O, reads no clock and decides everything. What becomes of a token that was
/// delivered is in `RotationMachine+Retirement.swift`.
public struct RotationMachine: Equatable, Sendable {
  /// In the order in which they were intended.
  public internal(set) var attempts: [Attempt] = []
  /// By number.
  public internal(set) var generations: [Generation] = []
  /// What people have asked for and what is not done yet.
  public internal(set) var wishes = Wishes()

  public init() {}

  /// The machine after the events of a ledger.
  public init(replaying events: [TimedEvent]) throws(IllegalEvent) {
    for event in events { try apply(event) }
  }

  /// The generation with this number.
  public func generation(_ number: Int) -> Generation? {
    generations.last { $0.number == number }
  }

  /// The generation whose token this is, while the cluster may accept it.
  public func liveGeneration(ofToken tokenID: String) -> Generation? {
    generations.last { $0.tokenID == tokenID && $0.isLive }
  }

  /// Whether anything of it is to be done yet, or to be looked for: for a lineage that nobody asks for any more.
  public var isUnfinished: Bool {
    attempts.contains { $0.isOpen || $0.state == .unknown || $0.orphans.contains { $0.state != .revoked } }
      || generations.contains { $0.isLive || $0.phase == .leftBehind && !$0.isConfirmedGone }
  }

  /// The generation that the stores call current, all of them; or the one that was taken over, until the
  /// first of ours is delivered.
  public var incumbent: Generation? {
    generations.last { $0.phase == .current }
  }

  /// The generation that is on its way to be current, or that is given up on the way.
  public var successor: Generation? {
    generations.last { generation in
      switch generation.phase {
      case .staged, .active, .delivering: true
      case .revoking: !generation.wasDelivered
      case .current, .superseded, .disabling, .disabled, .enabling, .revoked, .leftBehind: false
      }
    }
  }

  /// The generation that was current once and is on its way out.
  public var predecessor: Generation? { outgoing.first }

  /// The predecessor, and those beside it of which only the string is still there: they went missing, or were left
  /// behind. What the stores call current comes last.
  var outgoing: [Generation] {
    let outgoing = generations.filter(\.isOnItsWayOut)
    return outgoing.filter { !$0.holdsCurrentPlace } + outgoing.filter(\.holdsCurrentPlace)
  }

  /// The generation that the lineage is about: the successor while there is one, else the incumbent.
  public var newest: Generation? { successor ?? incumbent }

  /// The generation that the cluster is asked about: one on its way to be current, for the first time or again.
  public var probed: Generation? { rollbackTarget ?? successor }

  /// What the next created token's generation would be.
  public var nextGeneration: Int { (generations.last?.number ?? 0) + 1 }

  /// Records what happened. Throws, changing nothing, when it cannot have happened in this state: a
  /// damaged ledger or a fault of ours, and in both cases nothing more may be done with the lineage.
  public mutating func apply(_ timed: TimedEvent) throws(IllegalEvent) {
    let time = timed.time
    switch timed.event {
    case .createIntended(let generation, let attempt, let deadline, let key):
      guard generation == nextGeneration, mayCreate, index(of: attempt) == nil else { throw illegal(timed) }
      for index in attempts.indices where attempts[index].wasUnknown {
        attempts[index].wasSearched = true
      }
      if newest == nil { wishes.retirement = nil }
      attempts.append(
        Attempt(
          id: attempt, generation: generation, intendedAt: time, deadline: deadline, key: key,
          state: .inFlight))
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
      guard let index = index(of: attempt), generation == nextGeneration, successor == nil,
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
          stagedAt: time, key: key, phase: place.phaseOfAdopted), attempt, timed)

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
    case .orphanRevokeRefused(let attempt, let tokenID, _):
      try setOrphan(tokenID, of: attempt, from: [.revoking], to: .found, timed)
      // Certainly not done: that it is not shown says nothing.
      if let index = index(of: attempt),
        let orphan = attempts[index].orphans.firstIndex(where: { $0.tokenID == tokenID })
      {
        attempts[index].orphans[orphan].wasToBeRevoked = false
      }
    case .orphanRevokeUnknown(let attempt, let tokenID, _):
      try setOrphan(tokenID, of: attempt, from: [.revoking], to: .found, timed)

    case .secretShown(let generation):
      let index = try generationIndex(generation, in: [.staged], timed)
      generations[index].phase = .leftBehind
      generations[index].wasShown = true
    case .activationConfirmed(let generation, let after):
      try confirmActivation(of: generation, after: after, timed)
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
      generations[index].failedStores[store] = nil
      if generations[index].phase == .active { generations[index].phase = .delivering }
    case .deliveryFailed(let generation, let store, let reason):
      let index = try generationIndex(generation, in: [.active, .delivering, .current, .superseded], timed)
      generations[index].failedStores[store] = reason
    case .deliveryDone(let generation, let at):
      let index = try generationIndex(generation, in: [.delivering, .current], timed)
      for old in generations.indices where generations[old].number != generation {
        generations[old].isReplacedByNothing = false
        generations[old].holdsCurrentPlace = false
        switch generations[old].phase {
        case .current: generations[old].supersede(at: at)
        // Its successor never came, so that its overlap begins with this one.
        case .superseded: generations[old].supersededAt = at
        case .revoked: generations[old].promotedIn = []
        case .staged, .active, .delivering, .disabling, .disabled, .enabling, .revoking, .leftBehind: break
        }
      }
      generations[index].phase = .current
      generations[index].failedStores = [:]
      generations[index].deliveredAt = at

    case .hookDone, .hookFailed, .hooksOwed, .hooksSettled:
      try applyHook(timed)
    case .tokenTakenOver, .tokenGone, .updateIntended, .updateDone, .updateRefused, .updateUnknown,
      .disableIntended,
      .disableDone, .disableRefused, .disableUnknown, .enableIntended, .enableDone, .enableRefused,
      .enableUnknown, .revokeIntended, .revokeDone, .revokeRefused, .revokeUnknown, .revokeConfirmed:
      try applyChange(timed)
    case .rotationRequested, .lineageHeld, .lineageReleased, .rollbackRequested, .storeRolledBack,
      .rollbackDone, .rollbackRefused, .retirementRequested, .storeWithdrawn, .lineageRenamed,
      .relocationIntended, .relocationRefused, .storeRelocated, .relocationDone, .clusterChanged,
      .tokenForgotten:
      try applyWish(timed)
    }
  }

  /// Whether another token may be made: beside the one in use there may be one more at most.
  public var mayCreate: Bool {
    successor == nil && !attempts.contains(where: \.isOpen) && wishes.rollbackTarget == nil
      && (incumbent == nil || predecessor == nil) && !wasShown
  }

  /// Whether the lineage's token was made for a person, who has it: it makes no other.
  public var wasShown: Bool { generations.contains(where: \.wasShown) }

  /// An adopted token belongs to an attempt of this ledger that has no token yet, or, when a ledger is
  /// rebuilt, to an attempt that it has never seen; never to another than the one that is open.
  private mutating func adopt(
    _ generation: Generation, _ attempt: AttemptID, _ timed: TimedEvent
  ) throws(IllegalEvent) {
    guard self.generation(generation.number) == nil, attempts.allSatisfy({ !$0.isOpen || $0.id == attempt })
    else { throw illegal(timed) }
    // There are two at most: a third could only become a second predecessor.
    let isFree =
      generation.phase == .superseded
      ? predecessor == nil && (incumbent == nil || successor == nil)
      : successor == nil && (incumbent == nil || predecessor == nil)
    guard isFree else { throw illegal(timed) }
    if let index = index(of: attempt) {
      switch attempts[index].state {
      case .inFlight, .answered, .unknown: break
      case .refused, .kept, .lost, .closed: throw illegal(timed)
      }
      attempts[index].state = .kept(tokenID: generation.tokenID)
    } else {
      attempts.append(
        Attempt(
          id: attempt, generation: generation.number, intendedAt: timed.time,
          deadline: timed.time, key: generation.key, state: .kept(tokenID: generation.tokenID)))
    }
    let place = generations.firstIndex { $0.number > generation.number } ?? generations.endIndex
    generations.insert(generation, at: place)
    if generation.phase == .superseded {
      generations[place].deliveredAt = timed.time
      generations[place].supersededAt = timed.time
    }
  }

  /// A token is confirmed on its way to be current for the first time, or once more before a rollback.
  private mutating func confirmActivation(
    of number: Int, after: Duration, _ timed: TimedEvent
  ) throws(IllegalEvent) {
    let index = try generationIndex(number, in: [.staged, .superseded], timed)
    if generations[index].phase == .superseded {
      guard wishes.rollbackTarget == number else { throw illegal(timed) }
      generations[index].isVerifiedAgain = true
      return
    }
    generations[index].phase = .active
    generations[index].activationTook = after
    generations[index].refusedSince = nil
  }

  /// When the attempt was made; nil: the ledger does not know it.
  public func intendedAt(_ attempt: AttemptID) -> Instant? {
    attempts.last { $0.id == attempt }?.intendedAt
  }

  /// Whether a run has seen this orphan and was about to revoke it, with an effect or without.
  public func wasToBeRevoked(_ tokenID: String, of attempt: AttemptID) -> Bool {
    attempts.last { $0.id == attempt }?.orphans.contains { $0.tokenID == tokenID && $0.wasToBeRevoked }
      ?? false
  }

  func index(of attempt: AttemptID) -> Int? {
    attempts.lastIndex { $0.id == attempt }
  }

  private func attemptIndex(
    _ attempt: AttemptID, in states: [Attempt.State], _ timed: TimedEvent
  ) throws(IllegalEvent) -> Int {
    guard let index = index(of: attempt), states.contains(attempts[index].state)
    else { throw illegal(timed) }
    return index
  }

  func generationIndex(
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
    if state == .revoking { attempts[index].orphans[orphan].wasToBeRevoked = true }
  }

  func illegal(_ timed: TimedEvent) -> IllegalEvent {
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

extension Event.Place {
  fileprivate var phaseOfAdopted: Generation.Phase {
    switch self {
    case .pending: .staged
    case .current: .active
    case .previous: .superseded
    }
  }
}

extension Generation {
  /// Whether it was current once and is not gone yet, with its string.
  fileprivate var isOnItsWayOut: Bool {
    switch phase {
    case .superseded, .disabling, .disabled, .enabling: true
    case .revoking: wasDelivered
    case .revoked, .leftBehind: !isConfirmedGone
    case .staged, .active, .delivering, .current: false
    }
  }

  mutating func supersede(at instant: Instant) {
    phase = .superseded
    supersededAt = instant
    promotedIn = []
  }
}
