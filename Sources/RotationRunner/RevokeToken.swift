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
      try await record([.orphanRevoked(attempt: attempt, tokenID: tokenID)], for: &work)
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

  /// Gives up a generation that never became active, or whose string is gone: revokes it and empties its
  /// places, so that the machine asks for another.
  func abandon(_ number: Int, work: inout TokenWork) async throws(Stop) -> Next? {
    guard let generation = work.machine.live, generation.number == number else { return nil }
    var intent: [Event] = []
    if generation.phase != .revoking {
      intent = [.revokeIntended(generation: number, reason: "refused by the cluster for too long")]
    }
    let outcome = try await revoke(
      generation.tokenID, marked: marker(of: generation.attempt, name: work.name), work: &work,
      intent: intent)
    switch outcome {
    case .gone:
      // The machine has to pass the point of no return even when the token was gone before.
      if work.machine.live?.phase != .revoking { try await record(intent, for: &work) }
      do throws(StoreError) {
        let place = work.place ?? StorePlace(job: plan.name, name: work.name)
        try await plan.stores[0].discard(.pending, attempt: generation.attempt, at: place)
      } catch {
        work.fail(Problem(error).naming(work.name), as: .undelivered)
        return .finished(work.outcomeOfProblem)
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

  private enum Revocation {
    case gone
    case refused(ServiceError)
    case unknown(ServiceError)
    case notTried(Problem)
  }

  /// Looks before it leaps: only a token that carries the expected marker is revoked.
  private func revoke(
    _ tokenID: String, marked marker: Marker, work: inout TokenWork, intent: [Event]
  ) async throws(Stop) -> Revocation {
    let record: TokenRecord?
    do throws(ServiceError) {
      record = try await reading { () async throws(ServiceError) in
        try await plan.service.token(id: tokenID)
      }
    } catch {
      if error.code == .credentialRefused { throw .credential(Problem(error)) }
      return .notTried(Problem(error).naming(work.name))
    }
    guard let record, record.revokedAt == nil else { return .gone }
    guard Marker.split(record.description).marker == marker else {
      return .notTried(
        Problem(
          code: "foreign_marker",
          message:
            "\(work.name): token \(tokenID) is not revoked, because its description does not end with \(marker.text)",
          hint: "somebody changed the description; look who uses the token, and revoke it by hand"))
    }
    if !intent.isEmpty { try await self.record(intent, for: &work) }
    try await management.take()
    switch await plan.service.revokeToken(id: tokenID) {
    case .done: return .gone
    case .refused(let error): return .refused(error)
    case .unknown(let error): return .unknown(error)
    case .notFound:
      // 404 is listed for DELETE without saying what it means, so it is confirmed by asking.
      do throws(ServiceError) {
        let left = try await reading { () async throws(ServiceError) in
          try await plan.service.token(id: tokenID)
        }
        guard left == nil || left?.revokedAt != nil else {
          return .refused(
            ServiceError(.notFound, status: 404, message: "DELETE says 404, and GET still shows the token"))
        }
        return .gone
      } catch { return .unknown(error) }
    }
  }

  private func failedRevocation(_ error: ServiceError, work: inout TokenWork) throws(Stop) -> Next? {
    if error.code == .credentialRefused { throw .credential(Problem(error)) }
    work.failedRevocations += 1
    guard error.isPassing,
      let delay = RetrySchedule.reading.delay(
        afterFailure: work.failedRevocations, retryAfter: error.retryAfter, jitter: ports.random.fraction())
    else {
      work.fail(Problem(error).naming(work.name))
      return .finished(work.outcomeOfProblem)
    }
    return .pause(until: ports.clock.uptime + delay)
  }

  /// A read, repeated while repeating may help.
  func reading<Answer: Sendable>(
    _ read: () async throws(ServiceError) -> Answer
  ) async throws(ServiceError) -> Answer {
    var failures = 0
    while true {
      do { try await management.take() } catch {
        throw ServiceError(.cancelled, message: error.problem?.message ?? "the run was interrupted")
      }
      do throws(ServiceError) {
        return try await read()
      } catch {
        failures += 1
        guard error.isPassing, !ports.interruption.isRequested,
          let delay = RetrySchedule.reading.delay(
            afterFailure: failures, retryAfter: error.retryAfter, jitter: ports.random.fraction())
        else { throw error }
        do { try await ports.clock.sleep(for: delay) } catch {
          throw ServiceError(.cancelled, message: "the run was interrupted")
        }
      }
    }
  }
}
