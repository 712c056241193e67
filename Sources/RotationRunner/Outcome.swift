import RotationModel
import RotationPorts

extension Performer {
  /// What is said of a lineage for which nothing is left to do in this run.
  func finalOutcome(of work: inout TokenWork) -> TokenOutcome {
    if let problem = work.updateProblem { work.fail(problem) }
    if work.problem != nil { return work.outcomeOfProblem }
    if let concern = waitingConcern(of: work) { work.note(concern) }
    if work.concern != nil { return .attention }
    let machine = work.machine
    if let incumbent = machine.incumbent, incumbent.number != work.incumbentAtStart {
      return work.incumbentAtStart == nil && machine.generation(0) == nil ? .created : .rotated
    }
    if work.predecessorAtStart != nil || work.incumbentAtStart != nil, work.hasRetiredSomething {
      return .retired
    }
    if work.wasUpdated { return .updated }
    let due = context(for: work).due
    if machine.wishes.isHeld, work.desired != nil, machine.incumbent == nil || due?.isStoppedByHold == true {
      return .held
    }
    return .unchanged
  }

  /// What a person has asked for and has to wait for, told so that nobody takes it for done.
  func waitingConcern(of work: TokenWork) -> Concern? {
    let machine = work.machine
    if let concern = Concern.ofWishes(work) { return concern }
    guard let predecessor = machine.predecessor, predecessor.phase != .revoked else { return nil }
    if let generation = keptByClocks(work) {
      return Concern(problem: .clocksApart(work.name, generation))
    }
    if machine.wishes.retirement != nil, let incumbent = machine.incumbent {
      return Concern(problem: .retirementWaits(work.name, incumbent, predecessor))
    }
    switch context(for: work).due {
    case .requested, .compromised, .permissions, .missing, .revokedElsewhere:
      return Concern(problem: .predecessorLives(work.name, predecessor))
    // By time it is due for a while anyway.
    case .takeover, .age, .expiry, nil: break
    }
    return nil
  }

  /// What is to go at once by a person's word, and stays because no clock is to be relied on: nobody must take it for
  /// revoked. What waits for a time is told with the job, once for all of it.
  private func keptByClocks(_ work: TokenWork) -> Generation? {
    guard let time, !time.clocksAgree, !work.blocked.contains(.retirement) else { return nil }
    var context = context(for: work)
    context.retireNow = time.earliest(at: ports.clock.uptime)
    guard case .revoke(let number, let reason) = work.machine.nextAction(context),
      reason == .compromised || reason == .retired
    else { return nil }
    return work.machine.generation(number)
  }

  /// What a person will still have to wait for when the run has done all that it can, if each of its steps succeeds;
  /// nil as well where a plan cannot say what a step comes to.
  func foreseenWaiting(of work: TokenWork) -> Concern? {
    var work = work
    // As many steps as a lineage with several stores may take; a longer way is not foreseen.
    for _ in 0..<32 {
      let action = work.machine.nextAction(context(for: work))
      if action == .none { return waitingConcern(of: work) }
      guard let events = foreseenEvents(of: action, &work) else { return nil }
      for event in events {
        guard (try? work.machine.apply(TimedEvent(event, at: ports.clock.now))) != nil else { return nil }
      }
    }
    return nil
  }

  /// What is gone, or has no permissions already, is revoked instead. A token that was made by hand is in no listing.
  private func mayBeDisabled(_ number: Int, _ work: TokenWork) -> Bool {
    work.machine.generation(number)?.attempt == nil || work.observedPredecessor?.permissions.isEmpty == false
  }

  /// What a step puts on record when it succeeds; nil: only the run itself can say.
  private func foreseenEvents(of action: Action, _ work: inout TokenWork) -> [Event]? {
    let now = serviceTimeAtLatest
    switch action {
    case .revokeOrphan(let attempt, let tokenID):
      return [
        .orphanRevokeIntended(attempt: attempt, tokenID: tokenID),
        .orphanRevoked(attempt: attempt, tokenID: tokenID),
      ]
    case .search(let attempts):
      work.searched.formUnion(attempts)
      return []
    case .create(let number):
      // An id that no attempt has: there is none yet.
      let attempt = AttemptID(bits: 0)
      return [
        .createIntended(generation: number, attempt: attempt, deadline: now),
        .createDone(attempt: attempt, tokenID: "", expiresAt: nil),
        .storeStaged(generation: number, attempt: attempt, store: plan.stores[0].name),
      ]
    case .activate(let number) where work.machine.rollbackTarget == nil:
      return [.activationConfirmed(generation: number, after: .zero)]
    case .show(let number): return [.secretShown(generation: number)]
    case .promote(let number, let store): return [.storePromoted(generation: number, store: store)]
    case .completeDelivery(let number): return [.deliveryDone(generation: number, at: now)]
    case .runHook(let number, let hook): return [.hookDone(generation: number, hook: hook)]
    case .settleHooks(let number): return [.hooksSettled(generation: number)]
    case .update(let number):
      work.described.insert(number)
      return []
    case .disable(let number) where mayBeDisabled(number, work):
      return [
        .disableIntended(generation: number, permissions: PermissionSet([]), at: now),
        .disableDone(generation: number, at: now),
      ]
    case .confirmDisable(let number): return [.disableDone(generation: number, at: now)]
    case .relocate(let store): return [.storeRelocated(store: store)]
    case .completeRelocation: return [.relocationDone(key: work.relocationKey)]
    case .withdraw(let number, let store):
      return [.storeWithdrawn(generation: number, store: store, at: now)]
    case .disable(let number), .revoke(let number, _):
      return [.revokeIntended(generation: number, reason: ""), .revokeDone(generation: number)]
    case .confirmRevocation(let number): return [.revokeConfirmed(generation: number)]
    case .forget(let number): return [.tokenForgotten(generation: number)]
    case .recover, .activate, .enable, .rollBack, .completeRollback, .wait, .none: return nil
    }
  }
}

extension TokenWork {
  /// Whether a token that the run found delivered has gone a step that a plan calls its retirement: it was taken out
  /// of the stores, disabled, or is gone now.
  fileprivate var hasRetiredSomething: Bool {
    [incumbentAtStart, predecessorAtStart].compactMap { $0 }.contains { number in
      guard let generation = machine.generation(number) else { return false }
      switch generation.phase {
      case .revoked: return generation.isConfirmedGone
      case .disabled: return number != predecessorAtStart || predecessorPhaseAtStart != .disabled
      case .superseded: return number == incumbentAtStart && machine.wishes.retirement != nil
      case .staged, .active, .delivering, .current, .disabling, .enabling, .revoking, .leftBehind:
        return false
      }
    }
  }
}

extension Problem {
  static func predecessorLives(_ name: String, _ predecessor: Generation) -> Problem {
    Problem(
      code: "predecessor_lives",
      message:
        "\(name): it is to be replaced, and its last predecessor, token \(predecessor.tokenID), is not retired yet",
      hint: "the run that retires it replaces the token; with --compromised the predecessor gets no overlap")
  }

  static func clocksApart(_ name: String, _ generation: Generation) -> Problem {
    Problem(
      code: "clocks_apart",
      message:
        "\(name): token \(generation.tokenID) is to be revoked at once, and is not while the clocks are too far apart",
      hint: "set this machine's clock right, then `tokenrotate run`; or revoke the token by hand now")
  }

  static func retirementWaits(
    _ name: String, _ incumbent: Generation, _ predecessor: Generation
  ) -> Problem {
    Problem(
      code: "retirement_waits",
      message:
        "\(name): it is to be retired, and the stores keep token \(incumbent.tokenID) until its predecessor, token \(predecessor.tokenID), is retired",
      hint: "the run that retires it goes on; with `tokenrotate retire --now` neither gets an overlap")
  }

  static func heldWithoutToken(_ name: String) -> Problem {
    Problem(
      code: "held_without_token", message: "\(name): it is held, and has no token any more that works",
      hint: "`tokenrotate release` lets the next run make one")
  }

  static func rollbackWaits(_ name: String) -> Problem {
    Problem(
      code: "rollback_waits",
      message: "\(name): the rollback could not be finished in this run, and goes on with the next",
      hint:
        "the next run goes on with it; `tokenrotate rotate` gives the rollback up for a fresh token, which has to wait until the previous one is retired"
    )
  }
}
