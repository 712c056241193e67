import Foundation
import Testing

/// What a run tells those who watch it: a file of metrics, a monitor, and a random time to begin.
@Suite(.fewAtATime) struct WatchingTests {
  @Test func metricsAreAsPrometheusWantsThem() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.writeJob(
      rows: Workspace.rows(1...3), more: "[rotation]\nevery = \"30d\"\nexpires_in = \"45d\"")
    let call = ["run", "job.toml", "--state", "state", "--quiet", "--metrics", "tokens.prom"]
    let first = try await workspace.start(call).outcome()
    #expect(first.code == 0 && first.output.isEmpty && first.errors.isEmpty, "\(first.everything)")
    let text = workspace.read("tokens.prom")
    for line in [
      #"tokenrotate_job_outcomes{rotation_job="plant",outcome="created"} 3"#,
      #"tokenrotate_tokens{rotation_job="plant",state="current"} 3"#,
      #"tokenrotate_activation_seconds_count{rotation_job="plant"} 3"#,
      #"tokenrotate_tokens_created_total{rotation_job="plant"} 3"#,
      #"tokenrotate_job_exit_code{rotation_job="plant"} 0"#,
      #"tokenrotate_undelivered_tokens{rotation_job="plant"} 0"#,
    ] {
      #expect(text.contains(line + "\n"), "\(line)\n\(text)")
    }
    let now = Date().timeIntervalSince1970
    #expect(abs(try value("run_success_timestamp_seconds", in: text) - now) < 60)
    #expect(abs(try value("oldest_token_timestamp_seconds", in: text) - now) < 60)
    let due = try value("next_due_timestamp_seconds", in: text) - now
    #expect((26 * 86_400.0...30 * 86_400.0).contains(due))
    #expect(abs(try value("next_expiry_timestamp_seconds", in: text) - now - 45 * 86_400) < 120)
    // The exporter is another user.
    #expect(try await workspace.shell("stat -c %a tokens.prom").output == "644\n")
    #expect(workspace.list(".").filter { $0.hasPrefix("tokens.prom") } == ["tokens.prom"])
    let checked = try await workspace.shell("promtool check metrics < tokens.prom")
    #expect(checked.code == 0 && checked.output.isEmpty && checked.errors.isEmpty, "\(checked.everything)")

    // A run that fails leaves the last success where it was.
    let before = try value("run_success_timestamp_seconds", in: text)
    try workspace.write(
      "tokens.csv", "name,read_database\nline-1,plant\nline-2,plant\nline-3,plant\nline-4,no\n")
    let failed = try await workspace.start(call).outcome()
    #expect(failed.code == 2, "\(failed.everything)")
    let after = workspace.read("tokens.prom")
    #expect(try value("run_exit_code", in: after) == 2)
    #expect(try value("run_success_timestamp_seconds", in: after) == before)
    #expect(after.contains(#"tokenrotate_tokens{rotation_job="plant",state="current"} 3"#), "\(after)")
    try await sandbox.expectGoodConduct()
  }

  private func value(_ name: String, in text: String) throws -> Double {
    let line = try #require(
      text.split(separator: "\n").first { $0.hasPrefix("tokenrotate_\(name)") }, "\(text)")
    return try #require(line.split(separator: " ").last.flatMap { Double($0) })
  }

  /// The rules that the page shows are ones that Prometheus takes, on metrics that there are.
  @Test func theRulesOfTheGuideAreRules() async throws {
    let workspace = try Workspace()
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(contentsOf: root.appendingPathComponent("docs/monitoring.md"), encoding: .utf8)
    let rules = try #require(
      page.components(separatedBy: "```yaml\n").last?.components(separatedBy: "```").first)
    try workspace.write("rules.yml", rules)
    let checked = try await workspace.shell("promtool check rules rules.yml")
    #expect(checked.code == 0 && checked.output.contains("3 rules found"), "\(checked.everything)")
  }

  @Test func metricsThatCannotBeWrittenAreAWarning() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.writeJob(rows: Workspace.rows(1...1))
    let outcome = try await workspace.run(
      "run", "job.toml", "--state", "state", "--quiet", "--metrics", "gone/tokens.prom")
    #expect(outcome.code == 0, "\(outcome.everything)")
    #expect(outcome.errors.hasPrefix("warning: the metrics could not be written:"), "\(outcome.everything)")
    #expect(outcome.errors.contains("gone/tokens.prom"), "\(outcome.everything)")
    #expect(workspace.delivered().contains("line-1"))
    try await sandbox.expectGoodConduct()
  }

  @Test func aMonitorIsToldOfStartSuccessAndFailure() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    let monitor = try MonitorServer()
    defer { monitor.stop() }
    try workspace.writeJob(rows: Workspace.rows(1...1))
    try workspace.write("ping", "\(monitor.url)/0c9d1b5e-secret\n", mode: 0o600)
    let good = try await workspace.run("run", "job.toml", "--state", "state", "--quiet", "--ping", "@ping")
    #expect(good.code == 0 && good.errors.isEmpty, "\(good.everything)")
    #expect(monitor.paths == ["/0c9d1b5e-secret/start", "/0c9d1b5e-secret"])
    try workspace.write("tokens.csv", "nam\n")
    let bad = try await workspace.run(
      "run", "job.toml", "--state", "state", "--quiet", "--ping", "\(monitor.url)/other/")
    #expect(bad.code == 2, "\(bad.everything)")
    #expect(monitor.paths.suffix(2) == ["/other/start", "/other/2"])
    #expect(!workspace.read("state/audit.jsonl").contains("secret"))
    try await sandbox.expectGoodConduct()
  }

  @Test(arguments: [MonitorServer.Answer.status(500), .status(404), .silence])
  func aMonitorThatDoesNotAnswerIsAWarning(_ answer: MonitorServer.Answer) async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    let monitor = try MonitorServer(answer)
    defer { monitor.stop() }
    try workspace.writeJob(rows: Workspace.rows(1...1))
    let outcome = try await workspace.run(
      "run", "job.toml", "--state", "state", "--quiet", "--ping", "\(monitor.url)/secret-path")
    #expect(outcome.code == 0, "\(outcome.everything)")
    let warnings = outcome.errors.split(separator: "\n").filter {
      $0.hasPrefix("warning: the monitor of --ping")
    }
    #expect(warnings.count == 2, "\(outcome.everything)")
    #expect(!outcome.everything.contains("secret-path"))
    #expect(workspace.delivered().contains("line-1"))
    try await sandbox.expectGoodConduct()
  }

  @Test(arguments: ["ftp://x.example/y", "http://monitor.example/uuid", "@nowhere", "@open"])
  func aMonitorThatCannotBeToldIsBadUsage(_ given: String) async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox()
    try workspace.writeJob(rows: Workspace.rows(1...1))
    try workspace.write("open", "https://monitor.example/uuid", mode: 0o644)
    let outcome = try await workspace.run("run", "job.toml", "--state", "state", "--ping", given)
    #expect(outcome.code == 2 && outcome.errors.hasPrefix("error: --ping: "), "\(outcome.everything)")
    #expect(!workspace.exists("state/ledger.sqlite"))
    #expect(try await sandbox.creations() == 0)
  }

  @Test func aRunMayBeginAtARandomTime() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.writeJob(rows: Workspace.rows(1...1))
    let short = try await workspace.run("run", "job.toml", "--state", "state", "--jitter", "200ms")
    #expect(short.code == 0, "\(short.everything)")
    try await sandbox.expectGoodConduct()
    // A signal ends the wait, and nothing was begun.
    let call = try workspace.start(["run", "job.toml", "--state", "other", "--jitter", "100h"])
    try await eventually("it catches signals") {
      let status = Workspace.text(of: "/proc/\(call.program.identifier)/status")
      let line = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }
      let caught = line.flatMap { UInt64($0.split(separator: "\t").last ?? "", radix: 16) } ?? 0
      // SIGINT and SIGTERM.
      return caught & 0x4002 == 0x4002
    }
    kill(call.program.identifier, SIGTERM)
    let stopped = try await call.outcome()
    #expect(stopped.code == 143, "\(stopped.everything)")
    #expect(!workspace.exists("other"))
  }
}
