import RotationModel
import Testing

/// Random events in random states: whatever a damaged ledger or a faulty runner brings.
struct RotationMachineRandomTests {
  @Test func noOrderOfEventsBreaksTheMachine() throws {
    var taken: [String: Int] = [:]
    for seed in UInt64(1)...300 {
      var seeded = Seeded(seed)
      var machine = RotationMachine()
      var history: [TimedEvent] = []
      for step in 0..<120 {
        let event = RandomEvents.next(machine, &seeded)
        let timed = TimedEvent(event, at: start + .seconds(Int64(step)))
        let before = machine
        do throws(IllegalEvent) {
          try machine.apply(timed)
        } catch {
          #expect(machine == before, "seed \(seed): refused \(timed.event), and changed")
          continue
        }
        history.append(timed)
        taken[timed.event.record.name, default: 0] += 1
        let fault =
          MachineRules.fault(event, before, machine)
          ?? MachineRules.actionFault(machine, at: timed.time, &seeded)
        if let fault {
          Issue.record("seed \(seed): \(fault), after \(history.map(\.event.brief))")
          return
        }
      }
      #expect(try RotationMachine(replaying: history) == machine, "seed \(seed)")
      let reread = try history.map { timed in
        TimedEvent(try #require(Event(record: timed.event.record)), at: timed.time)
      }
      #expect(try RotationMachine(replaying: reread) == machine, "seed \(seed)")
    }
    let all = EventRecordTests.samples.map(\.record.name) + ["rotate.compromised", "retire.requested_now"]
    #expect(
      Set(all).subtracting(taken.keys).isEmpty,
      "some events were never taken, so nothing was shown about them")
  }

  /// From wherever random events have led, doing what the machine asks for ends, with everything where it
  /// should be: no state is a dead end.
  @Test func whateverHappenedTheMachineFindsItsWayOut() throws {
    for seed in UInt64(1)...600 {
      var seeded = Seeded(seed &+ 10_000)
      var machine = RotationMachine()
      var history: [String] = []
      for step in 0..<Int.random(in: 1..<160, using: &seeded) {
        let timed = TimedEvent(RandomEvents.next(machine, &seeded), at: start + .seconds(Int64(step)))
        if (try? machine.apply(timed)) != nil { history.append(timed.event.brief) }
      }
      var world = WillingWorld(machine, hasQuarantine: seed % 2 == 0)
      if let fault = try world.run() {
        Issue.record("seed \(seed): \(fault), after \(history)")
        return
      }
    }
  }
}

extension Event {
  fileprivate var brief: String { "\(record.name) \(record.generation.map(String.init) ?? "")" }
}

/// The rules that hold whatever happens.
enum MachineRules {
  static func fault(_ event: Event, _ before: RotationMachine, _ after: RotationMachine) -> String? {
    tokenFault(event, before, after) ?? attemptFault(event, before, after)
      ?? phaseFault(event, before, after)
  }

  private static func tokenFault(
    _ event: Event, _ before: RotationMachine, _ after: RotationMachine
  ) -> String? {
    let counts = [
      "those in the current place": after.generations.count { $0.holdsCurrentPlace && !$0.isConfirmedGone },
      "successor": after.generations.count(where: \.isSuccessor),
      "incumbent": after.generations.count { $0.phase == .current },
      "predecessor": after.generations.count(where: \.isLivingPredecessor),
    ]
    for (word, count) in counts where count > 1 { return "\(count) of \(word)" }
    if after.successor != nil, after.incumbent != nil, after.predecessor != nil {
      return "a successor beside an incumbent and a predecessor"
    }
    switch event {
    case .createIntended, .storeStaged:
      if after.incumbent != nil, after.predecessor != nil {
        return "a token is made beside an incumbent and a predecessor"
      }
    case .revokeIntended(let number, _):
      if before.generation(number)?.phase == .current { return "the current token is to be revoked" }
      if before.wishes.rollbackTarget == number { return "the token that is wanted back is to be revoked" }
    case .tokenForgotten(let number):
      guard let old = before.generation(number) else { return "what there is not is forgotten" }
      if old.phase != .leftBehind, old.attempt != nil { return "a token of ours is let go" }
      if old.phase == .current || old.phase == .revoking { return "a token that is \(old.phase) is let go" }
    case .rollbackRefused(let number, _):
      if before.generation(number)?.isVerifiedAgain == true { return "a rollback is given up too late" }
    case .retirementRequested:
      if before.generations.allSatisfy({ !$0.isLive && $0.phase != .revoked }) { return "nothing is retired" }
    case .disableIntended(let number, _, _):
      if before.generation(number)?.phase != .superseded { return "a token in use is to be disabled" }
      if before.wishes.rollbackTarget == number { return "the token that is wanted back is to be disabled" }
    default: break
    }
    return nil
  }

  private static func attemptFault(
    _ event: Event, _ before: RotationMachine, _ after: RotationMachine
  ) -> String? {
    if after.attempts.count(where: \.isOpen) > 1 { return "two open attempts" }
    if after.successor != nil, after.attempts.contains(where: \.isOpen) {
      return "an open attempt beside a successor"
    }
    if Set(after.attempts.map(\.id)).count != after.attempts.count { return "an attempt twice" }
    if after.attempts.count < before.attempts.count || after.generations.count < before.generations.count {
      return "something was forgotten"
    }
    if case .clusterChanged = event { return nil }
    for (old, new) in zip(before.attempts, after.attempts) {
      guard old.state.word == new.state.word || old.state.leavesTo.contains(new.state.word) else {
        return "attempt \(old.state.word) → \(new.state.word)"
      }
      for (was, becomes) in zip(old.orphans, new.orphans) where was.state != becomes.state {
        let isDocumented =
          was.state == .found || (was.state == .revoking && becomes.state != .revoking)
          || (was.state == .revoked && becomes.state == .found)
        if !isDocumented { return "orphan \(was.state) → \(becomes.state)" }
      }
    }
    return nil
  }

  private static func phaseFault(
    _ event: Event, _ before: RotationMachine, _ after: RotationMachine
  ) -> String? {
    if after.generations.map(\.number) != Set(after.generations.map(\.number)).sorted() {
      return "generations \(after.generations.map(\.number))"
    }
    for old in before.generations {
      guard let new = after.generation(old.number) else { return "generation \(old.number) was forgotten" }
      if new.phase == .leftBehind, old.phase != .leftBehind {
        guard old.isLeft(by: event) else { return "\(event): phase \(old.phase) is left behind" }
        continue
      }
      guard old.phase == new.phase || old.phase.leavesTo.contains(new.phase) else {
        return "phase \(old.phase) → \(new.phase)"
      }
    }
    return nil
  }

  static func actionFault(
    _ machine: RotationMachine, at now: Instant, _ seeded: inout Seeded
  ) -> String? {
    for isWanted in [true, false] {
      let context = RandomEvents.context(machine, isWanted: isWanted, now: now, &seeded)
      let action = machine.nextAction(context)
      if action != machine.nextAction(context) { return "\(action) is not what it says the second time" }
      if let fault = fault(of: action, machine, context) { return fault }
      guard let event = action.firstEvent else { continue }
      var next = machine
      do throws(IllegalEvent) {
        try next.apply(TimedEvent(event, at: now))
      } catch {
        return "\(action) is asked for, and \(event) is not taken"
      }
    }
    return nil
  }

  private static func fault(
    of action: Action, _ machine: RotationMachine, _ context: ActionContext
  ) -> String? {
    switch action {
    case .create(let generation):
      if !context.isWanted { return "create what nobody wants" }
      if machine.successor != nil || generation != machine.nextGeneration {
        return "create a second successor"
      }
      if machine.incumbent != nil, machine.predecessor != nil { return "create a third token" }
      if machine.incumbent != nil, context.due == nil { return "replace what is not due" }
      if machine.attempts.contains(where: { $0.orphans.contains { $0.state != .revoked } }) {
        return "create before an orphan is gone"
      }
      if machine.attempts.contains(where: { $0.isDoubtful && !context.searched.contains($0.id) }) {
        return "create while an unknown attempt is unsearched"
      }
    case .revoke(let number, _), .disable(let number):
      guard let generation = machine.generation(number) else { return "end what there is not" }
      if generation.phase == .current { return "end the current token" }
      if machine.wishes.rollbackTarget == number { return "end the token that is wanted back" }
      guard generation.wasDelivered, generation.phase != .revoking else { return nil }
      if context.retireNow == nil { return "retire by a clock that is not reliable" }
      if machine.incumbent == nil, machine.wishes.retirement == nil, !machine.isCompromised(generation) {
        return "retire what nothing has replaced"
      }
    case .withdraw:
      if machine.wishes.retirement == nil { return "withdraw what nobody has retired" }
    case .runHook(let number, let hook):
      guard let generation = machine.generation(number) else { return "tell of what there is not" }
      if generation.hooksDone.contains(hook) { return "tell a hook again that has done its work" }
      let isInStores = generation.promotedIn.isSuperset(of: context.stores)
      if !isInStores, !generation.owesHooks { return "tell of a token that is not in every store" }
    case .completeDelivery(let number), .completeRollback(let number):
      guard let generation = machine.generation(number) else { return "complete what there is not" }
      let isAnnounced = machine.wishes.retirement == nil
      if isAnnounced, !generation.hooksDone.isSuperset(of: context.deliveryHooks) {
        return "complete before hooks were told"
      }
    case .confirmRevocation(let number):
      if machine.generation(number)?.promotedIn.isEmpty == false { return "forget what stores call current" }
    case .update(let number):
      guard let generation = machine.generation(number) else { return "describe what there is not" }
      if number != machine.incumbent?.number, generation.attempt == nil || !generation.isLive {
        return "describe a token of others, or one that is gone"
      }
    case .show(let number):
      if !context.showsStrings || machine.generation(number)?.phase != .staged {
        return "show what is not to be seen"
      }
    case .recover, .revokeOrphan, .search, .activate, .promote, .settleHooks, .confirmDisable,
      .enable, .rollBack, .relocate, .completeRelocation, .forget, .wait, .none:
      break
    }
    return nil
  }
}

extension Action {
  /// What is recorded first when the action goes well; nil: that depends on the world.
  fileprivate var firstEvent: Event? {
    switch self {
    case .recover, .search, .wait, .none: nil
    case .revokeOrphan(let attempt, let tokenID): .orphanRevokeIntended(attempt: attempt, tokenID: tokenID)
    case .create(let generation):
      .createIntended(generation: generation, attempt: attempt(0xFFFF), deadline: start)
    case .show(let generation): .secretShown(generation: generation)
    case .activate(let generation): .activationConfirmed(generation: generation, after: .seconds(1))
    case .promote(let generation, let store): .storePromoted(generation: generation, store: store)
    case .completeDelivery(let generation): .deliveryDone(generation: generation, at: start)
    case .runHook(let generation, let hook): .hookDone(generation: generation, hook: hook)
    case .settleHooks(let generation): .hooksSettled(generation: generation)
    case .update(let generation): .updateIntended(generation: generation)
    case .disable(let generation): Story.disableIntended(generation)
    case .confirmDisable(let generation): .disableDone(generation: generation, at: start)
    case .enable(let generation): .enableIntended(generation: generation)
    case .rollBack(let generation, let store): .storeRolledBack(generation: generation, store: store)
    case .completeRollback(let generation): .rollbackDone(generation: generation, at: start)
    case .relocate(let store): .storeRelocated(store: store)
    case .completeRelocation: .relocationDone(key: nil)
    case .withdraw(let generation, let store):
      .storeWithdrawn(generation: generation, store: store, at: start)
    case .revoke(let generation, let reason):
      .revokeIntended(generation: generation, reason: reason.rawValue)
    case .confirmRevocation(let generation): .revokeConfirmed(generation: generation)
    case .forget(let generation): .tokenForgotten(generation: generation)
    }
  }
}

extension Generation {
  /// What the machine says of the last one of its kind, said of each.
  fileprivate var isSuccessor: Bool {
    [.staged, .active, .delivering].contains(phase) || (phase == .revoking && !wasDelivered)
  }

  /// A cluster that is left takes everything along that is not gone; a row that changes only what was made by hand.
  fileprivate func isLeft(by event: Event) -> Bool {
    switch event {
    case .clusterChanged: !isConfirmedGone
    case .secretShown(self.number): phase == .staged
    case .tokenForgotten(self.number): attempt == nil && [.superseded, .disabling, .disabled].contains(phase)
    default: false
    }
  }

  /// Of those whose strings are merely to be forgotten there may be more.
  fileprivate var isLivingPredecessor: Bool {
    [.superseded, .disabling, .disabled, .enabling].contains(phase) || (phase == .revoking && wasDelivered)
  }
}

extension Attempt.State {
  fileprivate var word: String {
    switch self {
    case .inFlight: "inFlight"
    case .answered: "answered"
    case .refused: "refused"
    case .unknown: "unknown"
    case .kept: "kept"
    case .lost: "lost"
    case .closed: "closed"
    }
  }

  /// As the declarations document it.
  fileprivate var leavesTo: Set<String> {
    switch self {
    case .inFlight: ["answered", "refused", "unknown", "kept"]
    case .answered: ["kept", "lost"]
    case .unknown: ["kept", "lost", "closed"]
    case .closed: ["lost"]
    case .kept: ["lost"]
    case .refused, .lost: []
    }
  }
}

extension Generation.Phase {
  /// As the declarations document it.
  fileprivate var leavesTo: Set<Generation.Phase> {
    switch self {
    case .staged: [.active, .revoking]
    case .active: [.delivering]
    case .delivering: [.current]
    case .current: [.superseded, .revoked]
    case .superseded: [.disabling, .revoking, .current]
    case .disabling: [.disabled, .superseded, .revoking]
    case .disabled: [.enabling, .revoking]
    case .enabling: [.superseded, .disabled]
    case .revoking: [.revoked]
    case .revoked: [.leftBehind]
    case .leftBehind: []
    }
  }
}
