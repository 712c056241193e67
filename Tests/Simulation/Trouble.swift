import FileSystem
import RotationModel
import RotationTestKit
import Sandbox

/// What goes wrong during one process, its cluster's faults aside.
struct Trouble {
  var death: Death?
  /// When somebody asks the run to stop.
  var interruptAt: Duration?
  /// Changes of token files below this folder fail with EIO until `storeFailsUntil`.
  var failingStore: String?
  var storeFailsUntil: Duration = .zero
  /// The disk is full from one uptime to another.
  var fullDisk: Range<Duration>?
  /// How many commits in a hundred take long.
  var slowCommitPercent: UInt64 = 0
  /// How often hooks fail.
  var hookFailsPercent: UInt64 = 0
  /// The wall clock jumps at this uptime.
  var jumpAt: Duration?

  /// A process that cannot write cannot be asked to end well.
  var mayFail: Bool { fullDisk != nil }

  enum Death {
    /// At this effect, counted from 0.
    case atEffect(Int)
    /// At the nth effect that is called so, counted from 0.
    case at(String, Int)
  }
}

extension World {
  /// Deaths are drawn where they hurt: between a string that was put away and the commit that says so, right
  /// after a POST, between a commit and its audit lines, and anywhere at all.
  func drawTrouble() -> Trouble {
    var trouble = Trouble()
    let start = clock.uptime
    let nth = Int(draw.next() % UInt64(rows.count))
    // Giving a token up takes two processes that live long enough.
    switch draw.next() % (patienceKind == .tokensAreGivenUp ? 250 : 100) {
    case 0..<30: trouble.death = .atEffect(Int(draw.next() % 260))
    case 30..<45: trouble.death = .at("before commit create.done store.staged", nth)
    case 45..<55: trouble.death = .at("after POST", nth)
    case 55..<62: trouble.death = .at("after commit", Int(draw.next() % 12))
    case 62..<67: trouble.death = .at("before commit", Int(draw.next() % 12))
    case 67..<72: trouble.death = .at("after DELETE", 0)
    case 72..<80: trouble.interruptAt = start + .milliseconds(Int64(draw.next() % 60_000))
    default: break
    }
    if chance(20) {
      trouble.failingStore = hasTwoStores && chance(75) ? World.secondPath : World.storePath
      trouble.storeFailsUntil = start + .milliseconds(Int64(5_000 + draw.next() % 200_000))
    }
    if chance(7) {
      let from = start + .milliseconds(Int64(draw.next() % 20_000))
      trouble.fullDisk = from..<(from + .milliseconds(Int64(1_000 + draw.next() % 60_000)))
    }
    if chance(20) { trouble.slowCommitPercent = 30 }
    if !hooks.isEmpty {
      if hookDraw.next() % 100 < 30 { trouble.hookFailsPercent = 60 }
      if hookDraw.next() % 100 < 8 {
        trouble.death = .at(hookDraw.next() % 2 == 0 ? "before hook" : "after hook", 0)
      }
    }
    if jumpsClock, chance(30) {
      trouble.jumpAt = start + .milliseconds(Int64(draw.next() % 40_000))
    }
    return trouble
  }

  /// A few of the things that go wrong between a client and a cluster.
  func drawFaults() -> [Fault] {
    let kinds = [
      "create:answer-lost:p=0.3", "create:request-lost:p=0.2", "create:late-effect=2s:p=0.3",
      "create:late-effect=600s:p=0.2", "create:error-before=503:p=0.2", "create:error-after=500:p=0.2",
      "create:throttle=429,retry-after=2:p=0.3", "create:malformed=truncated:p=0.2",
      "create:malformed=newline:p=0.2", "create:malformed=short:p=0.1", "create:duplicate:p=0.2",
      "create:wrong-expiry:p=0.3", "create:slow=30s:p=0.2", "list:error-before=503:p=0.2",
      "get:error-before=503:p=0.2", "revoke:answer-lost:p=0.3", "revoke:error-after=500:p=0.2",
      "revoke:late-effect=2s:p=0.3", "query:error-before=503:p=0.3", "write:throttle=429,retry-after=1:p=0.3",
      "any:answer-lost:p=0.05", "create:answer-lost", "list:answer-lost", "create:request-lost",
      "revoke:request-lost:p=0.6", "revoke:late-effect=600s:p=0.3", "revoke:throttle=429,retry-after=1:p=0.7",
      "revoke:error-before=503", "query:error-before=503:p=0.9", "update:answer-lost:p=0.5",
      "update:request-lost:p=0.3", "update:late-effect=2s:p=0.5", "update:late-effect=600s:p=0.5",
      "update:error-before=503:p=0.4", "update:error-after=500:p=0.4",
      "update:throttle=429,retry-after=1:p=0.6", "update:throttle=429,retry-after=2",
    ]
    // Where tokens are given up, their revocation has to be met by trouble as well; and where they are late,
    // the questions about them.
    let isRetiring = lineages.values.contains { lineage in
      lineage.machine.predecessor.map {
        $0.phase == .disabling || $0.phase == .disabled || $0.phase == .superseded
      }
        ?? false
    }
    // A disable often follows in the run that delivers the successor.
    if isRetiring ? chance(40) : isLively && policy.quarantine != nil && chance(40) {
      let update = kinds.filter { $0.hasPrefix("update") }
      return parse([update[Int(draw.next() % UInt64(update.count))]])
    }
    switch patienceKind {
    case .tokensAreGivenUp where chance(60):
      let revocation = kinds.filter { $0.hasPrefix("revoke") }
      return parse([revocation[Int(draw.next() % UInt64(revocation.count))]])
    case .tokensAreLate where chance(40):
      return parse(["query:error-before=503:p=0.8", "write:throttle=429,retry-after=1:p=0.8"])
    case .tokensAreLate, .tokensAreGivenUp, .ordinary: break
    }
    return parse((0..<(1 + draw.next() % 4)).map { _ in kinds[Int(draw.next() % UInt64(kinds.count))] })
  }

  private func parse(_ texts: [String]) -> [Fault] { texts.compactMap { try? Fault.parse($0) } }

  /// What may fail at an operation of the disk.
  func disturb(_ operation: SimulatedDisk.Operation) throws(FileSystemError) {
    if let full = trouble.fullDisk { disk.isFull = full.contains(clock.uptime) }
    guard operation.changesDisk else { return }
    step("disk")
    if storePaths.contains(where: { operation.path.hasPrefix($0) }), operation.path.contains("token-") {
      storeChanges += 1
    }
    if let folder = trouble.failingStore, clock.uptime < trouble.storeFailsUntil,
      operation.path.hasPrefix(folder), operation.path.contains("token-")
    {
      throw FileSystemError(
        operation.kind, path: operation.path, code: .inputOutput, reason: "the disk does not answer")
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
