import RotationModel
import RotationPorts

/// Acts on one lineage until it must wait: the one switch over the machine's actions.
///
/// Each action is a file of its own, as an extension of this type. All of them go the same way: record
/// the intent, do it through a port, record the outcome, ask the machine again.
struct Performer: Sendable {
  let plan: JobPlan
  let ports: RunPorts
  let management: Permits
  let probes: Permits
  let circuit: Circuit
  let outages: StoreOutages
  /// The cluster's databases, by name.
  let databases: [String]
  /// When the job was begun, by the monotonic clock.
  let startedAt: Duration
  /// The cluster's clock; nil while nobody has asked it.
  let time: ServiceTime?

  /// Goes as far with the lineage as it gets without waiting. The work comes back as far as it got, a stop
  /// included.
  func advance(_ start: TokenWork) async -> (TokenWork, Result<Next, Stop>) {
    var work = start
    do throws(Stop) {
      // Every turn records an event, counts a failure or returns, so the bound is never met in health.
      for _ in 0..<1000 {
        if ports.interruption.isRequested { throw .interrupted }
        try await examineIfNeeded(&work)
        try await recordWhatIsKnown(&work)
        if work.end == nil {
          let action = work.machine.nextAction(context(for: work))
          guard let next = try await perform(action, on: &work) else { continue }
          guard case .finished(let outcome) = next else { return (work, .success(next)) }
          work.end = outcome
        }
        // Who waits for a token's end is told all the same; what the lineage could not do is not tried once more.
        guard let farewell = work.machine.nextFarewell(context(for: work)) else {
          return (work, .success(.finished(work.outcomeOfEnd)))
        }
        if let next = try await perform(farewell, on: &work) { return (work, .success(next)) }
      }
      throw .lineage(.noProgress(work.name))
    } catch {
      guard case .lineage(let problem) = error else { return (work, .failure(error)) }
      work.fail(problem)
      return (work, .success(.finished(.failed)))
    }
  }

  /// nil: ask again.
  private func perform(_ action: Action, on work: inout TokenWork) async throws(Stop) -> Next? {
    switch action {
    case .recover(let attempt):
      return try await recover(attempt, of: &work)
    case .revokeOrphan(let attempt, let tokenID):
      return try await revokeOrphan(tokenID, of: attempt, work: &work)
    case .search(let attempts):
      return finished(work, if: .creation) ?? .search(after: searchableAt(attempts, of: work))
    case .create(let generation):
      if let next = finished(work, if: .creation) { return next }
      return try await create(generation: generation, work: &work)
    case .show(let generation):
      return try await show(generation, work: &work)
    case .activate(let generation):
      // What a row asks for says nothing about a token that is to come back.
      if work.machine.rollbackTarget == nil, let next = finished(work, if: .activation) { return next }
      return try await prepareActivation(of: generation, work: &work)
    case .promote(let generation, let store):
      return try await promote(generation, in: store, work: &work)
    case .completeDelivery(let generation):
      try await record([.deliveryDone(generation: generation, at: serviceTimeAtLatest)], for: &work)
      return nil
    case .runHook(let generation, let hook):
      return runHook(generation, hook, work: &work)
    case .settleHooks(let generation):
      try await record([.hooksSettled(generation: generation)], for: &work)
      return nil
    case .update(let generation):
      return try await update(generation, work: &work)
    case .disable(let generation):
      if try await letGoIfUnnamed(generation, &work) { return nil }
      if let next = try await retirementIsBlocked(of: generation, &work) { return next }
      return try await disable(generation, work: &work)
    case .confirmDisable(let generation):
      return try await confirmDisable(generation, work: &work)
    case .enable(let generation):
      return try await enable(generation, work: &work)
    case .rollBack(let generation, let store):
      return try await rollBack(to: generation, in: store, work: &work)
    case .completeRollback(let generation):
      try await record([.rollbackDone(generation: generation, at: serviceTimeAtLatest)], for: &work)
      return nil
    case .relocate(let store):
      return try await relocate(in: store, work: &work)
    case .completeRelocation:
      try await record([.relocationDone(key: work.relocationKey)], for: &work)
      return nil
    case .withdraw(let generation, let store):
      return try await withdraw(generation, from: store, work: &work)
    case .revoke(let generation, let reason):
      if try await letGoIfUnnamed(generation, &work) { return nil }
      if let next = try await retirementIsBlocked(of: generation, &work) { return next }
      return try await revoke(generation, reason: reason, work: &work)
    case .confirmRevocation(let generation):
      return try await confirmRevocation(generation, work: &work)
    case .forget(let generation):
      return try await forget(generation, work: &work)
    case .wait:
      return .finished(work.problem == nil ? .pending : work.outcomeOfProblem)
    case .none:
      if work.wasCurrent {
        do throws(StoreError) {
          for concern in try await plan.storeConcerns(of: work) { work.note(concern) }
        } catch { work.fail(Problem(error).naming(work.name)) }
      }
      return .finished(finalOutcome(of: &work))
    }
  }

  func context(for work: TokenWork) -> ActionContext {
    let uptime = ports.clock.uptime
    var context = ActionContext(
      isWanted: work.desired != nil, stores: work.inOrder(plan.storeNames), abandonAfter: plan.abandonAfter,
      now: time?.earliest(at: uptime) ?? ports.clock.now, searched: work.searched, hasWaited: work.hasWaited)
    let reliable = time.flatMap { $0.clocksAgree ? $0.earliest(at: uptime) : nil }
    context.showsStrings = plan.display != nil
    context.policy = plan.policy
    context.due = work.dueReason(plan, now: reliable)
    context.retireNow = work.blocked.contains(.retirement) ? nil : reliable
    context.descriptionDiffers = work.descriptionDiffers(plan)
    context.predecessorNameDiffers = work.predecessorNameDiffers
    context.successorIsOutdated =
      plan.policy.isOn && work.outdatedTokenID != nil
      && work.outdatedTokenID == work.machine.successor?.tokenID
    context.gaveUpOn = work.gaveUpOn
    context.deliveryHooks = plan.hookNames(.delivered)
    context.retirementHooks = plan.hookNames(.retired)
    context.failedHooks = work.failedHooks
    return context
  }

  /// The cluster's time, or a little earlier.
  var serviceTimeAtEarliest: Instant { time?.earliest(at: ports.clock.uptime) ?? ports.clock.now }

  /// The cluster's time, or a little later.
  /// While the clocks disagree nobody knows which one is right: the later one cuts no overlap short.
  var serviceTimeAtLatest: Instant {
    guard let time else { return ports.clock.now }
    let latest = time.latest(at: ports.clock.uptime)
    return time.clocksAgree ? latest : max(latest, ports.clock.now)
  }

  private func finished(_ work: TokenWork, if block: Concern.Block) -> Next? {
    if work.problem != nil { return .finished(work.outcomeOfProblem) }
    return work.blocked.contains(block) ? .finished(.attention) : nil
  }

  /// What a listing or the activation's schedule has shown goes on record before anything is decided.
  private func recordWhatIsKnown(_ work: inout TokenWork) async throws(Stop) {
    if !work.unrecorded.isEmpty {
      let events = work.unrecorded
      work.unrecorded = []
      try await record(events, for: &work)
    }
    let evidence = work.machine.evidence(from: work.sightings, listedAt: work.listedAt)
    // A listing is judged once: whether it contradicts what was done later is for the next one to say.
    work.sightings.removeAll { sighting in
      work.machine.attempts.contains { $0.id == sighting.attempt && !$0.isOpen }
    }
    if !evidence.events.isEmpty { try await record(evidence.events, for: &work) }
    for attempt in work.machine.endedWatches(at: ports.clock.now) {
      try await record([.createWatchEnded(attempt: attempt)], for: &work)
      work.note(Concern(problem: .watchEnded(attempt, name: work.name)))
    }
    for sighting in evidence.foreign {
      work.note(
        Concern(problem: .unknownToLedger(sighting, name: work.name), blocks: [.creation]))
    }
  }

  /// When no effect of these attempts is expected any more, by the monotonic clock.
  ///
  /// Attempts of this run are known by that clock. An earlier run sent nothing after this job was begun, so a
  /// whole request's time from then is enough; the deadline that it wrote down is one of a wall clock, which
  /// may have been set since.
  private func searchableAt(_ attempts: [AttemptID], of work: TokenWork) -> Duration {
    let ends = attempts.map { work.effectsEndAt[$0] ?? startedAt + effectLimit }
    return max(ports.clock.uptime, ends.max() ?? .zero)
  }

  /// How long after an intent its effect may come: the request's own limit, and what the commit of the
  /// intent may take before the request is sent.
  var effectLimit: Duration { plan.service.requestTimeout + Performer.commitAllowance }

  /// An intent whose commit took longer than this is not sent: its deadline would not hold.
  static let commitAllowance: Duration = .seconds(2)
}

extension Problem {
  static func noProgress(_ name: String) -> Problem {
    Problem(
      code: "internal", message: "\(name): the run made no progress; this is a fault of tokenrotate")
  }

  static func watchEnded(_ attempt: AttemptID, name: String) -> Problem {
    Problem(
      code: "attempt_unknown",
      message:
        "\(name): creation attempt \(attempt) was never answered, and no token of it was seen for 7 days",
      hint:
        "nothing is to be done unless a token with the marker #\(attempt) appears on the cluster; then revoke it"
    )
  }

  static func unknownToLedger(_ sighting: Sighting, name: String) -> Problem {
    Problem(
      code: Problem.foreignMarker,
      message:
        "\(name): token \(sighting.tokenID) carries this installation's marker, but the ledger does not know its attempt \(sighting.attempt)",
      hint:
        "if the ledger was restored from an older copy, look whether anybody uses that token, and revoke it")
  }
}
