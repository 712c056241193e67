import Foundation
import Testing

/// The cluster refuses, is not there, or takes its time.
@Suite(.fewAtATime) struct ClusterTroubleTests {
  @Test func aRefusedManagementTokenEndsItsJobAndNoOther() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.writeJob(
      "jobs/a/job.toml", name: "first", rows: Workspace.rows(1...3),
      more: "[cluster]\nmanagement_token = { file = \"wrong\" }")
    try workspace.write("jobs/a/wrong", "M.V1.this-is-not-the-right-one-0000000", mode: 0o600)
    try workspace.writeJob("jobs/b/job.toml", name: "second", rows: Workspace.rows(1...1))
    let outcome = try await workspace.run("run", "jobs", "--state", "state")
    #expect(outcome.code == 4, "\(outcome.everything)")
    #expect(outcome.errors.contains("401"), "\(outcome.everything)")
    #expect(!outcome.everything.contains("not-the-right-one"))
    #expect(try await sandbox.liveTokens().count == 1)
    #expect(workspace.delivered("second") == ["line-1"])
    #expect(workspace.delivered("first") == [])
  }

  @Test func aClusterThatIsDownCostsNothingButTime() async throws {
    let workspace = try Workspace()
    var sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    let address = sandbox.url.dropFirst("http://".count)
    try workspace.writeJob(rows: Workspace.rows(1...2))
    // Nothing listens there from now on.
    try await sandbox.stop()
    let down = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(down.code == 1, "\(down.everything)")
    #expect(down.errors.contains(address), "\(down.everything)")
    #expect(down.errors.lowercased().contains("connect"), "\(down.everything)")
    #expect(try await workspace.run("audit", "verify", "--state", "state").code == 0)
    sandbox = try await workspace.startSandbox(
      "--listen", String(address), "--activation-delay", "0s", "--activation-spread", "0s")
    let up = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(up.code == 0, "\(up.everything)")
    #expect(workspace.delivered() == ["line-1", "line-2"])
    #expect(try await sandbox.creations() == 2)
    try await sandbox.expectGoodConduct()
  }

  @Test func activationThatTakesTooLongIsWaitedForByTheNextRun() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "1000s", "--activation-spread", "0s")
    try workspace.writeJob(rows: Workspace.rows(1...2), activation: "timeout = \"2s\"")
    for _ in 1...2 {
      let waiting = try await workspace.run("run", "job.toml", "--state", "state")
      #expect(waiting.code == 5, "\(waiting.everything)")
      #expect(waiting.errors.contains("2 tokens are not active yet"), "\(waiting.everything)")
      #expect(workspace.delivered() == [])
    }
    try await sandbox.post("activate")
    let active = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(active.code == 0, "\(active.everything)")
    #expect(workspace.delivered() == ["line-1", "line-2"])
    #expect(try await sandbox.creations() == 2)
    #expect(try await sandbox.liveTokens().count == 2)
    try await sandbox.expectGoodConduct()
  }

  @Test func aSecondRunFindsTheLockAndAsksNothing() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "1000s", "--activation-spread", "0s")
    try workspace.writeJob(rows: Workspace.rows(1...1))
    try workspace.writeJob("other/job.toml", name: "other", rows: Workspace.rows(1...1))
    let first = try workspace.start(["run", "job.toml", "--state", "state"])
    try await eventually("the first run has created its token") { try await sandbox.creations() == 1 }
    let second = try await workspace.run("run", "other", "--state", "state")
    #expect(second.code == 3, "\(second.everything)")
    #expect(second.errors.contains("/state/lock"), "\(second.everything)")
    let third = try workspace.start(["run", "other", "--state", "state", "--wait-for-lock", "5m"])
    // `plan` takes no lock.
    #expect(try await workspace.run("plan", "job.toml", "--state", "state").code == 0)
    #expect(third.program.isRunning)
    #expect(try await sandbox.creations() == 1)
    try await sandbox.post("activate")
    #expect(try await first.outcome().code == 0)
    try await eventually("the third run has created its token") { try await sandbox.creations() == 2 }
    try await sandbox.post("activate")
    let waited = try await third.outcome()
    #expect(waited.code == 0, "\(waited.everything)")
    #expect(workspace.delivered("other") == ["line-1"])
  }

  @Test func foreignMarkersAreReportedAndNeverTouched() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.writeJob(rows: Workspace.rows(1...2))
    #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 0)
    let marker = "[tokenrotate 0123456789abcdef/plant/line-1#fedcba9876543210]"
    try await sandbox.createToken("of another installation \(marker)", in: workspace)
    try await sandbox.createToken(
      "of another job [tokenrotate 0123456789abcdef/other/line-1#fedcba9876543210]", in: workspace)
    let before = try await sandbox.requests()
    let outcome = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(outcome.code == 8, "\(outcome.everything)")
    #expect(outcome.errors.contains(marker), "\(outcome.everything)")
    #expect(!outcome.errors.contains("/other/"), "\(outcome.everything)")
    #expect(try await sandbox.liveTokens().count == 4)
    let after = try await sandbox.requests()
    for change in ["create", "update", "revoke"] { #expect(after[change] == before[change]) }
    // An empty ledger cannot know whose they are.
    let empty = try await workspace.run("run", "job.toml", "--state", "elsewhere")
    #expect(empty.code == 8, "\(empty.everything)")
    #expect(empty.errors.contains("adopt"), "\(empty.everything)")
    #expect(try await sandbox.requests()["create"] == before["create"])
  }
}
