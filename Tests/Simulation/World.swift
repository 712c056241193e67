import FileSystem
import RotationModel
import RotationPorts
import RotationRunner
import RotationTestKit
import Sandbox

/// Everything outside the runner, in one process and on one thread: cluster, disk, ledger, clock, and the
/// list of what happened. A seed decides all of it.
final class World: @unchecked Sendable {
  // Only ever touched by the thread that runs the simulation.
  let seed: UInt64
  var draw: SimulatedDisk.Generator
  let clock = SimulatedClock()
  var disk = SimulatedDisk()
  let ledger: InMemoryLedger
  var cluster: SimulatedCluster
  /// Every row that the CSV ever has.
  private(set) var rows: [DesiredToken] = []
  /// The rows that it has now.
  var wanted: [DesiredToken] = []

  // What kind of world the seed has drawn.
  let hasTwoStores: Bool
  let changesCSV: Bool
  let jumpsClock: Bool
  let patienceKind: PatienceKind
  /// How long GET does not show a new token.
  let replicaLag: Duration
  /// When tokens are due, and how they are retired.
  private(set) var policy: RotationPolicy
  /// Who is told what became of tokens.
  let hooks: [Hook]
  /// Decides about hooks, so that worlds without them are the same whatever hooks can do.
  var hookDraw: SimulatedDisk.Generator
  /// What each of them was told of, by token id.
  var told: [String: Set<String>] = [:]
  var hookCalls = 0
  /// When each token was last told of as current, by true time.
  var toldAt: [String: Instant] = [:]
  /// What hooks have said to this process: hook, name and generation.
  var successes: [(hook: String, name: String, generation: Int)] = []
  /// Whether the process records that a person wants a token back.
  var isGrantingRollback = false
  /// Whether people ask for things, and meddle with tokens that are in use.
  let isLively: Bool

  var trouble = Trouble()
  private var effectsOfProcess = 0
  private var namedEffects = 0
  private(set) var isDead = false
  private(set) var effects = 0
  /// The first invariant found broken, with what broke it.
  private(set) var violation: String?

  var posts: [Post] = []
  var deletes = 0
  var changes = 0
  /// How many operations have changed, or written anew, the file of a token in a store.
  var storeChanges = 0
  var listings: [Listing] = []
  var listingsOfProcess = 0
  /// Every string that the cluster ever gave out, by token id.
  var strings: [String: String] = [:]
  /// The same the other way round.
  var ids: [String: String] = [:]
  var reports: [String] = []
  /// Token ids whose strings the pending place held when a process began: to be adopted, not revoked.
  var foundInStore = Set<String>()
  /// The lineages as the ledger's committed events make them.
  var lineages: [LineageID: (name: String, machine: RotationMachine)] = [:]
  /// What the ledger took, in its order.
  private(set) var committed: [(name: String, event: TimedEvent)] = []
  private(set) var story: [String] = []
  /// When each token ceased to be what any store calls current, by true time.
  var leftStoresAt: [String: Instant] = [:]
  /// What the stores call current, by token id.
  var currentIDs = Set<String>()
  /// How often each token was accepted in a row, by its id.
  var acceptances: [String: Acceptances] = [:]
  /// Tokens whose strings were refused after they had been revoked.
  var refusedAfterwards = Set<String>()
  /// How far the wall was from true time when the process asked for the first listing that was answered.
  var skewOfProcess: Duration?
  /// Tokens that people revoked or changed themselves: what becomes of them is not ours.
  var meddledWith = Set<String>()
  /// An older copy of the state directory.
  private var copy: Copy?
  var wasRestored = false
  var audit = AuditScan()
  var secrecy = SecrecyScan()
  /// What this seed has seen, for the table of all seeds.
  private(set) var seen: [String: Int] = [:]

  /// Tokens of another installation; tokens without a marker.
  var strangers: [String] = []
  var bystanders: [String] = []
  /// Descriptions as they were before somebody changed them, by token id.
  var edited: [String: String] = [:]
  /// What the wall showed at uptime zero, from each uptime on.
  private var walls: [(from: Duration, atStart: Instant)]

  /// When nodes learn a new token: soon, later than a run waits, or later than refusals are borne.
  enum PatienceKind { case ordinary, tokensAreLate, tokensAreGivenUp }

  var abandonAfter: Duration { patienceKind == .tokensAreGivenUp ? .seconds(600) : .seconds(86_400) }
  /// The longest pause between two processes, in milliseconds.
  var patience: UInt64 { patienceKind == .tokensAreGivenUp ? 950_000 : 400_000 }

  struct Post {
    var marker: Marker
    var sentAt: Duration
    /// No effect is expected later, by true time.
    var deadline: Duration
    var answer: Answer

    enum Answer { case pending, created, refused, unknown }
  }

  /// Questions about one token that were answered with an acceptance, none of another kind in between.
  struct Acceptances {
    var count = 0
    var first: Duration = .zero
    var last: Duration = .zero
  }

  /// What a backup of the state directory holds, and what the world knew then.
  private struct Copy {
    var ledger: InMemoryLedger.Contents
    var audit: [UInt8]?
    var lineages: [LineageID: (name: String, machine: RotationMachine)]
    var committed: [(name: String, event: TimedEvent)]
  }

  struct Listing {
    var begunAt: Duration
    var wasAnswered: Bool
  }

  static let job = "plant"
  static let auditPath = "/state/audit.jsonl"
  static let storePath = "/state/tokens/plant"
  static let secondPath = "/mirror/tokens/plant"
  static let requestTimeout: Duration = .seconds(5)
  static let settle: Duration = .seconds(4)
  static let consecutive = 3

  init(seed: UInt64) {
    self.seed = seed
    draw = SimulatedDisk.Generator(seed: seed)
    ledger = InMemoryLedger(random: SeededRandom(seed: seed ^ 0xA5A5))
    walls = [(.zero, clock.wallAtStart)]
    let kind = draw.next() % 100
    var configuration = SimulatedCluster.Configuration()
    configuration.databases = ["air", "water"]
    configuration.nodes = 3
    switch kind {
    case 0..<64: patienceKind = .ordinary
    case 64..<80: patienceKind = .tokensAreLate
    default: patienceKind = .tokensAreGivenUp
    }
    switch patienceKind {
    case .ordinary: configuration.activationDelay = .milliseconds(Int64(draw.next() % 20_000))
    case .tokensAreLate: configuration.activationDelay = .seconds(Int64(62 + draw.next() % 120))
    case .tokensAreGivenUp: configuration.activationDelay = .seconds(Int64(1_000 + draw.next() % 150))
    }
    // The cluster's promise: every node knows a token within `settle` of the first success.
    configuration.activationSpread = .milliseconds(Int64(draw.next() % 1_900))
    configuration.includesRevoked = draw.next() % 2 == 0
    if draw.next() % 4 == 0 { configuration.listLag = .milliseconds(Int64(draw.next() % 30_000)) }
    if draw.next() % 4 == 0 { configuration.changeDelay = .milliseconds(Int64(draw.next() % 5_000)) }
    let lags = draw.next() % 5 == 0
    replicaLag = lags ? .milliseconds(Int64(draw.next() % 30_000)) : .zero
    hasTwoStores = draw.next() % 3 == 0
    changesCSV = draw.next() % 5 == 0
    let rotates = draw.next() % 2 == 0
    isLively = draw.next() % 3 == 0 || rotates
    policy = RotationPolicy(
      isOn: rotates, every: rotates ? .seconds(3 * 86_400) : nil, renewBefore: nil,
      overlap: World.span(draw.next(), zero: 3), quarantine: World.quarantine(&draw))
    jumpsClock = draw.next() % 5 == 0
    hookDraw = SimulatedDisk.Generator(seed: seed ^ 0x4B00)
    hooks = SimulatedHooks.draw(&hookDraw)
    cluster = SimulatedCluster(configuration, generator: SeededGenerator(seed: seed ^ 0x77))
    rows = (0..<Int(1 + draw.next() % 5)).map { World.row($0) }
    disk.plant(.directory, at: "/state")
    for text in ["Token 0", "[tokenrotate plant/token-0]"] {
      if let id = makeByHand(text) { bystanders.append(id) }
    }
    if isLively, chance(40), let id = makeByHand("made by hand") {
      rows[0].replaces = id
      if chance(50) { rows[0].permissions = PermissionSet([]) }
    }
    wanted = rows
  }

  /// None, some minutes or a day: it may pass within a run, between two of them or not before many.
  private static func span(_ drawn: UInt64, zero: UInt64) -> Duration {
    switch drawn % 10 {
    case 0..<zero: .zero
    case zero..<6: .seconds(Int64(drawn / 10 % 900))
    default: .seconds(86_400)
    }
  }

  private static func quarantine(_ draw: inout SimulatedDisk.Generator) -> Duration? {
    draw.next() % 5 < 2 ? nil : span(draw.next(), zero: 1)
  }

  /// Longer than any late effect of `drawFaults`, than any node takes to learn a token, and than overlap or quarantine.
  var quietPause: Duration {
    max(.seconds(1200), max(policy.overlap, policy.quarantine ?? .zero) + .seconds(60))
  }

  private func makeByHand(_ description: String) -> String? {
    let token = cluster.createToken(
      Sandbox.TokenRequest(description: description, permissions: World.row(0).permissions), at: now)
    return token?.record.id
  }

  func setRow(_ index: Int, _ row: DesiredToken) { rows[index] = row }

  /// From here on nothing becomes due by itself, so that what was begun can come to its end.
  func endsRotation() {
    policy.every = nil
    policy.renewBefore = .zero
  }

  // MARK: Backups

  /// A copy of the state directory is kept, or an older one put back: ledger and audit log, not the stores.
  func backUpOrRestore() {
    guard isLively else { return }
    let (ledger, executor) = (ledger, DeterministicExecutor(seed: 0, clock: clock))
    if chance(10), let contents = executor.run({ await ledger.contents }) {
      copy = Copy(
        ledger: contents, audit: disk.content(of: World.auditPath), lineages: lineages,
        committed: committed)
    } else if chance(8), let copy, copy.audit != nil {
      _ = executor.run { await ledger.restore(copy.ledger) }
      lineages = copy.lineages
      committed = copy.committed
      if let audit = copy.audit {
        disk.plant(.file, at: World.auditPath, content: audit, mode: 0o600)
      }
      wasRestored = true
      // A person takes longer to put a copy back than a request may take.
      clock.advance(by: .seconds(60))
      saw("world older copy restored")
    }
  }

  private static func row(_ index: Int) -> DesiredToken {
    let name = "token-\(index)"
    let permissions: [Permission] =
      index % 3 == 2
      ? [Permission(.write, "*")] : [Permission(.read, "air"), Permission(.write, "water")]
    return DesiredToken(
      name: name, description: "Token \(index)", permissions: PermissionSet(permissions),
      expiry: index % 2 == 0 ? .never : .after(.seconds(40 * 86_400)),
      place: StorePlace(job: job, name: name))
  }

  var storePaths: [String] { hasTwoStores ? [World.storePath, World.secondPath] : [World.storePath] }

  func chance(_ percent: UInt64) -> Bool { draw.next() % 100 < percent }

  // MARK: Time

  let trueWallAtStart = Instant(milliseconds: 1_796_000_000_000)

  /// True time; the runner's wall clock may show another.
  var now: Instant { trueWallAtStart + clock.uptime }

  func setWall(_ atStart: Instant) {
    guard atStart != clock.wallAtStart else { return }
    clock.wallAtStart = atStart
    walls.append((clock.uptime, atStart))
  }

  /// The uptime at which the wall showed this, the latest one where it did so twice.
  func uptime(whenWallShowed instant: Instant) -> Duration {
    for wall in walls.reversed() {
      let uptime = instant - wall.atStart
      if uptime >= wall.from - .milliseconds(1) { return uptime }
    }
    return instant - walls[0].atStart
  }

  // MARK: Life and death of the process

  func startProcess(_ trouble: Trouble) {
    isDead = false
    self.trouble = trouble
    effectsOfProcess = 0
    namedEffects = 0
    listingsOfProcess = 0
    skewOfProcess = nil
    successes = []
    audit = AuditScan()
    for row in rows {
      let pending = disk.content(of: "\(World.storePath)/.pending/\(row.name)") ?? []
      guard !pending.isEmpty else { continue }
      for (id, string) in strings where Invariants.contains(pending, string) { foundInStore.insert(id) }
    }
  }

  /// Called before and after every effect: the process may die on either side of it, and every invariant is
  /// looked at.
  func step(_ effect: String) {
    guard !isDead else { return }
    effects += 1
    Invariants.check(self, at: effect)
    if let moment = trouble.jumpAt, moment <= clock.uptime {
      trouble.jumpAt = nil
      jumpClock()
    }
    switch trouble.death {
    case .atEffect(let index)?:
      if effectsOfProcess == index { die() }
    case .at(let name, let index)?:
      guard Invariants.contains(Array(effect.utf8), name) else { break }
      if namedEffects == index { die() }
      namedEffects += 1
    case nil: break
    }
    effectsOfProcess += 1
  }

  private func die() {
    isDead = true
    saw("world death")
    disk.cutPower()
  }

  /// What the next process finds: unsynced data may be gone.
  func reboot() {
    disk = disk.crash(using: &draw)
    isDead = false
    trouble = Trouble()
  }

  // MARK: What happened

  func took(_ event: TimedEvent, of lineage: LineageID) {
    committed.append((lineages[lineage]?.name ?? "?", event))
    tell("\(lineages[lineage]?.name ?? "?") \(event.event)")
    saw(event.event.record.name)
    if let action = Coverage.action(of: event.event) { acted(action) }
    secrecy.add("\(event.event)")
    Invariants.checkOutcome(self, event.event, lineages[lineage]?.machine)
    Invariants.checkTold(self, event.event, lineages[lineage]?.machine)
    Invariants.checkBeginning(self, event.event, lineages[lineage]?.machine)
    if case .rollbackRequested(let number) = event.event,
      let target = lineages[lineage]?.machine.generation(number)
    {
      // What it was once accepted for says nothing about today.
      acceptances[target.tokenID] = nil
    }
  }

  func saw(_ what: String) {
    seen[what, default: 0] += 1
    if what.hasPrefix("world") { tell(what) }
  }

  /// An adoption finds tokens that are in use already, and tells nobody.
  var hooksMatter: Bool { !isAdopting }
  var isAdopting = false

  func tell(_ what: String) { story.append("\(clock.uptime.seconds): \(what)") }

  func acted(_ action: String) { saw("action \(action)") }

  /// Remembers every string that the cluster has made, as its owner would if no answer were ever lost.
  func rememberStrings() {
    for (id, string) in cluster.accessTokens where strings[id] == nil {
      strings[id] = string
      ids[string] = id
      secrecy.guardString(string)
    }
  }

  func broken(_ invariant: String, _ what: String) {
    if violation == nil {
      violation = "seed \(seed): \(invariant): \(what) (effect \(effects), at \(clock.uptime))"
    }
  }
}
