import Foundation
import Testing

/// `import`, and then the job that takes over what was imported.
@Suite(.fewAtATime) struct ImportTests {
  /// Tokens that somebody made by hand, as the Management API takes them.
  private static let byHand = [
    #"{"description":"Telegraf, \"line 1\"","permissions":[{"action":"write","resource":"plant"}]}"#,
    #"{"description":"lab","permissions":[{"action":"read","resource":"plant"},{"action":"write","resource":"weather"}]}"#,
    #"{"description":"lab!","permissions":[{"action":"read","resource":"*"}],"expiresAt":"2099-01-01T00:00:00Z"}"#,
    #"{"description":"nothing","permissions":[]}"#,
  ]

  @Test func whatExistsIsImportedCheckedAndRotated() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    for body in ImportTests.byHand {
      let made = try await workspace.shell(
        "curl -sf -o /dev/null -H 'Authorization: Bearer \(SandboxProcess.managementToken)' "
          + "-H 'Content-Type: application/json' --data-raw '\(body)' "
          + "\(sandbox.url)/api/v0/accounts/5a4db0c5-0000-4000-8000-000000000001/clusters/"
          + "5a4db0c5-0000-4000-8000-000000000002/tokens")
      #expect(made.code == 0, "\(made.everything)")
    }
    try workspace.write(
      "job.toml",
      """
      name = "plant"
      specification = "tokens.csv"
      [activation]
      settle = "0s"
      [rotation]
      overlap = "0s"
      [[store]]
      kind = "file"
      directory = "tokens"
      """)
    // One that was shown by `token create` is its owner's, and is imported like the others.
    let shown = try await workspace.shell(
      "tokenrotate token create --state state --job job.toml --read-database weather Report >/dev/null")
    #expect(shown.code == 0, "\(shown.everything)")
    let before = try await sandbox.liveTokens()
    // The shell has emptied the file before the program looks at it.
    let imported = try await workspace.shell("tokenrotate import --job job.toml > tokens.csv")
    #expect(imported.code == 0, "\(imported.everything)")
    #expect(
      imported.errors == """
        4 tokens imported
        1 left out: without any permission
        1 with the expiry of the token that exists: expires_in lets it be renewed

        """)
    let csv = workspace.read("tokens.csv").split(separator: "\n").map(String.init)
    #expect(csv[0] == "name,description,read_database,write_database,expires_at,replaces")
    #expect(csv.contains { $0.hasPrefix(#"Telegraf-line-1,"Telegraf, ""line 1""",,plant,,"#) }, "\(csv)")
    #expect(csv.contains { $0.hasPrefix("Report,,weather,,,") }, "\(csv)")
    #expect(csv.contains { $0.hasPrefix("lab,,") } && csv.contains { $0.hasPrefix("lab-2,lab!,") }, "\(csv)")

    let check = try await workspace.run("check", "job.toml")
    #expect(check.code == 0, "\(check.everything)")
    let run = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(run.code == 0, "\(run.everything)")
    // An overlap of nothing ends with the next second of the cluster's clock.
    try await eventually("the old tokens are gone") {
      let again = try await workspace.run("run", "job.toml", "--state", "state")
      #expect(again.code == 0, "\(again.everything)")
      return try await sandbox.liveTokens().count == before.count
    }
    let after = try await sandbox.liveTokens()
    // Each was replaced by one of the job's that may do the same, and is gone; what cannot be used was left.
    #expect(after.count == before.count)
    let gone = Set(before.map(\.id)).subtracting(after.map(\.id))
    #expect(gone.count == 4)
    #expect(after.filter { $0.description.contains("/plant/") }.count == 4)
    #expect(workspace.list("tokens") == ["Report", "Telegraf-line-1", "lab", "lab-2"])

    // Said again, there is nothing that the job does not look after.
    let second = try await workspace.run("import", "--job", "job.toml")
    #expect(
      second.output == csv[0] + "\n" && second.errors.contains("4 left out: made by a job"),
      "\(second.everything)")
    try await sandbox.expectGoodConduct()
    try await sandbox.stop()
  }
}
