import RotationModel
import RotationPorts

// Changes of a token that can be taken back: its description, and its permissions.
extension Performer {
  /// Makes the description on the cluster that of the row, with the marker behind it. A predecessor keeps its words:
  /// only the marker follows the lineage's name.
  func update(_ number: Int, work: inout TokenWork) async throws(Stop) -> Next? {
    guard let generation = work.machine.generation(number), let attempt = generation.attempt,
      let desired = work.desired
    else { return .finished(.failed) }
    let words: String
    switch try await look(at: generation.tokenID, ownedBy: owner(of: attempt, work), work) {
    case .inDoubt(let problem):
      work.updateProblem = problem
      work.described.insert(number)
      return nil
    case .gone:
      work.described.insert(number)
      return nil
    case .found where number == work.machine.incumbent?.number: words = desired.description
    case .found(let record): words = Marker.split(record.description).description
    }
    let description = marker(of: attempt, name: work.name).described(words)
    try await management.take()
    try await record(
      [.updateIntended(generation: number)], for: &work,
      details: [AuditEvent.Detail("description", description)])
    switch await plan.service.updateToken(id: generation.tokenID, description: description, permissions: nil)
    {
    case .done:
      try await record([.updateDone(generation: number)], for: &work)
      work.wasUpdated = true
      work.described.insert(number)
      return nil
    case .notFound:
      try await record([.updateRefused(generation: number, reason: "the token is not there")], for: &work)
      work.described.insert(number)
      return nil
    case .refused(let error):
      try await record([.updateRefused(generation: number, reason: error.message)], for: &work)
      return try failedUpdate(error, number, &work)
    case .unknown(let error):
      try await record([.updateUnknown(generation: number, reason: error.message)], for: &work)
      return try failedUpdate(error, number, &work)
    }
  }

  /// A description that cannot be changed does not keep the token from being replaced.
  private func failedUpdate(
    _ error: ServiceError, _ number: Int, _ work: inout TokenWork
  ) throws(Stop) -> Next? {
    let before = work.problem
    work.problem = nil
    let next = try failedChange(error, work: &work)
    (work.updateProblem, work.problem) = (work.problem, before)
    guard case .finished? = next else { return next }
    work.described.insert(number)
    return nil
  }

  /// Takes all permissions away, once. Unless it was certainly refused it is never sent again: an effect that
  /// comes late would land on a token that was given its permissions back.
  func disable(_ number: Int, work: inout TokenWork) async throws(Stop) -> Next? {
    guard let generation = work.machine.generation(number) else { return nil }
    let before: PermissionSet
    switch try await look(at: generation.tokenID, ownedBy: owner(of: generation, work), work) {
    case .inDoubt(let problem):
      work.fail(inDoubt: problem)
      return .finished(work.outcomeOfProblem)
    case .gone: return try await revoke(number, reason: work.machine.reasonAfterOverlap, work: &work)
    case .found(let record) where record.permissions.isEmpty:
      // Nobody could tell this request's effect from what is there already, and there is nothing to take away.
      return try await revoke(number, reason: work.machine.reasonAfterOverlap, work: &work)
    case .found(let record): before = record.permissions
    }
    try await management.take()
    try await record(
      [.disableIntended(generation: number, permissions: before, at: serviceTimeAtLatest)], for: &work)
    work.askingSince = nil
    let none = PermissionSet([])
    switch await plan.service.updateToken(id: generation.tokenID, description: nil, permissions: none) {
    case .done: return nil
    case .notFound:
      let error = ServiceError(.notFound, status: 404, message: "PATCH says 404")
      try await record([.disableRefused(generation: number, reason: error.message)], for: &work)
      return try failedChange(error, work: &work)
    case .refused(let error):
      try await record([.disableRefused(generation: number, reason: error.message)], for: &work)
      return try failedChange(error, work: &work)
    case .unknown(let error):
      try await record([.disableUnknown(generation: number, reason: error.message)], for: &work)
      if error.code == .credentialRefused { throw .credential(Problem(error)) }
      return nil
    }
  }

  /// Looks until the token is seen without permissions and its string is refused.
  func confirmDisable(_ number: Int, work: inout TokenWork) async throws(Stop) -> Next? {
    guard let generation = work.machine.generation(number) else { return nil }
    let since = beginAsking(&work)
    switch try await look(at: generation.tokenID, ownedBy: owner(of: generation, work), work) {
    case .inDoubt(let problem):
      work.fail(inDoubt: problem)
      return .finished(work.outcomeOfProblem)
    case .found(let record) where !record.permissions.isEmpty:
      guard ports.clock.uptime - since < effectLimit else {
        if let disabledAt = generation.disabledAt, serviceTimeAtEarliest - disabledAt > Attempt.watch {
          // As long as a creation is waited for: after that its effect is not expected any more.
          try await self.record(
            [.disableRefused(generation: number, reason: "it was not answered, and not seen for 7 days")],
            for: &work)
          work.askingSince = nil
          return nil
        }
        return giveUpAsking(about: number, .disableUnseen(work.name, generation), &work)
      }
      return .pause(until: ports.clock.uptime + .seconds(1))
    case .found, .gone: break
    }
    // A node that still goes by the old permissions would make the questions after an enable say nothing.
    if let next = try await askUntilRefused(generation, .previous, since: since, &work) { return next }
    try await record([.disableDone(generation: number, at: serviceTimeAtLatest)], for: &work)
    work.askingSince = nil
    return nil
  }

  /// Gives the permissions back that the token had. May be sent again: it makes the same of it however often.
  func enable(_ number: Int, work: inout TokenWork) async throws(Stop) -> Next? {
    guard let generation = work.machine.generation(number) else { return nil }
    guard let before = generation.permissionsBefore, !before.isEmpty, before.canBeGranted,
      before.permissions.allSatisfy(plan.allows)
    else {
      return try await giveUpRollback(
        number,
        "the permissions that it had are not known, cannot be granted, or are more than [policy] allows",
        &work)
    }
    switch try await look(at: generation.tokenID, ownedBy: owner(of: generation, work), work) {
    case .inDoubt(let problem):
      work.fail(problem)
      return .finished(work.outcomeOfProblem)
    case .found, .gone: break
    }
    try await management.take()
    try await record(
      [.enableIntended(generation: number)], for: &work,
      details: [AuditEvent.Detail("permissions", before.text)])
    switch await plan.service.updateToken(id: generation.tokenID, description: nil, permissions: before) {
    case .done:
      try await record([.enableDone(generation: number)], for: &work)
      return nil
    case .notFound:
      try await record([.enableRefused(generation: number, reason: "the token is not there")], for: &work)
      return try await giveUpRollback(number, "it is not on the cluster any more", &work)
    case .refused(let error):
      try await record([.enableRefused(generation: number, reason: error.message)], for: &work)
      let next = try failedChange(error, work: &work)
      if case .finished? = next { return try await giveUpRollback(number, error.message, &work) }
      return next
    case .unknown(let error):
      try await record([.enableUnknown(generation: number, reason: error.message)], for: &work)
      let next = try failedChange(error, work: &work)
      guard case .finished? = next else { return next }
      work.gaveUpOn.insert(number)
      return nil
    }
  }

  func giveUpRollback(_ number: Int, _ reason: String, _ work: inout TokenWork) async throws(Stop) -> Next? {
    try await record([.rollbackRefused(generation: number, reason: reason)], for: &work)
    work.fail(.rollbackRefused(work.name, reason))
    return nil
  }
}

extension Problem {
  static func rollbackRefused(_ name: String, _ reason: String) -> Problem {
    Problem(
      code: "rollback_refused",
      message: "\(name): the previous token cannot be current again: \(reason); the stores are as they were",
      hint: "the current token stays; `tokenrotate rotate` replaces it as soon as the previous one is retired"
    )
  }

  static func disableUnseen(_ name: String, _ generation: Generation) -> Problem {
    Problem(
      code: "disable_unknown",
      message:
        "\(name): the request that disables token \(generation.tokenID) was not answered, and its effect is not seen yet",
      hint:
        "it is not sent again, and the token is not enabled while it is in doubt: each run looks, for 7 days at the most; one that nobody wants back is revoked after its quarantine"
    )
  }
}
