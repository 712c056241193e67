public import RotationModel
public import RotationPorts

/// Changes of single tokens that a person names by id: intent, request and outcome, each on record.
///
/// They belong to no lineage, so that only the audit log tells of them.
public struct ChangeByHand: Sendable {
  private let cluster: String
  private let service: any TokenService
  private let journal: Journal
  private let clock: any RotationClock

  /// `cluster`: its identity for the audit log.
  public init(cluster: String, service: any TokenService, journal: Journal, clock: any RotationClock) {
    self.cluster = cluster
    self.service = service
    self.journal = journal
    self.clock = clock
  }

  /// Revokes a token for good; nil: done. One that is gone already is done as well.
  public func revoke(_ token: TokenRecord) async throws(Stop) -> Problem? {
    try await record("revoke.intended", token, details: [AuditEvent.Detail("description", token.description)])
    var answer = await service.revokeToken(id: token.id)
    if case .unknown = answer, await isGone(token.id) { answer = .done }
    return try await end("revoke", answer, token)
  }

  /// Replaces a token's permissions as a whole; nil: done.
  public func update(_ token: TokenRecord, permissions: PermissionSet) async throws(Stop) -> Problem? {
    try await record(
      "update.intended", token,
      details: [
        AuditEvent.Detail("permissions_before", token.permissions.text),
        AuditEvent.Detail("permissions", permissions.text),
      ])
    var answer = await service.updateToken(id: token.id, description: nil, permissions: permissions)
    if case .unknown = answer, await has(token.id, permissions) { answer = .done }
    return try await end("update", answer, token)
  }

  private func end(_ change: String, _ answer: ChangeAnswer, _ token: TokenRecord) async throws(Stop)
    -> Problem?
  {
    switch answer {
    case .done:
      try await record("\(change).done", token)
      return nil
    case .notFound where change == "revoke":
      try await record("revoke.done", token)
      return nil
    case .notFound:
      let problem = Problem.noSuchToken(token.id)
      try await record("\(change).refused", token, reason: problem.message)
      return problem
    case .refused(let error):
      try await record("\(change).refused", token, reason: error.message)
      let problem = Problem(error)
      return Problem(code: problem.code, message: "token \(token.id): \(problem.message)", hint: problem.hint)
    case .unknown(let error):
      try await record("\(change).unknown", token, reason: error.message)
      return Problem(
        code: error.code.rawValue,
        message: "token \(token.id): nobody knows whether this was done: \(error.message)",
        hint: "`tokenrotate token get \(token.id)` shows what it is now")
    }
  }

  /// What was not answered may have been done. Asked a few times, because it may take effect a little later.
  private func isGone(_ id: String) async -> Bool {
    await eventually { () async throws(ServiceError) in
      let found = try await service.token(id: id)
      return found == nil || found?.revokedAt != nil
    }
  }

  private func has(_ id: String, _ permissions: PermissionSet) async -> Bool {
    await eventually { () async throws(ServiceError) in
      try await service.token(id: id)?.permissions == permissions
    }
  }

  private func eventually(_ isSo: () async throws(ServiceError) -> Bool) async -> Bool {
    for _ in 0..<3 {
      if (try? await isSo()) == true { return true }
      try? await clock.sleep(for: .seconds(1))
    }
    return false
  }

  private func record(
    _ name: String, _ token: TokenRecord, reason: String? = nil, details: [AuditEvent.Detail] = []
  ) async throws(Stop) {
    try await journal.append([
      JournalEntry(
        time: clock.now, job: nil, cluster: cluster, token: nil,
        record: EventRecord(name: name, tokenID: token.id, reason: reason), details: details)
    ])
  }
}

extension Problem {
  public static func noSuchToken(_ id: String) -> Problem {
    Problem(
      code: "not_found", message: "the cluster has no token \(id)",
      hint: "`tokenrotate token list` shows those that it has")
  }
}
