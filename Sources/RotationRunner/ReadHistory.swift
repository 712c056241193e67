public import RotationModel
public import RotationPorts

/// What the ledger and the CSV of a job know of its tokens: asks no cluster, opens no store, and hands one name on
/// after the other.
public struct ReadHistory: Sendable {
  private let job: String
  private let specification: any Specification
  private let policy: RotationPolicy
  private let stores: Int
  private let ports: RunPorts

  /// A run once an hour has replaced a token long before. A machine may be off for a night.
  static let overdueAfter: Duration = .seconds(86_400)

  /// `stores` is the number of the job's stores. The ledger is a copy: the rows are queued in it.
  public init(
    job: String, specification: any Specification, policy: RotationPolicy, stores: Int, ports: RunPorts
  ) {
    self.job = job
    self.specification = specification
    self.policy = policy
    self.stores = stores
    self.ports = ports
  }

  /// In the order of the names. Names of which nothing is left and that have no row are handed on as well: their past
  /// is a part of the job's. Throws when ledger or CSV cannot be read, or a signal has come.
  public func read(_ receive: (TokenHistory) -> Void) async throws(Stop) {
    try await queueRows()
    try await ports.forEachLineage(ofJob: job) { (lineage) async throws(Stop) in
      receive(history(of: lineage))
    }
  }

  /// Which names have a row now is what the newest run knows, and this look is one.
  private func queueRows() async throws(Stop) {
    do {
      try await specification.enqueueRows(batchSize: 512) { rows in
        try await ports.ledger.enqueue(rows, job: job, lease: ports.lease)
      }
    } catch let error as LedgerError {
      throw Stop(error)
    } catch let error as Problem {
      throw .job(error, .badInput)
    } catch {
      throw .job(Problem(code: "specification", message: "\(error)"), .badInput)
    }
  }

  private func history(of lineage: ClaimedLineage) -> TokenHistory {
    let machine: RotationMachine
    do throws(Stop) {
      machine = try lineage.replayed()
    } catch {
      var standing = TokenStanding(name: lineage.name, state: "unreadable", stores: stores)
      standing.problem = error.problem ?? .noProgress(lineage.name)
      return TokenHistory(standing: standing, hasRow: lineage.row != nil, isDelivered: true)
    }
    let now = ports.clock.now
    var work = TokenWork(
      lineage: lineage.id, name: lineage.name, isOneOff: lineage.isOneOff, machine: machine, listedAt: now)
    do throws(RowError) {
      work.desired = try lineage.row.map { (queued) throws(RowError) in try specification.row(queued) }
    } catch {
      work.fail(Problem(code: "row_changed", message: error.message, hint: error.hint).naming(work.name))
    }
    for concern in Concern.withoutCluster(work, isOneOff: false, policy: policy, now: now) {
      work.note(concern)
    }
    if let overdue = overdue(work, now) { work.note(Concern(problem: overdue)) }
    var standing = work.standing(of: machine.incumbent ?? machine.newest, policy, stores: stores)
    standing.next = underWay(work, now)
    var history = TokenHistory(
      standing: standing, hasRow: lineage.row != nil, isDelivered: isDelivered(machine))
    history.isTakenOver = (machine.incumbent ?? machine.newest).map { $0.attempt == nil } ?? false
    history.labels = work.desired?.labels ?? [:]
    history.activations = machine.generations.compactMap { generation in
      generation.activationTook.map {
        TokenHistory.Activation(at: generation.stagedAt + $0, took: $0)
      }
    }
    history.incidents = Incident.all(in: lineage.events)
    return history
  }

  private func isDelivered(_ machine: RotationMachine) -> Bool {
    switch machine.successor?.phase {
    case .active, .delivering: false
    case .staged, .current, .superseded, .disabling, .disabled, .enabling, .revoking, .revoked, .leftBehind,
      nil:
      true
    }
  }

  /// A token that should have been replaced by now, and of which nothing says why it was not.
  private func overdue(_ work: TokenWork, _ now: Instant) -> Problem? {
    guard work.desired != nil, !work.machine.wishes.isHeld, work.machine.successor == nil,
      let dueAt = work.machine.nextDue(policy, work.dueFacts(now: now)),
      dueAt + ReadHistory.overdueAfter < now
    else { return nil }
    return Problem(
      code: "overdue",
      message: "\(work.name): due since \(dueAt.rfc3339Seconds), and not replaced",
      hint: "look whether runs still come, and what `tokenrotate plan` says of it")
  }

  /// What a run goes on with by itself.
  private func underWay(_ work: TokenWork, _ now: Instant) -> String? {
    let machine = work.machine
    switch machine.status {
    case .creating: return "a creation has no outcome yet"
    case .unknown: return "a creation was not answered, and is looked for"
    case .staged: return "created and stored, not active yet"
    case .active, .delivering: return "active, not delivered everywhere yet"
    case .revoking: return "its revocation is begun"
    case .rollingBack: return "the previous token is to be current again"
    case .planned where work.desired != nil && !machine.wishes.isHeld: return "no token yet"
    case .current where machine.dueReason(policy, work.dueFacts(now: now)) != nil && !machine.wishes.isHeld:
      return "due, and replaced by the next run"
    case .planned, .current, .retiring: return nil
    }
  }
}
