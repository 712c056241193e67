// Those who are told what became of a token: programs of the job's owner.
extension RotationMachine {
  /// What is told, and to whom, is for the job to say; here it is kept who knows it.
  mutating func applyHook(_ timed: TimedEvent) throws(IllegalEvent) {
    switch timed.event {
    case .hookDone(let number, let hook):
      let index = try indexOfTold(number, timed)
      generations[index].hooksDone.insert(hook)
      if generations[index].mayBeUntold { beginOverlapAnew(at: timed.time) }
    case .hookFailed(let number, _, _):
      _ = try indexOfTold(number, timed)
    case .hooksOwed(let number):
      let index = try generationIndex(number, in: [.revoked], timed)
      guard generations[index].wasDelivered, generations[index].isConfirmedGone else { throw illegal(timed) }
      generations[index].owesHooks = true
    case .hooksSettled(let number):
      guard let index = generations.lastIndex(where: { $0.number == number && $0.owesHooks })
      else { throw illegal(timed) }
      generations[index].owesHooks = false
    default: throw illegal(timed)
    }
  }

  /// Consumers have had the newer token only from now on. Events bear the time of this machine, which may be a little
  /// behind the cluster's.
  private mutating func beginOverlapAnew(at time: Instant) {
    for index in generations.indices where generations[index].phase == .superseded {
      let latest = time + .seconds(300)
      generations[index].supersededAt = max(generations[index].supersededAt ?? latest, latest)
    }
  }

  /// A generation that a hook may be told of: it is in the stores and its delivery is not complete, the rollback to
  /// it is under way, or it is gone.
  private func indexOfTold(_ number: Int, _ timed: TimedEvent) throws(IllegalEvent) -> Int {
    guard let index = generations.lastIndex(where: { $0.number == number }) else { throw illegal(timed) }
    let generation = generations[index]
    let isDelivered = generation.phase == .delivering
    let comesBack = wishes.rollbackTarget == number && !generation.promotedIn.isEmpty
    let isUntold = generation.phase == .current && generation.mayBeUntold
    guard isDelivered || comesBack || isUntold || generation.owesHooks else { throw illegal(timed) }
    return index
  }
}
