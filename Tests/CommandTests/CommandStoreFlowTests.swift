import Foundation
import RotationTestKit
import Testing

/// The examples of docs/command-store.md, word for word, with the real programs.
@Suite(.fewAtATime) struct CommandStoreFlowTests {
  struct Example: CustomTestStringConvertible, Sendable {
    var heading: String
    /// What has to be there before.
    var preparation: String
    /// Shows a token, `NAME` standing for it.
    var show: String
    var testDescription: String { heading }
  }

  static let examples = [
    Example(
      heading: "pass",
      preparation: """
        gpg --batch --quiet --passphrase '' --quick-generate-key rotator@example.com default default never &&
          pass init rotator@example.com
        """, show: "pass show influxdb/plant/NAME"),
    Example(
      heading: "age",
      preparation: """
        age-keygen -o identity.txt && age-keygen -y identity.txt > recipients.txt &&
          umask 077 && openssl rand -hex 32 > pending-key
        """, show: "age --decrypt --identity identity.txt tokens/NAME.age"),
    Example(
      heading: "systemd credentials", preparation: "true",
      show: "systemd-creds decrypt --name=NAME credstore/NAME -"),
  ]

  /// The first block of configuration under a heading, with the places of the machine made the workspace's.
  private static func block(_ heading: String, in workspace: Workspace) throws -> String {
    let page = Workspace.text(of: checkout + "/docs/command-store.md")
    let section = try #require(page.components(separatedBy: "### \(heading)\n").dropFirst().first)
    let block = try #require(section.components(separatedBy: "```toml\n").dropFirst().first)
    return try #require(block.components(separatedBy: "```").first)
      .replacing("/srv/tokens/", with: workspace.folder + "/tokens/")
      .replacing("/etc/credstore.encrypted/", with: workspace.folder + "/credstore/")
  }

  @Test(arguments: examples) func anExampleWorks(_ example: Example) async throws {
    let workspace = try Workspace()
    workspace.makeFolder("tokens", mode: 0o700)
    workspace.makeFolder("credstore", mode: 0o700)
    let home = workspace.root + "/home"
    chmod(home, 0o700)
    let prepared = try await workspace.shell(example.preparation)
    try #require(prepared.code == 0, "\(prepared.everything)")
    let sandbox = try await workspace.startSandbox()
    try workspace.writeJob(rows: Workspace.rows(1...3), more: try Self.block(example.heading, in: workspace))
    let first = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(first.code == 0, "\(first.everything)")
    let old = try await shown(example, "line-1", workspace)
    #expect(old.hasPrefix("apiv1_"))
    let rotated = try await workspace.run("rotate", "job.toml", "line-1", "--state", "state")
    #expect(rotated.code == 0, "\(rotated.everything)")
    let new = try await shown(example, "line-1", workspace)
    #expect(new.hasPrefix("apiv1_") && new != old)
    let back = try await workspace.run("rollback", "job.toml", "line-1", "--state", "state")
    #expect(back.code == 0, "\(back.everything)")
    #expect(try await shown(example, "line-1", workspace) == old)
    #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 0)
    try workspace.writeRows(["line-1,plant,", "line-3,plant,"])
    let retired = try await workspace.run("retire", "job.toml", "line-2", "--now", "--state", "state")
    #expect(retired.code == 0, "\(retired.everything)")
    let gone = try await workspace.shell(example.show.replacing("NAME", with: "line-2"))
    #expect(gone.code != 0)
    // Nothing waits any more, and what was written of all this has no part of a string.
    #expect(workspace.list("state/stores/plant/\(storeName(example))/pending").isEmpty)
    let windows = Windows([old, new].map { String($0.dropFirst("apiv1_".count)) })
    for name in ["state/audit.jsonl", "state/ledger.sqlite"] {
      #expect(!windows.occur(in: Array(FileManager.default.contents(atPath: workspace.path(name)) ?? Data())))
    }
    _ = try await workspace.shell("gpgconf --kill all")
    try await sandbox.expectGoodConduct()
  }

  private func storeName(_ example: Example) -> String {
    example.heading == "systemd credentials" ? "systemd-creds" : example.heading
  }

  private func shown(_ example: Example, _ name: String, _ workspace: Workspace) async throws -> String {
    let outcome = try await workspace.shell(example.show.replacing("NAME", with: name))
    #expect(outcome.code == 0, "\(outcome.everything)")
    return outcome.output.trimmingCharacters(in: .newlines)
  }
}
