import Foundation
import Testing

/// The store cannot take a token, or the audit log is not what it was.
@Suite(.fewAtATime) struct StoreAndAuditTests {
  @Test func aTokenThatCannotBeDeliveredIsDeliveredLater() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "1000s", "--activation-spread", "0s")
    try workspace.writeJob(rows: Workspace.rows(1...2))
    let call = try workspace.start(["run", "job.toml", "--state", "state"])
    try await eventually("both tokens are staged") {
      workspace.list("state/tokens/plant/.pending") == ["line-1", "line-2"]
    }
    // Something stands in the place of the file that is to be written.
    workspace.makeFolder("state/tokens/plant/line-1")
    try workspace.write("state/tokens/plant/line-1/keep", "")
    try await sandbox.post("activate")
    let failed = try await call.outcome()
    #expect(failed.code == 6, "\(failed.everything)")
    #expect(failed.errors.contains("state/tokens/plant/line-1"), "\(failed.everything)")
    #expect(failed.errors.contains("hint: Something else is in the place of a file"), "\(failed.everything)")
    #expect(workspace.list("state/tokens/plant/.pending") == ["line-1"])
    let again = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(again.code == 6, "\(again.everything)")
    try workspace.remove("state/tokens/plant/line-1")
    let mended = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(mended.code == 0, "\(mended.everything)")
    #expect(workspace.list("state/tokens/plant/.pending") == [])
    #expect(workspace.read("state/tokens/plant/line-1").hasPrefix("apiv1_"))
    #expect(try await sandbox.creations() == 2)
    try await sandbox.expectGoodConduct()
  }

  /// What a run leaves that was killed while it first wrote the file.
  @Test(arguments: ["", "0123"])
  func anInstallationFileThatWasLeftUnfinishedIsWrittenAnew(_ content: String) async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.writeJob(rows: Workspace.rows(1...1))
    #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 0)
    let before = workspace.read("state/installation")
    try workspace.write("state/installation", content)
    #expect(try await workspace.run("plan", "job.toml", "--state", "state").code == 0)
    let again = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(again.code == 0, "\(again.everything)")
    #expect(workspace.read("state/installation") == before && before.count == 17)
    #expect(!workspace.exists("state/installation.new"))
    // Nobody knows any more under which id the markers on the cluster were made.
    try workspace.write("state/installation", content)
    try workspace.remove("state/ledger.sqlite")
    let lost = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(lost.code == 1, "\(lost.everything)")
    #expect(lost.errors.contains("state/installation holds no installation id"), "\(lost.everything)")
    #expect(!workspace.exists("state/ledger.sqlite"))
    #expect(try await sandbox.creations() == 1)
  }

  @Test func aLogWithoutItsLedgerIsVerifiedByItself() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.writeJob(rows: Workspace.rows(1...1))
    #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 0)
    try await sandbox.expectGoodConduct()
    workspace.makeFolder("copy")
    #expect(try await workspace.shell("cp state/audit.jsonl copy/").code == 0)
    let verified = try await workspace.run("audit", "verify", "--state", "copy")
    #expect(verified.code == 0, "\(verified.everything)")
    #expect(verified.output.contains("the chain is whole"), "\(verified.everything)")
    #expect(verified.output.contains("note: there is no ledger"), "\(verified.everything)")
    #expect(workspace.list("copy") == ["audit.jsonl"])
    #expect(try await workspace.shell("sed -i 2d copy/audit.jsonl").code == 0)
    #expect(try await workspace.run("audit", "verify", "--state", "copy").code == 7)
    // A ledger that should be there is missed.
    #expect(try await workspace.shell("rm state/ledger.sqlite").code == 0)
    let lost = try await workspace.run("audit", "verify", "--state", "state")
    #expect(lost.code == 7, "\(lost.everything)")
    #expect(lost.errors.contains("state/ledger.sqlite is missing"), "\(lost.everything)")
  }

  /// A way to meddle with `state/audit.jsonl`.
  struct Meddling: Sendable, CustomTestStringConvertible {
    var what: String
    var command: String
    var testDescription: String { what }
  }

  static let meddlings = [
    Meddling(
      what: "the last line edited",
      command: "sed -i '$s/root/toor/;$s/\"exit\":\"0\"/\"exit\":\"1\"/' state/audit.jsonl"),
    Meddling(what: "the last line cut off", command: "sed -i '$d' state/audit.jsonl"),
    Meddling(what: "emptied", command: ": > state/audit.jsonl"),
    Meddling(what: "removed", command: "rm state/audit.jsonl"),
    Meddling(what: "a line added", command: "tail -n 1 state/audit.jsonl >> state/audit.jsonl"),
    Meddling(what: "another installation's", command: "cp other/audit.jsonl state/audit.jsonl"),
    Meddling(what: "not writable", command: "rm state/audit.jsonl && mkdir state/audit.jsonl"),
    Meddling(
      what: "a link", command: "mv state/audit.jsonl moved && ln -s ../moved state/audit.jsonl"),
  ]

  /// A job's own audit log is nobody else's business, the shared one is everybody's.
  @Test func aDamagedAuditLogStopsTheJobsThatWriteToIt() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    let own = "[audit]\nfile = \"own.jsonl\"\n"
    try workspace.writeJob("jobs/a/job.toml", name: "a", rows: Workspace.rows(1...1), more: own)
    try workspace.writeJob("jobs/b/job.toml", name: "b", rows: Workspace.rows(1...1))
    try workspace.writeJob("jobs/c/job.toml", name: "c", rows: Workspace.rows(1...1))
    #expect(try await workspace.run("run", "jobs", "--state", "state").code == 0)
    #expect(try await workspace.shell("sed -i '$d' jobs/a/own.jsonl").code == 0)
    let partly = try await workspace.run("run", "jobs", "--state", "state")
    #expect(partly.code == 7, "\(partly.everything)")
    #expect(partly.errors.contains("own.jsonl"), "\(partly.everything)")
    #expect(
      partly.output.contains("a: left alone\nb: nothing due, 1 unchanged\nc: nothing due"),
      "\(partly.everything)")
    #expect(try await workspace.shell("sed -i '$d' state/audit.jsonl").code == 0)
    let before = try await sandbox.total()
    let none = try await workspace.run("run", "jobs", "--state", "state")
    #expect(none.code == 7, "\(none.everything)")
    #expect(none.output.contains("b: left alone\nc: left alone"), "\(none.everything)")
    #expect(
      none.errors.contains("job c was not tried: nothing can be recorded any more"), "\(none.everything)")
    #expect(try await sandbox.total() == before)
  }

  @Test(arguments: meddlings)
  func aMeddledAuditLogStopsEverything(_ meddling: Meddling) async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.writeJob(rows: Workspace.rows(1...1))
    try workspace.writeJob("other/job.toml", name: "other", rows: Workspace.rows(1...1))
    #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 0)
    #expect(try await workspace.run("run", "other", "--state", "other").code == 0)
    try workspace.writeRows(Workspace.rows(1...3))
    let before = try await sandbox.total()
    let meddled = try await workspace.shell(meddling.command)
    try #require(meddled.code == 0, "\(meddled.everything)")
    let refused = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(refused.code == 7, "\(refused.everything)")
    #expect(refused.errors.contains("state/audit.jsonl"), "\(refused.everything)")
    #expect(try await sandbox.total() == before)
    let verified = try await workspace.run("audit", "verify", "--state", "state")
    #expect(verified.code == 7, "\(verified.everything)")
  }
}
