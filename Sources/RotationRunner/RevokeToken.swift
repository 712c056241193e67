import RotationModel
import RotationPorts

extension Performer {
  /// Ends a token whose string nobody has.
  func revokeOrphan(
    _ tokenID: String, of attempt: AttemptID, work: inout TokenWork
  ) async throws(Stop) -> Next? {
    switch try await look(at: tokenID, ownedBy: owner(of: attempt, work), work) {
    case .inDoubt(let problem):
      work.fail(inDoubt: problem)
      return .finished(work.outcomeOfProblem)
    case .gone where isTooYoungToBeGone(tokenID, madeAt: work.machine.intendedAt(attempt), work):
      guard work.machine.wasToBeRevoked(tokenID, of: attempt) else {
        work.fail(.notListedYet(work.name, tokenID))
        return .finished(work.outcomeOfProblem)
      }
      // An earlier run has seen it and sent its revocation. Whose it is now nobody can see, so that nothing more is
      // sent; should a replica merely lag, a later listing brings it back to light.
      return try await orphanIsGone(tokenID, of: attempt, work: &work)
    case .found, .gone: break
    }
    let outcome = try await revoke(
      tokenID, work: &work, intent: [.orphanRevokeIntended(attempt: attempt, tokenID: tokenID)])
    switch outcome {
    case .gone: return try await orphanIsGone(tokenID, of: attempt, work: &work)
    case .refused(let error):
      try await record(
        [.orphanRevokeRefused(attempt: attempt, tokenID: tokenID, reason: error.message)], for: &work)
      return try failedChange(error, work: &work)
    case .unknown(let error):
      try await record(
        [.orphanRevokeUnknown(attempt: attempt, tokenID: tokenID, reason: error.message)], for: &work)
      return try failedChange(error, work: &work)
    }
  }

  private func orphanIsGone(
    _ tokenID: String, of attempt: AttemptID, work: inout TokenWork
  ) async throws(Stop) -> Next? {
    // A staging that failed after its last step leaves a string that no longer opens anything. The string of
    // the token that the attempt is kept for stays: this one was its double.
    let isDouble = work.machine.attempts.contains { $0.id == attempt && $0.isKept }
    if !isDouble, try await !empty(.pending, of: attempt, &work) {
      return .finished(work.outcomeOfProblem)
    }
    try await record([.orphanRevoked(attempt: attempt, tokenID: tokenID)], for: &work)
    work.orphansRevoked += 1
    return nil
  }

  /// Ends a generation. One that was never delivered gives its pending place up with it, so that the machine asks
  /// for another; the string of one that was delivered is kept until the cluster was seen to refuse it.
  func revoke(
    _ number: Int, reason: RevocationReason, work: inout TokenWork
  ) async throws(Stop) -> Next? {
    guard let generation = work.machine.generation(number) else { return nil }
    switch try await look(at: generation.tokenID, ownedBy: owner(of: generation, work), work) {
    case .inDoubt(let problem):
      work.fail(inDoubt: problem)
      return .finished(work.outcomeOfProblem)
    case .found(let record)
    where reason == .quarantined && generation.phase == .disabled && !record.permissions.isEmpty:
      work.note(Concern(problem: .enabledByHand(work.name, generation), blocks: [.retirement]))
      return nil
    case .gone
    where generation.phase == .staged
      && isTooYoungToBeGone(generation.tokenID, madeAt: generation.stagedAt, work):
      work.fail(.notListedYet(work.name, generation.tokenID))
      return .finished(work.outcomeOfProblem)
    case .found, .gone: break
    }
    let intent = Event.revokeIntended(generation: number, reason: reason.rawValue)
    switch try await revoke(generation.tokenID, work: &work, intent: [intent]) {
    case .gone:
      if !generation.wasDelivered, let attempt = generation.attempt,
        try await !empty(.pending, of: attempt, &work)
      {
        return .finished(work.outcomeOfProblem)
      }
      try await record([.revokeDone(generation: number)], for: &work)
      work.stored = nil
      work.schedule = nil
      work.hasWaited = false
      work.askingSince = nil
      return nil
    case .refused(let error):
      try await record([.revokeRefused(generation: number, reason: error.message)], for: &work)
      return try failedChange(error, work: &work)
    case .unknown(let error):
      try await record([.revokeUnknown(generation: number, reason: error.message)], for: &work)
      return try failedChange(error, work: &work)
    }
  }

  /// Whether neither the listing nor GET have shown the token since it was made, so that nobody has seen whose it is
  /// now: a replica may lag behind.
  private func isTooYoungToBeGone(_ tokenID: String, madeAt: Instant?, _ work: TokenWork) -> Bool {
    guard let madeAt, !work.listedIDs.contains(tokenID) else { return false }
    return ports.clock.now - madeAt < TokenWork.listingLag
  }

  /// Removes what the stores' places still hold of the attempt; false: a store failed.
  func empty(_ which: Event.Place, of attempt: AttemptID, _ work: inout TokenWork) async throws(Stop) -> Bool
  {
    do throws(StoreError) {
      for store in plan.stores {
        try await store.discard(which, attempt: attempt, at: work.place(job: plan.name))
      }
      return true
    } catch {
      work.fail(Problem(error).naming(work.name))
      return false
    }
  }

  private enum Revocation {
    case gone
    case refused(ServiceError)
    case unknown(ServiceError)
  }

  /// A GET that finds nothing proves nothing, since a replica may lag behind: the DELETE is sent all the same.
  /// That the token is ours is known from the answer, the listing or the row that named its id.
  private func revoke(
    _ tokenID: String, work: inout TokenWork, intent: [Event]
  ) async throws(Stop) -> Revocation {
    try await management.take()
    try await record(intent, for: &work)
    switch await plan.service.revokeToken(id: tokenID) {
    case .done: return .gone
    case .refused(let error): return .refused(error)
    case .unknown(let error): return .unknown(error)
    case .notFound:
      // 404 is listed for DELETE without saying what it means, so it is confirmed by asking.
      do throws(ReadFailure) {
        let left = try await reading { () async throws(ServiceError) in
          try await plan.service.token(id: tokenID)
        }
        guard left == nil || left?.revokedAt != nil else {
          return .refused(
            ServiceError(.notFound, status: 404, message: "DELETE says 404, and GET still shows the token"))
        }
        return .gone
      } catch {
        if case .stop(let stop) = error { throw stop }
        return .unknown(error.service)
      }
    }
  }

  /// A change that was not made, or of which that is not known: it is asked for again a little later, if that may
  /// help and not too often.
  func failedChange(_ error: ServiceError, work: inout TokenWork) throws(Stop) -> Next? {
    if error.code == .credentialRefused { throw .credential(Problem(error)) }
    work.failedChanges += 1
    guard error.isPassing,
      let delay = RetrySchedule.reading.delay(
        afterFailure: work.failedChanges, retryAfter: error.retryAfter, jitter: ports.random.fraction())
    else {
      work.fail(Problem(error.tellingLongWish).naming(work.name))
      return .finished(work.outcomeOfProblem)
    }
    return .pause(until: ports.clock.uptime + delay)
  }

  // MARK: What must not go

  /// Whether the generation has to stay, with the reason noted: a store calls it current, or what was to take its
  /// place is not in order. nil: it may go. What was intended once goes in any case.
  func retirementIsBlocked(of number: Int, _ work: inout TokenWork) async throws(Stop) -> Next? {
    guard let generation = work.machine.generation(number), generation.phase != .revoking else { return nil }
    var concerns: [Concern] = []
    do throws(StoreError) {
      if let store = try await storeInUse(of: generation, work) {
        concerns.append(Concern(problem: .inUse(work.name, generation, store), blocks: [.retirement]))
      }
      if generation.wasDelivered, let incumbent = work.machine.incumbent, incumbent.number != number {
        concerns += try await plan.storeFlaws(of: work).map { Concern(problem: $0, blocks: [.retirement]) }
      }
    } catch {
      work.fail(Problem(error).naming(work.name))
      return .finished(work.outcomeOfProblem)
    }
    if concerns.isEmpty, generation.wasDelivered, let incumbent = work.machine.incumbent,
      incumbent.number != number
    {
      if let concern = try await doubt(about: incumbent, instead: generation, &work) {
        concerns.append(concern)
      }
    }
    // What is gone already takes nothing from anybody.
    if !concerns.isEmpty, !isTooYoungToBeGone(generation.tokenID, madeAt: generation.stagedAt, work),
      case .gone = try await look(at: generation.tokenID, ownedBy: owner(of: generation, work), work)
    {
      return nil
    }
    for concern in concerns { work.note(concern) }
    if concerns.isEmpty { return nil }
    return .finished(.attention)
  }

  /// Whether what has taken the place is of use: before the old token goes, the cluster is asked once about the string
  /// that consumers read. Somebody may have revoked it since, or changed what it may do.
  private func doubt(
    about incumbent: Generation, instead old: Generation, _ work: inout TokenWork
  ) async throws(Stop) -> Concern? {
    // What others know has to go whatever becomes of the rest, and so has what a person has retired. What has expired is
    // refused for good: nothing new can be made before the old one is out of the way.
    let hasExpired = incumbent.expiresAt.map { $0 <= serviceTimeAtEarliest } ?? false
    guard !hasExpired, incumbent.attempt != nil, work.provenToWork != incumbent.number,
      !work.machine.isCompromised(old),
      work.machine.wishes.retirement == nil
    else { return nil }
    switch try await askAboutString(of: incumbent, .current, work) {
    case .accepted:
      work.provenToWork = incumbent.number
      return nil
    case .refused: return Concern(problem: .replacedInVain(work.name, incumbent, old), blocks: [.retirement])
    case .unavailable:
      return Concern(problem: .cannotBeAsked(work.name, incumbent, old), blocks: [.retirement])
    case .storeFailed(let error):
      return Concern(problem: Problem(error).naming(work.name), blocks: [.retirement])
    case .noString: return nil
    }
  }

  /// A person has taken the token out of the row, or the row out of the CSV: it is that person's again. false: it is
  /// still named, or ours.
  func letGoIfUnnamed(_ number: Int, _ work: inout TokenWork) async throws(Stop) -> Bool {
    guard let generation = work.machine.generation(number), work.isUnnamed(generation) else { return false }
    try await record([.tokenForgotten(generation: number)], for: &work)
    work.note(Concern(problem: .notNamedAnyMore(work.name, generation)))
    return true
  }

  /// The first store that calls the generation current.
  private func storeInUse(of generation: Generation, _ work: TokenWork) async throws(StoreError) -> String? {
    guard let attempt = generation.attempt else { return nil }
    for store in plan.stores
    where try await store.read(.current, at: work.place(job: plan.name))?.attempt == attempt {
      return store.name
    }
    return nil
  }
}

extension TokenWork {
  /// Whether it was made by hand, and no row names it any more, nor does a person want the whole lineage to end.
  func isUnnamed(_ generation: Generation) -> Bool {
    generation.attempt == nil && generation.phase != .revoking && machine.wishes.retirement == nil
      && desired?.replaces != generation.tokenID
  }
}

extension Problem {
  fileprivate static func replacedInVain(_ name: String, _ incumbent: Generation, _ old: Generation)
    -> Problem
  {
    Problem(
      code: "string_refused",
      message:
        "\(name): the cluster refuses token \(incumbent.tokenID), so that its predecessor \(old.tokenID) is kept",
      hint:
        "look who revoked it or changed its permissions; `tokenrotate rollback` makes the predecessor current again, `tokenrotate rotate --compromised` replaces both"
    )
  }

  fileprivate static func cannotBeAsked(_ name: String, _ incumbent: Generation, _ old: Generation) -> Problem
  {
    Problem(
      code: "not_asked",
      message:
        "\(name): the cluster cannot be asked about token \(incumbent.tokenID), so that its predecessor \(old.tokenID) is kept for now",
      hint: "look at the query endpoint; the next run asks again")
  }

  fileprivate static func inUse(_ name: String, _ generation: Generation, _ store: String) -> Problem {
    Problem(
      code: "still_current",
      message:
        "\(name): token \(generation.tokenID) is to go, and store \(store) has it as the current one: it is not revoked",
      hint: "look who put it there, and whether the cluster can be asked; then run again")
  }

  fileprivate static func notListedYet(_ name: String, _ tokenID: String) -> Problem {
    Problem(
      code: "not_shown_yet",
      message:
        "\(name): token \(tokenID) is to go, and the cluster does not show it yet: it is not revoked",
      hint: "the next run looks again")
  }

  fileprivate static func enabledByHand(_ name: String, _ generation: Generation) -> Problem {
    Problem(
      code: "enabled_by_hand",
      message:
        "\(name): token \(generation.tokenID) was disabled, and somebody has given it permissions since: it is not revoked",
      hint:
        "if a consumer needs it, move the consumer over; then take the permissions away again, or revoke it")
  }

  static func notNamedAnyMore(_ name: String, _ generation: Generation) -> Problem {
    Problem(
      code: "replaces_changed",
      message:
        "\(name): token \(generation.tokenID) was replaced, and the row does not name it any more: it is let go and not revoked",
      hint: "revoke it by hand when nobody uses it")
  }
}
