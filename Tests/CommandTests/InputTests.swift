import Foundation
import Testing

/// What is wrong with files, settings and permissions: exit 2, and the cluster hears nothing of it.
@Suite(.fewAtATime) struct InputTests {
  @Test func aWrongCSVLeavesItsJobAloneAndOthersAreDone() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.writeJob("jobs/a/job.toml", name: "first", rows: ["line-1,plant,", "line 2,plant,"])
    try workspace.writeJob("jobs/b/job.toml", name: "second", rows: ["line-1,plant,"])
    let outcome = try await workspace.run("run", "jobs", "--state", "state")
    #expect(outcome.code == 2, "\(outcome.everything)")
    #expect(outcome.errors.contains("jobs/a/tokens.csv:3:5: "), "\(outcome.everything)")
    #expect(workspace.delivered("first") == [])
    #expect(workspace.delivered("second") == ["line-1"])
    let live = try await sandbox.liveTokens()
    #expect(live.count == 1 && live.allSatisfy { $0.description.contains("/second/line-1#") })
    try await sandbox.expectGoodConduct()
  }

  @Test func aWrongCSVAloneIsNotEvenAskedAbout() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox()
    try workspace.writeJob(rows: ["line-1,plant,", "line-1,plant,"])
    #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 2)
    #expect(try await sandbox.total() == 0)
    #expect(!workspace.exists("state"))
  }

  @Test func anUnknownDatabaseIsShownWithItsPlace() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox()
    try workspace.writeJob(rows: ["line-1,plant,", "line-2,plant;plnt,", "line-3,,wether"])
    let outcome = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(outcome.code == 2, "\(outcome.everything)")
    for place in ["tokens.csv:3:14: ", "tokens.csv:4:9: "] {
      #expect(outcome.errors.contains(place), "\(outcome.everything)")
    }
    #expect(try await sandbox.creations() == 0)
    #expect(try await sandbox.liveTokens().isEmpty)
    // Corrected, the job is done: what was refused has left nothing behind.
    try workspace.writeRows(["line-1,plant,", "line-2,plant,", "line-3,,weather"])
    try await sandbox.post("faults")
    let corrected = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(corrected.code == 0, "\(corrected.everything)")
    #expect(try await sandbox.creations() == 3)
  }

  @Test func tooManyCreationsAreRefusedBeforeTheFirstRequest() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.writeJob(rows: Workspace.rows(1...4), more: "[limits]\nmax_creates = 3")
    let outcome = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(outcome.code == 2, "\(outcome.everything)")
    let words =
      "create 4 tokens for rows that have none (line-1, line-2, line-3 and 1 more), and max_creates is 3"
    #expect(outcome.errors.contains(words), "\(outcome.everything)")
    #expect(try await sandbox.total() == 0)
    try workspace.writeRows(Workspace.rows(1...3))
    #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 0)
    #expect(try await sandbox.creations() == 3)
  }

  @Test func oneNameForTwoJobsRefusesBoth() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox()
    try workspace.writeJob("jobs/a/job.toml", rows: ["line-1,plant,"])
    try workspace.writeJob("jobs/b/job.toml", rows: ["line-2,plant,"])
    let outcome = try await workspace.run("run", "jobs", "--state", "state")
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("the job name plant is used twice"), "\(outcome.everything)")
    #expect(try await sandbox.total() == 0)
  }

  @Test func aFolderWithoutJobsIsNoSuccess() async throws {
    let workspace = try Workspace()
    workspace.makeFolder("jobs")
    let outcome = try await workspace.run("run", "jobs", "--state", "state")
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("no job in jobs"), "\(outcome.everything)")
  }

  @Test(arguments: ["host", "management_url"])
  func clearTextIsForLoopbackOnly(_ key: String) async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox()
    // 192.0.2.0/24 is nobody's: should the address be tried after all, the run hangs and the test fails.
    try workspace.writeJob(rows: ["line-1,plant,"], more: "[cluster]\n\(key) = \"http://192.0.2.1\"")
    let outcome = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(outcome.code == 2)
    #expect(outcome.errors.contains("job.toml:8:"), "\(outcome.everything)")
    #expect(outcome.errors.contains("`\(key)`: http:// would send tokens in clear"))
    #expect(try await sandbox.total() == 0)
  }

  @Test func aManagementTokenThatAllCanReadIsRefusedWithTheCommandThatMendsIt() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.writeJob(
      rows: ["line-1,plant,"], more: "[cluster]\nmanagement_token = { file = \"management token\" }")
    try workspace.write("management token", SandboxProcess.managementToken + "\n", mode: 0o644)
    let outcome = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(outcome.code == 2, "\(outcome.everything)")
    #expect(try await sandbox.total() == 0)
    #expect(!outcome.everything.contains("for-tests-only"))
    // The hint is a command as it stands.
    let hint = outcome.errors.components(separatedBy: "\n").first { $0.contains("hint: chmod ") }
    let command = try #require(hint?.components(separatedBy: "hint: ").last, "\(outcome.everything)")
    #expect(try await workspace.shell(command).code == 0)
    let mended = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(mended.code == 0, "\(mended.everything)")
    #expect(workspace.delivered() == ["line-1"])
  }

  @Test(
    .enabled(if: geteuid() == 0, "the rule is about what root may believe"),
    arguments: ["chmod 666 job.toml", "chmod 666 tokens.csv", "chmod 777 .", "chown 1 job.toml"])
  func rootRefusesFilesThatOthersCanWrite(_ change: String) async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox()
    try workspace.writeJob(rows: ["line-1,plant,"])
    #expect(try await workspace.shell(change).code == 0)
    let outcome = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(outcome.code == 2, "\(outcome.everything)")
    #expect(outcome.errors.contains("tokenrotate runs as root"), "\(outcome.everything)")
    #expect(try await sandbox.total() == 0)
  }

  @Test(
    .enabled(if: geteuid() == 0, "the rule is about what root may believe"),
    arguments: [
      "chmod 777 state", "chmod 771 state", "chown 1 state",
      "mv state real; chmod o+w real; ln -s real state",
    ])
  func rootRefusesAStateDirectoryThatOthersCanWrite(_ change: String) async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.writeJob(rows: ["line-1,plant,"])
    #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 0)
    #expect(try await workspace.shell(change).code == 0)
    let before = try await sandbox.total()
    for command in ["run", "plan", "adopt"] {
      let outcome = try await workspace.run(command, "job.toml", "--state", "state")
      #expect(outcome.code == 2, "\(outcome.everything)")
      #expect(outcome.errors.contains("\(workspace.folder)/state"), "\(outcome.everything)")
    }
    #expect(try await sandbox.total() == before)
    let repair = try await workspace.run("audit", "repair", "--state", "state")
    #expect(repair.code == 2, "\(repair.everything)")
    // The hint is a command as it stands.
    let hint = repair.errors.components(separatedBy: "hint: ").last
    let command = try #require(hint?.components(separatedBy: "\n").first, "\(repair.everything)")
    #expect(try await workspace.shell(command).code == 0, "\(repair.everything)")
    let mended = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(mended.code == 0, "\(mended.everything)")
  }

  @Test func aProfileOfInfluxctlIsTakenByItsName() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.writeJob(
      rows: ["line-1,plant,"],
      more: """
        [cluster]
        profile = "default"
        host = "\(sandbox.url)"
        management_url = "\(sandbox.url)/api/v0"
        """)
    try workspace.write("none.toml", "")
    let profiles = [
      "default": "M.V1.wrong-token-of-the-default-profile", "plant": SandboxProcess.managementToken,
    ]
    try workspace.write(
      "influxctl.toml",
      profiles.sorted { $0.key < $1.key }.map { name, token in
        """
        [[profile]]
        name = "\(name)"
        product = "dedicated"
        account_id = "5a4db0c5-0000-4000-8000-000000000001"
        cluster_id = "5a4db0c5-0000-4000-8000-000000000002"
        mgmt_token = "\(token)"

        """
      }.joined(), mode: 0o600)
    func run(_ more: String...) async throws -> Workspace.Outcome {
      try await workspace.start(
        ["run", "job.toml", "--state", "state", "--defaults", "none.toml", "--config", "influxctl.toml"]
          + more
      ).outcome()
    }
    let first = try await run()
    #expect(first.code == 4, "\(first.everything)")
    let missing = try await run("--profile", "nobody")
    #expect(missing.code == 2, "\(missing.everything)")
    #expect(missing.errors.contains("nobody"))
    let named = try await run("--profile", "plant")
    #expect(named.code == 0, "\(named.everything)")
    #expect(try await sandbox.liveTokens().count == 1)
    // The profile may name the host as well.
    try workspace.writeJob(
      rows: ["line-1,plant,"],
      more: "[cluster]\nprofile = \"hosted\"\nmanagement_url = \"\(sandbox.url)/api/v0\"")
    try workspace.write(
      "influxctl.toml",
      """
      [[profile]]
      name = "hosted"
      product = "dedicated"
      account_id = "5a4db0c5-0000-4000-8000-000000000001"
      cluster_id = "5a4db0c5-0000-4000-8000-000000000002"
      host = "cluster.example"
      mgmt_token = "\(SandboxProcess.managementToken)"
      """, mode: 0o600)
    let hosted = try await run()
    #expect(hosted.code == 0, "\(hosted.everything)")
    for outcome in [first, missing, named, hosted] {
      #expect(!outcome.everything.contains("wrong-token"))
      #expect(!outcome.everything.contains("for-tests-only"))
    }
  }
}
