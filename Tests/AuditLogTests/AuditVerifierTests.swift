import AuditLog
import FileSystem
import Foundation
import RotationPorts
import RotationTestKit
import Testing

@Suite struct AuditVerifierTests {
  private let disk = SimulatedDisk()

  private func verify(_ lines: [String], ledger: AuditState? = nil, ending: String = "\n") throws
    -> AuditReport
  {
    let text = lines.joined(separator: "\n") + ending
    disk.plant(.file, at: "/audit.jsonl", content: Array(text.utf8), mode: 0o600)
    return try AuditVerifier(files: disk).verify(paths: ["/audit.jsonl"], ledger: ledger)
  }

  private func texts(_ count: Int) throws -> [String] {
    try Sample.compose(Sample.events(1...count)).lines.map(\.text)
  }

  @Test func aGoodFileIsIntact() throws {
    let (state, lines) = try Sample.state(acknowledged: 5, waiting: 2)
    let report = try verify(lines.map(\.text), ledger: state)
    #expect(report.isIntact)
    #expect(report.lines == 7)
    #expect(report.head == state.head)
    #expect(report.notes.isEmpty)
  }

  @Test func anEmptyFileIsIntact() throws {
    #expect(try verify([], ending: "") == AuditReport(lines: 0, head: nil, firstBreak: nil, notes: []))
  }

  struct Damage: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var kind: AuditBreak.Kind
    var line: Int64
    var damage: @Sendable (inout [String]) -> Void
  }

  static let damages: [Damage] = [
    Damage(testDescription: "a reason edited", kind: .edited, line: 3) {
      $0[2] = $0[2].replacingOccurrences(of: "for 3", with: "for 4")
    },
    Damage(testDescription: "the first line edited", kind: .edited, line: 1) {
      $0[0] = $0[0].replacingOccurrences(of: "root", with: "ruth")
    },
    Damage(testDescription: "a longer prev", kind: .edited, line: 3) {
      $0[2] = $0[2].replacingOccurrences(of: "\"prev\":\"", with: "\"prev\":\"0")
    },
    Damage(testDescription: "a digit of prev edited", kind: .edited, line: 3) {
      let at = $0[2].range(of: "\"prev\":\"")!.upperBound
      let old = $0[2][at]
      $0[2].replaceSubrange(at...at, with: old == "0" ? "1" : "0")
    },
    Damage(testDescription: "a space added", kind: .edited, line: 4) {
      $0[3] = $0[3].replacingOccurrences(of: "\"job\":", with: "\"job\": ")
    },
    Damage(testDescription: "a number edited", kind: .edited, line: 4) {
      $0[3] = $0[3].replacingOccurrences(of: "\"seq\":4", with: "\"seq\":9")
    },
    Damage(testDescription: "a chain edited", kind: .edited, line: 4) {
      $0[3] = $0[3].replacingOccurrences(of: "00000000000000aa", with: "00000000000000ab")
    },
    Damage(testDescription: "a line removed", kind: .removed, line: 3) { $0.remove(at: 2) },
    Damage(testDescription: "three lines removed", kind: .removed, line: 3) { $0.removeSubrange(2...4) },
    Damage(testDescription: "the first line removed", kind: .firstLineMissing, line: 1) { $0.remove(at: 0) },
    Damage(testDescription: "two lines swapped", kind: .swapped, line: 3) { $0.swapAt(2, 3) },
    Damage(testDescription: "the first two swapped", kind: .firstLineMissing, line: 1) { $0.swapAt(0, 1) },
    Damage(testDescription: "a line said twice", kind: .inserted, line: 4) { $0.insert($0[2], at: 3) },
    Damage(testDescription: "an old line inserted", kind: .inserted, line: 6) { $0.insert($0[1], at: 5) },
    Damage(testDescription: "a later line inserted", kind: .inserted, line: 3) { $0.insert($0[6], at: 2) },
    Damage(testDescription: "a forged line inserted", kind: .inserted, line: 4) {
      let forged = $0[3].replacingOccurrences(of: "for 4", with: "forged")
      $0.insert(forged, at: 3)
    },
    Damage(testDescription: "rubbish inserted", kind: .notJSON, line: 5) { $0.insert("rubbish", at: 4) },
    Damage(testDescription: "an empty line", kind: .notJSON, line: 5) { $0.insert("", at: 4) },
    Damage(testDescription: "an overlong line", kind: .notJSON, line: 5) {
      $0.insert(String(repeating: "x", count: 300_000), at: 4)
    },
    Damage(testDescription: "all that follows renumbered", kind: .removed, line: 5) { lines in
      for index in 4..<lines.count {
        lines[index] = lines[index].replacingOccurrences(
          of: "\"seq\":\(index + 1)", with: "\"seq\":\(index + 10)")
      }
    },
    Damage(testDescription: "the end begins anew", kind: .badSequence, line: 8) { $0 += $0[0...2] },
  ]

  @Test(arguments: damages)
  func theFirstBreakIsNamed(damage: Damage) throws {
    var lines = try texts(7)
    damage.damage(&lines)
    let report = try verify(lines)
    #expect(report.firstBreak?.kind == damage.kind, "\(String(describing: report.firstBreak))")
    #expect(report.firstBreak?.line == damage.line, "\(String(describing: report.firstBreak))")
  }

  @Test func linesOfAnotherChainAreFound() throws {
    let other = try Sample.compose(Sample.events(1...3), after: .start(chain: "00000000000000bb"))
    var lines = try texts(3)
    #expect(try verify(lines + other.lines.map(\.text)).firstBreak?.kind == .wrongChain)
    lines.insert(other.lines[1].text, at: 1)
    #expect(try verify(lines).firstBreak?.kind == .inserted)
  }

  @Test func onlyTheLedgerShowsWhatIsMissingAtTheEnd() throws {
    let (state, lines) = try Sample.state(acknowledged: 5, waiting: 1)
    let texts = lines.map(\.text)
    #expect(try verify(Array(texts[..<4])).isIntact)
    #expect(try verify(Array(texts[..<4]), ledger: state).firstBreak?.kind == .truncated)
    #expect(try verify([], ledger: state, ending: "").firstBreak?.kind == .truncated)
    #expect(try verify(Array(texts[..<5]), ledger: state).isIntact)
    var edited = texts
    edited[5] = edited[5].replacingOccurrences(of: "for 6", with: "for 7")
    #expect(try verify(edited).isIntact)
    #expect(try verify(edited, ledger: state).firstBreak?.kind == .edited)
    let more = try Sample.compose(Sample.events(7...7), after: state.head)
    #expect(try verify(texts + more.lines.map(\.text), ledger: state).firstBreak?.kind == .inserted)
  }

  @Test func aLastLineWithoutEndIsANote() throws {
    let lines = try texts(3)
    let report = try verify(lines, ending: "")
    #expect(report.isIntact)
    #expect(report.lines == 2)
    #expect(report.notes.count == 1)
    #expect(report.notes.first?.contains("next run completes it") == true)
  }

  @Test func severalFilesAreOneChain() throws {
    let first = try Sample.compose(Sample.events(1...3))
    let second = try Sample.compose(
      [Sample.event(4, name: "log.continued"), Sample.event(5)], after: first.head)
    disk.plant(.file, at: "/1", content: Sample.bytes(first.lines))
    disk.plant(.file, at: "/2", content: Sample.bytes(second.lines))
    let verifier = AuditVerifier(files: disk)
    let both = try verifier.verify(paths: ["/1", "/2"])
    #expect(both.isIntact && both.lines == 5 && both.notes.isEmpty)
    let alone = try verifier.verify(paths: ["/2"])
    #expect(alone.isIntact && alone.notes.count == 1)
    #expect(try verifier.verify(paths: ["/2", "/1"]).firstBreak?.kind == .badSequence)
    disk.plant(.file, at: "/3", content: Sample.bytes(first.lines).dropLast(5))
    let cut = try verifier.verify(paths: ["/3", "/2"])
    #expect(cut.firstBreak?.kind == .truncated)
    #expect(cut.firstBreak?.path == "/3")
  }

  @Test func aMissingFileIsAnError() {
    #expect(throws: AuditError.self) { try AuditVerifier(files: disk).verify(paths: ["/none"]) }
  }
}
