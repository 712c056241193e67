import Foundation
import Testing

/// A run that is stopped, kindly or not, is gone on with by the next.
@Suite(.fewAtATime) struct InterruptionTests {
  struct Signal: Sendable, CustomTestStringConvertible {
    var name: String
    var number: Int32
    var ending: ChildProgram.Ending
    var testDescription: String { name }
  }

  static let signals = [
    Signal(name: "SIGINT", number: SIGINT, ending: .exited(130)),
    Signal(name: "SIGTERM", number: SIGTERM, ending: .exited(143)),
    Signal(name: "SIGKILL", number: SIGKILL, ending: .killed(signal: SIGKILL)),
  ]

  /// With one creation at a time and the answers slow, there is always one on its way.
  private static let limits = "[limits]\nconcurrency = 1\nrequest_timeout = \"3s\""

  @Test(arguments: signals) func whileCreating(_ signal: Signal) async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox(
      "--activation-delay", "0s", "--activation-spread", "0s", "--fault", "create:slow=1s")
    try workspace.writeJob(rows: Workspace.rows(1...4), more: InterruptionTests.limits)
    let call = try workspace.start(["run", "job.toml", "--state", "state"])
    try await eventually("the second POST is on its way") { try await sandbox.liveTokens().count == 2 }
    call.program.send(signal.number)
    let stopped = try await call.outcome()
    #expect(stopped.ending == signal.ending, "\(stopped.everything)")
    // Nothing new was begun.
    #expect(try await sandbox.liveTokens().count == 2)
    try await sandbox.post("faults")
    let next = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(next.code == 0, "\(next.everything)")
    try await expectWhole(workspace, sandbox, count: 4)
    if signal.number != SIGKILL {
      // The answer that was on its way was still put away: no token was made in vain.
      #expect(try await sandbox.creations() == 4)
      #expect(try await sandbox.requests()["revoke"] == nil)
    }
  }

  @Test(arguments: signals) func whileWaitingForActivation(_ signal: Signal) async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "1000s", "--activation-spread", "0s")
    try workspace.writeJob(rows: Workspace.rows(1...3))
    let call = try workspace.start(["run", "job.toml", "--state", "state"])
    try await eventually("all tokens are asked about") {
      let asked = try await sandbox.requests()["query"]?["401"] ?? 0
      return asked >= 3 && workspace.list("state/tokens/plant/.pending").count == 3
    }
    call.program.send(signal.number)
    let stopped = try await call.outcome()
    #expect(stopped.ending == signal.ending, "\(stopped.everything)")
    try await sandbox.post("activate")
    let next = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(next.code == 0, "\(next.everything)")
    #expect(try await sandbox.creations() == 3)
    try await expectWhole(workspace, sandbox, count: 3)
  }

  /// What was left is told token by token, so that whoever reads the object knows which wait.
  @Test func aStoppedRunNamesWhatItLeft() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "1000s", "--activation-spread", "0s")
    try workspace.writeJob(rows: Workspace.rows(1...3))
    try workspace.writeJob("other/job.toml", name: "other", rows: Workspace.rows(1...1))
    for format in ["table", "json"] {
      let asked = try await sandbox.requests()["query"]?["401"] ?? 0
      let call = try workspace.start(
        ["run", "job.toml", "other/job.toml", "--state", "state", "--format", format])
      try await eventually("all tokens are asked about") {
        let askedNow = try await sandbox.requests()["query"]?["401"] ?? 0
        return askedNow >= asked + 3 && workspace.list("state/tokens/plant/.pending").count == 3
      }
      call.program.send(SIGTERM)
      let stopped = try await call.outcome()
      #expect(stopped.code == 143, "\(stopped.everything)")
      #expect(stopped.errors.contains("plant: stopped by a signal"), "\(stopped.everything)")
      #expect(stopped.errors.contains("the next run goes on"), "\(stopped.everything)")
      #expect(stopped.errors.contains("job other was not tried"), "\(stopped.everything)")
      guard format == "json" else {
        #expect(stopped.output.contains("plant: 3 pending, stopped early"), "\(stopped.everything)")
        continue
      }
      let parsed = try JSONSerialization.jsonObject(with: Data(stopped.output.utf8)) as? [String: Any]
      let jobs = try #require(parsed?["jobs"] as? [[String: Any]])
      #expect((jobs[0]["error"] as? [String: Any])?["code"] as? String == "interrupted")
      #expect((jobs[1]["error"] as? [String: Any])?["code"] as? String == "not_tried")
      #expect((jobs[0]["counts"] as? [String: Int])?["pending"] == 3)
      let tokens = try #require(jobs[0]["tokens"] as? [[String: Any]])
      #expect(tokens.compactMap { $0["name"] as? String }.sorted() == ["line-1", "line-2", "line-3"])
      for token in tokens {
        #expect(token["outcome"] as? String == "pending" && token["token_id"] as? String != nil)
        #expect((token["error"] as? [String: Any])?["code"] as? String == "interrupted")
      }
    }
  }

  /// A plan that was stopped does not look like one that found nothing.
  @Test(arguments: [signals[0], signals[1]]) func whilePlanning(_ signal: Signal) async throws {
    let workspace = try Workspace()
    _ = try await workspace.startSandbox("--fault", "list:slow=2s")
    // The token is asked for just before the listing, whose answer takes its time.
    let command = "touch started; printf %s \(SandboxProcess.managementToken)"
    try workspace.writeJob(
      rows: Workspace.rows(1...2),
      more: "[cluster]\nmanagement_token = { command = [\"/bin/sh\", \"-c\", \"\(command)\"] }")
    try workspace.writeJob("other/job.toml", name: "other", rows: Workspace.rows(1...1))
    for format in ["table", "json"] {
      try? workspace.remove("started")
      let call = try workspace.start(
        ["plan", "job.toml", "other/job.toml", "--state", "state", "--format", format])
      try await eventually("the plan is under way") { workspace.exists("started") }
      call.program.send(signal.number)
      let stopped = try await call.outcome()
      #expect(stopped.ending == signal.ending, "\(stopped.everything)")
      #expect(stopped.errors.contains("plant: stopped by a signal"), "\(stopped.everything)")
      #expect(stopped.errors.contains("job other was not tried"), "\(stopped.everything)")
      if format == "table" {
        #expect(
          stopped.output == "plant: not planned to the end\nother: left alone\n", "\(stopped.everything)")
      } else {
        let parsed = try JSONSerialization.jsonObject(with: Data(stopped.output.utf8)) as? [String: Any]
        let jobs = try #require(parsed?["jobs"] as? [[String: Any]])
        let codes = jobs.map { ($0["error"] as? [String: Any])?["code"] as? String }
        #expect(codes == ["interrupted", "not_tried"], "\(stopped.everything)")
      }
    }
  }

  /// Each row has one token, the one in the store; nothing is left to do, and the log is whole.
  private func expectWhole(_ workspace: Workspace, _ sandbox: SandboxProcess, count: Int) async throws {
    #expect(workspace.delivered().count == count)
    let live = try await sandbox.liveTokens()
    #expect(live.count == count)
    for name in workspace.delivered() {
      let owner = workspace.read("state/tokens/plant/.owner/\(name)")
      #expect(live.contains { owner.contains($0.id) && $0.description.contains("/plant/\(name)#") })
      // The file's string is that token's: it opens what the row names.
      let token = workspace.read("state/tokens/plant/\(name)")
      let asked = try await workspace.shell(
        "curl -s -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer \(token)'"
          + " '\(sandbox.url)/query?db=plant&q=SHOW%20MEASUREMENTS%20LIMIT%201'")
      #expect(asked.output == "200")
    }
    let plan = try await workspace.run("plan", "job.toml", "--state", "state", "--detailed-exitcode")
    #expect(plan.code == 0, "\(plan.everything)")
    let verified = try await workspace.run("audit", "verify", "--state", "state")
    #expect(verified.code == 0, "\(verified.everything)")
    try await sandbox.expectGoodConduct()
  }
}
