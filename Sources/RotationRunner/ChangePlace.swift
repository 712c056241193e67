import RotationModel
import RotationPorts

// Changes of what the stores call current, other than a promotion.
extension Performer {
  /// Makes the previous generation current again in one store.
  func rollBack(to number: Int, in storeName: String, work: inout TokenWork) async throws(Stop) -> Next? {
    guard let store = plan.store(named: storeName), let newer = work.machine.incumbent else {
      return .finished(.failed)
    }
    if let next = turn(of: storeName, &work) { return next }
    do throws(StoreError) {
      try await store.rollBack(from: newer.number, to: number, at: work.place(job: plan.name))
    } catch { return try await failedDelivery(error, of: number, in: store, work: &work) }
    await succeeded(in: store, &work)
    try await record([.storeRolledBack(generation: number, store: storeName)], for: &work)
    return nil
  }

  /// Lets one store have no current token of this name any more.
  func withdraw(_ number: Int, from storeName: String, work: inout TokenWork) async throws(Stop) -> Next? {
    if let next = turn(of: storeName, &work) { return next }
    if let store = plan.store(named: storeName) {
      do throws(StoreError) {
        try await store.withdraw(generation: number, at: work.place(job: plan.name))
      } catch { return try await failedDelivery(error, of: number, in: store, work: &work) }
      await succeeded(in: store, &work)
    }
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

  /// nil: the store may be asked. One that has failed comes last; when nothing else is left to be done, it is waited
  /// for, or the lineage ends with what it has failed of.
  func turn(of store: String, _ work: inout TokenWork) -> Next? {
    if let problem = work.storesGivenUp[store] {
      work.fail(problem, as: .undelivered)
      return .finished(work.outcomeOfProblem)
    }
    guard let at = work.storesAskedLater[store], at > ports.clock.uptime else { return nil }
    return .pause(until: at)
  }

  func succeeded(in store: any SecretStore, _ work: inout TokenWork) async {
    await outages.ended(store.name)
    work.storesAskedLater[store.name] = nil
    work.failedStoreCalls = 0
  }

  /// What becomes of the lineage when the first store does not say what it holds.
  func pauseOrEnd(_ error: StoreError, _ work: inout TokenWork, as outcome: TokenOutcome) async -> Next {
    work.failedStoreCalls += 1
    if let pause = await pause(for: plan.stores[0], after: error, failure: work.failedStoreCalls) {
      return .pause(until: ports.clock.uptime + pause)
    }
    work.fail(Problem(error).naming(work.name), as: outcome)
    return .finished(work.outcomeOfProblem)
  }

  /// A store that failed is asked again for as long as is bearable, after the others; then the next run goes on.
  func failedDelivery(
    _ error: StoreError, of number: Int, in store: any SecretStore, work: inout TokenWork
  ) async throws(Stop) -> Next? {
    work.failedStoreCalls += 1
    if let pause = await pause(for: store, after: error, failure: work.failedStoreCalls) {
      work.storesAskedLater[store.name] = ports.clock.uptime + pause
      return nil
    }
    work.storesGivenUp[store.name] = Problem(error).naming(work.name)
    try await record(
      [.deliveryFailed(generation: number, store: store.name, reason: error.message)], for: &work)
    return nil
  }
}

extension StoreError {
  fileprivate var saysThatPlaceIsTaken: Bool {
    switch code {
    case .ownedByAnother, .conflict: true
    case .unavailable, .unreachable, .noRoom, .missing, .misconfigured, .malformed: false
    }
  }
}

extension JobPlan {
  func store(named name: String) -> (any SecretStore)? {
    stores.first { $0.name == name }
  }
}
