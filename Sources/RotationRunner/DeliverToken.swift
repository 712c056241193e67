import RotationModel
import RotationPorts

extension Performer {
  /// Makes the string and the permissions to ask about ready, so that the activation can be probed.
  func prepareActivation(of number: Int, work: inout TokenWork) async throws(Stop) -> Next? {
    guard let generation = work.machine.generation(number) else {
      return .finished(.failed)
    }
    guard let attempt = generation.attempt else { return .finished(.failed) }
    if work.stored?.attempt != attempt {
      do throws(StoreError) {
        work.stored = try await storedToken(of: attempt, at: work.place(job: plan.name))?.token
        await succeeded(in: plan.stores[0], &work)
      } catch {
        return await pauseOrEnd(error, &work, as: .undelivered)
      }
    }
    guard work.stored != nil else {
      guard generation.phase == .staged else {
        return try await giveUpRollback(number, "its string is no longer in the stores", &work)
      }
      // Somebody emptied the store's pending place. The token is of no use to anybody.
      try await record(
        [
          .revokeIntended(
            generation: number, reason: "its string is no longer in store \(plan.stores[0].name)")
        ],
        for: &work)
      return nil
    }
    guard let permissions = try await permissions(toAskAbout: generation, &work) else {
      return work.problem == nil ? nil : .finished(work.outcomeOfProblem)
    }
    guard let targets = targets(for: permissions) else {
      work.fail(
        Problem(
          code: "no_database_to_ask",
          message: "\(work.name): a \"*\" permission cannot be verified, because the cluster has no database",
          hint: "create a database, or name one in [activation] database"))
      return .finished(work.outcomeOfProblem)
    }
    work.targets = targets
    work.schedule = ActivationSchedule(
      policy: plan.activation, targetCount: targets.count, at: ports.clock.uptime)
    return .probe
  }

  /// The row's permissions for a token that is on its way; for one that is to come back those that it has.
  private func permissions(
    toAskAbout generation: Generation, _ work: inout TokenWork
  ) async throws(Stop) -> PermissionSet? {
    if generation.phase == .staged, let desired = work.desired, !desired.inheritsPermissions {
      return desired.permissions
    }
    switch try await look(at: generation.tokenID, ownedBy: owner(of: generation, work), work) {
    case .found(let record) where !record.permissions.isEmpty: return record.permissions
    case .found where generation.phase == .staged: work.fail(.withoutPermissions(work.name, generation))
    case .found:
      _ = try await giveUpRollback(generation.number, "it has no permissions on the cluster", &work)
    case .inDoubt(let problem): work.fail(inDoubt: problem)
    case .gone where generation.phase == .staged:
      work.fail(.missing(work.name, generation))
    case .gone: _ = try await giveUpRollback(generation.number, "it is not on the cluster any more", &work)
    }
    return nil
  }

  /// Each permission once; nil when a wildcard finds no database to stand for it.
  private func targets(for permissions: PermissionSet) -> [ProbeTarget]? {
    ProbeTarget.of(permissions, anyDatabase: plan.activationDatabase ?? databases.first)
  }

  /// Makes the generation current in one store; the last store completes the delivery.
  func promote(_ number: Int, in storeName: String, work: inout TokenWork) async throws(Stop) -> Next? {
    guard let generation = work.machine.generation(number),
      let attempt = generation.attempt, let store = plan.store(named: storeName)
    else { return .finished(.failed) }
    if let next = turn(of: storeName, &work) { return next }
    let place = work.place(job: plan.name)
    do throws(StoreError) {
      if store.name != plan.stores[0].name {
        if work.stored == nil {
          work.stored = try await storedToken(of: attempt, at: place)?.token
        }
        guard let stored = work.stored else {
          throw StoreError(
            .malformed, message: "store \(plan.stores[0].name) no longer has the token to be copied",
            hint: "put the store's files of this name back from a backup; what was made so far stays")
        }
        try await store.reserve(place, for: stored.planned)
        try await store.stage(stored, at: place)
      }
      try await store.promote(generation: number, at: place)
    } catch {
      return try await failedDelivery(error, of: number, in: store, work: &work)
    }
    await succeeded(in: store, &work)
    var events: [Event] = [.storePromoted(generation: number, store: storeName)]
    if work.machine.completesDelivery(of: number, in: storeName, context(for: work)) {
      events.append(.deliveryDone(generation: number, at: serviceTimeAtLatest))
    }
    try await record(events, for: &work)
    return nil
  }
}

extension JobPlan {
  /// Looks whether the stores still hold what was delivered to them. Nothing is put right: a string exists
  /// nowhere else, and a file that somebody changed is somebody's business.
  ///
  /// A store that fails is no finding about the token: its error is thrown.
  func storeConcerns(of work: TokenWork) async throws(StoreError) -> [Concern] {
    guard work.desired != nil else { return [] }
    return try await storeFlaws(of: work).map { Concern(problem: $0) }
  }

  /// What is wrong with the places where consumers read the incumbent.
  func storeFlaws(of work: TokenWork) async throws(StoreError) -> [Problem] {
    // While tokens change places in the stores, each store is as far as it is.
    guard !work.machine.changesPlaces, let incumbent = work.machine.incumbent, let attempt = incumbent.attempt
    else { return [] }
    let place = work.place(job: name)
    var problems: [Problem] = []
    for store in stores {
      guard let flaw = try await flaw(in: store, at: place, attempt: attempt) else { continue }
      problems.append(.notInStore(work.name, incumbent, store.name, flaw))
    }
    return problems
  }

  /// A place that will fail as long as nobody puts it right is a flaw like any other.
  private func flaw(
    in store: any SecretStore, at place: StorePlace, attempt: AttemptID
  ) async throws(StoreError) -> StoreFlaw? {
    do throws(StoreError) {
      return try await store.inspect(place, attempt: attempt)
    } catch {
      guard !error.isPassing else { throw error }
      return StoreFlaw(
        error.message, hint: error.hint ?? "put the store's files of this name back from a backup")
    }
  }
}

extension Problem {
  fileprivate static func withoutPermissions(_ name: String, _ generation: Generation) -> Problem {
    Problem(
      code: "no_permissions",
      message:
        "\(name): token \(generation.tokenID) has no permissions on the cluster, so that nothing can be asked",
      hint: "somebody took them away: `tokenrotate rotate JOB.toml \(name)` makes another token")
  }

  static func notInStore(
    _ name: String, _ generation: Generation, _ store: String, _ flaw: StoreFlaw
  ) -> Problem {
    Problem(
      code: "store_differs",
      message:
        "\(name): store \(store) no longer has token \(generation.tokenID) as it was delivered: \(flaw.message)",
      hint: flaw.hint)
  }
}

extension ProbeTarget {
  /// One for each permission, each once; nil when there is a wildcard and no database to ask about.
  static func of(_ permissions: PermissionSet, anyDatabase: String?) -> [ProbeTarget]? {
    var targets: [ProbeTarget] = []
    for permission in permissions.permissions {
      guard let database = permission.isWildcard ? anyDatabase : permission.database else { return nil }
      let target = ProbeTarget(action: permission.action, database: database)
      if !targets.contains(target) { targets.append(target) }
    }
    return targets
  }
}
