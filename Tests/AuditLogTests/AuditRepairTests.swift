import AuditLog
import Digests
import FileSystem
import Foundation
import RotationModel
import RotationPorts
import RotationTestKit
import Testing

@Suite struct AuditRepairTests {
  private let path = "/state/audit.jsonl"

  private func repair(_ state: AuditState, on disk: SimulatedDisk, second: Int = 0) throws -> AuditRepair
    .Outcome?
  {
    try AuditRepair(path: path, files: disk).repair(
      state, run: Sample.run, actor: "root", now: Sample.time + .seconds(second))
  }

  /// The ledger after the caller's commit.
  private func committed(_ outcome: AuditRepair.Outcome) -> AuditState {
    AuditState(acknowledged: outcome.head, outbox: [], head: outcome.head)
  }

  private func disk(_ content: [UInt8]?) -> SimulatedDisk {
    let disk = SimulatedDisk()
    disk.plant(.directory, at: "/state")
    if let content { disk.plant(.file, at: path, content: content, mode: 0o600) }
    return disk
  }

  @Test func anEditedFileIsKeptAndTheChainGoesOn() async throws {
    let (state, lines) = try Sample.state(acknowledged: 4, waiting: 2)
    var damaged = Sample.bytes(lines)
    damaged[lines[0].text.utf8.count + 300] ^= 1
    let disk = disk(damaged)
    let outcome = try #require(try repair(state, on: disk))
    let kept = try #require(outcome.keptPath)
    #expect(kept == "/state/audit.jsonl.damaged-20270115T080000Z")
    #expect(disk.content(of: kept) == damaged)
    #expect(disk.content(of: path) == Sample.bytes(outcome.lines))
    #expect(outcome.lines.map(\.sequence) == [7, 8, 9])
    let first = try #require(outcome.lines.first?.text)
    #expect(first.contains(#""event":"audit.repaired""#))
    #expect(first.contains(#""kept_sha256":"\#(try SHA256.digest(of: damaged).hex)""#))
    #expect(first.contains(#""kept_bytes":"\#(damaged.count)""#))
    #expect(first.contains(#""acknowledged_seq":"4","repeated_lines":"2""#))
    #expect(first.contains("edited"))
    #expect(first.contains(#""prev":"\#(state.head.hash)""#))
    #expect(outcome.lines[1].text.contains("for 5") && outcome.lines[2].text.contains("for 6"))

    let report = try AuditVerifier(files: disk).verify(paths: [path], ledger: committed(outcome))
    #expect(report.isIntact)
    #expect(report.head == outcome.head)
    let log = FileAuditLog(path: path, files: disk)
    try await log.open(committed(outcome))
    let next = try log.compose(Sample.events(7...7), after: outcome.head)
    try await log.append(next.lines, head: next.head)
  }

  @Test func beforeTheCommitTheFileIsRefusedAndRepairingAgainGivesTheSame() async throws {
    let (state, lines) = try Sample.state(acknowledged: 2, waiting: 1)
    let disk = disk(Array(Sample.bytes(lines)[..<200]))
    let outcome = try #require(try repair(state, on: disk))
    let log = FileAuditLog(path: path, files: disk)
    #expect(await Sample.failure { try await log.open(state) }?.code == .tampered)
    #expect(try repair(state, on: disk, second: 60) == outcome)
    #expect(try disk.list("/state", maximumCount: 9).count == 2)
  }

  @Test func aMissingFileIsRepairedWithoutAKeptOne() throws {
    let (state, _) = try Sample.state(acknowledged: 2, waiting: 1)
    let disk = disk(nil)
    let outcome = try #require(try repair(state, on: disk))
    #expect(outcome.keptPath == nil)
    #expect(outcome.lines.first?.text.contains("the file was missing") == true)
    #expect(outcome.lines.first?.text.contains("kept_file") == false)
  }

  @Test func aFileThatOnlyNeedsCompletingIsLeftAlone() throws {
    let (state, lines) = try Sample.state(acknowledged: 2, waiting: 2)
    let whole = Sample.bytes(lines)
    for length in [whole.count, whole.count - 20, Int(state.acknowledged.offset)] {
      let disk = disk(Array(whole[..<length]))
      #expect(try repair(state, on: disk) == nil)
      #expect(disk.content(of: path) == Array(whole[..<length]))
    }
    let empty = AuditState(acknowledged: Sample.start, outbox: [], head: Sample.start)
    #expect(try repair(empty, on: disk(nil)) == nil)
  }

  @Test func twoRepairsInOneSecondKeepBothFiles() throws {
    let (state, _) = try Sample.state(acknowledged: 2, waiting: 0)
    let disk = disk([65])
    let first = try #require(try repair(state, on: disk))
    disk.plant(.file, at: path, content: [66], mode: 0o600)
    let second = try #require(try repair(committed(first), on: disk))
    #expect(disk.content(of: try #require(first.keptPath)) == [65])
    #expect(disk.content(of: try #require(second.keptPath)) == [66])
    #expect(second.head.sequence == first.head.sequence + 1)
  }

  /// The power goes at each operation in turn; repairing again must end with the old file kept, a good
  /// chain and nothing lost.
  @Test(arguments: 1...5 as ClosedRange<UInt64>)
  func aRepairSurvivesACrashAtEveryOperation(seed: UInt64) throws {
    let (state, lines) = try Sample.state(acknowledged: 3, waiting: 2)
    var damaged = Sample.bytes(lines)
    damaged[50] ^= 1
    var generator = SimulatedDisk.Generator(seed: seed)
    for index in 0..<200 {
      let before = disk(damaged)
      before.plan(.powerCut, atOperation: before.operationCount + index)
      let finished = (try? repair(state, on: before)) ?? nil
      let after = before.crash(using: &generator)
      let outcome = try #require(try repair(state, on: after, second: 5), "crash at \(index)")
      let kept = try #require(outcome.keptPath, "crash at \(index)")
      #expect(after.content(of: kept) == damaged, "crash at \(index)")
      #expect(after.content(of: path) == Sample.bytes(outcome.lines), "crash at \(index)")
      let report = try AuditVerifier(files: after).verify(paths: [path], ledger: committed(outcome))
      #expect(report.isIntact, "crash at \(index)")
      #expect(try after.list("/state", maximumCount: 9).count == 2, "crash at \(index)")
      if let finished {
        #expect(finished == outcome)
        return
      }
    }
    Issue.record("the repair never came to its end")
  }
}
