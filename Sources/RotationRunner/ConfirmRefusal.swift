import RotationModel
import RotationPorts

// Asking whether the cluster refuses a token that has ended.
extension Performer {
  /// Asks until the revoked generation's string is refused, then lets the stores forget it.
  func confirmRevocation(_ number: Int, work: inout TokenWork) async throws(Stop) -> Next? {
    guard let generation = work.machine.generation(number) else { return nil }
    let since = beginAsking(&work)
    if let next = try await askUntilRefused(generation, .previous, since: since, &work) { return next }
    if let attempt = generation.attempt, try await !empty(.previous, of: attempt, &work) {
      return .finished(work.outcomeOfProblem)
    }
    let owed: [Event] = plan.hookNames(.retired).isEmpty ? [] : [.hooksOwed(generation: number)]
    try await record([.revokeConfirmed(generation: number)] + owed, for: &work)
    work.askingSince = nil
    return nil
  }

  /// Lets the stores lose what belongs to another cluster, which nobody asks about it.
  func forget(_ number: Int, work: inout TokenWork) async throws(Stop) -> Next? {
    if let attempt = work.machine.generation(number)?.attempt {
      for place in [Event.Place.pending, .previous] where try await !empty(place, of: attempt, &work) {
        return .finished(work.outcomeOfProblem)
      }
    }
    try await record([.tokenForgotten(generation: number)], for: &work)
    return nil
  }

  func beginAsking(_ work: inout TokenWork) -> Duration {
    let since = work.askingSince ?? ports.clock.uptime
    work.askingSince = since
    return since
  }

  func giveUpAsking(about number: Int, _ problem: Problem, _ work: inout TokenWork) -> Next? {
    work.gaveUpOn.insert(number)
    work.askingSince = nil
    work.note(Concern(problem: problem, blocks: []))
    return nil
  }

  /// nil: the cluster has refused it as often as is asked for; without its string, GET has said that it is gone.
  func askUntilRefused(
    _ generation: Generation, _ which: Event.Place, since: Duration, _ work: inout TokenWork
  ) async throws(Stop) -> Next? {
    switch try await askAboutString(of: generation, which, work) {
    case .refused: return nil
    case .noString where try await isGone(generation, work): return nil
    case .storeFailed(let error):
      work.fail(Problem(error).naming(work.name))
      return .finished(work.outcomeOfProblem)
    case .noString, .accepted, .unavailable: break
    }
    guard ports.clock.uptime - since < plan.activation.timeout else {
      _ = giveUpAsking(about: generation.number, .stillAccepted(work.name, generation), &work)
      // Whatever else there is to do for the lineage is decided anew.
      return .pause(until: ports.clock.uptime)
    }
    return .pause(until: ports.clock.uptime + .seconds(1))
  }

  /// What the cluster says to a string that it should not know any more.
  enum StringAnswer {
    /// `consecutive` times in a row.
    case refused
    case accepted
    case unavailable
    case noString
    case storeFailed(StoreError)
  }

  /// Asks about the string that a place of the stores holds for the generation.
  ///
  /// Asked is about one database in both ways: the token was allowed one of them at least, so that one that still
  /// works is accepted. A refusal in one way alone says nothing.
  func askAboutString(
    of generation: Generation, _ which: Event.Place, _ work: TokenWork
  ) async throws(Stop) -> StringAnswer {
    guard let attempt = generation.attempt else { return .noString }
    let stored: StoredToken?
    do throws(StoreError) {
      stored = try await string(of: attempt, in: which, at: work.place(job: plan.name))
    } catch { return .storeFailed(error) }
    guard let stored, let database = databaseToAsk(about: stored) else { return .noString }
    var refusals = 0
    while refusals < plan.activation.consecutive {
      for action in Permission.Action.allCases {
        try await probes.take()
        let target = ProbeTarget(action: action, database: database)
        switch await plan.probe.probe(target, accessToken: stored.accessToken) {
        case .accepted: return .accepted
        case .refused: continue
        case .unavailable, .impossible: return .unavailable
        }
      }
      refusals += 1
    }
    return .refused
  }

  private func databaseToAsk(about stored: StoredToken) -> String? {
    let named = stored.databases.first { $0 != Permission.everyDatabase && databases.contains($0) }
    if let named { return named }
    return stored.databases.contains(Permission.everyDatabase)
      ? plan.activationDatabase ?? databases.first : nil
  }

  private func string(
    of attempt: AttemptID, in which: Event.Place, at place: StorePlace
  ) async throws(StoreError) -> StoredToken? {
    for store in plan.stores {
      if let stored = try await store.read(which, at: place), stored.attempt == attempt { return stored }
    }
    return nil
  }

  private func isGone(_ generation: Generation, _ work: TokenWork) async throws(Stop) -> Bool {
    switch try await look(at: generation.tokenID, ownedBy: owner(of: generation, work), work) {
    case .gone: true
    case .found(let record): generation.phase == .disabling && record.permissions.isEmpty
    case .inDoubt: false
    }
  }
}

extension Problem {
  static func stillAccepted(_ name: String, _ generation: Generation) -> Problem {
    Problem(
      code: "still_accepted",
      message:
        "\(name): token \(generation.tokenID) was \(generation.phase == .disabling ? "disabled" : "revoked"), and the cluster does not refuse it yet, or cannot be asked",
      hint: "each run goes on asking; tell the cluster's operator if it stays so")
  }
}
