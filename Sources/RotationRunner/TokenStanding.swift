import RotationModel
import RotationPorts

extension TokenWork {
  /// Where the lineage stands, with what a plan says of it.
  func standing(_ plan: JobPlan, step: PlannedStep?) -> TokenStanding {
    var standing = TokenStanding(name: name, state: machine.status.rawValue, stores: plan.stores.count)
    if let newest = machine.newest {
      standing.tokenID = newest.tokenID
      standing.createdAt = newest.attempt == nil ? nil : newest.stagedAt
      standing.expiresAt = newest.expiresAt
      standing.activationSeconds = newest.activationTook?.seconds
      standing.delivered = newest.promotedIn.count
    }
    standing.dueAt = machine.nextDue(plan.policy, dueFacts(now: listedAt))
    standing.isHeld = machine.wishes.isHeld
    standing.predecessorID = machine.predecessor?.tokenID
    standing.predecessorState = machine.predecessor?.phase.rawValue
    standing.problem = problem ?? concern?.problem
    standing.next = step.flatMap { $0.kind == .nothing ? nil : $0.reason }
    return standing
  }
}
