import AuditLog
import FileSystem
import RotationModel
import RotationPorts
import RotationRunner
import RotationTestKit
import Sandbox
import SecretStores

/// What a process is started for.
enum Errand {
  case run
  case adopt
  case wish(Wish, String)
}

/// One seed: a few runs with faults and deaths, then quiet runs that must bring everything where it belongs.
public struct Simulation {
  let world: World

  public init(seed: UInt64) {
    world = World(seed: seed)
  }

  /// Enough for what the last noisy one began: two runs until a late token is active, one more for the end of an
  /// overlap, of a quarantine and of what those have made room for.
  private static let quietRuns = 9

  /// What happened, a line each: for whoever looks at one seed.
  public var story: [String] { world.story }

  /// The broken invariant, or nil.
  public func run() -> String? {
    defer { Coverage.shared.add(world.seen) }
    let leastProcesses: UInt64 = world.patienceKind == .ordinary ? 1 : 2
    var left = leastProcesses + world.draw.next() % (world.isLively ? 9 : 4)
    var extensions = 6
    while left > 0 {
      left -= 1
      world.setFaults(world.chance(85) ? world.drawFaults() : [])
      let trouble = world.drawTrouble()
      live(trouble, world.drawErrand())
      world.meddle()
      if world.violation != nil { return world.violation }
      // A disable and the way back from it are to be met by trouble, and by people, which quiet runs have none of.
      if left == 0, extensions > 0, world.hasTokenToDisable || world.hasDisabledToken {
        (left, extensions) = (1, extensions - 1)
      }
    }
    world.setFaults([])
    var report: JobReport?
    world.endsRotation()
    for index in 0..<Simulation.quietRuns {
      world.clock.advance(by: world.quietPause)
      report = live(Trouble())
      // The first of these runs still meets what others did, and has to leave it alone.
      if index == 0 {
        world.putRight()
        if world.wasRestored { live(Trouble(), .adopt) }
        world.revokeUnknown()
      }
      if world.violation != nil { return world.violation }
    }
    // A token that has become due in the very last of them may be waiting for its activation yet.
    if report?.exitCode == .notActiveYet { report = live(Trouble()) }
    if world.violation != nil { return world.violation }
    EndChecks.check(world, report)
    checkRepetition()
    return world.violation
  }

  /// Invariant 8: the same run again at the same instant changes nothing.
  private func checkRepetition() {
    // Nothing is pending: what still waits for its activation is asked about again, and that is recorded.
    guard !world.wasRestored, !world.lineages.values.contains(where: { $0.machine.successor != nil }) else {
      return
    }
    let before = EndChecks.Snapshot(world)
    live(Trouble())
    let after = EndChecks.Snapshot(world)
    if let difference = before.difference(from: after) {
      world.broken("8", "running again changed \(difference)")
    }
  }

  /// One process from its start to its end or death, and the reboot after it.
  @discardableResult
  private func live(_ trouble: Trouble, _ errand: Errand = .run) -> JobReport? {
    world.startProcess(trouble)
    world.tell("process for \(errand)")
    if case .adopt = errand { world.isAdopting = true } else { world.isAdopting = false }
    if case .wish(.rollBack, _) = errand {
      world.isGrantingRollback = true
    } else {
      world.isGrantingRollback = false
    }
    let world = world
    world.disk.beforeOperation = { operation throws(FileSystemError) in try world.disturb(operation) }
    let executor = DeterministicExecutor(seed: world.draw.next(), clock: world.clock)
    let random = SeededRandom(seed: world.draw.next())
    let result = executor.run { await Simulation.process(world, random, errand) }
    if result == nil { world.broken("liveness", "the run neither ended nor waited for anything") }
    world.disk.beforeOperation = nil
    Invariants.checkSuccesses(world)
    Invariants.checkSecrecy(world)
    world.reboot()
    return result ?? nil
  }

  /// The program: what the command line does for `run`.
  private static func process(
    _ world: World, _ random: SeededRandom, _ errand: Errand
  ) async -> JobReport? {
    let ledger = MortalLedger(world: world)
    do {
      let lease = try await ledger.acquireLease(run: RunID(bits: random.next()), now: world.clock.now)
      let auditLog = FileAuditLog(path: World.auditPath, files: world.disk)
      let state = try await ledger.auditState(log: AuditState.mainLog)
      try await auditLog.open(state)
      let journal = Journal(
        ledger: ledger, auditLog: auditLog, state: state, lease: lease, actorName: "simulation")
      let stores = world.storePaths.enumerated().map { index, path in
        FileStore(
          settings: FileStoreSettings(
            name: index == 0 ? "file" : "mirror", directory: path, installation: ledger.installation),
          fileSystem: world.disk)
      }
      var plan = JobPlan(
        name: World.job, isOneOff: false,
        binding: JobBinding(cluster: "account/cluster", stores: world.storePaths.map { "file:\($0)" }),
        host: "https://cluster.example",
        activation: ActivationPolicy(
          timeout: .seconds(60), consecutive: World.consecutive, settle: World.settle),
        abandonAfter: world.abandonAfter, activationDatabase: nil,
        limits: JobPlan.Limits(
          concurrency: 1 + Int(random.next() % 4), managementRequestsPerSecond: 50, probesPerSecond: 50,
          maximumCreates: 500),
        specification: SimulatedSpecification(world: world), service: SimulatedTokenService(world: world),
        probe: SimulatedProbe(world: world), stores: stores, journal: journal)
      plan.policy = world.policy
      plan.hooks = world.hooks
      plan.hookRunner = SimulatedHooks(world: world)
      let ports = RunPorts(
        ledger: ledger, clock: world.clock, random: random,
        interruption: SimulatedInterruption(world: world), reporter: RecordingReporter(world: world),
        lease: lease)
      let report =
        switch errand {
        case .run: await RunJob(plan: plan, ports: ports).run()
        case .adopt: await AdoptJob(plan: plan, ports: ports).run()
        case .wish(let wish, let name):
          await RecordWish(wish, names: [name], plan: plan, ports: ports).run()
        }
      try await journal.close()
      return report
    } catch {
      world.reports.append("\(error)")
      if !world.isDead, !world.trouble.mayFail { world.broken("liveness", "a living run failed: \(error)") }
      return nil
    }
  }
}

extension World {
  func setFaults(_ faults: [Fault]) { cluster.faults.replace(with: faults) }
}
