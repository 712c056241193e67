import Foundation
import Testing

/// The program on a terminal of its own, which `script` makes, seen through the eyes of one.
@Suite(.fewAtATime) struct TerminalTests {
  /// The rows that show how far a run of three tokens is.
  private func progressRows(_ rows: [String]) -> [String] { rows.filter { $0.contains(/\b[0-3]\/3\b/) } }

  /// Runs a line of shell on a terminal; what it sends there is what `script` passes on.
  private func onTerminal(
    _ columns: Int, _ workspace: Workspace, _ line: String, _ more: [String: String] = ["TERM": "xterm"]
  ) async throws -> (screen: TerminalScreen, sent: String, outcome: Workspace.Outcome) {
    try workspace.write("line.sh", "stty cols \(columns)\n\(line)\n")
    let outcome = try await workspace.shell("script -qec 'sh line.sh' /dev/null", more)
    var screen = TerminalScreen(columns: columns)
    screen.show(outcome.output)
    return (screen, outcome.output, outcome)
  }

  /// Three tokens that are active two seconds after they were made.
  private func prepared(_ options: String...) async throws -> (Workspace, SandboxProcess) {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox(
      options: ["--activation-delay", "2s", "--activation-spread", "0s"] + options)
    try workspace.writeJob(rows: Workspace.rows(1...3), more: "[limits]\nconcurrency = 1")
    return (workspace, sandbox)
  }

  @Test(arguments: [20, 80, 200]) func theProgressLineIsOneLineAndGoesAway(columns: Int) async throws {
    let (workspace, sandbox) = try await prepared()
    let (screen, _, outcome) = try await onTerminal(
      columns, workspace, "tokenrotate run job.toml --state state")
    #expect(outcome.code == 0, "\(outcome.everything)")
    #expect(screen.wrapCount == 0 && screen.unknownSequences == [])
    #expect(screen.moments.allSatisfy { progressRows($0).count <= 1 })
    let seen = Set(screen.moments.flatMap(progressRows))
    #expect(seen.contains { $0.contains("waiting 3") }, "\(seen)")
    // It says more where there is room.
    #expect(seen.contains { $0.contains("longest ") } == (columns >= 80))
    #expect(progressRows(screen.rows) == [])
    #expect(screen.rows.last == "plant: 3 created" && screen.hasSeenColour)
    let results = screen.rows.dropLast().filter { $0.contains("created") }
    #expect(results.count == 3 && screen.rows.count == 4, "\(screen.rows)")
    try await sandbox.expectGoodConduct()
  }

  /// What failed stays on the screen, the line that told how far the run was does not.
  @Test func messagesStandWhereTheLineWas() async throws {
    let (workspace, sandbox) = try await prepared("--fault", "create:malformed=short:nth=2")
    let (screen, _, outcome) = try await onTerminal(
      100, workspace, "tokenrotate run job.toml --state state")
    #expect(outcome.code == 1, "\(outcome.everything)")
    #expect(screen.unknownSequences == [])
    #expect(screen.moments.allSatisfy { progressRows($0).count <= 1 })
    #expect(screen.moments.contains { progressRows($0).contains { $0.contains("failed 1") } })
    #expect(progressRows(screen.rows) == [])
    #expect(screen.rows.last == "plant: 2 created, 1 failed, 1 orphan revoked")
    let told = screen.rows.filter { $0.contains("cannot be used") }
    #expect(told.count == 1 && told.first?.hasPrefix("error: plant: line-2: ") == true, "\(screen.rows)")
    try await sandbox.expectGoodConduct()
  }

  /// Whoever waits for an answer that takes its time sees what is waited for.
  @Test(arguments: ["plan", "status"]) func aLookThatTakesLongSaysWhatItWaitsFor(command: String) async throws
  {
    let (workspace, sandbox) = try await prepared("--fault", "list:slow=2s")
    let (screen, _, outcome) = try await onTerminal(
      80, workspace, "tokenrotate \(command) job.toml --state state")
    #expect(outcome.code == 0, "\(outcome.everything)")
    #expect(screen.moments.first == ["plant  looking at the cluster"], "\(screen.moments)")
    #expect(screen.rows.last?.hasPrefix("plant: 3 ") == true && screen.wrapCount == 0)
    #expect(!screen.rows.contains { $0.contains("looking") })
    try await sandbox.expectGoodConduct()
  }

  /// Each stream decides for itself.
  @Test func onlyTheStreamThatIsATerminalIsTreatedAsOne() async throws {
    let (workspace, sandbox) = try await prepared()
    let results = try await onTerminal(80, workspace, "tokenrotate run job.toml --state a > results")
    #expect(results.outcome.code == 0, "\(results.outcome.everything)")
    #expect(results.screen.rows == [] && results.screen.moments.contains { progressRows($0).count == 1 })
    #expect(workspace.read("results").hasSuffix("plant: 3 created\n"))
    #expect(!workspace.read("results").contains { $0 == "\u{1b}" || $0 == "\r" })
    let plan = try await onTerminal(
      80, workspace, "echo line-4,plant, >> tokens.csv; tokenrotate plan job.toml --state a 2> messages")
    #expect(plan.sent.contains("\u{1b}[32m+ line-4\u{1b}[0m  no token yet"), "\(plan.outcome.everything)")
    #expect(plan.screen.rows.contains("+ line-4  no token yet"))
    #expect(workspace.read("messages") == "")
    try await sandbox.expectGoodConduct()
  }

  @Test func aPipeSeesNoEscapeCode() async throws {
    let (workspace, sandbox) = try await prepared("--fault", "create:malformed=short:nth=2")
    for command in ["run", "plan", "status"] {
      let outcome = try await workspace.shell(
        "tokenrotate \(command) job.toml --state state", ["TERM": "xterm"])
      #expect(!outcome.output.isEmpty, "\(outcome.everything)")
      #expect(!outcome.everything.unicodeScalars.contains { $0 == "\u{1b}" || $0 == "\r" })
    }
    try await sandbox.expectGoodConduct()
  }

  @Test func theEnvironmentAndTheOptionsAreHeard() async throws {
    let (workspace, sandbox) = try await prepared()
    let quiet = try await onTerminal(80, workspace, "tokenrotate run job.toml --state a --quiet")
    #expect(quiet.sent == "" && quiet.outcome.code == 0, "\(quiet.outcome.everything)")
    try workspace.writeRows(Workspace.rows(1...4))
    let plan = "tokenrotate plan job.toml --state a"
    #expect(try await onTerminal(80, workspace, plan).screen.hasSeenColour)
    let colourless = try await onTerminal(80, workspace, plan, ["TERM": "xterm", "NO_COLOR": "1"])
    #expect(!colourless.sent.contains("\u{1b}") && colourless.screen.rows.contains("+ line-4  no token yet"))
    let dumb = try await onTerminal(80, workspace, "tokenrotate run job.toml --state a", ["TERM": "dumb"])
    #expect(!dumb.sent.contains("\u{1b}") && dumb.screen.rows.last == "plant: 1 created, 3 unchanged")
    let json = try await onTerminal(
      80, workspace,
      "for verb in run plan status; do tokenrotate $verb job.toml --state a --format json; done")
    // The progress line is on the other stream, and no colour in any object.
    #expect(!json.screen.hasSeenColour && json.sent.components(separatedBy: #"{"exit":0"#).count == 3)
    try await sandbox.expectGoodConduct()
  }

  @Test func aStatusFitsTheTerminal() async throws {
    let (workspace, sandbox) = try await prepared()
    #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 0)
    try workspace.remove("state/tokens/plant/line-2")
    for columns in [20, 40, 80, 200] {
      let (screen, _, outcome) = try await onTerminal(
        columns, workspace, "tokenrotate status job.toml --state state")
      #expect(outcome.code == 8, "\(outcome.everything)")
      #expect(screen.wrapCount == 0 && screen.unknownSequences == [])
      let lines = screen.rows.filter { $0.contains("current") }
      #expect(lines.count == 3 && lines.first?.hasPrefix("! current") == true, "\(screen.rows)")
      #expect(outcome.output.contains("\u{1b}[31m! current\u{1b}[0m"))
    }
    try await sandbox.expectGoodConduct()
  }
}
