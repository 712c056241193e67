public import RotationPorts
import RotationModel

/// What `run` would do with each token and why. Changes nothing: it works on a copy of the ledger and only
/// reads from the cluster.
public struct PlanJob: Sendable {
  let plan: JobPlan
  let ports: RunPorts
  let verifiesStrings: Bool

  /// `verifiesStrings`: the cluster is asked about each string that the stores call current.
  public init(plan: JobPlan, ports: RunPorts, verifiesStrings: Bool = false) {
    self.plan = plan
    self.ports = ports
    self.verifiesStrings = verifiesStrings
  }

  /// Hands on one line a token; the report's exit code is 0 (nothing to do), 10 (something), 8 (something
  /// needs a person) or that of what refused the job.
  public func run(_ receive: (PlannedStep) -> Void) async -> JobReport {
    await look { step, _ in
      if let step { receive(step) }
    }
  }

  /// Hands on where each token stands, in the order of the CSV.
  public func standings(_ receive: (TokenStanding) -> Void) async -> JobReport {
    await look { _, standing in receive(standing) }
  }

  private func look(_ receive: (PlannedStep?, TokenStanding) -> Void) async -> JobReport {
    var codes: [ExitCode] = []
    var stop: Stop?
    do throws(Stop) {
      let preparation = PrepareJob(plan: plan, ports: ports)
      try await preparation.checkBinding()
      _ = try await preparation.queueRows()
      try await preparation.reserveCreations()
      try await preparation.requireStores(plan.stores)
      let cluster = try await preparation.lookAtCluster()
      codes += cluster.problems.map { _ in .needsPerson }
      try await SurveyJob(plan: plan, ports: ports).check(cluster)
      let performer = preparation.performer(cluster, circuit: Circuit(limit: 0))
      try await planLineages(cluster.view, performer) { step, standing in
        if let step { codes.append(step.kind.exitCode) }
        receive(step, standing)
      }
    } catch { stop = error }
    if let stop { codes.append(stop.exitCode) }
    return JobReport(exitCode: ExitCode.worst(codes), counts: [:], problem: stop?.problem)
  }

  private func planLineages(
    _ view: ClusterView, _ performer: Performer, _ receive: (PlannedStep?, TokenStanding) -> Void
  ) async throws(Stop) {
    var unclaimed = Set(view.tokens.keys)
    while true {
      if ports.interruption.isRequested { throw .interrupted }
      let lineages: [ClaimedLineage]
      do throws(LedgerError) {
        lineages = try await ports.ledger.claim(job: plan.name, limit: 256, lease: ports.lease)
      } catch { throw Stop(error) }
      if lineages.isEmpty { break }
      for lineage in lineages {
        unclaimed.subtract(lineage.names)
        guard plan.only?.contains(lineage.name) ?? true else { continue }
        let (step, standing) = try await step(for: lineage, view, performer)
        // What has come to its end and has no row is nobody's business any more.
        let isOver = lineage.row == nil && standing.tokenID == nil && standing.predecessorID == nil
        if step != nil || !isOver { receive(step, standing) }
      }
    }
    for name in unclaimed.sorted().prefix(100) {
      for token in view.tokens[name] ?? [] {
        let problem = Problem.stranger(token)
        var standing = TokenStanding(name: name, state: "foreign", stores: plan.stores.count)
        (standing.tokenID, standing.problem) = (token.id, problem)
        receive(PlannedStep(kind: .needsPerson, name: name, reason: problem.message), standing)
      }
    }
  }

  private func step(
    for claimed: ClaimedLineage, _ view: ClusterView, _ performer: Performer
  ) async throws(Stop) -> (PlannedStep?, TokenStanding) {
    let installation = ports.ledger.installation
    func needsPerson(_ problem: Problem) -> (PlannedStep, TokenStanding) {
      var standing = TokenStanding(name: claimed.name, state: "unreadable", stores: plan.stores.count)
      standing.problem = problem
      return (PlannedStep(kind: .needsPerson, name: claimed.name, reason: problem.message), standing)
    }
    var work: TokenWork
    do throws(Problem) {
      work = try plan.takeUp(claimed, view, installation: installation, now: ports.clock.now)
    } catch { return needsPerson(error) }
    if let problem = work.problem { return needsPerson(problem) }
    let evidence = work.machine.evidence(from: work.sightings, listedAt: view.begunAtWall)
    for sighting in evidence.foreign {
      work.note(Concern(problem: .unknownToLedger(sighting, name: claimed.name), blocks: [.creation]))
    }
    for event in evidence.events {
      guard (try? work.machine.apply(TimedEvent(event, at: ports.clock.now))) != nil else { continue }
    }
    for attempt in work.machine.endedWatches(at: ports.clock.now) {
      let event = TimedEvent(.createWatchEnded(attempt: attempt), at: ports.clock.now)
      guard (try? work.machine.apply(event)) != nil else { continue }
      work.note(Concern(problem: .watchEnded(attempt, name: work.name)))
    }
    try await performer.examineIfNeeded(&work)
    for event in work.unrecorded {
      guard (try? work.machine.apply(TimedEvent(event, at: ports.clock.now))) != nil else { continue }
    }
    try await foresee(&work, performer)
    do throws(StoreError) {
      for concern in try await plan.storeConcerns(of: work) { work.note(concern) }
      // A flaw of what is to stay keeps what it has replaced.
      if let flaw = try await plan.storeFlaws(of: work).first {
        work.note(Concern(problem: flaw, blocks: [.retirement]))
      }
    } catch { return needsPerson(Problem(error).naming(work.name)) }
    if verifiesStrings { try await verifyString(of: &work, performer) }
    let step = PlannedStep(describing: work, performer)
    if step != nil, let concern = performer.foreseenWaiting(of: work) { work.note(concern) }
    let standing = work.standing(plan, step: step)
    guard let problem = work.problem ?? work.concern?.problem else { return (step, standing) }
    // What is due is done all the same, but for what the concern blocks.
    var line = needsPerson(problem).0
    if let step, step.kind != .nothing { line.reason += "; and: \(step.reason)" }
    return (line, standing)
  }

  /// Looks at what a run would look at before it does the next thing.
  private func foresee(_ work: inout TokenWork, _ performer: Performer) async throws(Stop) {
    switch work.machine.nextAction(performer.context(for: work)) {
    case .disable(let number), .revoke(let number, _):
      guard let generation = work.machine.generation(number) else { return }
      guard !work.isUnnamed(generation) else {
        return work.note(Concern(problem: .notNamedAnyMore(work.name, generation), blocks: [.retirement]))
      }
      let isBlocked = try await performer.retirementIsBlocked(of: number, &work) != nil
      guard !isBlocked, generation.wasDelivered, generation.phase != .revoking else { return }
      let owner = performer.owner(of: generation, work)
      if case .inDoubt(let problem) = try await performer.look(at: generation.tokenID, ownedBy: owner, work) {
        work.note(Concern(problem: problem, blocks: [.retirement]))
      }
    case .create where work.machine.generations.isEmpty && work.desired?.replaces != nil:
      _ = try await performer.permissionsToGrant(&work)
    case .create, .recover, .revokeOrphan, .search, .show, .activate, .promote, .completeDelivery, .runHook,
      .settleHooks, .update, .confirmDisable, .enable, .rollBack, .completeRollback, .relocate,
      .completeRelocation, .withdraw, .confirmRevocation, .forget, .wait, .none:
      break
    }
  }

  /// Asks about the string that consumers read. That it is the token's is known from the store's records; that it
  /// works only the cluster can say.
  private func verifyString(of work: inout TokenWork, _ performer: Performer) async throws(Stop) {
    guard work.concern == nil, let incumbent = work.machine.incumbent, incumbent.attempt != nil else {
      return
    }
    switch try await performer.askAboutString(of: incumbent, .current, work) {
    case .refused:
      let isListed = work.observed != nil
      work.note(Concern(problem: .stringRefused(work.name, incumbent, isListed: isListed)))
    case .storeFailed(let error): work.fail(Problem(error).naming(work.name))
    case .accepted, .unavailable, .noString: break
    }
  }
}

extension Problem {
  fileprivate static func stringRefused(
    _ name: String, _ generation: Generation, isListed: Bool
  ) -> Problem {
    Problem(
      code: "string_refused",
      message:
        "\(name): the cluster \(isListed ? "lists" : "does not list") token \(generation.tokenID), and refuses the string that the store has for it",
      hint: "`tokenrotate rotate JOB.toml \(name)` replaces the token")
  }
}

/// One line of a plan.
public struct PlannedStep: Equatable, Sendable {
  public enum Kind: String, Sendable, CaseIterable {
    case create = "+"
    case rotate = "~"
    case retire = "-"
    case needsPerson = "!"
    case nothing = "="

    var exitCode: ExitCode {
      switch self {
      case .create, .rotate, .retire: .changesPlanned
      case .needsPerson: .needsPerson
      case .nothing: .done
      }
    }

    /// The word for it in JSON.
    public var word: String {
      switch self {
      case .create: "create"
      case .rotate: "rotate"
      case .retire: "retire"
      case .needsPerson: "attention"
      case .nothing: "nothing"
      }
    }
  }

  public var kind: Kind
  public var name: String
  public var reason: String

  public init(kind: Kind, name: String, reason: String) {
    self.kind = kind
    self.name = name
    self.reason = reason
  }
}
