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
  let rows: [DesiredToken]

  /// The running process is dead from this effect on; nil: it lives to its end.
  private var effectsUntilDeath: Int?
  private(set) var isDead = false
  private(set) var effects = 0
  /// The first invariant found broken, with what broke it.
  private(set) var violation: String?

  var posts: [Post] = []
  var listings: [Listing] = []
  /// Every string that the cluster ever gave out, by token id.
  var strings: [String: String] = [:]
  /// The same the other way round.
  var ids: [String: String] = [:]
  var reports: [String] = []
  /// Token ids whose strings the pending place held when a process began: to be adopted, not revoked.
  var foundInStore = Set<String>()
  /// The lineages as the ledger's committed events make them.
  var lineages: [LineageID: (name: String, machine: RotationMachine)] = [:]

  struct Post {
    var marker: Marker
    var sentAt: Duration
    /// No effect is expected later, by true time.
    var deadline: Duration
    var answer: Answer

    enum Answer { case pending, created, refused, unknown }
  }

  struct Listing {
    var begunAt: Duration
    var wasAnswered: Bool
  }

  static let job = "plant"
  static let auditPath = "/state/audit.jsonl"
  static let storePath = "/state/tokens/plant"
  static let requestTimeout: Duration = .seconds(5)
  static let settle: Duration = .seconds(4)

  init(seed: UInt64) {
    self.seed = seed
    draw = SimulatedDisk.Generator(seed: seed)
    ledger = InMemoryLedger(random: SeededRandom(seed: seed ^ 0xA5A5))
    var configuration = SimulatedCluster.Configuration()
    configuration.databases = ["air", "water"]
    configuration.nodes = 3
    configuration.activationDelay = .milliseconds(Int64(draw.next() % 20_000))
    // The cluster's promise: every node knows a token within `settle` of the first success.
    configuration.activationSpread = .milliseconds(Int64(draw.next() % 1_900))
    configuration.includesRevoked = draw.next() % 2 == 0
    cluster = SimulatedCluster(configuration, generator: SeededGenerator(seed: seed ^ 0x77))
    rows = (0..<Int(1 + draw.next() % 5)).map { World.row($0) }
    disk.plant(.directory, at: "/state")
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

  /// True time; the runner's wall clock may show another.
  var now: Instant { Instant(milliseconds: 1_796_000_000_000) + clock.uptime }

  func chance(_ percent: UInt64) -> Bool { draw.next() % 100 < percent }

  // MARK: Life and death of the process

  func startProcess(dyingAfter effects: Int?) {
    isDead = false
    effectsUntilDeath = effects
    for row in rows {
      let pending = disk.content(of: "\(World.storePath)/.pending/\(row.name)") ?? []
      for (id, string) in strings where Invariants.contains(pending, string) { foundInStore.insert(id) }
    }
  }

  /// Called before and after every effect: the process may die on either side of it, and every invariant is
  /// looked at.
  func step(_ effect: String) {
    guard !isDead else { return }
    effects += 1
    Invariants.check(self, at: effect)
    guard let left = effectsUntilDeath else { return }
    effectsUntilDeath = left - 1
    if left <= 0 { die() }
  }

  func die() {
    isDead = true
    disk.cutPower()
  }

  /// What the next process finds: unsynced data may be gone.
  func reboot() {
    disk = disk.crash(using: &draw)
    isDead = false
    effectsUntilDeath = nil
  }

  func broken(_ invariant: String, _ what: String) {
    if violation == nil {
      violation = "seed \(seed): \(invariant): \(what) (effect \(effects), at \(clock.uptime))"
    }
  }
}
