import Foundation
import Testing

/// `token` and its verbs, with a profile of influxctl's, against the sandbox.
@Suite(.fewAtATime) struct TokenTests {
  private func start(_ workspace: Workspace, _ options: String...) async throws -> (SandboxProcess, String) {
    try await workspace.startProfiledSandbox(options)
  }

  private func json(_ outcome: Workspace.Outcome) throws -> [String: Any] {
    try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any] ?? [:]
  }

  /// What the cluster shows of a token, without our marker.
  private func described(_ token: [String: Any]) -> String {
    (token["description"] as? String ?? "").components(separatedBy: " [tokenrotate ")[0]
  }

  /// The examples of influxctl's documentation of `token create`, by what they say there, and the permissions that
  /// they ask for.
  private static let examples: [(arguments: String, permissions: Set<String>, description: String)] = [
    (
      "--read-database DATABASE_NAME --write-database DATABASE_NAME \"Read/write token for DATABASE_NAME\"",
      ["read:DATABASE_NAME", "write:DATABASE_NAME"], "Read/write token for DATABASE_NAME"
    ),
    (
      "--read-database \"*\" --write-database \"*\" \"Read/write token for all databases\"",
      ["read:*", "write:*"], "Read/write token for all databases"
    ),
    (
      "--read-database DATABASE_NAME \"Read-only token for DATABASE_NAME\"", ["read:DATABASE_NAME"],
      "Read-only token for DATABASE_NAME"
    ),
    (
      "--read-database DATABASE_NAME --read-database DATABASE2_NAME "
        + "\"Read-only token for DATABASE_NAME and DATABASE2_NAME\"",
      ["read:DATABASE_NAME", "read:DATABASE2_NAME"], "Read-only token for DATABASE_NAME and DATABASE2_NAME"
    ),
    (
      "--read-database DATABASE_NAME --read-database DATABASE2_NAME --write-database DATABASE2_NAME "
        + "\"Read-only on DATABASE_NAME, read/write on DATABASE2_NAME\"",
      ["read:DATABASE_NAME", "read:DATABASE2_NAME", "write:DATABASE2_NAME"],
      "Read-only on DATABASE_NAME, read/write on DATABASE2_NAME"
    ),
    (
      "--read-database DATABASE_NAME --write-database DATABASE_NAME "
        + "--expires-at $(date -d \"+7 days\" +\"%Y-%m-%dT%H:%M:%S%z\") "
        + "\"Read/write token for DATABASE_NAME with 7d expiration\"",
      ["read:DATABASE_NAME", "write:DATABASE_NAME"], "Read/write token for DATABASE_NAME with 7d expiration"
    ),
  ]

  @Test func everyExampleOfInfluxctlsPageRunsWithTheNameExchanged() async throws {
    let workspace = try Workspace()
    let (sandbox, options) = try await start(workspace)
    for (index, example) in TokenTests.examples.enumerated() {
      let table = try await workspace.shell("tokenrotate \(options) token create \(example.arguments)")
      #expect(table.code == 0, "\(example.arguments): \(table.everything)")
      #expect(table.output.contains("apiv1_") && table.errors.isEmpty)
      let outcome = try await workspace.shell(
        "tokenrotate \(options) token create \(example.arguments) --format json")
      let token = try json(outcome)
      #expect(described(token) == example.description)
      let permissions = token["permissions"] as? [[String: String]] ?? []
      #expect(Set(permissions.map { "\($0["action"] ?? ""):\($0["resource"] ?? "")" }) == example.permissions)
      #expect((token["access_token"] as? String)?.count == 94)
      #expect((token["expires_at"] is NSNull) == (index < 5), "\(token)")
    }
    let live = try await sandbox.liveTokens()
    #expect(live.count == 2 * TokenTests.examples.count)
    #expect(live.allSatisfy { $0.description.contains(" [tokenrotate ") })
    #expect(try await workspace.run("audit", "verify", "--state", "state").code == 0)
    let log = workspace.read("state/audit.jsonl")
    #expect(log.components(separatedBy: "\"event\":\"secret.shown\"").count == live.count + 1)
    #expect(!log.contains("apiv1_"))
    try await sandbox.expectGoodConduct()
    try await sandbox.stop()
  }

  @Test func aTokenThatWaitedForWorksWhenTheCommandReturns() async throws {
    let workspace = try Workspace()
    let (sandbox, options) = try await start(workspace)
    try workspace.write("job.toml", Workspace.tokenJob)
    let outcome = try await workspace.shell(
      "tokenrotate token create --state state --job job.toml --wait --write-database DATABASE_NAME --format json Line"
    )
    #expect(outcome.code == 0, "\(outcome.everything)")
    let token = try #require(try json(outcome)["access_token"] as? String)
    let status = try await workspace.shell(
      "curl -s -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer \(token)' "
        + "'\(sandbox.url)/api/v2/write?bucket=DATABASE_NAME' -X POST")
    #expect(status.output == "204")
    // One that is not to be had in time is shown all the same, and the exit code says so.
    try await sandbox.post("faults", "write:error-before=401\nquery:error-before=401")
    let late = try await workspace.shell(
      "tokenrotate token create --state state --job job.toml --wait --write-database DATABASE_NAME Late")
    #expect(late.code == 5 && late.output.contains("apiv1_"), "\(late.everything)")
    #expect(late.errors.contains("did not work within") && late.errors.contains("token revoke"))
    _ = options
    try await sandbox.stop()
  }

  @Test func whatCannotBePrintedIsRevoked() async throws {
    let workspace = try Workspace()
    let (sandbox, options) = try await start(workspace)
    for target in [">/dev/full", ">&-"] {
      let outcome = try await workspace.shell(
        "tokenrotate \(options) token create --read-database DATABASE_NAME x \(target)")
      #expect(outcome.code == 1, "\(target): \(outcome.everything)")
      #expect(outcome.errors.contains("could not be shown") && outcome.errors.contains(", is revoked."))
      #expect(!outcome.everything.contains("apiv1_"))
      #expect(try await sandbox.liveTokens().isEmpty, "\(target)")
    }
    #expect(workspace.read("state/audit.jsonl").contains("revoke.done"))
    try await sandbox.stop()
  }

  /// A caller that was killed has not seen the token for certain, and its exit code says that it failed.
  @Test func aCallThatWasKilledLeavesNothingForLong() async throws {
    let workspace = try Workspace()
    let (sandbox, options) = try await start(workspace, "--fault", "create:slow=2s:next=1")
    let words = options.split(separator: " ").map(String.init)
    let call = try workspace.start(words + ["token", "create", "--read-database", "DATABASE_NAME", "x"])
    try await eventually("the token is made") { try await sandbox.liveTokens().count == 1 }
    call.program.send(SIGKILL)
    #expect(try await call.outcome().ending == .killed(signal: SIGKILL))
    let made = try await sandbox.liveTokens().map(\.id)
    let next = try await workspace.shell(
      "tokenrotate \(options) token create --read-database DATABASE_NAME --format json y")
    #expect(next.code == 0, "\(next.everything)")
    let live = try await sandbox.liveTokens().map(\.id)
    #expect(live == [try json(next)["id"] as? String ?? ""] && !made.contains(live[0]))
    try await sandbox.stop()
  }

  @Test func listGetUpdateAndRevoke() async throws {
    let workspace = try Workspace()
    let (sandbox, options) = try await start(workspace)
    var ids: [String] = []
    for name in ["b", "a"] {
      let outcome = try await workspace.shell(
        "tokenrotate \(options) token create --read-database DATABASE_NAME --format json \(name)")
      ids.append(try json(outcome)["id"] as? String ?? "")
    }
    let list = try await workspace.shell("tokenrotate \(options) token list --sort description")
    // As influxctl's own documentation cuts its table apart.
    let cut = try await workspace.shell(
      "tokenrotate token list \(options) | grep '| .* b ' | head -n1 | cut -d' ' -f2")
    #expect(cut.output == ids[0] + "\n", "\(list.output)")
    #expect(
      list.output.split(separator: "\n").filter { $0.contains("[tokenrotate ") }.first?.contains(" a ")
        == true)
    let listed = try await workspace.shell("tokenrotate \(options) token list --format json")
    let tokens = try JSONSerialization.jsonObject(with: Data(listed.output.utf8)) as? [[String: Any]] ?? []
    #expect(Set(tokens.compactMap { $0["id"] as? String }) == Set(ids))
    #expect(
      tokens.allSatisfy { $0["account_id"] != nil && $0["cluster_id"] != nil && $0["access_token"] == nil })

    let updated = try await workspace.shell(
      "tokenrotate \(options) token update --read-database '*' --write-database DATABASE2_NAME \(ids[0])")
    #expect(updated.code == 0, "\(updated.everything)")
    let got = try await workspace.shell("tokenrotate \(options) token get \(ids[0])")
    #expect(got.output.contains("| May read    | *") && got.output.contains("| May write   | DATABASE2_NAME"))
    // It keeps its description, marker included.
    #expect(got.output.contains("| Description | b [tokenrotate "))

    // Not confirmed, then confirmed as with influxctl, then without a question.
    let unconfirmed = try await workspace.shell("tokenrotate \(options) token revoke \(ids[0])")
    #expect(unconfirmed.code == 2 && unconfirmed.errors.contains(ids[0]), "\(unconfirmed.everything)")
    let answered = try await workspace.shell("echo y | tokenrotate \(options) token revoke \(ids[0])")
    #expect(answered.code == 0 && answered.output == "\(ids[0]) revoked\n", "\(answered.everything)")
    let forced = try await workspace.shell("tokenrotate \(options) token delete --force \(ids[1])")
    #expect(forced.code == 0, "\(forced.everything)")
    #expect(try await sandbox.liveTokens().isEmpty)
    for verb in ["get", "update --read-database DATABASE_NAME", "revoke --force"] {
      let gone = try await workspace.shell("tokenrotate \(options) token \(verb) \(ids[0])")
      #expect(gone.code == 1 && gone.errors.contains("has no token \(ids[0])"), "\(verb): \(gone.everything)")
    }
    let log = workspace.read("state/audit.jsonl")
    for event in ["update.intended", "update.done", "revoke.intended", "revoke.done"] {
      #expect(log.contains("\"event\":\"\(event)\""), "\(event)")
    }
    #expect(try await workspace.run("audit", "verify", "--state", "state").code == 0)
    try await sandbox.expectGoodConduct()
    try await sandbox.stop()
  }

  /// What was not answered is found out; what was refused is told, and on record.
  @Test func changesWithoutAnAnswer() async throws {
    let workspace = try Workspace()
    let (sandbox, options) = try await start(workspace)
    let made = try await workspace.shell(
      "tokenrotate \(options) token create --read-database DATABASE_NAME --format json x")
    let id = try #require(try json(made)["id"] as? String)
    let update = "tokenrotate \(options) token update --read-database DATABASE2_NAME \(id)"
    let revoke = "tokenrotate \(options) token revoke --force \(id)"
    try await sandbox.post("faults", "update:answer-lost:next=1\nrevoke:error-before=500:next=1")
    let updated = try await workspace.shell(update)
    #expect(updated.code == 0 && updated.output.contains("DATABASE2_NAME"), "\(updated.everything)")
    // Nobody knows what a 500 means; the cluster still has the token.
    let failed = try await workspace.shell(revoke)
    #expect(
      failed.code == 1 && failed.errors.contains("nobody knows whether this was done"), "\(failed.everything)"
    )
    try await sandbox.post("faults", "revoke:error-before=403:next=1")
    #expect(try await workspace.shell(revoke).code == 4)
    try await sandbox.post("faults", "revoke:answer-lost:next=1")
    let revoked = try await workspace.shell(revoke)
    #expect(revoked.code == 0 && revoked.output == "\(id) revoked\n", "\(revoked.everything)")
    #expect(try await sandbox.liveTokens().isEmpty)
    let log = workspace.read("state/audit.jsonl")
    for event in ["update.done", "revoke.unknown", "revoke.refused", "revoke.done"] {
      #expect(log.contains("\"event\":\"\(event)\""), "\(event)")
    }
    try await sandbox.stop()
  }

  @Test func aStoredTokenIsNotPrintedAndOnesOfAJobAreNotTouched() async throws {
    let workspace = try Workspace()
    let (sandbox, options) = try await start(workspace)
    let command = "tokenrotate \(options) token create --store --read-database DATABASE_NAME \"Quality lab\""
    let stored = try await workspace.shell(command)
    #expect(stored.code == 0 && !stored.everything.contains("apiv1_"), "\(stored.everything)")
    let path = try #require(
      stored.output.split(separator: "\n").first { $0.hasPrefix("| Stored ") }?.split(separator: "|").last?
        .trimmingCharacters(in: .whitespaces))
    #expect(path.hasSuffix("/Quality-lab") && Workspace.text(of: path).hasPrefix("apiv1_"))
    // Said again, it is the same token.
    #expect(try await workspace.shell(command).output == stored.output)
    let id = try #require(try await sandbox.liveTokens().first?.id)
    #expect(try await sandbox.creations() == 1)

    try workspace.write("job.toml", Workspace.tokenJob)
    try workspace.write("tokens.csv", "name,read_database\nline,DATABASE_NAME\n")
    #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 0)
    let ofJob = try #require(try await sandbox.liveTokens().first { $0.id != id }?.id)
    for verb in ["revoke --force", "update --read-database DATABASE2_NAME"] {
      let refused = try await workspace.shell("tokenrotate \(options) token \(verb) \(ofJob)")
      #expect(refused.code == 1 && refused.errors.contains("is line of job plant"), "\(refused.everything)")
    }
    // Into the stores of a job, under a name of its own.
    let beside = try await workspace.shell(
      "tokenrotate token create --state state --job job.toml --store --name extra --read-database DATABASE_NAME Extra"
    )
    #expect(beside.code == 0 && workspace.read("tokens/extra").hasPrefix("apiv1_"), "\(beside.everything)")
    // What was stored without a job is taken out of its place before it is revoked.
    #expect(try await workspace.shell("tokenrotate \(options) token revoke --force \(id)").code == 0)
    #expect(access(path, F_OK) != 0)
    #expect(try await sandbox.liveTokens().allSatisfy { $0.id != id })
    try await sandbox.expectGoodConduct()
    try await sandbox.stop()
  }
}
