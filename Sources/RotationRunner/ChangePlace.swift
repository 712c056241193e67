import RotationModel
import RotationPorts

// Changes of what the stores call current, other than a promotion.
extension Performer {
  /// Makes the previous generation current again in one store.
  func rollBack(to number: Int, in storeName: String, work: inout TokenWork) async throws(Stop) -> Next? {
    guard let store = plan.store(named: storeName), let newer = work.machine.incumbent else {
      return .finished(.failed)
    }
    let place = work.place(job: plan.name)
    do throws(StoreError) {
      try await store.rollBack(from: newer.number, to: number, at: place)
    } catch { return try await failedDelivery(error, of: number, in: storeName, work: &work) }
    try await record([.storeRolledBack(generation: number, store: storeName)], for: &work)
    return nil
  }

  /// Lets one store have no current token of this name any more.
  func withdraw(_ number: Int, from storeName: String, work: inout TokenWork) async throws(Stop) -> Next? {
    do throws(StoreError) {
      try await plan.store(named: storeName)?.withdraw(generation: number, at: work.place(job: plan.name))
    } catch { return try await failedDelivery(error, of: number, in: storeName, work: &work) }
    try await record(
      [.storeWithdrawn(generation: number, store: storeName, at: serviceTimeAtLatest)], for: &work)
    return nil
  }

  /// Lets one store have the lineage's tokens under its new name. Where that is was put on record before the first
  /// store was touched: a row that says something else since is for a person to look at.
  func relocate(in storeName: String, work: inout TokenWork) async throws(Stop) -> Next? {
    guard let store = plan.store(named: storeName), let oldName = work.machine.wishes.formerNames.last else {
      return .finished(.failed)
    }
    guard work.machine.wishes.relocationTarget != nil else {
      try await record([.relocationIntended(key: work.relocationKey)], for: &work)
      return nil
    }
    let key = work.machine.generations.last { $0.isLive && $0.attempt != nil }?.key
    let old = StorePlace(job: plan.name, name: oldName, secret: key)
    var new = work.desired?.place ?? StorePlace(job: plan.name, name: work.name)
    new.secret = work.relocationKey
    do throws(StoreError) {
      try await store.relocate(from: old, to: new)
    } catch {
      // Where a place is taken and nothing is there yet, the row may name another.
      if error.saysThatPlaceIsTaken, work.machine.wishes.relocatedIn?.isEmpty == true {
        try await record([.relocationRefused(reason: error.message)], for: &work)
      }
      work.fail(Problem(error).naming(work.name), as: .undelivered)
      return .finished(work.outcomeOfProblem)
    }
    try await record([.storeRelocated(store: storeName)], for: &work)
    return nil
  }

  /// A store that failed is asked again for as long as is bearable; then the next run goes on.
  func failedDelivery(
    _ error: StoreError, of number: Int, in storeName: String, work: inout TokenWork
  ) async throws(Stop) -> Next? {
    work.failedDeliveries += 1
    if error.isPassing,
      let delay = RetrySchedule.reading.delay(
        afterFailure: work.failedDeliveries, retryAfter: nil, jitter: ports.random.fraction())
    {
      return .pause(until: ports.clock.uptime + delay)
    }
    try await record(
      [.deliveryFailed(generation: number, store: storeName, reason: error.message)], for: &work)
    work.fail(Problem(error).naming(work.name), as: .undelivered)
    return .finished(work.outcomeOfProblem)
  }
}

extension StoreError {
  fileprivate var saysThatPlaceIsTaken: Bool {
    switch code {
    case .ownedByAnother, .conflict: true
    case .unavailable, .noRoom, .missing, .misconfigured, .malformed: false
    }
  }
}

extension JobPlan {
  func store(named name: String) -> (any SecretStore)? {
    stores.first { $0.name == name }
  }
}
