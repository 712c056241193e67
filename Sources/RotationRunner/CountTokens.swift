import RotationModel
public import RotationPorts

/// Counts where a job's tokens stand, by what the ledger knows: asks nobody, claims nothing, and keeps the counts only.
public struct CountTokens: Sendable {
  let plan: JobPlan
  let ports: RunPorts

  public init(plan: JobPlan, ports: RunPorts) {
    self.plan = plan
    self.ports = ports
  }

  /// Throws when the ledger cannot be read, or a signal has come.
  public func count() async throws(Stop) -> TokenCensus {
    var census = TokenCensus()
    try await ports.forEachLineage(of: plan) { (lineage) async throws(Stop) in
      // A lineage that cannot be replayed was told when the job ran.
      guard let machine = try? lineage.replayed() else { return }
      add(machine, of: lineage, to: &census)
    }
    return census
  }

  private func add(_ machine: RotationMachine, of lineage: ClaimedLineage, to census: inout TokenCensus) {
    for generation in machine.generations where generation.attempt != nil {
      census.created += 1
      if generation.phase == .revoked { census.revoked += 1 }
      if let took = generation.activationTook { census.activations.add(took) }
    }
    guard lineage.row != nil || machine.newest != nil || machine.predecessor != nil else { return }
    census.states[machine.status, default: 0] += 1
    if machine.wishes.isHeld { census.held += 1 }
    switch machine.successor?.phase {
    case .active, .delivering: census.undelivered += 1
    case .staged, .current, .superseded, .disabling, .disabled, .enabling, .revoking, .revoked, .leftBehind,
      nil:
      break
    }
    guard let incumbent = machine.incumbent, incumbent.attempt != nil else { return }
    census.oldestMadeAt = earlier(census.oldestMadeAt, incumbent.stagedAt)
    census.nextExpiryAt = earlier(census.nextExpiryAt, incumbent.expiresAt)
    census.nextDueAt = earlier(census.nextDueAt, due(machine, lineage))
  }

  /// What is held, or has no row, does not become due by itself.
  private func due(_ machine: RotationMachine, _ lineage: ClaimedLineage) -> Instant? {
    guard !machine.wishes.isHeld, let row = lineage.row, let desired = try? plan.specification.row(row) else {
      return nil
    }
    return machine.nextDue(
      plan.policy,
      DueFacts(
        now: ports.clock.now, name: lineage.name, every: desired.rotateEvery,
        expiryIsRelative: desired.expiry.isRelative, permissionsDiffer: false, absence: nil))
  }

  private func earlier(_ one: Instant?, _ other: Instant?) -> Instant? {
    [one, other].compactMap(\.self).min()
  }
}
