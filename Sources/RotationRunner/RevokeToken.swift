import RotationModel
import RotationPorts

extension Performer {
  /// Ends a token whose string nobody has.
  func revokeOrphan(
    _ tokenID: String, of attempt: AttemptID, work: inout TokenWork
  ) async throws(Stop) -> Next? {
    let outcome = try await revoke(
      tokenID, marked: marker(of: attempt, name: work.name), work: &work,
      intent: [.orphanRevokeIntended(attempt: attempt, tokenID: tokenID)])
    switch outcome {
    case .gone:
      // A staging that failed after its last step leaves a string that no longer opens anything. The string of
      // the token that the attempt is kept for stays: this one was its double.
      let isDouble = work.machine.attempts.contains { $0.id == attempt && $0.isKept }
      if !isDouble, try await !emptyPending(of: attempt, &work) {
        return .finished(work.outcomeOfProblem)
      }
      try await record([.orphanRevoked(attempt: attempt, tokenID: tokenID)], for: &work)
      work.orphansRevoked += 1
    case .refused(let error):
      try await record(
        [.orphanRevokeRefused(attempt: attempt, tokenID: tokenID, reason: error.message)], for: &work)
      return try failedRevocation(error, work: &work)
    case .unknown(let error):
      try await record(
        [.orphanRevokeUnknown(attempt: attempt, tokenID: tokenID, reason: error.message)], for: &work)
      return try failedRevocation(error, work: &work)
    case .notTried(let problem):
      work.fail(problem)
      return .finished(work.outcomeOfProblem)
    }
    return nil
  }

  /// Ends a generation: revokes its token and empties its pending place, so that the machine asks for
  /// another.
  func revoke(
    _ number: Int, reason: RevocationReason, work: inout TokenWork
  ) async throws(Stop) -> Next? {
    guard let generation = work.machine.generation(number) else { return nil }
    // Whoever made it current by hand uses it, whatever the probes were answered.
    if generation.phase != .revoking {
      do throws(StoreError) {
        let current = try await plan.stores[0].read(.current, at: work.place(job: plan.name))
        if current?.attempt == generation.attempt {
          work.note(Concern(problem: .inUse(work.name, generation, plan.stores[0].name)))
          return .finished(.attention)
        }
      } catch {
        work.fail(Problem(error).naming(work.name))
        return .finished(work.outcomeOfProblem)
      }
    }
    let outcome = try await revoke(
      generation.tokenID, marked: marker(of: generation.attempt, name: work.name), work: &work,
      intent: [.revokeIntended(generation: number, reason: reason.rawValue)])
    switch outcome {
    case .gone:
      guard try await emptyPending(of: generation.attempt, &work) else {
        return .finished(work.outcomeOfProblem)
      }
      // The machine has to pass the point of no return even when the token was gone before.
      if work.machine.generation(number)?.phase != .revoking {
        try await record([.revokeIntended(generation: number, reason: reason.rawValue)], for: &work)
      }
      try await record([.revokeDone(generation: number)], for: &work)
      work.stored = nil
      work.schedule = nil
      work.hasWaited = false
      return nil
    case .refused(let error):
      try await record([.revokeRefused(generation: number, reason: error.message)], for: &work)
      return try failedRevocation(error, work: &work)
    case .unknown(let error):
      try await record([.revokeUnknown(generation: number, reason: error.message)], for: &work)
      return try failedRevocation(error, work: &work)
    case .notTried(let problem):
      work.fail(problem)
      return .finished(work.outcomeOfProblem)
    }
  }

  /// Removes what the first store's pending place still holds of the attempt; false: the store failed.
  private func emptyPending(of attempt: AttemptID, _ work: inout TokenWork) async throws(Stop) -> Bool {
    do throws(StoreError) {
      try await plan.stores[0].discard(.pending, attempt: attempt, at: work.place(job: plan.name))
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
    case notTried(Problem)
  }

  /// Looks before it leaps: a token that carries another marker than expected is not revoked.
  private func revoke(
    _ tokenID: String, marked marker: Marker, work: inout TokenWork, intent: [Event]
  ) async throws(Stop) -> Revocation {
    let record: TokenRecord?
    do throws(ReadFailure) {
      record = try await reading { () async throws(ServiceError) in
        try await plan.service.token(id: tokenID)
      }
    } catch {
      if case .stop(let stop) = error { throw stop }
      return .notTried(Problem(error.service).naming(work.name))
    }
    if let record {
      if record.revokedAt != nil { return .gone }
      guard Marker.split(record.description).marker == marker else {
        return .notTried(
          Problem(
            code: "foreign_marker",
            message:
              "\(work.name): token \(tokenID) is not revoked, because its description does not end with \(marker.text)",
            hint: "somebody changed the description; look who uses the token, and revoke it by hand"))
      }
    }
    // A GET that finds nothing proves nothing, since a replica may lag behind: the DELETE is sent all the
    // same. That the token is ours is known from the answer or the listing that showed its id.
    try await self.record(intent, for: &work)
    try await management.take()
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

  private func failedRevocation(_ error: ServiceError, work: inout TokenWork) throws(Stop) -> Next? {
    if error.code == .credentialRefused { throw .credential(Problem(error)) }
    work.failedRevocations += 1
    guard error.isPassing,
      let delay = RetrySchedule.reading.delay(
        afterFailure: work.failedRevocations, retryAfter: error.retryAfter, jitter: ports.random.fraction())
    else {
      work.fail(Problem(error.tellingLongWish).naming(work.name))
      return .finished(work.outcomeOfProblem)
    }
    return .pause(until: ports.clock.uptime + delay)
  }
}

extension Problem {
  fileprivate static func inUse(_ name: String, _ generation: Generation, _ store: String) -> Problem {
    Problem(
      code: "not_active",
      message:
        "\(name): the cluster refuses token \(generation.tokenID), and store \(store) has it as the current one: it is not revoked",
      hint: "look who uses it, and whether the cluster can be asked")
  }
}
