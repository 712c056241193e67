import RotationModel
import RotationPorts

/// What comes before the first change: the checks that refuse a job as a whole, and the look at the cluster.
/// `run` and `plan` share it.
struct PrepareJob: Sendable {
  let plan: JobPlan
  let ports: RunPorts

  /// What one look at the cluster has shown.
  struct Cluster: Sendable {
    var view: ClusterView
    /// By name.
    var databases: [String]
    /// The budgets of the job, for what follows.
    var management: Permits
    var probes: Permits
    /// What a person should look at, told already.
    var problems: [Problem]
    /// When the job was begun, by the monotonic clock.
    var startedAt: Duration
  }

  /// Acts with what the look at the cluster has shown.
  func performer(_ cluster: Cluster, circuit: Circuit) -> Performer {
    Performer(
      plan: plan, ports: ports, management: cluster.management, probes: cluster.probes, circuit: circuit,
      outages: StoreOutages(patience: plan.activation.timeout),
      databases: cluster.databases, startedAt: cluster.startedAt, time: cluster.view.time)
  }

  /// A job's lineages belong to one cluster and one set of stores.
  func checkBinding() async throws(Stop) {
    let known = try await ask { () async throws(LedgerError) in
      try await ports.ledger.binding(job: plan.name)
    }
    // If nothing was ever made for it, the first run may well have had a wrong directory.
    guard let known, known != plan.binding, try await hasHistory() else { return }
    let what = known.cluster != plan.binding.cluster ? "[cluster]" : "[[store]]"
    throw .job(
      Problem(
        code: "binding_changed",
        message: "job \(plan.name): \(what) is not what its tokens in the ledger belong to",
        hint: "put \(what) back as it was, or tell that it has changed: `tokenrotate move JOB.toml`"),
      .badInput)
  }

  /// The stores of a job with history must be there: tokens that wait in them are not to be given up because
  /// a volume is not mounted.
  func requireStores(_ stores: [any SecretStore]) async throws(Stop) {
    guard try await hasHistory() else { return }
    for store in stores {
      do throws(StoreError) { try await store.requireTaken() } catch { throw stop(for: error) }
    }
  }

  /// Opens the stores, all or none.
  func openStores(_ stores: [any SecretStore]) async throws(Stop) {
    try await requireStores(stores)
    try await open(stores)
  }

  /// Opens stores, all or none.
  func open(_ stores: [any SecretStore]) async throws(Stop) {
    for (index, store) in stores.enumerated() {
      do throws(StoreError) {
        try await store.open()
      } catch {
        for opened in stores[..<index] { await opened.close() }
        throw stop(for: error)
      }
    }
  }

  private func stop(for error: StoreError) -> Stop {
    let code: ExitCode =
      switch error.code {
      case .missing: .needsPerson
      case .ownedByAnother, .misconfigured: .badInput
      case .unavailable, .unreachable, .noRoom, .conflict, .malformed: .failed
      }
    return .job(Problem(error), code)
  }

  func bindJob() async throws(Stop) {
    try await ask { () async throws(LedgerError) in
      try await ports.ledger.bind(job: plan.name, to: plan.binding, lease: ports.lease)
    }
  }

  /// Streams the CSV into the ledger; the number of its rows.
  func queueRows() async throws(Stop) -> Int {
    var count = 0
    do {
      try await plan.specification.enqueueRows(batchSize: 512) { rows in
        count += rows.count
        try await ports.ledger.enqueue(rows, job: plan.name, lease: ports.lease)
      }
    } catch let error as LedgerError {
      throw Stop(error)
    } catch let error as Problem {
      throw .job(error, .badInput)
    } catch {
      throw .job(Problem(code: "specification", message: "\(error)"), .badInput)
    }
    return count
  }

  /// Refuses a job that would create too much before it asks anything of the cluster.
  func reserveCreations() async throws(Stop) {
    let missing = try await rowsWithoutToken()
    let isGranted = try await ask { () async throws(LedgerError) in
      try await ports.ledger.reserveCreations(
        missing, maximum: plan.limits.maximumCreates, job: plan.name, lease: ports.lease)
    }
    guard isGranted else {
      let rows = NamedCount(count: missing, first: try await firstRowsWithoutToken())
      throw .job(
        Problem(
          code: "too_many_creates",
          message:
            "job \(plan.name) would create \(rows.tokensForRows), and max_creates is \(plan.limits.maximumCreates); what is due to be replaced is not counted yet",
          hint: "if that is what you want, raise max_creates under [limits]; nothing was sent"),
        .badInput)
    }
  }

  /// How many of the rows that this run is about have no token.
  func rowsWithoutToken() async throws(Stop) -> Int {
    try await ask { () async throws(LedgerError) in
      guard let only = plan.only else {
        return try await ports.ledger.rowsWithoutToken(job: plan.name, lease: ports.lease)
      }
      return try await ports.ledger.rowsWithoutToken(
        among: Array(only), job: plan.name, lease: ports.lease
      ).count
    }
  }

  /// The first of them by name. The ledger is gone through only for a job that is refused.
  func firstRowsWithoutToken() async throws(Stop) -> [String] {
    var found: [String] = []
    var after: String?
    repeat {
      let page = try await ask { () async throws(LedgerError) in
        try await ports.ledger.lineages(job: plan.name, after: after, limit: 64)
      }
      let names = page.map(\.name).filter { plan.only?.contains($0) ?? true }
      let missing = try await ask { () async throws(LedgerError) in
        try await ports.ledger.rowsWithoutToken(among: names, job: plan.name, lease: ports.lease)
      }
      found += names.filter(missing.contains)
      after = page.last?.name
    } while after != nil && found.count < NamedCount.told
    return Array(found.prefix(NamedCount.told))
  }

  /// Lists the job's tokens and the databases, and refuses what must not be worked on. An adoption, which
  /// makes no token, allows strangers: they are what it is about.
  func lookAtCluster(allowingStrangers: Bool = false) async throws(Stop) -> Cluster {
    let startedAt = ports.clock.uptime
    let management = Permits(
      .management, perSecond: plan.limits.managementRequestsPerSecond, ports: ports)
    let probes = Permits(.probes, perSecond: plan.limits.probesPerSecond, ports: ports)
    let reader = Performer(
      plan: plan, ports: ports, management: management, probes: probes, circuit: Circuit(limit: 0),
      outages: StoreOutages(patience: .zero),
      databases: [], startedAt: startedAt, time: nil)
    let view: ClusterView
    let databases: [String]
    do throws(ReadFailure) {
      view = try await reader.view()
    } catch { throw error.asStop }
    if !allowingStrangers { try await refuseStrangersInEmptyLedger(view) }
    do throws(ReadFailure) {
      databases = try await reader.reading { () async throws(ServiceError) in
        try await plan.service.listDatabases()
      }
    } catch { throw error.asStop }
    let missing = try await judgeDatabases(databases, mayCreate: !allowingStrangers)
    let problems = [clockSkew(in: view), missing].compactMap(\.self)
    for problem in problems { ports.reporter.noticed(plan.name, problem) }
    return Cluster(
      view: view, databases: databases.sorted(), management: management, probes: probes,
      problems: problems, startedAt: startedAt)
  }

  /// Tokens of this job on the cluster and none in the ledger: the ledger was lost, or the job's name is
  /// somebody else's. Creating would make second tokens for all of them.
  private func refuseStrangersInEmptyLedger(_ view: ClusterView) async throws(Stop) {
    // What a person asks for by hand is made once more however often it was made before.
    guard !view.isEmpty, !plan.isByHand else { return }
    guard try await !hasHistory() else { return }
    let count = view.tokens.values.reduce(0) { $0 + $1.count }
    throw .job(
      Problem(
        code: "ledger_empty",
        message:
          "the cluster has \(count) tokens with markers of job \(plan.name), and the ledger has none: nothing was created",
        hint:
          "if the state directory was lost, `tokenrotate adopt JOB.toml` rebuilds the ledger; if another installation runs this job, give this one another name"
      ), .needsPerson)
  }

  private func clockSkew(in view: ClusterView) -> Problem? {
    guard let skew = view.time.skew, !view.time.clocksAgree else { return nil }
    return Problem(
      code: "clocks_apart",
      message:
        "this machine's clock and that of \(plan.service.address) are \(DurationText.format(.seconds(skew.milliseconds / 1000))) apart",
      hint:
        "set this machine's clock right: until then nothing is retired, nor replaced because of its age or expiry"
    )
  }

  /// Holds the databases that the CSV names against those of the cluster.
  ///
  /// A row whose token is still to be made refuses the job, before anything is created. A token that exists was
  /// made when its database was there: that it was dropped is told, and keeps no other token from being made.
  private func judgeDatabases(_ databases: [String], mayCreate: Bool) async throws(Stop) -> Problem? {
    var refused: [String] = []
    var dropped: [String] = []
    var droppedCount = 0
    do {
      try await plan.specification.unknownDatabases(known: Set(databases)) { cells in
        let wanting =
          mayCreate
          ? try await ports.ledger.rowsWithoutToken(
            among: cells.map(\.row), job: plan.name, lease: ports.lease) : []
        for cell in cells {
          if wanting.contains(cell.row) {
            refused.append(cell.message)
          } else {
            droppedCount += 1
            if dropped.count < PrepareJob.placesTold { dropped.append(cell.message) }
          }
        }
        return refused.count < PrepareJob.placesTold
      }
    } catch let error as LedgerError {
      throw Stop(error)
    } catch let error as Problem {
      throw .job(error, .badInput)
    } catch {
      throw .job(Problem(code: "specification", message: "\(error)"), .badInput)
    }
    guard refused.isEmpty else {
      throw .job(
        Problem(
          code: Problem.unknownDatabase,
          message: refused.prefix(PrepareJob.placesTold).joined(separator: "\n"),
          hint: "create the databases, or correct the names; nothing was created"), .badInput)
    }
    guard !dropped.isEmpty else { return nil }
    if droppedCount > dropped.count { dropped.append("and \(droppedCount - dropped.count) more") }
    return Problem(
      code: Problem.databaseMissing, message: dropped.joined(separator: "\n"),
      hint:
        "the tokens of these rows are left as they are: create the databases again, or revoke what nobody uses"
    )
  }

  /// The most places of unknown databases that are told.
  private static let placesTold = 100

  // MARK: Asking

  private func hasHistory() async throws(Stop) -> Bool {
    try await ask { () async throws(LedgerError) in try await ports.ledger.hasHistory(job: plan.name) }
  }

  private func ask<Answer: Sendable>(
    _ read: () async throws(LedgerError) -> Answer
  ) async throws(Stop) -> Answer {
    do throws(LedgerError) { return try await read() } catch { throw Stop(error) }
  }
}

extension Performer {
  /// One listing of the job's tokens, repeated while repeating may help.
  func view() async throws(ReadFailure) -> ClusterView {
    let job = plan.name
    return try await reading { () async throws(ServiceError) in
      let begunAt = ports.clock.uptime
      let begunAtWall = ports.clock.now
      let listing = try await plan.service.listTokens { Marker.split($0.description).marker?.job == job }
      return ClusterView(
        listing, begunAt: begunAt, begunAtWall: begunAtWall, answeredAt: ports.clock.uptime)
    }
  }
}
