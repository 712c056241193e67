import Foundation
import Ledgers
import RotationModel
import RotationPorts
import RotationTestKit
import Testing

/// SplitMix64: the same numbers for the same seed.
final class SeededRandom: RandomSource, @unchecked Sendable {
  private let lock = NSLock()
  private var state: UInt64

  init(_ seed: UInt64) { state = seed }

  func next() -> UInt64 {
    lock.withLock {
      state &+= 0x9e37_79b9_7f4a_7c15
      var bits = state
      bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
      bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
      return bits ^ (bits >> 31)
    }
  }

  func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

/// A folder that goes with the object.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/tokenrotate-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A serial queue as an executor.
final class OwnThread: TaskExecutor {
  private let queue = DispatchQueue(label: "ledger")

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

enum Kind: String, CaseIterable {
  case sqliteFile, sqliteMemory, sqliteOnItsOwnThread, inMemory

  func make(in folder: TemporaryFolder) throws -> any Ledger {
    let random = SeededRandom(7)
    let path = folder.path + "/ledger.sqlite"
    switch self {
    case .sqliteFile: return try SQLiteLedger.open(path: path, random: random)
    case .sqliteMemory: return try SQLiteLedger.inMemory(random: random)
    case .sqliteOnItsOwnThread:
      return try SQLiteLedger.open(path: path, random: random, executor: OwnThread())
    case .inMemory: return InMemoryLedger(random: random)
    }
  }
}

@Suite struct LedgerContractTests {
  @Test(arguments: Kind.allCases, LedgerContract.checks.map(\.name))
  func keepsTheContract(kind: Kind, name: String) async throws {
    let check = try #require(LedgerContract.checks.first { $0.name == name }).check
    let folder = try TemporaryFolder()
    let broken = try await check(try kind.make(in: folder))
    #expect(broken == nil)
  }

  /// A case of `Event` that the contract lacks is one that no ledger was shown to keep.
  @Test func theContractHasEveryEvent() throws {
    let source = try String(
      contentsOf: URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Sources/RotationModel/Event.swift"), encoding: .utf8)
    let declared = source.components(separatedBy: "public enum Place")[0].components(separatedBy: .newlines)
      .filter { $0.hasPrefix("  case ") }.map {
        String($0.dropFirst("  case ".count).prefix(while: \.isLetter))
      }
    let sampled = LedgerContract.everyEvent.map { event in
      Mirror(reflecting: event).children.first?.label ?? "\(event)"
    }
    #expect(!declared.isEmpty)
    #expect(Set(declared) == Set(sampled))
  }
}
