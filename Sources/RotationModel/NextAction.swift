/// What is to be done next for one lineage. Plain data: the runner has the one switch that acts on it.
public enum Action: Equatable, Sendable {
  /// A run died between an intent and its outcome: look in the store's places for the attempt's string.
  case recover(AttemptID)
  /// Revoke a token whose string nobody has.
  case revokeOrphan(attempt: AttemptID, tokenID: String)
  /// Wait for a listing begun after these attempts' deadlines, then decide again.
  case search([AttemptID])
  /// Send one POST, as a new attempt, and stage its string.
  case create(generation: Int)
  /// Hand the generation's string to the person who waits for it.
  case show(generation: Int)
  /// Probe until the cluster has accepted the token long enough.
  case activate(generation: Int)
  /// Make the generation current in this store.
  case promote(generation: Int, store: String)
  /// Every store has it: record the delivery.
  case completeDelivery(generation: Int)
  /// Tell a hook that the generation is in the stores, or that it is gone.
  case runHook(generation: Int, hook: String)
  /// Every hook knows that the generation is gone: record it.
  case settleHooks(generation: Int)
  /// Make the description on the cluster that of the row.
  case update(generation: Int)
  /// Take the generation's permissions away, and see that it has none.
  case disable(generation: Int)
  /// A disable's effect is in doubt: look whether it is there.
  case confirmDisable(generation: Int)
  /// Give a disabled generation its permissions back.
  case enable(generation: Int)
  /// Make the previous generation current again in this store.
  case rollBack(generation: Int, store: String)
  /// Every store has the previous generation again: record it.
  case completeRollback(generation: Int)
  /// The row's name has changed: let the store have the tokens under the new one.
  case relocate(store: String)
  /// Every store has them there: record it.
  case completeRelocation
  /// Let the store have no current token of this name any more.
  case withdraw(generation: Int, store: String)
  /// Revoke the generation's token and empty its places.
  case revoke(generation: Int, reason: RevocationReason)
  /// Ask until the cluster refuses the revoked generation's string, then forget the string.
  case confirmRevocation(generation: Int)
  /// Let the stores lose the string of a token that belongs to a cluster that the job has left.
  case forget(generation: Int)
  /// Nothing more in this run; the next one goes on waiting for activation.
  case wait(generation: Int)
  /// The lineage is where it should be, or nothing is to be done before its time.
  case none
}

/// Why a generation is revoked.
public enum RevocationReason: String, Equatable, Sendable, CaseIterable {
  /// A run that had a person waiting died, or could not hand it over.
  case notShown = "its string was shown to nobody"
  case neverActive = "the cluster refused it for too long"
  case superseded = "it was replaced, and its overlap has passed"
  /// Likewise, without another in its place.
  case withdrawn = "a person has retired it, and its overlap has passed"
  case quarantined = "it was disabled, and its quarantine has passed"
  case compromised = "it is compromised"
  case requested = "a person wants another one"
  case retired = "a person has retired it"
  case outdated = "its row asks for other permissions now"
  /// Going on with what an earlier step or run intended; its reason is on record.
  case intended = "a revocation that was begun is completed"
}

/// What the machine is told about the world when it is asked for the next action.
public struct ActionContext: Equatable, Sendable {
  /// Whether the lineage has a row in this run's CSV.
  public var isWanted: Bool
  /// The job's stores in order; the first is the one that strings are staged in.
  public var stores: [String]
  public var abandonAfter: Duration
  public var now: Instant
  /// Unknown attempts that a listing begun after their deadlines was answered for, found or not found.
  public var searched: Set<AttemptID>
  /// Whether tokens are made for a person who waits for their strings, and not for the stores.
  public var showsStrings = false
  /// Whether this run has already waited for the activation as long as it may.
  public var hasWaited: Bool

  public var policy: RotationPolicy = .off
  /// Why the incumbent is to be replaced.
  public var due: DueReason?
  /// The cluster's time, no later than it really is; nil while nothing may be retired.
  public var retireNow: Instant?
  /// Whether the description on the cluster is not the row's.
  public var descriptionDiffers = false
  /// Whether the predecessor's marker on the cluster has another name than the lineage.
  public var predecessorNameDiffers = false
  /// Whether the successor's permissions are not the row's any more.
  public var successorIsOutdated = false
  /// Generations about which this run has asked in vain for as long as it may.
  public var gaveUpOn: Set<Int> = []
  /// The hooks, in the job's order, that are told of a generation before its delivery is complete, and of one that
  /// is gone.
  public var deliveryHooks: [String] = []
  public var retirementHooks: [String] = []
  /// Hooks that have failed for the lineage in this run.
  public var failedHooks: Set<String> = []

  public init(
    isWanted: Bool, stores: [String], abandonAfter: Duration, now: Instant,
    searched: Set<AttemptID> = [], hasWaited: Bool = false
  ) {
    self.isWanted = isWanted
    self.stores = stores
    self.abandonAfter = abandonAfter
    self.now = now
    self.searched = searched
    self.hasWaited = hasWaited
  }
}

extension RotationMachine {
  /// The next action; asking twice in the same state and context gives the same answer.
  ///
  /// The order is the order of the invariants: what may be a live string is adopted before anything is
  /// revoked, orphans go before anything new is made, what a person wants back comes before what is to go, and
  /// a new attempt is the last resort.
  ///
  /// Who waits for a token's end is told of it last, when nothing else is to be done.
  public func nextAction(_ context: ActionContext) -> Action {
    let step = nextStep(context)
    switch step {
    case .none, .wait: return nextFarewell(context) ?? step
    case .recover, .revokeOrphan, .search, .create, .show, .activate, .promote, .completeDelivery, .runHook,
      .settleHooks, .update, .disable, .confirmDisable, .enable, .rollBack, .completeRollback, .relocate,
      .completeRelocation, .withdraw, .revoke, .confirmRevocation, .forget:
      return step
    }
  }

  /// Who is to be told next of a token that is gone. Nothing else waits for it, and it waits for nothing else: a lineage
  /// that can get no further says farewell all the same.
  public func nextFarewell(_ context: ActionContext) -> Action? {
    for generation in generations where generation.owesHooks {
      let untold = context.retirementHooks.filter { !generation.hooksDone.contains($0) }
      if untold.isEmpty { return .settleHooks(generation: generation.number) }
      if let hook = untold.first(where: { !context.failedHooks.contains($0) }) {
        return .runHook(generation: generation.number, hook: hook)
      }
    }
    return nil
  }

  private func nextStep(_ context: ActionContext) -> Action {
    if let open = attempts.first(where: \.isOpen) { return .recover(open.id) }
    for attempt in attempts {
      if let orphan = attempt.orphans.first(where: { $0.state != .revoked }) {
        return .revokeOrphan(attempt: attempt.id, tokenID: orphan.tokenID)
      }
    }
    if let relocatedIn = wishes.relocatedIn {
      // Where the tokens are to be is for the row to say.
      guard context.isWanted || wishes.retirement != nil else { return .none }
      return context.stores.first { !relocatedIn.contains($0) }.map { .relocate(store: $0) }
        ?? .completeRelocation
    }
    if let target = rollbackTarget { return nextRollback(to: target, context) }
    for generation in outgoing {
      if let action = nextRetirement(of: generation, context) { return action }
    }
    if let successor { return nextAction(for: successor, context) }
    if wishes.retirement != nil {
      let withdrawal = nextWithdrawal(context)
      // A row that came back wants a token, while the old one goes its way.
      guard withdrawal == .none, context.isWanted, newest == nil else { return withdrawal }
    }
    guard context.isWanted, !wasShown else { return .none }
    if let incumbent {
      // After an adoption only the first store is known to have it; the others are served like ones that failed.
      if incumbent.attempt != nil, let delivery = nextDelivery(of: incumbent, context) { return delivery }
      if incumbent.mayBeUntold, let hook = nextHook(of: incumbent, context) { return hook }
      if context.descriptionDiffers, !context.gaveUpOn.contains(incumbent.number) {
        return .update(generation: incumbent.number)
      }
      // Should the ledger be lost, a token is known by its marker only.
      if context.predecessorNameDiffers, let predecessor, predecessor.mayBeDescribed {
        return .update(generation: predecessor.number)
      }
      guard context.due != nil else { return .none }
    }
    guard mayCreate, !isStoppedByHold(context.due) else { return .none }
    let unsearched = attempts.filter {
      $0.isDoubtful && !context.searched.contains($0.id)
    }
    return unsearched.isEmpty ? .create(generation: nextGeneration) : .search(unsearched.map(\.id))
  }

  private func isStoppedByHold(_ due: DueReason?) -> Bool {
    wishes.isHeld && (due?.isStoppedByHold ?? true)
  }

  private func nextAction(for generation: Generation, _ context: ActionContext) -> Action {
    let number = generation.number
    switch generation.phase {
    case .staged:
      if let reason = reasonToGiveUp(generation, context) {
        return .revoke(generation: number, reason: reason)
      }
      if context.showsStrings {
        // Without a row it is of a run that died: the person who had asked for it has waited in vain.
        let isAwaited = context.isWanted && !context.gaveUpOn.contains(number)
        return isAwaited ? .show(generation: number) : .revoke(generation: number, reason: .notShown)
      }
      guard context.isWanted else { return .none }
      guard context.hasWaited else { return .activate(generation: number) }
      let isRefusedTooLong =
        generation.lastWaitEndedInRefusal
        && generation.refusedSince.map { context.now - $0 >= context.abandonAfter } ?? false
      return isRefusedTooLong
        ? .revoke(generation: number, reason: .neverActive) : .wait(generation: number)
    case .active, .delivering:
      // A store may call it current already without the ledger knowing. Whatever is to become of it, it has to be
      // everywhere before it can be taken away again.
      guard context.isWanted || wishes.retirement != nil else { return .none }
      return nextDelivery(of: generation, context) ?? nextHook(of: generation, context)
        ?? .completeDelivery(generation: number)
    case .revoking:
      return .revoke(generation: number, reason: .intended)
    case .current, .superseded, .disabling, .disabled, .enabling, .revoked, .leftBehind:
      return .none
    }
  }

  /// No store calls a staged token current, so that it may be given up when nobody wants it any more.
  private func reasonToGiveUp(_ generation: Generation, _ context: ActionContext) -> RevocationReason? {
    if wishes.retirement != nil { return .retired }
    if isCompromised(generation) { return .compromised }
    if let number = wishes.replacedUpTo, generation.number <= number { return .requested }
    return context.isWanted && context.successorIsOutdated ? .outdated : nil
  }

  private func nextDelivery(of generation: Generation, _ context: ActionContext) -> Action? {
    context.stores.first { !generation.promotedIn.contains($0) }
      .map { .promote(generation: generation.number, store: $0) }
  }

  /// Consumers that read a token only when they are told have it once the hooks have done their work.
  /// One that has failed in this run keeps the delivery open, and no other hook waiting. What is to be retired is
  /// announced to nobody.
  private func nextHook(of generation: Generation, _ context: ActionContext) -> Action? {
    guard wishes.retirement == nil else { return nil }
    let untold = context.deliveryHooks.filter { !generation.hooksDone.contains($0) }
    let next = untold.first { !context.failedHooks.contains($0) } ?? untold.first
    return next.map { .runHook(generation: generation.number, hook: $0) }
  }

  /// Whether the promotion in this store is the last thing that the generation's delivery waits for.
  public func completesDelivery(
    of number: Int, in store: String, _ context: ActionContext
  ) -> Bool {
    guard var generation = generation(number) else { return false }
    generation.promotedIn.insert(store)
    return nextDelivery(of: generation, context) == nil && nextHook(of: generation, context) == nil
  }

  // MARK: What was delivered

  /// What is due for a generation that is on its way out; nil: nothing before its time.
  private func nextRetirement(of generation: Generation, _ context: ActionContext) -> Action? {
    let number = generation.number
    let isUrgent = isCompromised(generation) || wishes.retirement == .now
    // What was replaced goes last: while nothing is in its place it stays, unless it has to go by a person's word.
    let isReplaced = incumbent != nil || wishes.retirement != nil || isCompromised(generation)
    let retireNow = isReplaced ? context.retireNow : nil
    let urgent: RevocationReason = isCompromised(generation) ? .compromised : .retired
    switch generation.phase {
    case .superseded:
      guard let now = retireNow else { return nil }
      if let incumbent, incumbent.mayBeUntold, !isUrgent, nextHook(of: incumbent, context) != nil {
        return nil
      }
      if isUrgent { return .revoke(generation: number, reason: urgent) }
      guard generation.hasOutlived(context.policy.overlap, at: now) else { return nil }
      return context.policy.quarantine == nil
        ? .revoke(generation: number, reason: reasonAfterOverlap) : .disable(generation: number)
    case .disabling:
      if isUrgent, retireNow != nil { return .revoke(generation: number, reason: urgent) }
      guard context.gaveUpOn.contains(number) else { return .confirmDisable(generation: number) }
      // It is going in any case; the disable was the gentle way.
      return generation.isOutOfQuarantine(context.policy, at: retireNow)
        ? .revoke(generation: number, reason: .quarantined) : nil
    case .disabled:
      if isUrgent, retireNow != nil { return .revoke(generation: number, reason: urgent) }
      return generation.isOutOfQuarantine(context.policy, at: retireNow)
        ? .revoke(generation: number, reason: .quarantined) : nil
    case .revoking:
      return .revoke(generation: number, reason: .intended)
    case .revoked:
      guard !context.gaveUpOn.contains(number) else { return nil }
      // Of one that vanished the stores may have the string as the current one still, compromised or not: it is
      // forgotten once they have it as the previous one.
      let isOut = !generation.isReplacedByNothing || incumbent != nil
      if !isOut, wishes.retirement == nil { return nil }
      guard !isOut, let store = storeToLose(generation, context) else {
        return .confirmRevocation(generation: number)
      }
      return mayWithdraw(generation) ? .withdraw(generation: number, store: store) : nil
    case .leftBehind:
      // The stores call it current until another takes its place.
      return generation.holdsCurrentPlace && incumbent == nil ? nil : .forget(generation: number)
    case .staged, .active, .delivering, .current, .enabling:
      return nil
    }
  }

  /// Why a token goes whose overlap has passed.
  public var reasonAfterOverlap: RevocationReason {
    incumbent == nil && wishes.retirement != nil ? .withdrawn : .superseded
  }

  /// The stores lose the incumbent one by one, as soon as their place for a previous token is free.
  private func nextWithdrawal(_ context: ActionContext) -> Action {
    guard let incumbent, mayWithdraw(incumbent) else { return .none }
    return storeToLose(incumbent, context).map { .withdraw(generation: incumbent.number, store: $0) } ?? .none
  }

  /// A store that the job no longer has cannot be asked; that it is gone is recorded all the same.
  private func storeToLose(_ generation: Generation, _ context: ActionContext) -> String? {
    context.stores.first { generation.promotedIn.contains($0) } ?? generation.promotedIn.sorted().first
  }

  private func nextRollback(to target: Generation, _ context: ActionContext) -> Action {
    let number = target.number
    switch target.phase {
    case .disabling:
      return context.gaveUpOn.contains(number) ? .none : .confirmDisable(generation: number)
    case .disabled, .enabling:
      return context.gaveUpOn.contains(number) ? .none : .enable(generation: number)
    case .superseded:
      guard target.isVerifiedAgain else {
        return context.hasWaited ? .none : .activate(generation: number)
      }
      guard context.isWanted else { return .none }
      return context.stores.first { !target.promotedIn.contains($0) }
        .map { .rollBack(generation: number, store: $0) } ?? nextHook(of: target, context)
        ?? .completeRollback(generation: number)
    case .staged, .active, .delivering, .current, .revoking, .revoked, .leftBehind:
      return .none
    }
  }
}

extension Generation {
  /// Whether it is one of ours that stays for a while, and of which no change is in doubt.
  fileprivate var mayBeDescribed: Bool { attempt != nil && (phase == .superseded || phase == .disabled) }

  fileprivate func isOutOfQuarantine(_ policy: RotationPolicy, at now: Instant?) -> Bool {
    guard let now, let disabledAt else { return false }
    return now - disabledAt >= policy.quarantine ?? .zero
  }

  fileprivate func hasOutlived(_ span: Duration, at now: Instant) -> Bool {
    supersededAt.map { now - $0 >= span } ?? false
  }
}
