import AuditLog
import Digests
import FileSystem
import Foundation
import RotationModel
import RotationPorts
import RotationTestKit

/// A folder that goes with the object.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/tokenrotate-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

enum Sample {
  static let run = RunID(bits: 0xabc)
  static let chain = "00000000000000aa"
  static let start = AuditHead.start(chain: chain)
  static let time = Instant(milliseconds: 1_800_000_000_123)

  static func event(_ number: Int, reason: String? = nil, name: String = "revoke.unknown") -> AuditEvent {
    AuditEvent(
      time: time + .seconds(number), run: run, job: "plant", cluster: "a/c", token: "t\(number)",
      actor: "root",
      record: EventRecord(name: name, generation: 1, reason: reason ?? "for \(number)"))
  }

  static func events(_ range: ClosedRange<Int>) -> [AuditEvent] { range.map { event($0) } }

  static func compose(_ events: [AuditEvent], after head: AuditHead = start) throws -> (
    lines: [AuditLine], head: AuditHead
  ) {
    try FileAuditLog(path: "/nowhere", files: POSIXFileSystem()).compose(events, after: head)
  }

  static func bytes(_ lines: [AuditLine]) -> [UInt8] {
    lines.flatMap { Array($0.text.utf8) + [10] }
  }

  /// `acknowledged` lines and `waiting` more in the outbox.
  static func state(acknowledged: Int, waiting: Int) throws -> (state: AuditState, lines: [AuditLine]) {
    var (lines, head) = ([AuditLine](), start)
    if acknowledged > 0 { (lines, head) = try compose(events(1...acknowledged)) }
    guard waiting > 0 else { return (AuditState(acknowledged: head, outbox: [], head: head), lines) }
    let more = try compose(events(acknowledged + 1...acknowledged + waiting), after: head)
    return (AuditState(acknowledged: head, outbox: more.lines, head: more.head), lines + more.lines)
  }

  /// The code and the message that `body` fails with; nil when it does not fail.
  static func failure(_ body: () async throws -> Void) async -> AuditError? {
    do {
      try await body()
      return nil
    } catch {
      return error as? AuditError
        ?? AuditError(.unwritable, message: "another error: \(error)", hint: nil)
    }
  }
}
