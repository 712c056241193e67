import Foundation
import Testing

/// The commands as users call them, against the sandbox: each file of `transcripts/` is a test.
@Suite(.fewAtATime) struct TranscriptTests {
  private static let folder = ((#filePath as NSString).deletingLastPathComponent) + "/transcripts"

  static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { $0.hasSuffix(".txt") }.sorted()

  @Test func thereAreTranscripts() { #expect(TranscriptTests.names.count >= 16) }

  @Test(arguments: names) func plays(_ name: String) async throws {
    let path = "\(TranscriptTests.folder)/\(name)"
    let transcript = try Transcript(Workspace.text(of: path))
    let played = try await Player(transcript).play()
    // For whoever changed an output on purpose: write down what there is now, look at the difference.
    if ProcessInfo.processInfo.environment["RECORD_TRANSCRIPTS"] == "1" {
      try Data(played.text.utf8).write(to: URL(fileURLWithPath: path))
      return
    }
    for (wanted, found) in zip(transcript.steps, played.steps) {
      #expect(
        found.output == wanted.output && found.errors == wanted.errors && found.code == wanted.code,
        """
        \(name): \(wanted.text)
        wanted: exit \(wanted.code)
        \((wanted.output + wanted.errors.map { "2> \($0)" }).joined(separator: "\n"))
        found: exit \(found.code)
        \((found.output + found.errors.map { "2> \($0)" }).joined(separator: "\n"))
        """)
    }
  }
}

/// Acts a transcript out in a folder of its own.
private struct Player {
  private let transcript: Transcript
  private let workspace: Workspace

  init(_ transcript: Transcript) throws {
    self.transcript = transcript
    workspace = try Workspace()
    for file in transcript.files { try workspace.write(file.name, file.text) }
  }

  /// The transcript with what was found in place of what was wanted.
  func play() async throws -> Transcript {
    var played = transcript
    var sandbox: SandboxProcess?
    let normalization = Normalization(folder: workspace.root)
    for index in played.steps.indices {
      let text = played.steps[index].text
      switch played.steps[index].kind {
      case .sandbox:
        let started = try await workspace.startSandbox(
          options: text.split(separator: " ").map { String($0) })
        // Of tokens that are worked on at the same time nobody knows which is told first.
        let defaults = Workspace.text(of: started.defaultsPath)
        try workspace.write(started.defaultsPath, defaults + "\n[limits]\nconcurrency = 1\n")
        sandbox = started
      case .requests:
        guard let sandbox else { throw Transcript.Failure(description: "@ requests without @ sandbox") }
        // How often the query endpoint is asked depends on the time that everything takes.
        let management = try await sandbox.requests().filter { $0.key != "query" && $0.key != "write" }
        played.steps[index].output = management.sorted { $0.key < $1.key }
          .flatMap { operation, byStatus in
            byStatus.sorted { $0.key < $1.key }.map { "\(operation) \($0.key): \($0.value)" }
          }
      case .shell:
        var more: [String: String] = [:]
        if let sandbox {
          more = ["SANDBOX_DEFAULTS": sandbox.defaultsPath, "SANDBOX_URL": sandbox.url]
        }
        let outcome = try await workspace.shell(text, more)
        played.steps[index].output = normalization.lines(outcome.output)
        played.steps[index].errors = normalization.lines(outcome.errors)
        played.steps[index].code = outcome.code ?? -1
      }
    }
    try await sandbox?.expectGoodConduct()
    return played
  }
}
