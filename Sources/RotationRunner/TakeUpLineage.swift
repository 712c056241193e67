import RotationModel
import RotationPorts

extension JobPlan {
  /// A lineage of the ledger as a run or a plan works on it: replayed, with its row, what the listing shows of it
  /// and what a person should look at. Throws what makes it impossible to work on it.
  func takeUp(
    _ claimed: ClaimedLineage, _ view: ClusterView, installation: InstallationID, now: Instant
  ) throws(Problem) -> TokenWork {
    let machine: RotationMachine
    do throws(Stop) {
      machine = try claimed.replayed()
    } catch { throw error.problem ?? .noProgress(claimed.name) }
    var work = TokenWork(
      lineage: claimed.id, name: claimed.name, isOneOff: claimed.isOneOff, machine: machine,
      listedAt: view.begunAtWall)
    work.listedIDs = view.ids(of: work.names)
    work.sightings = view.sightings(of: work.names, machine, installation: installation)
    do throws(RowError) {
      work.desired = try claimed.row.map { (queued) throws(RowError) in try specification.row(queued) }
    } catch {
      work.fail(Problem(code: "row_changed", message: error.message, hint: error.hint).naming(work.name))
    }
    work.observe(view)
    for concern in Concern.of(work, plan: self, view: view, installation: installation, now: now) {
      work.note(concern)
    }
    for concern in Concern.ofWrongClocks(work, policy: policy, time: view.time) { work.note(concern) }
    return work
  }
}

extension RunPorts {
  /// Every lineage of the job, one page after the other, until a signal comes.
  func forEachLineage(
    of plan: JobPlan, _ body: (ClaimedLineage) async throws(Stop) -> Void
  ) async throws(Stop) {
    try await forEachLineage(ofJob: plan.name, body)
  }

  func forEachLineage(
    ofJob job: String, _ body: (ClaimedLineage) async throws(Stop) -> Void
  ) async throws(Stop) {
    var after: String?
    repeat {
      if interruption.isRequested { throw .interrupted }
      let page: [ClaimedLineage]
      do throws(LedgerError) {
        page = try await ledger.lineages(job: job, after: after, limit: 64)
      } catch { throw Stop(error) }
      for claimed in page { try await body(claimed) }
      after = page.last?.name
    } while after != nil
  }
}

extension ClaimedLineage {
  /// Where its events have brought it.
  func replayed() throws(Stop) -> RotationMachine {
    do throws(IllegalEvent) {
      return try RotationMachine(replaying: events)
    } catch { throw Stop.illegal(error, name: name) }
  }

  /// The lineage's name and those that it had before.
  var names: [String] {
    [name]
      + events.compactMap { timed in
        if case .lineageRenamed(let from) = timed.event { from } else { nil }
      }
  }
}

extension TokenWork {
  /// How long after its creation a token may be absent from a listing without being called missing.
  static let listingLag: Duration = .seconds(600)

  /// Compares the incumbent with a listing.
  fileprivate mutating func observe(_ view: ClusterView) {
    if let successor = machine.successor, let desired, !desired.inheritsPermissions,
      let token = view.token(id: successor.tokenID, names: names), token.permissions != desired.permissions
    {
      outdatedTokenID = token.id
    }
    observedPredecessor = machine.predecessor.flatMap { view.token(id: $0.tokenID, names: names) }
    guard let incumbent = machine.incumbent, incumbent.attempt != nil else { return }
    observed = view.token(id: incumbent.tokenID, names: names)
    isToBeExamined = observed == nil && incumbent.stagedAt + TokenWork.listingLag < view.begunAtWall
  }

  /// What the machine decides with about the incumbent. `now` is the cluster's time; nil: no clock is to be
  /// relied on, so that nothing is due by time.
  func dueReason(_ plan: JobPlan, now: Instant?) -> DueReason? {
    let facts = dueFacts(now: now ?? Instant(milliseconds: .min / 2))
    return machine.dueReason(plan.policy, facts)
  }

  func dueFacts(now: Instant) -> DueFacts {
    DueFacts(
      now: now, name: name, every: desired?.rotateEvery,
      expiryIsRelative: desired?.expiry.isRelative ?? false,
      permissionsDiffer: permissionsDiffer,
      // What is missing is the token that the run found, and not the one that has taken its place.
      absence: machine.incumbent?.number == incumbentAtStart ? absence : nil)
  }

  /// Whether the listing showed other permissions for the incumbent than the row asks for.
  var permissionsDiffer: Bool {
    guard let desired, !desired.inheritsPermissions, let observed,
      observed.id == machine.incumbent?.tokenID
    else { return false }
    return observed.permissions != desired.permissions
  }

  /// Whether the incumbent's description on the cluster, marker included, is not the row's.
  func descriptionDiffers(_ plan: JobPlan) -> Bool {
    guard let desired, let observed, let incumbent = machine.incumbent, observed.id == incumbent.tokenID,
      !described.contains(incumbent.number)
    else { return false }
    return observed.description != desired.description || observed.marker.name != name
  }

  /// Whether the predecessor's marker on the cluster has a name that the lineage had before.
  var predecessorNameDiffers: Bool {
    guard let observedPredecessor, let predecessor = machine.predecessor,
      observedPredecessor.id == predecessor.tokenID, !described.contains(predecessor.number)
    else { return false }
    return observedPredecessor.marker.name != name
  }
}

extension DesiredToken.Expiry {
  /// Whether it counts from the creation, so that the next token expires later than this one.
  var isRelative: Bool {
    switch self {
    case .after: true
    case .never, .at: false
    }
  }
}
