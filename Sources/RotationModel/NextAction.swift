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
  /// Probe until the cluster has accepted the token long enough.
  case activate(generation: Int)
  /// Make the generation current in this store.
  case promote(generation: Int, store: String)
  /// Every store has it: record the delivery.
  case completeDelivery(generation: Int)
  /// Revoke the generation's token and empty its places.
  case revoke(generation: Int, reason: RevocationReason)
  /// Nothing more in this run; the next one goes on waiting for activation.
  case wait(generation: Int)
  /// The lineage is where it should be.
  case none
}

/// Why a generation is revoked.
public enum RevocationReason: String, Equatable, Sendable, CaseIterable {
  case neverActive = "the cluster refused it for too long"
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
  /// Whether this run has already waited for the activation as long as it may.
  public var hasWaited: Bool

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
  /// revoked, orphans go before anything new is made, and a new attempt is the last resort.
  public func nextAction(_ context: ActionContext) -> Action {
    if let open = attempts.first(where: \.isOpen) { return .recover(open.id) }
    for attempt in attempts {
      if let orphan = attempt.orphans.first(where: { $0.state != .revoked }) {
        return .revokeOrphan(attempt: attempt.id, tokenID: orphan.tokenID)
      }
    }
    if let newest { return nextAction(for: newest, context) }
    guard context.isWanted else { return .none }
    let unsearched = attempts.filter {
      $0.isDoubtful && !context.searched.contains($0.id)
    }
    return unsearched.isEmpty ? .create(generation: nextGeneration) : .search(unsearched.map(\.id))
  }

  private func nextAction(for generation: Generation, _ context: ActionContext) -> Action {
    let number = generation.number
    switch generation.phase {
    case .staged:
      guard context.isWanted else { return .none }
      guard context.hasWaited else { return .activate(generation: number) }
      let isRefusedTooLong =
        generation.lastWaitEndedInRefusal
        && generation.refusedSince.map { context.now - $0 >= context.abandonAfter } ?? false
      return isRefusedTooLong
        ? .revoke(generation: number, reason: .neverActive) : .wait(generation: number)
    case .active, .delivering:
      guard context.isWanted else { return .none }
      return nextDelivery(of: generation, context) ?? .completeDelivery(generation: number)
    case .current:
      // After an adoption only the first store is known to have it; the others are served like ones that failed.
      guard context.isWanted else { return .none }
      return nextDelivery(of: generation, context) ?? .none
    case .revoking:
      return .revoke(generation: number, reason: .intended)
    case .revoked:
      return .none
    }
  }

  private func nextDelivery(of generation: Generation, _ context: ActionContext) -> Action? {
    context.stores.first { !generation.promotedIn.contains($0) }
      .map { .promote(generation: generation.number, store: $0) }
  }
}
