import AuditLog
import RotationModel
import RotationPorts
import RotationRunner
import RotationTestKit
import Sandbox
import SecretStores

/// One seed: a few runs with faults and deaths, then quiet runs that must bring everything where it belongs.
struct Simulation {
  let world: World

  init(seed: UInt64) {
    world = World(seed: seed)
  }

  /// The broken invariant, or nil.
  func run() -> String? {
    for _ in 0..<(1 + world.draw.next() % 3) {
      world.setFaults(world.chance(85) ? world.drawFaults() : [])
      live(dyingAfter: world.chance(75) ? Int(world.draw.next() % 260) : nil)
      world.clock.advance(by: .milliseconds(Int64(world.draw.next() % 400_000)))
      if world.violation != nil { return world.violation }
    }
    world.setFaults([])
    var report: JobReport?
    for _ in 0..<4 {
      // Longer than any late effect of `drawFaults`.
      world.clock.advance(by: .seconds(1200))
      report = live(dyingAfter: nil)
      if world.violation != nil { return world.violation }
    }
    if report?.exitCode != .done {
      world.broken("liveness", "the last quiet run ended with \(String(describing: report))")
    }
    Invariants.checkEnd(world)
    checkRepetition()
    return world.violation
  }

  /// Invariant 8: the same run again at the same instant changes nothing.
  private func checkRepetition() {
    let posts = world.posts.count
    let audit = world.disk.content(of: World.auditPath)
    let live = world.cluster.liveTokens(at: world.now)
    self.live(dyingAfter: nil)
    if world.posts.count != posts || world.cluster.liveTokens(at: world.now) != live {
      world.broken("8", "running again changed the cluster")
    }
    if world.disk.content(of: World.auditPath) != audit {
      world.broken("8", "running again wrote audit events")
    }
  }

  /// One process from its start to its end or death, and the reboot after it.
  @discardableResult
  private func live(dyingAfter effects: Int?) -> JobReport? {
    world.startProcess(dyingAfter: effects)
    let world = world
    world.disk.beforeOperation = { operation in
      if operation.changesDisk { world.step("disk") }
    }
    let executor = DeterministicExecutor(seed: world.draw.next(), clock: world.clock)
    let random = SeededRandom(seed: world.draw.next())
    let result = executor.run { await Simulation.process(world, random) }
    if result == nil { world.broken("liveness", "the run neither ended nor waited for anything") }
    Invariants.checkSecrecy(world)
    world.disk.beforeOperation = nil
    world.reboot()
    return result ?? nil
  }

  /// The program: what the command line does for `run`.
  private static func process(_ world: World, _ random: SeededRandom) async -> JobReport? {
    let ledger = MortalLedger(world: world)
    do {
      let lease = try await ledger.acquireLease(run: RunID(bits: random.next()), now: world.clock.now)
      let auditLog = FileAuditLog(path: World.auditPath, files: world.disk)
      let state = try await ledger.auditState(log: AuditState.mainLog)
      try await auditLog.open(state)
      let journal = Journal(
        ledger: ledger, auditLog: auditLog, state: state, lease: lease, actorName: "simulation")
      let store = FileStore(
        settings: FileStoreSettings(
          name: "file", directory: World.storePath, installation: ledger.installation),
        fileSystem: world.disk)
      let plan = JobPlan(
        name: World.job, isOneOff: false,
        binding: JobBinding(cluster: "account/cluster", stores: ["file:\(World.storePath)"]),
        host: "https://cluster.example",
        activation: ActivationPolicy(timeout: .seconds(60), consecutive: 3, settle: World.settle),
        abandonAfter: .seconds(86_400), activationDatabase: nil,
        limits: JobPlan.Limits(
          concurrency: 1 + Int(random.next() % 4), managementRequestsPerSecond: 50, probesPerSecond: 50,
          maximumCreates: 500),
        specification: SimulatedSpecification(world: world), service: SimulatedTokenService(world: world),
        probe: SimulatedProbe(world: world), stores: [store], journal: journal)
      let ports = RunPorts(
        ledger: ledger, clock: world.clock, random: random,
        interruption: SimulatedInterruption(world: world), reporter: RecordingReporter(world: world),
        lease: lease)
      let report = await RunJob(plan: plan, ports: ports).run()
      try await journal.close()
      return report
    } catch {
      world.reports.append("\(error)")
      if !world.isDead { world.broken("liveness", "a living run failed: \(error)") }
      return nil
    }
  }
}

extension World {
  /// A few of the things that go wrong between a client and a cluster.
  func drawFaults() -> [Fault] {
    let kinds = [
      "create:answer-lost:p=0.3", "create:request-lost:p=0.2", "create:late-effect=2s:p=0.3",
      "create:late-effect=600s:p=0.2", "create:error-before=503:p=0.2", "create:error-after=500:p=0.2",
      "create:throttle=429,retry-after=2:p=0.3", "create:malformed=truncated:p=0.2",
      "create:malformed=newline:p=0.2", "create:malformed=short:p=0.1", "create:duplicate:p=0.2",
      "create:wrong-expiry:p=0.2", "create:slow=30s:p=0.2", "list:error-before=503:p=0.2",
      "get:error-before=503:p=0.2", "revoke:answer-lost:p=0.3", "revoke:error-after=500:p=0.2",
      "revoke:late-effect=2s:p=0.3", "query:error-before=503:p=0.3", "write:throttle=429,retry-after=1:p=0.3",
      "any:answer-lost:p=0.05", "create:answer-lost", "list:answer-lost",
    ]
    return (0..<(1 + draw.next() % 4)).compactMap { _ in
      try? Fault.parse(kinds[Int(draw.next() % UInt64(kinds.count))])
    }
  }

  func setFaults(_ faults: [Fault]) { cluster.faults.replace(with: faults) }

  /// Remembers every string that the cluster has made, as its owner would if no answer were ever lost.
  func rememberStrings() {
    for (id, string) in cluster.accessTokens where strings[id] == nil {
      strings[id] = string
      ids[string] = id
    }
  }
}

extension SimulatedDisk.Operation {
  /// Only what changes the disk is a step worth dying at.
  fileprivate var changesDisk: Bool {
    switch kind {
    case .list, .status, .read, .lock: false
    default: true
    }
  }
}
