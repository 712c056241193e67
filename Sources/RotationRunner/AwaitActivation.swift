import RotationModel
public import RotationPorts

/// Asks the cluster about a token that a person holds already, until it works for each of its permissions.
public struct AwaitActivation: Sendable {
  let plan: JobPlan
  let ports: RunPorts

  public enum Ending: Equatable, Sendable {
    /// It works, so long after it was made.
    case active(after: Duration)
    case notYet(Problem)
    case failed(Problem)
  }

  public init(plan: JobPlan, ports: RunPorts) {
    self.plan = plan
    self.ports = ports
  }

  public func wait(for token: ShownToken) async throws(Stop) -> Ending {
    let cluster = try await PrepareJob(plan: plan, ports: ports).lookAtCluster()
    let performer = PrepareJob(plan: plan, ports: ports).performer(cluster, circuit: Circuit(limit: 0))
    guard let targets = performer.targets(for: token.permissions), !targets.isEmpty else {
      return .failed(
        Problem(
          code: "no_database_to_ask",
          message: "the cluster has no database with which the token can be tried",
          hint: "the token was made and shown; create a database"))
    }
    let ending = try await ask(about: targets, token, cluster.probes)
    try await record(ending)
    return ending
  }

  private func ask(
    about targets: [ProbeTarget], _ token: ShownToken, _ permits: Permits
  ) async throws(Stop) -> Ending {
    var schedule = ActivationSchedule(
      policy: plan.activation, targetCount: targets.count, at: ports.clock.uptime)
    var lastWord = "it was accepted, though not often enough yet"
    while true {
      switch schedule.verdict {
      case .confirmed: return .active(after: max(.zero, ports.clock.now - token.createdAt))
      case .timedOut: return .notYet(.notActiveYet(token.id, lastWord, plan.activation.timeout))
      case .ask(let target, let at):
        try await ports.wait(until: at)
        try await permits.take()
        schedule.asked(at: ports.clock.uptime)
        let answer = await plan.probe.probe(targets[target], accessToken: token.accessToken)
        let (uptime, jitter) = (ports.clock.uptime, ports.random.fraction())
        switch answer {
        case .accepted: schedule.accepted(at: uptime)
        case .refused(let status, let message):
          schedule.refused(at: uptime, now: ports.clock.now, jitter: jitter)
          lastWord = "the cluster still answers \(status): \(message)"
        case .unavailable(let error):
          schedule.unavailable(at: uptime, retryAfter: error.retryAfter, jitter: jitter)
          lastWord = error.message
        case .impossible(let error): return .failed(Problem(error))
        }
      }
    }
  }

  /// The lineage has no business with the token any more, so that only the audit log is told.
  private func record(_ ending: Ending) async throws(Stop) {
    let record: EventRecord
    switch ending {
    case .active(let after):
      record = EventRecord(name: "activation.confirmed", generation: 1, milliseconds: after.milliseconds)
    case .notYet(let problem), .failed(let problem):
      record = EventRecord(name: "activation.timed_out", generation: 1, reason: problem.message)
    }
    try await plan.journal.append([
      JournalEntry(
        time: ports.clock.now, job: plan.name, cluster: plan.binding.cluster,
        token: plan.only?.first, record: record)
    ])
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
