public import RotationPorts
import RotationModel

/// What `run` would do with each token and why. Changes nothing: it works on a copy of the ledger and only
/// reads from the cluster.
public struct PlanJob: Sendable {
  let plan: JobPlan
  let ports: RunPorts

  public init(plan: JobPlan, ports: RunPorts) {
    self.plan = plan
    self.ports = ports
  }

  /// Hands on one line a token; the report's exit code is 0 (nothing to do), 10 (something), 8 (something
  /// needs a person) or that of what refused the job.
  public func run(_ receive: (PlannedStep) -> Void) async -> JobReport {
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
      try await planLineages(cluster.view) { step in
        codes.append(step.kind.exitCode)
        receive(step)
      }
    } catch { stop = error }
    if let stop { codes.append(stop.exitCode) }
    return JobReport(exitCode: ExitCode.worst(codes), counts: [:], problem: stop?.problem)
  }

  private func planLineages(
    _ view: ClusterView, _ receive: (PlannedStep) -> Void
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
        unclaimed.remove(lineage.name)
        guard plan.only?.contains(lineage.name) ?? true else { continue }
        if let step = await step(for: lineage, view) { receive(step) }
      }
    }
    for name in unclaimed.sorted().prefix(100) {
      for token in view.tokens[name] ?? [] {
        receive(PlannedStep(kind: .needsPerson, name: name, reason: Problem.stranger(token).message))
      }
    }
  }

  private func step(for claimed: ClaimedLineage, _ view: ClusterView) async -> PlannedStep? {
    let installation = ports.ledger.installation
    func needsPerson(_ problem: Problem) -> PlannedStep {
      PlannedStep(kind: .needsPerson, name: claimed.name, reason: problem.message)
    }
    var work: TokenWork
    do {
      work = TokenWork(
        lineage: claimed.id, name: claimed.name, isOneOff: claimed.isOneOff,
        machine: try RotationMachine(replaying: claimed.events), listedAt: view.begunAtWall)
    } catch {
      return needsPerson(
        Problem(code: "ledger_inconsistent", message: "the ledger's events contradict each other"))
    }
    do {
      work.desired = try claimed.row.map(plan.specification.row)
    } catch {
      return needsPerson(Problem(code: "row_changed", message: "\(error)"))
    }
    var concerns = Concern.of(
      work, plan: plan, view: view, installation: installation, now: ports.clock.now)
    do throws(StoreError) {
      concerns += try await plan.storeConcerns(of: work)
    } catch { return needsPerson(Problem(error).naming(work.name)) }
    let evidence = work.machine.evidence(
      from: view.sightings(of: claimed.name, installation: installation), listedAt: view.begunAtWall)
    concerns += evidence.foreign.map { sighting in
      Concern(problem: .unknownToLedger(sighting, name: claimed.name), blocks: [.creation])
    }
    for event in evidence.events {
      guard (try? work.machine.apply(TimedEvent(event, at: ports.clock.now))) != nil else { continue }
    }
    for concern in concerns { work.note(concern) }
    let step = describe(work)
    guard let concern = work.concern else { return step }
    // What is due is done all the same, but for what the concern blocks.
    var line = needsPerson(concern.problem)
    if let step, step.kind != .nothing { line.reason += "; and: \(step.reason)" }
    return line
  }

  private func describe(_ work: TokenWork) -> PlannedStep? {
    let context = ActionContext(
      isWanted: work.desired != nil, stores: plan.storeNames, abandonAfter: plan.abandonAfter,
      now: ports.clock.now)
    func step(_ kind: PlannedStep.Kind, _ reason: String) -> PlannedStep {
      PlannedStep(kind: kind, name: work.name, reason: reason)
    }
    switch work.machine.nextAction(context) {
    case .recover(let attempt):
      return step(
        .create,
        "an interrupted run left attempt \(attempt): adopt its token, or revoke it and create another")
    case .revokeOrphan(_, let tokenID):
      let after = work.desired == nil || work.machine.newest != nil ? "" : ", then create another"
      return step(.retire, "token \(tokenID) is an orphan, its string is lost: revoke it\(after)")
    case .search where work.blocked.contains(.creation): return nil
    case .search:
      return step(.create, "an attempt was never answered: look for its token, revoke it, create another")
    case .create where work.blocked.contains(.creation): return nil
    case .create:
      return step(.create, "no token yet")
    case .activate where work.blocked.contains(.activation): return nil
    case .activate:
      return step(.create, "created and stored, not active yet: go on waiting")
    case .promote(_, let store):
      return step(.create, "active, not delivered to store \(store) yet")
    case .completeDelivery:
      return step(.create, "delivered, not recorded yet")
    case .revoke(_, let reason):
      return step(.retire, "\(reason.rawValue): revoke it and create another")
    case .wait, .none:
      return work.desired == nil ? nil : step(.nothing, work.machine.status.rawValue)
    }
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
