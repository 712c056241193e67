public import RotationPorts
import RotationModel

/// Rebuilds a job's part of an empty ledger from its store and the cluster: what both know is taken over,
/// what only one knows is reported. Sends nothing but reads to the cluster and changes no store.
public struct AdoptJob: Sendable {
  let plan: JobPlan
  let ports: RunPorts

  public init(plan: JobPlan, ports: RunPorts) {
    self.plan = plan
    self.ports = ports
  }

  /// The outcomes are `unchanged` (taken over, current), `pending` (taken over, not active yet),
  /// `attention`; rows that nothing knows are left for `run` to create, and not told.
  public func run() async -> JobReport {
    ports.reporter.jobStarted(plan.name)
    var tally = Tally()
    var stop: Stop?
    do throws(Stop) {
      let preparation = PrepareJob(plan: plan, ports: ports)
      try await preparation.checkBinding()
      tally.progress.rows = try await preparation.queueRows()
      try await preparation.openStores([plan.stores[0]])
      do throws(Stop) {
        let cluster = try await preparation.lookAtCluster(allowingStrangers: true)
        try await preparation.bindJob()
        let performer = preparation.performer(cluster, circuit: Circuit(limit: 0))
        try await adoptLineages(cluster.view, performer, &tally)
      } catch { stop = error }
      await plan.stores[0].close()
    } catch { stop = error }
    let code = ExitCode.worst([tally.adoptionExitCode] + (stop.map { [$0.exitCode] } ?? []))
    let report = JobReport(
      exitCode: code, counts: tally.outcomes, problem: stop?.problem,
      endsRun: stop?.endsRun ?? false)
    ports.reporter.jobFinished(plan.name, report)
    return report
  }

  private func adoptLineages(
    _ view: ClusterView, _ performer: Performer, _ tally: inout Tally
  ) async throws(Stop) {
    var unclaimed = Set(view.tokens.keys)
    while true {
      if ports.interruption.isRequested { throw .interrupted }
      let lineages: [ClaimedLineage]
      do throws(LedgerError) {
        lineages = try await ports.ledger.claim(job: plan.name, limit: 64, lease: ports.lease)
      } catch { throw Stop(error) }
      if lineages.isEmpty { break }
      for lineage in lineages {
        unclaimed.remove(lineage.name)
        if let report = try await adopt(lineage, view, performer) {
          tally.count(report)
          ports.reporter.tokenFinished(plan.name, report)
        }
      }
    }
    for name in unclaimed.sorted().prefix(100) {
      for token in view.tokens[name] ?? [] {
        tally.needsPerson = true
        ports.reporter.noticed(plan.name, .stranger(token))
      }
    }
  }

  /// nil: neither store nor cluster knows the name. What the ledger knows already, from an adoption that was
  /// interrupted or from runs since, stays as it is.
  private func adopt(
    _ claimed: ClaimedLineage, _ view: ClusterView, _ performer: Performer
  ) async throws(Stop) -> TokenReport? {
    var work = TokenWork(
      lineage: claimed.id, name: claimed.name, isOneOff: claimed.isOneOff, machine: RotationMachine(),
      listedAt: view.begunAtWall)
    guard claimed.events.isEmpty else { return reportKnown(claimed, view) }
    let stored: [(place: Event.Place, token: StoredToken)]
    do {
      work.desired = try claimed.row.map(plan.specification.row)
      stored = try await storedTokens(at: work.place(job: plan.name))
    } catch let error as StoreError {
      return TokenReport(name: work.name, outcome: .failed, problem: Problem(error).naming(work.name))
    } catch {
      return TokenReport(
        name: work.name, outcome: .failed,
        problem: Problem(code: "row_changed", message: "\(work.name): \(error)"))
    }
    let onCluster = view.tokens[work.name] ?? []
    for (place, token) in stored {
      let isThere = onCluster.contains { $0.id == token.tokenID && $0.marker.attempt == token.attempt }
      // A previous token that is gone is taken over as well: it is retired like any other, its string with it.
      guard isThere || place == .previous else {
        work.fail(.onlyInStore(work.name, token.tokenID), as: .attention)
        continue
      }
      guard place != .pending || work.machine.successor == nil else {
        work.fail(.stringNowhere(work.name, token.tokenID), as: .attention)
        continue
      }
      try await adopt(token, from: place, &work, performer)
    }
    let known = Set(work.machine.generations.map(\.tokenID))
    if let other = onCluster.first(where: { !known.contains($0.id) }), work.problem == nil {
      work.fail(.stringNowhere(work.name, other.id), as: .attention)
    }
    if work.problem != nil { return work.report(.attention) }
    guard let newest = work.machine.newest else {
      return work.machine.predecessor.map { TokenReport(name: work.name, outcome: .pending, tokenID: $0.tokenID) }
    }
    return work.report(newest.promotedIn.isEmpty ? .pending : .unchanged)
  }

  private func adopt(
    _ token: StoredToken, from place: Event.Place, _ work: inout TokenWork, _ performer: Performer
  ) async throws(Stop) {
    var events: [Event] = [
      .tokenAdopted(
        generation: token.generation, attempt: token.attempt, tokenID: token.tokenID, place: place,
        expiresAt: token.expiresAt, key: work.desired?.place.secret)
    ]
    if place == .current {
      events.append(.storePromoted(generation: token.generation, store: plan.stores[0].name))
      if plan.stores.count == 1 {
        events.append(.deliveryDone(generation: token.generation, at: performer.serviceTimeAtLatest))
      }
    }
    try await performer.record(events, for: &work)
  }

  private func reportKnown(_ claimed: ClaimedLineage, _ view: ClusterView) -> TokenReport? {
    let machine: RotationMachine
    do throws(IllegalEvent) {
      machine = try RotationMachine(replaying: claimed.events)
    } catch {
      let problem = Stop.illegal(error, name: claimed.name).problem
      return TokenReport(name: claimed.name, outcome: .failed, problem: problem)
    }
    let sightings = view.sightings(of: [claimed.name] + machine.wishes.formerNames, installation: ports.ledger.installation)
    if let foreign = machine.evidence(from: sightings, listedAt: view.begunAtWall).foreign.first {
      return TokenReport(
        name: claimed.name, outcome: .attention, tokenID: foreign.tokenID,
        problem: .unknownToLedger(foreign, name: claimed.name))
    }
    return machine.newest.map { newest in
      TokenReport(
        name: claimed.name, outcome: newest.phase == .current ? .unchanged : .pending,
        tokenID: newest.tokenID)
    }
  }

  /// What the places of a name hold, each token once.
  private func storedTokens(
    at place: StorePlace
  ) async throws(StoreError) -> [(place: Event.Place, token: StoredToken)] {
    var found: [(place: Event.Place, token: StoredToken)] = []
    for which in [Event.Place.current, .previous, .pending] {
      guard let token = try await plan.stores[0].read(which, at: place),
        !found.contains(where: { $0.token.attempt == token.attempt })
      else { continue }
      found.append((which, token))
    }
    return found
  }
}

extension Tally {
  /// A token that is not active yet is what adopting may well find: the next run goes on.
  fileprivate var adoptionExitCode: ExitCode {
    exitCode == .notActiveYet ? .done : exitCode
  }
}

extension Problem {
  fileprivate static func stringNowhere(_ name: String, _ tokenID: String) -> Problem {
    Problem(
      code: "string_lost",
      message: "\(name): token \(tokenID) lives on the cluster, and its string is in no place of the store",
      hint: "if nobody uses it, revoke it by hand; until then `run` creates nothing for this name")
  }

  fileprivate static func onlyInStore(_ name: String, _ tokenID: String) -> Problem {
    Problem(
      code: "token_missing",
      message: "\(name): the store holds token \(tokenID), and the cluster does not show it",
      hint:
        "it was revoked, or belongs to another cluster: move the store's files of this name away, then run")
  }
}
