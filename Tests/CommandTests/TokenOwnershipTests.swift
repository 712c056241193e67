import Foundation
import Testing

/// Whose a token is that was asked for by hand, and what becomes of one that nobody has.
@Suite(.fewAtATime) struct TokenOwnershipTests {
  private func id(_ outcome: Workspace.Outcome) throws -> String {
    let object = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any]
    return try #require(object?["id"] as? String, "\(outcome.everything)")
  }

  /// A row's `replaces` makes a token the job's, whatever its description says.
  @Test func aTokenThatWasTakenOverIsTheJobs() async throws {
    let workspace = try Workspace()
    let (sandbox, options) = try await workspace.startProfiledSandbox()
    let old = try id(
      try await workspace.shell(
        "tokenrotate \(options) token create --read-database DATABASE_NAME --format json Report"))
    try workspace.write("job.toml", Workspace.tokenJob + "\n[rotation]\noverlap = \"7d\"\n")
    try workspace.write("tokens.csv", "name,replaces\nreport,\(old)\n")
    let run = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(run.code == 0, "\(run.everything)")
    for verb in ["revoke --force", "update --read-database DATABASE2_NAME"] {
      let refused = try await workspace.shell("tokenrotate \(options) token \(verb) \(old)")
      #expect(refused.code == 1 && refused.errors.contains("is report of job plant"), "\(refused.everything)")
    }
    #expect(try await sandbox.liveTokens().count == 2)
    try await sandbox.stop()
  }

  @Test func aStoredTokenLeavesItsPlaceWhateverTheOptions() async throws {
    let workspace = try Workspace()
    let (sandbox, options) = try await workspace.startProfiledSandbox()
    let stored = "tokenrotate \(options) token create --store --read-database DATABASE_NAME --format json"
    let first = try id(try await workspace.shell("\(stored) Lab"))
    try workspace.write("job.toml", Workspace.tokenJob)
    try workspace.write("tokens.csv", "name,read_database\nline,DATABASE_NAME\n")
    let revoked = try await workspace.shell(
      "tokenrotate token revoke --state state --job job.toml --force \(first)")
    #expect(revoked.code == 0, "\(revoked.everything)")
    #expect(try await sandbox.liveTokens().isEmpty)
    #expect(!workspace.exists("state/tokens/token-store.5a4db0c5/Lab"))
    // The name has had its token; what is gone is not passed off for one that is there.
    let again = try await workspace.shell("\(stored) Lab")
    #expect(again.code == 2 && again.errors.contains("--name") && again.output.isEmpty, "\(again.everything)")
    try await sandbox.stop()
  }

  /// A name stands for one token: another one under it is refused before anything is changed.
  @Test func aNameThatIsTakenChangesNothing() async throws {
    let workspace = try Workspace()
    let (sandbox, options) = try await workspace.startProfiledSandbox()
    let stored = "tokenrotate \(options) token create --store"
    #expect(try await workspace.shell("\(stored) --read-database DATABASE_NAME Müller").code == 0)
    let before = try await sandbox.liveTokens().map(\.description)
    for more in [
      "--read-database DATABASE_NAME Möller", "--read-database DATABASE2_NAME Müller",
      "--read-database DATABASE_NAME --expires-at 2099-01-01T00:00:00Z Müller",
    ] {
      let refused = try await workspace.shell("\(stored) \(more)")
      #expect(
        refused.code == 2 && refused.errors.contains("M-ller: there is a token"), "\(refused.everything)")
    }
    let nameless = try await workspace.shell("\(stored) --read-database DATABASE_NAME 温度")
    #expect(nameless.code == 2 && nameless.errors.contains("--name"), "\(nameless.everything)")
    #expect(try await sandbox.liveTokens().map(\.description) == before)
    // A row's name is the row's, also before its first run.
    try workspace.write("job.toml", Workspace.tokenJob)
    try workspace.write("tokens.csv", "name,read_database\nline,DATABASE_NAME\n")
    for hasRun in [false, true] {
      if hasRun { #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 0) }
      let refused = try await workspace.shell(
        "tokenrotate token create --state state --job job.toml --store --name line --read-database DATABASE_NAME x"
      )
      #expect(
        refused.code == 2 && refused.errors.contains("the job's CSV has a row"), "\(refused.everything)")
    }
    #expect(try await sandbox.requests()["update"] == nil)
    try await sandbox.expectGoodConduct()
    try await sandbox.stop()
  }

  /// It is not said to be revoked while it is not, and somebody looks again.
  @Test func aTokenThatCouldNotBeRevokedIsToldAndSweptByTheNextRun() async throws {
    let workspace = try Workspace()
    let (sandbox, options) = try await workspace.startProfiledSandbox(["--fault", "revoke:error-before=503"])
    let create = try await workspace.shell(
      "tokenrotate \(options) token create --read-database DATABASE_NAME x >/dev/full")
    #expect(create.code == 1 && create.errors.contains("is NOT revoked"), "\(create.everything)")
    #expect(!create.errors.contains(", is revoked"))
    try await sandbox.post("faults")
    try workspace.write("job.toml", Workspace.tokenJob)
    try workspace.write("tokens.csv", "name,read_database\nline,DATABASE_NAME\n")
    for _ in 0..<2 {
      let run = try await workspace.run("run", "job.toml", "--state", "state")
      #expect(run.code == 0, "\(run.everything)")
    }
    #expect(try await sandbox.liveTokens().allSatisfy { $0.description.contains("/plant/line#") })
    #expect(try await workspace.run("audit", "verify", "--state", "state").code == 0)
    try await sandbox.stop()
  }

  /// A signal while the cluster answers: nobody waits for the string any more.
  @Test func anInterruptedCallLeavesNoToken() async throws {
    let workspace = try Workspace()
    let (sandbox, options) = try await workspace.startProfiledSandbox(["--fault", "create:slow=1s:next=1"])
    let words = options.split(separator: " ").map(String.init)
    let call = try workspace.start(words + ["token", "create", "--read-database", "DATABASE_NAME", "x"])
    try await eventually("the token is made") { try await sandbox.liveTokens().count == 1 }
    call.program.send(SIGTERM)
    let outcome = try await call.outcome()
    #expect(outcome.code == 143 && outcome.errors.contains(", is revoked."), "\(outcome.everything)")
    #expect(try await sandbox.liveTokens().isEmpty)
    try await sandbox.stop()
  }

  /// Several machines ask for tokens of one cluster, each with a state directory of its own.
  @Test func anothersTokensAreNobodysTrouble() async throws {
    let workspace = try Workspace()
    let (sandbox, options) = try await workspace.startProfiledSandbox()
    for state in ["one", "two"] {
      for form in ["a >/dev/null", "--store b >/dev/null"] {
        let call = options.replacing("--state state", with: "--state \(state)")
        let outcome = try await workspace.shell(
          "tokenrotate \(call) token create --read-database DATABASE_NAME \(form)")
        #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(state): \(outcome.everything)")
      }
    }
    #expect(try await sandbox.liveTokens().count == 4)
    try await sandbox.stop()
  }

  @Test func whatCannotBeMeantIsRefusedAtOnce() async throws {
    let workspace = try Workspace()
    let (sandbox, options) = try await workspace.startProfiledSandbox()
    let made = try id(
      try await workspace.shell(
        "tokenrotate \(options) token create --read-database DATABASE_NAME --format json x"))
    for (verb, words) in [
      ("get nope", "is not the id of a token"),
      ("revoke --force \(made) ../databases", "is not the id of a token"),
      ("update --read-database DATABASE_NAM \(made)", "is it \"DATABASE_NAME\"?"),
      ("update \(made)", "no permission"),
    ] {
      let outcome = try await workspace.shell("tokenrotate \(options) token \(verb)")
      #expect(outcome.code == 2 && outcome.errors.contains(words), "\(verb): \(outcome.everything)")
    }
    let stranger = "99999999-9999-4999-8999-999999999999"
    let both = try await workspace.shell("tokenrotate \(options) token revoke --force \(made) \(stranger)")
    #expect(both.code == 1 && both.errors.contains("none of the others was changed"), "\(both.everything)")
    #expect(try await sandbox.liveTokens().count == 1)
    try await sandbox.stop()
  }
}
