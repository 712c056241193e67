public import RotationModel
public import RotationPorts

/// Asks the cluster about a token that a person holds already, until it works for each of its permissions. Needs neither
/// ledger nor lock: the token is nobody's business here any more.
public struct AwaitActivation: Sendable {
  private let service: any TokenService
  private let probe: any ActivationProbe
  private let policy: ActivationPolicy
  /// Asked about for a wildcard permission; nil: the first database of the cluster by name.
  private let database: String?
  private let clock: any RotationClock
  private let random: any RandomSource
  private let interruption: any Interruption

  public enum Ending: Equatable, Sendable {
    /// It works, so long after it was made.
    case active(after: Duration)
    case notYet(Problem)
    case failed(Problem)
    case interrupted
  }

  public init(
    service: any TokenService, probe: any ActivationProbe, policy: ActivationPolicy, database: String?,
    clock: any RotationClock, random: any RandomSource, interruption: any Interruption
  ) {
    self.service = service
    self.probe = probe
    self.policy = policy
    self.database = database
    self.clock = clock
    self.random = random
    self.interruption = interruption
  }

  public func wait(for token: ShownToken) async -> Ending {
    let targets: [ProbeTarget]
    do throws(ServiceError) {
      targets = try await self.targets(of: token.permissions)
    } catch { return .failed(Problem(error)) }
    guard !targets.isEmpty else {
      return .failed(
        Problem(
          code: "no_database_to_ask",
          message: "the cluster has no database with which the token can be tried",
          hint: "the token was made and shown; create a database"))
    }
    return await ask(about: targets, token)
  }

  /// Each permission, with a database that exists in place of a wildcard.
  private func targets(of permissions: PermissionSet) async throws(ServiceError) -> [ProbeTarget] {
    var any = database
    if any == nil, permissions.permissions.contains(where: \.isWildcard) {
      any = try await service.listDatabases().min()
    }
    return ProbeTarget.of(permissions, anyDatabase: any) ?? []
  }

  private func ask(about targets: [ProbeTarget], _ token: ShownToken) async -> Ending {
    var schedule = ActivationSchedule(policy: policy, targetCount: targets.count, at: clock.uptime)
    var lastWord = "it was accepted, though not often enough yet"
    while true {
      switch schedule.verdict {
      case .confirmed: return .active(after: max(.zero, clock.now - token.createdAt))
      case .timedOut: return .notYet(.notActiveYet(token.id, lastWord, policy.timeout))
      case .ask(let target, let at):
        guard await interruption.wait(until: at, by: clock) else { return .interrupted }
        schedule.asked(at: clock.uptime)
        let answer = await probe.probe(targets[target], accessToken: token.accessToken)
        let (uptime, jitter) = (clock.uptime, random.fraction())
        switch answer {
        case .accepted: schedule.accepted(at: uptime)
        case .refused(let status, let message):
          schedule.refused(at: uptime, now: clock.now, jitter: jitter)
          lastWord = "the cluster still answers \(status): \(message)"
        case .unavailable(let error):
          schedule.unavailable(at: uptime, retryAfter: error.retryAfter, jitter: jitter)
          lastWord = error.message
        case .impossible(let error): return .failed(Problem(error))
        }
      }
    }
  }
}

extension Problem {
  fileprivate static func notActiveYet(_ id: String, _ reason: String, _ timeout: Duration) -> Problem {
    Problem(
      code: "not_active_yet",
      message: "token \(id) did not work within \(DurationText.format(timeout)): \(reason)",
      hint: "it was made and shown, and is likely to work soon; else `tokenrotate token revoke \(id)`")
  }
}
