import RotationModel

/// Events that a seed decides.
enum RandomEvents {
  static let stores = ["file", "vault"]
  /// Told of a delivery, and of an end.
  static let hooks = ["reload", "mourn"]

  /// Mostly what may well happen next, so that every state is reached; now and then anything.
  static func next(_ machine: RotationMachine, _ seeded: inout Seeded) -> Event {
    let likely = likely(machine, &seeded)
    if !likely.isEmpty, Int.random(in: 0..<10, using: &seeded) < 7 {
      return likely.randomElement(using: &seeded) ?? likely[0]
    }
    // Mostly about what there is, now and then about anything.
    let isWild = Int.random(in: 0..<10, using: &seeded) == 0
    let id = isWild ? nil : machine.attempts.suffix(3).randomElement(using: &seeded)?.id
    let numbers = machine.generations.suffix(3).map(\.number) + [machine.nextGeneration]
    let ids =
      machine.generations.suffix(2).map(\.tokenID)
      + machine.attempts.suffix(2).flatMap { $0.orphans.map(\.tokenID) } + ["t\(seeded.next() % 4)"]
    let number = isWild ? Int.random(in: 0...4, using: &seeded) : numbers.randomElement(using: &seeded) ?? 1
    let token = ids.randomElement(using: &seeded) ?? "t"
    let known = id ?? attempt(seeded.next() % 6)
    let events =
      everyEvent(attempt: known, fresh: attempt(seeded.next() % 100_000), generation: number, tokenID: token)
      + [
        .rotationRequested(generation: number, compromised: true), .retirementRequested(now: true),
        .tokenAdopted(generation: number, attempt: known, tokenID: token, place: .current, expiresAt: nil),
        .tokenAdopted(generation: number, attempt: known, tokenID: token, place: .previous, expiresAt: nil),
      ]
    let event = events.randomElement(using: &seeded) ?? events[0]
    // The end of everything, which is always possible, would leave little else to be seen.
    if case .clusterChanged = event, Int.random(in: 0..<8, using: &seeded) > 0 { return .lineageReleased }
    return event
  }

  private static func likely(_ machine: RotationMachine, _ seeded: inout Seeded) -> [Event] {
    let store = stores.randomElement(using: &seeded) ?? "file"
    if let open = machine.attempts.first(where: \.isOpen) {
      return afterAttempt(open, machine, "t\(seeded.next() % 1000)")
    }
    var events: [Event] = []
    if let successor = machine.successor { events += afterSuccessor(successor, store) }
    if let predecessor = machine.predecessor { events += afterPredecessor(predecessor, machine, store) }
    if machine.wishes.retirement != nil, let incumbent = machine.incumbent {
      events.append(.storeWithdrawn(generation: incumbent.number, store: store, at: start))
    }
    for ended in machine.generations.suffix(3) where ended.isConfirmedGone && ended.wasDelivered {
      events += [
        .hooksOwed(generation: ended.number), .hookDone(generation: ended.number, hook: hooks[1]),
        .hooksSettled(generation: ended.number),
      ]
    }
    if machine.wishes.relocatedIn != nil {
      events += [
        .relocationIntended(key: nil), .relocationRefused(reason: "taken"), .storeRelocated(store: store),
        .relocationDone(key: nil),
      ]
    }
    for attempt in machine.attempts.suffix(3) {
      guard let orphan = attempt.orphans.first(where: { $0.state != .revoked }) else { continue }
      let (id, tokenID) = (attempt.id, orphan.tokenID)
      events += [
        .orphanRevokeIntended(attempt: id, tokenID: tokenID),
        .orphanRevokeUnknown(attempt: id, tokenID: tokenID, reason: "no answer"),
        .orphanRevokeRefused(attempt: id, tokenID: tokenID, reason: "429"),
      ]
    }
    if machine.mayCreate {
      events.append(
        .createIntended(
          generation: machine.nextGeneration, attempt: attempt(seeded.next() % 100_000), deadline: start))
    }
    return events
  }

  private static func afterAttempt(_ open: Attempt, _ machine: RotationMachine, _ token: String) -> [Event] {
    guard case .answered(let tokenID, _) = open.state else {
      return [
        .createDone(attempt: open.id, tokenID: token, expiresAt: start + .seconds(90)),
        .createDone(attempt: open.id, tokenID: token, expiresAt: nil),
        .createUnknown(attempt: open.id, reason: "no answer"),
      ]
    }
    return [
      .storeStaged(generation: machine.nextGeneration, attempt: open.id, store: "file"),
      .storeStaged(generation: machine.nextGeneration, attempt: open.id, store: "file", key: "k"),
      .orphanFound(attempt: open.id, tokenID: tokenID, reason: "not a string"),
    ]
  }

  private static func afterSuccessor(_ successor: Generation, _ store: String) -> [Event] {
    let number = successor.number
    switch successor.phase {
    case .staged: return [.activationConfirmed(generation: number, after: .seconds(1))]
    case .active, .delivering:
      return [
        .storePromoted(generation: number, store: store), .hookDone(generation: number, hook: hooks[0]),
        .hookFailed(generation: number, hook: hooks[0], reason: "exit 1"),
        .deliveryDone(generation: number, at: start),
      ]
    case .revoking: return [.revokeDone(generation: number)]
    case .current, .superseded, .disabling, .disabled, .enabling, .revoked, .leftBehind: return []
    }
  }

  private static func afterPredecessor(
    _ old: Generation, _ machine: RotationMachine, _ store: String
  ) -> [Event] {
    let number = old.number
    let isWantedBack = machine.wishes.rollbackTarget == number
    var events: [Event] = machine.mayRollBack(to: number) ? [.rollbackRequested(generation: number)] : []
    if old.attempt == nil { events.append(.tokenForgotten(generation: number)) }
    switch old.phase {
    case .superseded where isWantedBack:
      events += [
        .activationConfirmed(generation: number, after: .seconds(1)),
        .storeRolledBack(generation: number, store: store), .hookDone(generation: number, hook: hooks[0]),
        .rollbackDone(generation: number, at: start),
      ]
    case .superseded:
      events += [Story.disableIntended(number), .revokeIntended(generation: number, reason: "old")]
    case .disabling:
      events += [
        .disableDone(generation: number, at: start), .disableUnknown(generation: number, reason: "no answer"),
        .disableRefused(generation: number, reason: "400"),
      ]
    case .disabled:
      events.append(
        isWantedBack
          ? .enableIntended(generation: number) : .revokeIntended(generation: number, reason: "old"))
    case .enabling:
      events += [
        .enableDone(generation: number), .enableUnknown(generation: number, reason: "no answer"),
        .enableRefused(generation: number, reason: "400"),
        .rollbackRefused(generation: number, reason: "not allowed"),
      ]
    case .revoking:
      events += [.revokeDone(generation: number), .revokeUnknown(generation: number, reason: "no answer")]
    case .revoked: events.append(.revokeConfirmed(generation: number))
    case .leftBehind: events.append(.tokenForgotten(generation: number))
    case .staged, .active, .delivering, .current: break
    }
    return events
  }

  /// What a run might know at that moment.
  static func context(
    _ machine: RotationMachine, isWanted: Bool, now: Instant, _ seeded: inout Seeded
  ) -> ActionContext {
    var context = ActionContext(
      isWanted: isWanted, stores: stores, abandonAfter: .seconds(30), now: now)
    func chance(_ seeded: inout Seeded) -> Bool { Bool.random(using: &seeded) }
    context.hasWaited = chance(&seeded)
    if chance(&seeded) { context.searched = Set(machine.attempts.map(\.id)) }
    context.policy = RotationPolicy(
      isOn: true, every: .seconds(60), renewBefore: nil, overlap: .seconds(20),
      quarantine: chance(&seeded) ? .seconds(10) : nil)
    context.retireNow = chance(&seeded) ? now : nil
    if chance(&seeded) {
      (context.deliveryHooks, context.retirementHooks) = ([hooks[0]], [hooks[1]])
      if chance(&seeded) { context.failedHooks = Set(hooks) }
    }
    context.descriptionDiffers = chance(&seeded)
    context.predecessorNameDiffers = chance(&seeded)
    context.successorIsOutdated = chance(&seeded)
    if chance(&seeded) { context.gaveUpOn = Set(machine.generations.map(\.number)) }
    context.due =
      chance(&seeded) ? [.requested, .age(since: start), .missing].randomElement(using: &seeded) : nil
    return context
  }
}

/// A world in which whatever is tried succeeds, and time passes as long as it must.
struct WillingWorld {
  private var machine: RotationMachine
  private let hasQuarantine: Bool
  private var now = start + .seconds(1000)
  private var searched: Set<AttemptID> = []
  private var created: UInt64 = 0xA000_0000
  private var description = true
  private var predecessorsName = true

  init(_ machine: RotationMachine, hasQuarantine: Bool) {
    self.machine = machine
    self.hasQuarantine = hasQuarantine
  }

  /// What is wrong when nothing is left to be done; nil: nothing.
  mutating func run() throws -> String? {
    for _ in 0..<200 {
      now = now + .seconds(3600)
      let action = machine.nextAction(context)
      guard action != .none else { return verdict }
      for event in try events(of: action) { try machine.apply(TimedEvent(event, at: now)) }
    }
    return "there is no end to it"
  }

  private var policy: RotationPolicy {
    RotationPolicy(
      isOn: true, every: nil, renewBefore: nil, overlap: .seconds(20),
      quarantine: hasQuarantine ? .seconds(10) : nil)
  }

  private var context: ActionContext {
    var context = ActionContext(
      isWanted: true, stores: RandomEvents.stores, abandonAfter: .seconds(30), now: now, searched: searched)
    context.policy = policy
    context.retireNow = now
    context.descriptionDiffers = description
    (context.deliveryHooks, context.retirementHooks) = ([RandomEvents.hooks[0]], [RandomEvents.hooks[1]])
    context.predecessorNameDiffers = predecessorsName
    context.due = machine.dueReason(
      policy,
      DueFacts(
        now: now, name: "n", every: nil, expiryIsRelative: false, permissionsDiffer: false, absence: nil))
    return context
  }

  private var verdict: String? {
    if machine.wishes.rollbackTarget != nil { return "the rollback is not done" }
    if machine.wishes.retirement != nil { return "the retirement has no end" }
    if machine.wishes.relocatedIn != nil { return "the relocation is not done" }
    if let predecessor = machine.predecessor {
      // What was replaced stays until something is in its place, which a hold may put off.
      guard machine.wishes.isHeld, machine.incumbent == nil, predecessor.phase != .enabling else {
        return "generation \(predecessor.number) is left as \(predecessor.phase)"
      }
    }
    if let successor = machine.successor {
      return "generation \(successor.number) is left as \(successor.phase)"
    }
    if machine.incumbent == nil, !machine.wishes.isHeld, !machine.wasShown { return "there is no token" }
    if machine.generations.contains(where: \.owesHooks) { return "a hook was not told of the end of a token" }
    return nil
  }

  private mutating func events(of action: Action) throws -> [Event] {
    switch action {
    case .recover(let id):
      guard let open = machine.attempts.first(where: { $0.id == id }) else { return [] }
      if case .answered(let tokenID, _) = open.state {
        return [.orphanFound(attempt: id, tokenID: tokenID, reason: "its string is lost")]
      }
      return [.createUnknown(attempt: id, reason: "the run died")]
    case .revokeOrphan(let attempt, let tokenID):
      return [
        .orphanRevokeIntended(attempt: attempt, tokenID: tokenID),
        .orphanRevoked(attempt: attempt, tokenID: tokenID),
      ]
    case .search(let ids):
      searched.formUnion(ids)
      return []
    case .show(let generation): return [.secretShown(generation: generation)]
    case .create(let generation):
      created += 1
      let id = attempt(created)
      return [
        .createIntended(generation: generation, attempt: id, deadline: now),
        .createDone(attempt: id, tokenID: "w\(created)", expiresAt: nil),
        .storeStaged(generation: generation, attempt: id, store: "file"),
      ]
    case .activate(let generation): return [.activationConfirmed(generation: generation, after: .seconds(1))]
    case .promote(let generation, let store): return [.storePromoted(generation: generation, store: store)]
    case .completeDelivery(let generation): return [.deliveryDone(generation: generation, at: now)]
    case .runHook(let generation, let hook): return [.hookDone(generation: generation, hook: hook)]
    case .settleHooks(let generation): return [.hooksSettled(generation: generation)]
    case .update(let generation):
      if generation == machine.incumbent?.number { description = false } else { predecessorsName = false }
      return [.updateIntended(generation: generation), .updateDone(generation: generation)]
    case .disable(let generation):
      return [.disableIntended(generation: generation, permissions: Story.readAndWrite, at: now)]
    case .confirmDisable(let generation): return [.disableDone(generation: generation, at: now)]
    case .enable(let generation):
      return [.enableIntended(generation: generation), .enableDone(generation: generation)]
    case .rollBack(let generation, let store): return [.storeRolledBack(generation: generation, store: store)]
    case .completeRollback(let generation): return [.rollbackDone(generation: generation, at: now)]
    case .relocate(let store): return [.storeRelocated(store: store)]
    case .completeRelocation: return [.relocationDone(key: nil)]
    case .withdraw(let generation, let store):
      return [.storeWithdrawn(generation: generation, store: store, at: now)]
    case .revoke(let generation, let reason):
      return [
        .revokeIntended(generation: generation, reason: reason.rawValue), .revokeDone(generation: generation),
      ]
    case .confirmRevocation(let generation):
      return [.revokeConfirmed(generation: generation), .hooksOwed(generation: generation)]
    case .forget(let generation): return [.tokenForgotten(generation: generation)]
    case .wait, .none: return []
    }
  }
}
