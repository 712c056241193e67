import AuditLog
import FileSystem
import Foundation
import RotationPorts
import RotationTestKit
import Testing

/// The power goes at every operation on the disk while a ledger and its audit log work together.
@Suite struct AuditCrashTests {
  /// What survives of a ledger: the states that were committed.
  private final class Journal: @unchecked Sendable {
    var state = AuditState(acknowledged: Sample.start, outbox: [], head: Sample.start)
    /// Lines whose append returned.
    var durable: [AuditLine] = []
    var all: [AuditLine] = []
  }

  private func work(_ disk: SimulatedDisk, _ journal: Journal) async throws {
    let log = FileAuditLog(path: "/audit.jsonl", files: disk)
    try await log.open(journal.state)
    journal.state = AuditState(acknowledged: journal.state.head, outbox: [], head: journal.state.head)
    journal.durable = journal.all
    for round in 0..<4 {
      try await log.reserve(byteCount: 4000)
      let numbers = round * 10 + 1...round * 10 + 3
      let (lines, head) = try log.compose(Sample.events(numbers), after: journal.state.head)
      journal.state = AuditState(acknowledged: journal.state.head, outbox: lines, head: head)
      journal.all += lines
      try await log.append(lines, head: head)
      journal.durable = journal.all
      journal.state = AuditState(acknowledged: head, outbox: [], head: head)
    }
    await log.close()
  }

  @Test(arguments: 1...5 as ClosedRange<UInt64>)
  func nothingIsLostWhereverThePowerGoes(seed: UInt64) async throws {
    var generator = SimulatedDisk.Generator(seed: seed)
    for index in 0..<200 {
      let disk = SimulatedDisk()
      disk.plan(.powerCut, atOperation: disk.operationCount + index)
      let journal = Journal()
      let isWhole = (try? await work(disk, journal)) != nil
      let after = disk.crash(using: &generator)
      let survived = after.content(of: "/audit.jsonl") ?? []
      #expect(survived.starts(with: Sample.bytes(journal.durable)), "seed \(seed), crash at \(index)")
      let log = FileAuditLog(path: "/audit.jsonl", files: after)
      try await log.open(journal.state)
      #expect(
        after.content(of: "/audit.jsonl") == Sample.bytes(journal.all), "seed \(seed), crash at \(index)")
      let report = try AuditVerifier(files: after).verify(paths: ["/audit.jsonl"], ledger: journal.state)
      #expect(report.isIntact)
      if isWhole && index > 20 { return }
    }
    Issue.record("the work never came to its end")
  }
}
