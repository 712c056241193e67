import RotationModel
import RotationPorts
import RotationRunner
import RotationTestKit

/// A machine with one job: ledger, stores, audit log and cluster outlive its runs.
final class Bench: @unchecked Sendable {
  // Only ever touched by the thread that runs the test.
  static let job = "plant"
  static let permissions = PermissionSet([Permission(.read, "air"), Permission(.write, "water")])

  let clock = SimulatedClock()
  let cluster: ScriptedCluster
  let store = MemoryStore(name: "file")
  let audit = MemoryAuditLog()
  let random = SeededRandom(seed: 7)
  var ledger = InMemoryLedger(random: SeededRandom(seed: 1))
  var stores: [MemoryStore]
  var rows: [DesiredToken]
  var binding = JobBinding(cluster: "account/cluster", stores: ["memory"])
  var isOneOff = false
  var only: Set<String>?
  var isForced = false
  var policy = RotationPolicy.off
  let hooks: ScriptedHooks
  /// Where strings are shown; nil: they go to the stores.
  var display: ScriptedDisplay?
  var allows: @Sendable (Permission) -> Bool = { _ in true }
  var activation = ActivationPolicy(timeout: .seconds(60), consecutive: 3, settle: .seconds(4))
  var activationDatabase: String?
  var limits = JobPlan.Limits(
    concurrency: 4, managementRequestsPerSecond: 50, probesPerSecond: 50, maximumCreates: 500)
  var interruptedAt: Duration?
  /// In place of that.
  var interruption: (any Interruption)?
  /// Of the process that runs.
  let life = Life()
  private var runs: UInt64 = 0

  struct Result: Sendable {
    var report: JobReport
    var tokens: [TokenReport]
    var noticed: [Problem]
    var progress: [Progress]

    var exit: Int32 { report.exitCode.rawValue }
    func token(_ name: String) -> TokenReport? { tokens.first { $0.name == name } }
  }

  init(_ names: String...) {
    cluster = ScriptedCluster(clock: clock)
    hooks = ScriptedHooks(clock: clock)
    stores = [store]
    cluster.life = life
    store.life = life
    hooks.life = life
    rows = names.map { Bench.row($0) }
  }

  static func row(
    _ name: String, permissions: PermissionSet = Bench.permissions, expiry: DesiredToken.Expiry = .never
  ) -> DesiredToken {
    DesiredToken(
      name: name, description: "Token \(name)", permissions: permissions, expiry: expiry,
      place: StorePlace(job: job, name: name))
  }

  func marker(_ name: String, attempt: UInt64, installation: UInt64? = nil, job: String = Bench.job) -> Marker
  {
    Marker(
      installation: installation.map { InstallationID(bits: $0) } ?? ledger.installation, job: job,
      name: name, attempt: AttemptID(bits: attempt))
  }

  func run() -> Result? {
    perform { plan, ports in await RunJob(plan: plan, ports: ports).run() }
  }

  /// What a person asks for, recorded and then run.
  func wish(_ wish: Wish, _ names: String...) -> Result? {
    perform { plan, ports in await RecordWish(wish, names: names, plan: plan, ports: ports).run() }
  }

  func adopt() -> Result? {
    perform { plan, ports in await AdoptJob(plan: plan, ports: ports).run() }
  }

  /// Moves the job from what it was bound to.
  func move(from binding: JobBinding, oldStores: [MemoryStore]) -> Result? {
    perform { plan, ports in
      await MoveJob(plan: plan, ports: ports, from: binding, oldFirstStore: { oldStores[0] }).run()
    }
  }

  /// What `status` is told.
  func standings() -> [TokenStanding] {
    final class Standings: @unchecked Sendable { var all: [TokenStanding] = [] }
    let standings = Standings()
    _ = perform { plan, ports in
      await PlanJob(plan: plan, ports: ports).standings { standings.all.append($0) }
    }
    return standings.all
  }

  func plan() -> (steps: [PlannedStep], exit: Int32)? {
    final class Steps: @unchecked Sendable { var all: [PlannedStep] = [] }
    let steps = Steps()
    let result = perform { plan, ports in await PlanJob(plan: plan, ports: ports).run { steps.all.append($0) }
    }
    return result.map { (steps.all, $0.exit) }
  }

  /// What ledger and rows tell by themselves; nil: it was stopped, or refused.
  func history() -> [TokenHistory]? {
    final class Histories: @unchecked Sendable { var all: [TokenHistory] = [] }
    let histories = Histories()
    let result = perform { plan, ports in
      let reading = ReadHistory(
        job: plan.name, specification: plan.specification, policy: plan.policy, stores: plan.stores.count,
        ports: ports)
      do throws(Stop) {
        try await reading.read { histories.all.append($0) }
        return JobReport(exitCode: .done, counts: [:], problem: nil)
      } catch { return JobReport(exitCode: error.exitCode, counts: [:], problem: error.problem) }
    }
    return result?.exit == 0 ? histories.all : nil
  }

  private func perform(
    _ body: @escaping @Sendable (JobPlan, RunPorts) async -> JobReport
  ) -> Result? {
    runs += 1
    let reporter = KeepingReporter()
    let report = DeterministicExecutor(seed: runs, clock: clock).run(maximumJobs: 400_000) {
      () async -> JobReport? in
      guard let (plan, ports) = try? await self.process(reporter) else { return nil }
      let report = await body(plan, ports)
      try? await plan.journal.close()
      try? await self.ledger.releaseLease(ports.lease)
      return report
    }
    guard let report, let report else { return nil }
    return Result(
      report: report, tokens: reporter.tokens, noticed: reporter.noticed, progress: reporter.progress)
  }

  private func process(_ reporter: KeepingReporter) async throws -> (JobPlan, RunPorts) {
    let lease = try await ledger.acquireLease(run: RunID(bits: random.next()), now: clock.now)
    let state = await ledger.auditState(log: AuditState.mainLog)
    try await audit.open(state)
    let mortal = SlowLedger(base: ledger, clock: clock, life: life)
    mortal.commitTime = .zero
    let journal = Journal(
      ledger: mortal, auditLog: audit, state: state, lease: lease, actorName: "test")
    var plan = JobPlan(
      name: Bench.job, isOneOff: isOneOff, binding: binding, host: "https://cluster.example",
      activation: activation, abandonAfter: .seconds(86_400), activationDatabase: activationDatabase,
      limits: limits, specification: ListedSpecification(rows: rows, isOneOff: isOneOff), service: cluster,
      probe: cluster, stores: stores, journal: journal)
    plan.only = only
    plan.isForced = isForced
    plan.policy = policy
    plan.allows = allows
    plan.display = display
    plan.hooks = hooks.hooks
    plan.hookRunner = hooks
    let ports = RunPorts(
      ledger: ledger, clock: clock, random: random,
      interruption: interruption ?? TimedInterruption(clock: clock, at: interruptedAt), reporter: reporter,
      lease: lease)
    return (plan, ports)
  }

  /// Writes events of a lineage into the ledger, as an earlier run would have left them.
  func remember(_ name: String, _ events: [Event]) {
    for store in stores { store.isThere = true }
    let (ledger, clock) = (ledger, clock)
    let isDone = DeterministicExecutor(seed: 0, clock: clock).run { () async -> Bool in
      do {
        let lease = try await ledger.acquireLease(run: RunID(bits: 1), now: clock.now)
        let row = QueuedRow(
          name: name, position: 0, byteOffset: 0, byteLength: 1, digest: name, isOneOff: false)
        try await ledger.enqueue([row], job: Bench.job, lease: lease)
        let claimed = try await ledger.claim(job: Bench.job, limit: 100, lease: lease)
        guard let lineage = claimed.first(where: { $0.name == name }) else { return false }
        try await ledger.commit(
          LedgerTransaction(
            events: events.map { (lineage.id, TimedEvent($0, at: clock.now)) }, log: AuditState.mainLog,
            lines: [], head: nil, acknowledged: nil), lease: lease)
        try await ledger.releaseLease(lease)
        return true
      } catch { return false }
    }
    precondition(isDone == true, "the ledger did not take what the test gave it")
  }

  /// The lineage as the ledger's events make it.
  func machine(_ name: String) throws -> RotationMachine? {
    let ledger = ledger
    let lineages = DeterministicExecutor(seed: 0, clock: clock).run {
      await ledger.lineages(job: Bench.job, after: nil, limit: 1000)
    }
    guard let lineage = lineages?.first(where: { $0.name == name }) else { return nil }
    return try RotationMachine(replaying: lineage.events)
  }

  /// How many lineages the last run had taken up.
  var claimedCount: Int {
    let ledger = ledger
    return DeterministicExecutor(seed: 0, clock: clock).run { await ledger.claimedCount } ?? 0
  }

  func status(_ name: String) throws -> LineageStatus? { try machine(name)?.status }

  /// The string that a store calls current.
  func current(_ name: String, in store: MemoryStore? = nil) -> String? {
    (store ?? self.store).current[name]?.accessToken.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }
}
