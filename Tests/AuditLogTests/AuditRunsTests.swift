import AuditLog
import Foundation
import RotationModel
import RotationPorts
import RotationTestKit
import Testing

/// What the end of an audit log tells of runs.
struct AuditRunsTests {
  private let disk = SimulatedDisk()
  private static let path = "/audit.jsonl"

  private func event(
    _ run: UInt64, _ minute: Int, _ name: String, _ details: [AuditEvent.Detail] = []
  ) -> AuditEvent {
    AuditEvent(
      time: Sample.time + .seconds(minute * 60), run: RunID(bits: run), job: nil, cluster: nil, token: "a",
      actor: "root", record: EventRecord(name: name), details: details)
  }

  private func write(_ events: [AuditEvent], after rest: String = "") throws {
    let bytes = Sample.bytes(try Sample.compose(events).lines)
    disk.plant(.file, at: AuditRunsTests.path, content: Array(rest.utf8) + bytes, mode: 0o600)
  }

  private func runs(_ limit: Int = 10, maximumBytes: Int64 = 1 << 20) throws -> [RecordedRun] {
    try AuditRuns(files: disk, maximumBytes: maximumBytes).newest(limit, of: AuditRunsTests.path)
  }

  private static let begin = [AuditEvent.Detail("command", "run"), AuditEvent.Detail("version", "1")]

  @Test func aRunIsToldWithItsEndAndItsCounts() throws {
    try write([
      event(1, 0, "run.started", AuditRunsTests.begin), event(1, 1, "create.intended"),
      event(1, 1, "create.done"), event(1, 2, "create.unknown"), event(1, 2, "activation.timed_out"),
      event(1, 2, "delivery.done"), event(1, 2, "hook.failed"), event(1, 3, "orphan.revoked"),
      event(1, 3, "revoke.done"), event(1, 3, "retire.requested"),
      event(1, 4, "run.finished", [AuditEvent.Detail("exit", "6")]),
      event(2, 60, "run.started", [AuditEvent.Detail("command", "rotate")]),
    ])
    let runs = try runs()
    try #require(runs.map(\.id) == [RunID(bits: 2).text, RunID(bits: 1).text])
    #expect(runs[0].command == "rotate" && runs[0].finishedAt == nil && runs[0].exitCode == nil)
    var wanted = RecordedRun(id: RunID(bits: 1).text, lastAt: Sample.time + .seconds(240))
    (wanted.command, wanted.exitCode) = ("run", 6)
    (wanted.startedAt, wanted.finishedAt) = (Sample.time, wanted.lastAt)
    (wanted.created, wanted.delivered, wanted.revoked, wanted.failures) = (1, 1, 2, 3)
    #expect(runs[1] == wanted)
  }

  @Test func theNewestAreKept() throws {
    try write((1...9).map { event($0, Int($0), "run.started", AuditRunsTests.begin) })
    #expect(try runs(2).map(\.id) == [RunID(bits: 9).text, RunID(bits: 8).text])
  }

  /// Other commands write to the log, too; what cron's last run came to is not lost for them.
  @Test func theLastFinishedRunIsKeptBehindTheNewest() throws {
    let other = [AuditEvent.Detail("command", "token create"), AuditEvent.Detail("version", "1")]
    try write(
      [
        event(1, 0, "run.started", AuditRunsTests.begin),
        event(1, 1, "run.finished", [AuditEvent.Detail("exit", "4")]),
      ]
        + (2...9).flatMap { run in
          [event(UInt64(run), run, "run.started", other), event(UInt64(run), run, "run.finished")]
        })
    #expect(try runs(2).map(\.id) == [9, 8, 1].map { RunID(bits: $0).text })
  }

  /// A long run's beginning may lie before what is read; its first line that is read is half a line.
  @Test func onlyTheEndOfALongLogIsRead() throws {
    try write(
      [event(1, 0, "run.started", AuditRunsTests.begin)]
        + (1...100).map { event(1, $0, "create.done") }
        + [event(1, 101, "run.finished", [AuditEvent.Detail("exit", "0")])])
    let whole = try #require(try runs().first)
    #expect(whole.created == 100 && whole.startedAt == Sample.time)
    let end = try #require(try runs(maximumBytes: 4000).first)
    #expect((5..<20).contains(end.created) && end.startedAt == nil && end.command == nil)
    #expect(end.exitCode == 0)
  }

  @Test func whatIsNoLineTellsNothing() throws {
    try write(
      [event(1, 0, "run.started", AuditRunsTests.begin)], after: "rubbish\n{\"v\":1}\n[1]\n\u{fffd}\n")
    #expect(try runs().count == 1)
    disk.plant(.file, at: AuditRunsTests.path, content: Array("{\"v\":1,\"time\":".utf8), mode: 0o600)
    #expect(try runs().isEmpty, "half a line, which a crash leaves")
  }

  @Test func withoutAFileThereAreNone() throws {
    #expect(try runs().isEmpty)
    disk.plant(.directory, at: AuditRunsTests.path, mode: 0o700)
    #expect(throws: AuditError.self) { try runs() }
  }
}
