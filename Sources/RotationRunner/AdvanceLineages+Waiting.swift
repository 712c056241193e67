import RotationModel
import RotationPorts

/// What becomes of lineages that waited: for a probe's answer, or for a listing.
extension AdvanceLineages {
  mutating func judge(_ answer: ProbeAnswer, of asked: TokenWork) {
    var work = asked
    let uptime = ports.clock.uptime
    let jitter = ports.random.fraction()
    guard let generation = work.machine.probed else { return finish(work.report(.failed)) }
    switch answer {
    case .accepted:
      work.schedule?.accepted(at: uptime)
    case .refused(let status, let message):
      work.schedule?.refused(at: uptime, now: performer.serviceTimeAtLatest, jitter: jitter)
      work.waitingFor = "the cluster still answers \(status): \(message)"
    case .unavailable(let error):
      work.schedule?.unavailable(at: uptime, retryAfter: error.retryAfter, jitter: jitter)
      work.waitingFor = error.message
    case .impossible(let error):
      work.unrecorded.append(
        generation.phase == .staged
          ? .activationTimedOut(generation: generation.number, refusedSince: nil, reason: error.message)
          : .rollbackRefused(generation: generation.number, reason: error.message))
      work.fail(Problem(error).naming(work.name))
      work.hasWaited = true
      return ready.append(work)
    }
    switch work.schedule?.verdict {
    case .ask: enqueueProbe(work)
    case .confirmed:
      work.unrecorded.append(
        .activationConfirmed(
          generation: generation.number, after: max(.zero, ports.clock.now - generation.stagedAt)))
      ready.append(work)
    case .timedOut where generation.phase != .staged:
      let reason = work.waitingFor ?? "it was accepted, though not often enough"
      work.unrecorded.append(.rollbackRefused(generation: generation.number, reason: reason))
      work.fail(.rollbackRefused(work.name, reason))
      work.hasWaited = true
      ready.append(work)
    case .timedOut(let refused):
      let wasAccepted = work.schedule?.wasAccepted == true
      if wasAccepted, generation.refusedSince != nil {
        work.unrecorded.append(.activationAccepted(generation: generation.number))
      }
      let before = wasAccepted ? nil : generation.refusedSince
      let since = refused ? before ?? work.schedule?.refusedSince : nil
      work.unrecorded.append(
        .activationTimedOut(
          generation: generation.number, refusedSince: since,
          reason: work.waitingFor ?? "it was accepted, though not often enough yet"))
      // Silence says nothing about the token, but something about the endpoint or about `host`.
      if case .unavailable(let error) = answer, !wasAccepted, work.schedule?.refusedSince == nil {
        work.fail(.nothingLearned(work.name, generation, error))
      }
      work.hasWaited = true
      ready.append(work)
    case nil: finish(work.report(.failed))
    }
  }

  mutating func finishSearch(_ result: Result<ClusterView, ReadFailure>) {
    switch result {
    case .success(let listed):
      view = listed
      // Listings are not free: they are spaced by what they cost, and one serves all that wait.
      nextListingAt = ports.clock.uptime + max(.seconds(1), (ports.clock.uptime - listed.begunAt) * 4)
      for var work in takeSearching(dueAt: listed.begunAt) {
        work.sightings = listed.sightings(
          of: work.names, work.machine, installation: ports.ledger.installation)
        work.listedIDs = listed.ids(of: work.names)
        work.listedAt = listed.begunAtWall
        work.searched.formUnion(work.machine.attempts.filter(\.isDoubtful).map(\.id))
        ready.append(work)
      }
    case .failure(.stop(let stop)):
      stopFor(stop)
    case .failure(.failed(let error)):
      for var work in takeSearching(dueAt: listingBegunAt) {
        work.fail(Problem(error).naming(work.name))
        finish(work.report(work.outcomeOfProblem))
      }
    }
  }

  /// Takes out the lineages whose attempts' effects are no longer expected at this uptime.
  private mutating func takeSearching(dueAt uptime: Duration) -> [TokenWork] {
    let due = searching.filter { $0.at <= uptime }.map(\.work)
    searching.removeAll { $0.at <= uptime }
    return due
  }
}

extension Problem {
  fileprivate static func nothingLearned(
    _ name: String, _ generation: Generation, _ error: ServiceError
  ) -> Problem {
    Problem(
      code: error.code.rawValue,
      message: "\(name): nothing was learned about token \(generation.tokenID): \(error.message)",
      hint: "is `host` in [cluster] right, and can this machine reach it? The token is kept, and the next run"
        + " goes on waiting")
  }
}
