import RotationModel
import RotationPorts

extension PlannedStep {
  /// What a run would do with the lineage first, and why; nil: nothing that concerns its CSV.
  init?(describing work: TokenWork, _ performer: Performer) {
    let context = performer.context(for: work)
    let action = work.machine.nextAction(context)
    guard let (kind, reason) = PlannedStep.words(for: action, work, context) else { return nil }
    self.init(kind: kind, name: work.name, reason: reason)
  }

  private static func words(
    for action: Action, _ work: TokenWork, _ context: ActionContext
  ) -> (Kind, String)? {
    let machine = work.machine
    // What is under way beside a token in use is to take its place.
    let kind: Kind = machine.incumbent == nil ? .create : .rotate
    func id(_ number: Int) -> String { "token \(machine.generation(number)?.tokenID ?? "?")" }
    switch action {
    case .recover(let attempt):
      return (
        kind, "an interrupted run left attempt \(attempt): adopt its token, or revoke it and create another"
      )
    case .revokeOrphan(_, let tokenID):
      let after = work.desired == nil || machine.newest != nil ? "" : ", then create another"
      return (.retire, "token \(tokenID) is an orphan, its string is lost: revoke it\(after)")
    case .search, .create:
      return work.blocked.contains(.creation) ? nil : creation(action, work, context)
    case .show(let number): return (kind, "\(id(number)) is made: show its string")
    case .activate(let number):
      if machine.rollbackTarget != nil { return (.rotate, "roll back: ask whether \(id(number)) works") }
      return work.blocked.contains(.activation)
        ? nil : (kind, "created and stored, not active yet: go on waiting")
    case .promote(let number, let store):
      let isBehind = number == machine.incumbent?.number
      return (isBehind ? .create : kind, "active, not delivered to store \(store) yet")
    case .completeDelivery: return (kind, "delivered, not recorded yet")
    case .runHook(let number, let hook) where machine.generation(number)?.owesHooks == true:
      return (.retire, "\(id(number)) is gone: tell hook \(hook)")
    case .runHook(_, let hook):
      return (machine.rollbackTarget == nil ? kind : .rotate, "in the stores; hook \(hook) is to be told")
    case .settleHooks: return (.retire, "a token is gone, and no hook is left to be told of it: record that")
    case .update(let number) where number != machine.incumbent?.number:
      return (.rotate, "renamed: let the marker of its predecessor, \(id(number)), have the new name")
    case .update: return (.rotate, "the description changed: update it in place")
    case .disable(let number):
      return (.retire, "\(id(number)): \(machine.reasonAfterOverlap.rawValue): disable it")
    case .confirmDisable(let number) where machine.rollbackTarget != nil:
      return (.rotate, "roll back: look whether \(id(number)), which is being disabled, is")
    case .confirmDisable(let number): return (.retire, "\(id(number)) is being disabled: look whether it is")
    case .enable(let number): return (.rotate, "roll back: give \(id(number)) its permissions back")
    case .rollBack(let number, let store):
      return (.rotate, "roll back: make \(id(number)) current again in store \(store)")
    case .completeRollback: return (.rotate, "rolled back, not recorded yet")
    case .relocate(let store):
      return (
        .rotate, "renamed from \(machine.wishes.formerNames.last ?? "?"): move it within store \(store)"
      )
    case .completeRelocation: return (.rotate, "renamed, not recorded yet")
    case .withdraw(let number, let store):
      return (.retire, "a person has retired it: take \(id(number)) out of store \(store)")
    case .revoke(let number, let reason):
      let wasDelivered = machine.generation(number)?.wasDelivered == true
      let after = wasDelivered || reason == .retired ? "" : " and create another"
      let words = "\(id(number)): \(reason.rawValue): revoke it\(after)"
      return wasDelivered ? ending(words, work, context) : (.retire, words)
    case .confirmRevocation(let number):
      return ending("\(id(number)) is revoked: ask until the cluster refuses it", work, context)
    case .forget(let number):
      return ending("\(id(number)) is not looked after any more: forget its string", work, context)
    case .wait, .none: return nothing(work, context)
    }
  }

  /// The end of the last predecessor, and what the same run goes on with when nothing is in its way any more.
  private static func ending(_ words: String, _ work: TokenWork, _ context: ActionContext) -> (Kind, String) {
    let machine = work.machine
    let isHeld = machine.wishes.isHeld && (context.due?.isStoppedByHold ?? true)
    guard context.isWanted, machine.successor == nil, machine.wishes.retirement == nil, !isHeld,
      !work.blocked.contains(.creation), machine.incumbent == nil || context.due != nil
    else { return (.retire, words) }
    let (kind, reason) = creation(.create(generation: machine.nextGeneration), work, context)
    return (kind, "\(reason); before that, \(words)")
  }

  private static func creation(
    _ action: Action, _ work: TokenWork, _ context: ActionContext
  ) -> (Kind, String) {
    let isSearch = if case .search = action { true } else { false }
    let search = "an attempt was never answered: look for its token, revoke it, create another"
    // A token that was made by hand is known to the ledger only when it is taken over.
    let isTakeover = work.machine.generations.isEmpty && work.desired?.replaces != nil
    guard let due = context.due ?? (isTakeover ? .takeover : nil) else {
      return (.create, isSearch ? search : "no token yet")
    }
    return (.rotate, due.words(now: context.now) + (isSearch ? "; \(search)" : ""))
  }

  private static func nothing(_ work: TokenWork, _ context: ActionContext) -> (Kind, String)? {
    let machine = work.machine
    guard work.desired != nil || machine.predecessor != nil else { return nil }
    var reason = machine.status.rawValue
    if machine.wishes.isHeld { reason += ", held" }
    if let due = context.due, machine.wishes.isHeld {
      reason += "; would be replaced: \(due.words(now: context.now))"
    }
    if let predecessor = machine.predecessor {
      reason += "; its predecessor is \(predecessor.phase.rawValue)"
      if let at = predecessor.nextChange(context.policy) { reason += " until \(at.rfc3339Seconds)" }
    }
    return (.nothing, reason)
  }
}

extension Generation {
  /// The overlap or the quarantine that it is in.
  func waitingTime(_ policy: RotationPolicy) -> (from: Instant, until: Instant)? {
    switch phase {
    case .superseded: supersededAt.map { ($0, $0 + policy.overlap) }
    case .disabling, .disabled: disabledAt.map { ($0, $0 + (policy.quarantine ?? .zero)) }
    case .staged, .active, .delivering, .current, .enabling, .revoking, .revoked, .leftBehind: nil
    }
  }

  /// When the clock alone takes it a step further on its way out.
  func nextChange(_ policy: RotationPolicy) -> Instant? {
    phase == .disabling ? nil : waitingTime(policy)?.until
  }
}

extension DueReason {
  /// Why, for a person.
  func words(now: Instant) -> String {
    switch self {
    case .takeover: "it replaces a token that was made by hand"
    case .requested: "a person has asked for it"
    case .compromised: "a person has called the token compromised: replace it without an overlap"
    case .age(let since): "it is \(DurationText.rounded(now - since)) old"
    case .expiry(let at): "it expires at \(at.rfc3339Seconds)"
    case .permissions: "the row asks for other permissions than the token has"
    case .missing: "the cluster does not have it any more"
    case .revokedElsewhere: "somebody has revoked it"
    }
  }
}
