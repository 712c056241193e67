import RotationModel
import RotationPorts

extension TokenWork {
  /// Where the lineage stands, with what a plan says of it.
  func standing(_ plan: JobPlan, step: PlannedStep?) -> TokenStanding {
    var standing = standing(of: machine.newest, plan.policy, stores: plan.stores.count)
    standing.next = step.flatMap { $0.kind == .nothing ? nil : $0.reason }
    return standing
  }

  /// Where the lineage stands, told of one of its generations.
  func standing(of generation: Generation?, _ policy: RotationPolicy, stores: Int) -> TokenStanding {
    var standing = TokenStanding(name: name, state: machine.status.rawValue, stores: stores)
    if let generation {
      standing.tokenID = generation.tokenID
      standing.createdAt = generation.attempt == nil ? nil : generation.stagedAt
      standing.expiresAt = generation.expiresAt
      standing.activationSeconds = generation.activationTook?.seconds
      standing.delivered = generation.promotedIn.count
    }
    // What a one-off CSV has made is rotated by nobody.
    standing.dueAt = isOneOff ? nil : machine.nextDue(policy, dueFacts(now: listedAt))
    standing.isHeld = machine.wishes.isHeld
    standing.predecessorID = machine.predecessor?.tokenID
    standing.predecessorState = machine.predecessor?.phase.rawValue
    standing.problem = problem ?? concern?.problem ?? generation.flatMap { undelivered($0) }
    return standing
  }

  /// Which stores do not have the token, by what they have said to it last.
  private func undelivered(_ generation: Generation) -> Problem? {
    guard !generation.failedStores.isEmpty else { return nil }
    let stores = generation.failedStores.sorted { $0.key < $1.key }
      .map { "store \($0.key) does not have it: \($0.value)" }
    return Problem(
      code: "undelivered", message: "\(name): \(stores.joined(separator: "; "))",
      hint: "the next run tries that again, and nothing else")
  }
}
