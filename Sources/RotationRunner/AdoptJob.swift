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
    return ports.finish(plan, tally, exitCode: tally.adoptionExitCode, stop)
  }

  private func adoptLineages(
    _ view: ClusterView, _ performer: Performer, _ tally: inout Tally
  ) async throws(Stop) {
    var unclaimed = Set(view.tokens.keys)
    try await adoptQueued(view, performer, &unclaimed, &tally) { $0 }
    try await queueRowless(view, unclaimed)
    // What the queue says of them is not from the CSV.
    try await adoptQueued(view, performer, &unclaimed, &tally) { lineage in
      var lineage = lineage
      lineage.row = nil
      return lineage
    }
    for name in unclaimed.sorted().prefix(100) {
      for token in view.tokens[name] ?? [] {
        tally.needsPerson = true
        ports.reporter.noticed(plan.name, .stranger(token))
      }
    }
  }

  /// Queues names that the CSV does not have, and whose tokens store and cluster both know: they were made by `create`,
  /// or their rows are gone. Either way `run` leaves them alone, and `retire` may end them.
  private func queueRowless(_ view: ClusterView, _ names: Set<String>) async throws(Stop) {
    for name in names.sorted() {
      let attempts = (view.tokens[name] ?? []).filter { $0.marker.installation == ports.ledger.installation }
        .map(\.marker.attempt)
      guard !attempts.isEmpty else { continue }
      do {
        let stored = try await storedTokens(at: StorePlace(job: plan.name, name: name))
        guard stored.contains(where: { attempts.contains($0.token.attempt) }) else { continue }
        let row = QueuedRow(name: name, position: 0, byteOffset: 0, byteLength: 0, digest: "", isOneOff: true)
        try await ports.ledger.enqueue([row], job: plan.name, lease: ports.lease)
      } catch let error as LedgerError {
        throw Stop(error)
      } catch {
        // A place that cannot be read is told with what the cluster has of the name.
        continue
      }
    }
  }

  private func adoptQueued(
    _ view: ClusterView, _ performer: Performer, _ unclaimed: inout Set<String>, _ tally: inout Tally,
    _ taken: (ClaimedLineage) -> ClaimedLineage
  ) async throws(Stop) {
    while true {
      if ports.interruption.isRequested { throw .interrupted }
      let lineages: [ClaimedLineage]
      do throws(LedgerError) {
        lineages = try await ports.ledger.claim(job: plan.name, limit: 64, lease: ports.lease)
      } catch { throw Stop(error) }
      if lineages.isEmpty { return }
      for lineage in lineages {
        unclaimed.subtract(lineage.names)
        if let report = try await adopt(taken(lineage), view, performer) {
          tally.count(report)
          ports.reporter.tokenFinished(plan.name, report)
        }
      }
    }
  }

  /// nil: neither store nor cluster knows the name. What the ledger knows already, from an adoption that was
  /// interrupted, from runs since, or because an older copy of it was put back, stays as it is; what the store has
  /// beyond it is added.
  private func adopt(
    _ claimed: ClaimedLineage, _ view: ClusterView, _ performer: Performer
  ) async throws(Stop) -> TokenReport? {
    let machine: RotationMachine
    do throws(Stop) {
      machine = try claimed.replayed()
    } catch {
      return TokenReport(name: claimed.name, outcome: .failed, problem: error.problem)
    }
    var work = TokenWork(
      lineage: claimed.id, name: claimed.name, isOneOff: claimed.isOneOff, machine: machine,
      listedAt: view.begunAtWall)
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
    let known = Set(machine.attempts.map(\.id))
    let onCluster =
      (view.tokens[work.name] ?? [])
      + work.names.dropFirst().flatMap { view.tokens[$0] ?? [] }.filter { known.contains($0.marker.attempt) }
    for (place, token) in stored where !work.machine.knows(token) {
      // A token that is gone is taken over as well: runs find out what that means, and replace or retire it.
      guard work.machine.mayAdopt(token, from: place) else {
        work.fail(.notAdopted(work.name, token.tokenID, place), as: .attention)
        continue
      }
      try await adopt(token, from: place, &work, performer)
      if place == .current, !onCluster.contains(where: { $0.id == token.tokenID }) {
        work.fail(.onlyInStore(work.name, token.tokenID), as: .attention)
      }
    }
    if let other = onCluster.first(where: { !work.machine.mayExplain($0) }) {
      work.fail(.stringNowhere(work.name, other.id), as: .attention)
    }
    if work.problem != nil { return work.report(.attention) }
    guard let newest = work.machine.newest else {
      return work.machine.predecessor.map {
        TokenReport(name: work.name, outcome: .pending, tokenID: $0.tokenID)
      }
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

extension RotationMachine {
  /// Whether the store's token is one of the ledger's, or one that a run can recover by itself.
  fileprivate func knows(_ token: StoredToken) -> Bool { attempts.contains { $0.id == token.attempt } }

  fileprivate func mayAdopt(_ token: StoredToken, from place: Event.Place) -> Bool {
    guard generation(token.generation) == nil, !attempts.contains(where: \.isOpen) else { return false }
    return place == .previous
      ? predecessor == nil && (incumbent == nil || successor == nil)
      : successor == nil && (incumbent == nil || predecessor == nil)
  }

  /// Whether a run knows what to do with a token that the cluster lists.
  fileprivate func mayExplain(_ token: ClusterView.MarkedToken) -> Bool {
    attempts.contains { $0.id == token.marker.attempt }
  }
}

extension Tally {
  /// A token that is not active yet is what adopting may well find: the next run goes on.
  fileprivate var adoptionExitCode: ExitCode {
    ExitCode.worst(
      outcomes.filter { $0.value > 0 && $0.key != .pending }.keys.map(\.exitCode)
        + (needsPerson ? [.needsPerson] : []))
  }
}

extension Problem {
  fileprivate static func stringNowhere(_ name: String, _ tokenID: String) -> Problem {
    Problem(
      code: "string_lost",
      message: "\(name): token \(tokenID) lives on the cluster, and its string is in no place of the store",
      hint: "if nobody uses it, revoke it by hand; until then `run` creates nothing for this name")
  }

  fileprivate static func notAdopted(_ name: String, _ tokenID: String, _ place: Event.Place) -> Problem {
    Problem(
      code: "not_adopted",
      message:
        "\(name): the store has token \(tokenID) as its \(place.rawValue) one, which contradicts what the ledger knows",
      hint: "let `tokenrotate run` finish what is under way, then say this again")
  }

  fileprivate static func onlyInStore(_ name: String, _ tokenID: String) -> Problem {
    Problem(
      code: "token_missing",
      message: "\(name): the store holds token \(tokenID), and the cluster does not show it",
      hint:
        "it was revoked: a job that rotates replaces it with the next run, else `tokenrotate rotate` does")
  }
}
