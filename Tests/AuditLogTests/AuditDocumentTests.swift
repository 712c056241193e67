import Foundation
import RotationPorts
import RotationTestKit
import Testing

/// The script in docs/audit-format.md is what auditors will run, so it is run here.
@Suite struct AuditDocumentTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func script() throws -> String {
    let document = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../docs/audit-format.md")
    let text = try String(contentsOf: document, encoding: .utf8)
    let start = try #require(text.range(of: "```bash\n")?.upperBound)
    let end = try #require(text.range(of: "```", range: start..<text.endIndex)?.lowerBound)
    let path = folder.path + "/check-chain.sh"
    try text[start..<end].write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  private func check(_ bytes: [UInt8], after hash: String? = nil) throws -> (status: Int32, output: String) {
    let file = folder.path + "/audit.jsonl"
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = [try script(), file] + (hash.map { [$0] } ?? [])
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }

  @Test func theScriptAcceptsAGoodLogAndNamesTheBrokenLine() throws {
    var events = Sample.events(1...6)
    events[2].record.reason = "quote \" backslash \\ newline \n percent %s ünï 漢 \u{2028} \",\"prev\":\"x"
    let (lines, head) = try Sample.compose(events)
    let good = try check(Sample.bytes(lines))
    #expect(good.status == 0)
    #expect(good.output == "6 lines, the last one has the hash \(head.hash)\n")

    let cut = try check(Sample.bytes(lines).dropLast(9))
    #expect(cut.status == 0 && cut.output.hasPrefix("5 lines"))

    var edited = Sample.bytes(lines)
    edited[lines[0].text.utf8.count + 120] ^= 1
    let bad = try check(edited)
    #expect(bad.status == 1)
    #expect(bad.output == "line 3 does not hold the hash of the line before it\n")

    let rest = try check(Sample.bytes(Array(lines[3...])), after: nil)
    #expect(rest.status == 1)
  }
}
