/// What people have asked for a lineage. It outlives the run that was told, until it is done.
public struct Wishes: Equatable, Sendable {
  /// Generations up to this number are to be replaced now.
  public internal(set) var replacedUpTo: Int?
  /// Generations up to this number are known to others: they get no overlap.
  public internal(set) var compromisedUpTo: Int?
  /// Nothing new is made that nobody has asked for.
  public internal(set) var isHeld = false
  /// The previous generation that is to be current again.
  public internal(set) var rollbackTarget: Int?
  /// Every token is to go, and the stores are to lose it first.
  public internal(set) var retirement: Retirement?
  /// What the lineage was called before, the newest last.
  public internal(set) var formerNames: [String] = []
  /// While the stores still have tokens under another name: those that have none there any more.
  public internal(set) var relocatedIn: Set<String>?
  /// Where all stores are to have them, from before the first one is changed.
  public internal(set) var relocationTarget: RelocationTarget?

  public struct RelocationTarget: Equatable, Sendable {
    /// nil: the lineage's name.
    public let key: String?
  }

  public enum Retirement: Equatable, Sendable {
    case afterOverlap
    case now
  }
}

// What happens to tokens that were delivered, and what people ask for.
extension RotationMachine {
  /// The previous generation that a person wants back.
  public var rollbackTarget: Generation? { wishes.rollbackTarget.flatMap { generation($0) } }

  public func isCompromised(_ generation: Generation) -> Bool {
    wishes.compromisedUpTo.map { generation.number <= $0 } ?? false
  }

  /// The changes of one token on the cluster: intent and end.
  mutating func applyChange(_ timed: TimedEvent) throws(IllegalEvent) {
    switch timed.event {
    case .tokenTakenOver(let tokenID, let expiresAt):
      guard generations.isEmpty else { throw illegal(timed) }
      generations.append(
        Generation(
          number: 0, attempt: nil, tokenID: tokenID, expiresAt: expiresAt, stagedAt: timed.time, key: nil,
          phase: .current))
    case .tokenGone(let number, _):
      let index = try generationIndex(number, in: [.current], timed)
      guard wishes.rollbackTarget == nil else { throw illegal(timed) }
      // The stores call its string current until another takes its place, or a person retires the lineage; then it
      // is forgotten like any other.
      generations[index].phase = .revoked
      generations[index].isReplacedByNothing = true
    case .updateIntended(let number), .updateDone(let number), .updateRefused(let number, _),
      .updateUnknown(let number, _):
      _ = try generationIndex(
        number, in: [.staged, .active, .delivering, .current, .superseded, .disabled], timed)

    case .disableIntended(let number, let permissions, let at):
      let index = try generationIndex(number, in: [.superseded], timed)
      guard wishes.rollbackTarget != number else { throw illegal(timed) }
      generations[index].phase = .disabling
      generations[index].mayBeEnabled = false
      generations[index].permissionsBefore = permissions
      generations[index].disabledAt = at
    case .disableDone(let number, let at):
      let index = try generationIndex(number, in: [.disabling], timed)
      generations[index].phase = .disabled
      generations[index].disabledAt = at
    case .disableRefused(let number, _):
      let index = try generationIndex(number, in: [.disabling], timed)
      generations[index].phase = .superseded
      generations[index].disabledAt = nil
    case .disableUnknown(let number, _):
      _ = try generationIndex(number, in: [.disabling], timed)
    case .enableIntended(let number):
      let index = try generationIndex(number, in: [.disabled, .enabling], timed)
      guard wishes.rollbackTarget == number else { throw illegal(timed) }
      // A run died between the last request and its answer.
      if generations[index].phase == .enabling { generations[index].mayBeEnabled = true }
      generations[index].phase = .enabling
    case .enableDone(let number):
      let index = try generationIndex(number, in: [.enabling], timed)
      generations[index].phase = .superseded
      generations[index].disabledAt = nil
    case .enableRefused(let number, _):
      let index = try generationIndex(number, in: [.enabling], timed)
      // What was refused now may have been done by one that was not answered.
      if !generations[index].mayBeEnabled { generations[index].phase = .disabled }
    case .enableUnknown(let number, _):
      let index = try generationIndex(number, in: [.enabling], timed)
      generations[index].mayBeEnabled = true

    case .revokeIntended(let number, _):
      let index = try generationIndex(
        number, in: [.staged, .superseded, .disabling, .disabled, .revoking], timed)
      guard wishes.rollbackTarget != number else { throw illegal(timed) }
      generations[index].phase = .revoking
    case .revokeDone(let number):
      try endGeneration(number, timed)
    case .revokeRefused(let number, _), .revokeUnknown(let number, _):
      _ = try generationIndex(number, in: [.revoking], timed)
    case .revokeConfirmed(let number):
      let index = try generationIndex(number, in: [.revoked], timed)
      generations[index].isConfirmedGone = true
      endRetirementIfOver()
    default: throw illegal(timed)
    }
  }

  private mutating func endGeneration(_ number: Int, _ timed: TimedEvent) throws(IllegalEvent) {
    let index = try generationIndex(number, in: [.revoking], timed)
    generations[index].phase = .revoked
    // Nobody was ever given the string of a token that was not delivered.
    generations[index].isConfirmedGone = !generations[index].wasDelivered
    // Should a listing show the token again, it is an orphan like any other.
    if let attempt = generations[index].attempt.flatMap({ self.index(of: $0) }) {
      attempts[attempt].state = .lost
      attempts[attempt].noteOrphan(generations[index].tokenID, .revoked, at: timed.time)
    }
    endRetirementIfOver()
  }

  private mutating func endRetirementIfOver() {
    if !hasTokenOfOurs { wishes.retirement = nil }
  }

  /// What people want, and the steps by which they get it.
  mutating func applyWish(_ timed: TimedEvent) throws(IllegalEvent) {
    switch timed.event {
    case .rotationRequested(let number, let compromised):
      guard wishes.rollbackTarget == nil, wishes.retirement == nil, generation(number) != nil
      else { throw illegal(timed) }
      wishes.replacedUpTo = max(number, wishes.replacedUpTo ?? number)
      if compromised { wishes.compromisedUpTo = max(number, wishes.compromisedUpTo ?? number) }
    case .lineageHeld: wishes.isHeld = true
    case .lineageReleased: wishes.isHeld = false

    case .rollbackRequested(let number):
      guard mayRollBack(to: number) else { throw illegal(timed) }
      wishes.rollbackTarget = number
      if let index = generations.firstIndex(where: { $0.number == number }) {
        generations[index].isVerifiedAgain = false
        // Its consumers were told when it was current before; they have to be told again.
        generations[index].hooksDone = []
      }
    case .storeRolledBack(let number, let store):
      let index = try generationIndex(number, in: [.superseded], timed)
      guard wishes.rollbackTarget == number, generations[index].isVerifiedAgain,
        let newer = generations.lastIndex(where: { $0.phase == .current })
      else { throw illegal(timed) }
      generations[index].promotedIn.insert(store)
      generations[index].failedStores[store] = nil
      generations[newer].promotedIn.remove(store)
    case .rollbackDone(let number, let at):
      let index = try generationIndex(number, in: [.superseded], timed)
      guard wishes.rollbackTarget == number, !generations[index].promotedIn.isEmpty,
        let newer = generations.lastIndex(where: { $0.phase == .current })
      else { throw illegal(timed) }
      generations[newer].supersede(at: at)
      generations[index].phase = .current
      generations[index].supersededAt = nil
      generations[index].disabledAt = nil
      wishes.rollbackTarget = nil
      wishes.replacedUpTo = nil
      wishes.isHeld = true
    case .rollbackRefused(let number, _):
      // Once it was found to work, a store may have been changed without the ledger knowing.
      guard wishes.rollbackTarget == number, generation(number)?.isVerifiedAgain == false
      else { throw illegal(timed) }
      wishes.rollbackTarget = nil
      if let newer = generations.lastIndex(where: { $0.phase == .current }) {
        generations[newer].mayBeUntold = true
      }
      // Whether it has its permissions again nobody knows: it is retired from the beginning.
      if let index = generations.firstIndex(where: { $0.number == number && $0.phase == .enabling }) {
        generations[index].phase = .superseded
        generations[index].disabledAt = nil
      }

    case .retirementRequested(let now):
      guard wishes.rollbackTarget == nil, hasTokenOfOurs else { throw illegal(timed) }
      wishes.retirement = now ? .now : wishes.retirement ?? .afterOverlap
    case .storeWithdrawn(let number, let store, let at):
      let index = try generationIndex(number, in: [.current, .revoked], timed)
      guard wishes.retirement != nil, mayWithdraw(generations[index]) else { throw illegal(timed) }
      generations[index].promotedIn.remove(store)
      generations[index].failedStores[store] = nil
      guard generations[index].promotedIn.isEmpty else { return }
      switch generations[index].phase {
      case .current: generations[index].supersede(at: at)
      case .revoked: generations[index].isReplacedByNothing = false
      case .staged, .active, .delivering, .superseded, .disabling, .disabled, .enabling, .revoking,
        .leftBehind:
        break
      }
    case .lineageRenamed(let from):
      guard maySettle else { throw illegal(timed) }
      wishes.formerNames.append(from)
      for index in generations.indices where generations[index].key == nil { generations[index].key = from }
      wishes.relocatedIn = []
    case .relocationIntended(let key):
      guard wishes.relocatedIn != nil, wishes.relocationTarget == nil else { throw illegal(timed) }
      wishes.relocationTarget = Wishes.RelocationTarget(key: key)
    case .relocationRefused:
      guard wishes.relocatedIn?.isEmpty == true, wishes.relocationTarget != nil else { throw illegal(timed) }
      wishes.relocationTarget = nil
    case .storeRelocated(let store):
      guard wishes.relocatedIn != nil else { throw illegal(timed) }
      wishes.relocatedIn?.insert(store)
    case .relocationDone(let key):
      guard wishes.relocatedIn != nil else { throw illegal(timed) }
      wishes.relocatedIn = nil
      wishes.relocationTarget = nil
      for index in generations.indices where generations[index].isLive || !generations[index].isConfirmedGone
      {
        generations[index].key = key
      }
    case .clusterChanged:
      leaveEverythingBehind()
    case .tokenForgotten(let number):
      let index = try generationIndex(number, in: [.leftBehind, .superseded, .disabling, .disabled], timed)
      guard generations[index].phase == .leftBehind || generations[index].attempt == nil
      else { throw illegal(timed) }
      generations[index].phase = .leftBehind
      generations[index].isConfirmedGone = true
      endRetirementIfOver()
    default: throw illegal(timed)
    }
  }

  /// Whether anything is left that this program made, or has begun to retire.
  public var hasTokenOfOurs: Bool {
    newest?.attempt != nil || predecessor.map { $0.phase != .leftBehind } ?? false
  }

  /// Whether the stores call it current, and have room for it as their previous token.
  func mayWithdraw(_ generation: Generation) -> Bool {
    if generation.phase == .current { return predecessor == nil }
    // What is on its way to take its place may be in a store already.
    return generation.isReplacedByNothing && incumbent == nil && successor == nil
      && outgoing.allSatisfy { $0.number == generation.number || $0.attempt == nil }
  }

  /// Whether a delivery, a rollback, a retirement or a rename is under way, so that some stores may have another token as
  /// the current one than others.
  public var changesPlaces: Bool {
    let isDelivered =
      switch successor?.phase {
      case .active, .delivering: true
      case .staged, .current, .superseded, .disabling, .disabled, .enabling, .revoking, .revoked, .leftBehind,
        nil:
        false
      }
    return isDelivered || rollbackTarget?.isVerifiedAgain == true || wishes.retirement != nil
      || wishes.relocatedIn != nil
  }

  /// Whether nothing is under way that another name or place would disturb.
  public var maySettle: Bool {
    successor == nil && !attempts.contains(where: \.isOpen) && wishes.rollbackTarget == nil
      && wishes.retirement == nil && wishes.relocatedIn == nil
  }

  /// Whether the generation is within its overlap or quarantine, with a string that a store still has.
  public func mayRollBack(to number: Int) -> Bool {
    guard wishes.rollbackTarget == nil, wishes.retirement == nil, successor == nil,
      !attempts.contains(where: \.isOpen), incumbent?.promotedIn.isEmpty == false,
      let target = generation(number), target.attempt != nil, !isCompromised(target)
    else { return false }
    switch target.phase {
    case .superseded, .disabling, .disabled: return true
    case .staged, .active, .delivering, .current, .enabling, .revoking, .revoked, .leftBehind: return false
    }
  }

  /// The cluster on which all of it was is not the job's any more.
  private mutating func leaveEverythingBehind() {
    let hasIncumbent = incumbent != nil
    for index in generations.indices {
      // The stores call one of them current until another takes its place; the others are in the way of that.
      switch generations[index].phase {
      case .current: generations[index].holdsCurrentPlace = generations[index].attempt != nil
      case .revoked:
        generations[index].holdsCurrentPlace = generations[index].isReplacedByNothing && !hasIncumbent
      case .staged, .active, .delivering, .superseded, .disabling, .disabled, .enabling, .revoking,
        .leftBehind:
        break
      }
      switch generations[index].phase {
      case .revoked where generations[index].isConfirmedGone: break
      case .revoked, .staged, .active, .delivering, .current, .superseded, .disabling, .disabled, .enabling,
        .revoking,
        .leftBehind:
        generations[index].phase = .leftBehind
        generations[index].isConfirmedGone = generations[index].attempt == nil
      }
      generations[index].promotedIn = []
      generations[index].owesHooks = false
    }
    for index in attempts.indices {
      // Should the job come back, its tokens are not taken for ones whose strings are lost.
      if !attempts[index].isKept { attempts[index].state = .closed }
      attempts[index].wasSearched = true
      attempts[index].orphans = []
    }
    let names = wishes.formerNames
    wishes = Wishes()
    wishes.formerNames = names
  }
}
