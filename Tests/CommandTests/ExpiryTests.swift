import Foundation
import Testing

/// Which expiry a token is created with: its row's, else the job's.
@Suite(.fewAtATime) struct ExpiryTests {
  /// In days from now, by the name in the marker.
  private func expiries(_ sandbox: SandboxProcess) async throws -> [String: Int?] {
    let pairs = try await sandbox.liveTokens().map { token in
      let name = token.description.split(separator: "/").last?.split(separator: "#").first ?? ""
      // The formatter reads no milliseconds.
      let expiry = token.expiresAt.flatMap { ISO8601DateFormatter().date(from: $0.prefix(19) + "Z") }
      return (String(name), expiry.map { Int(($0.timeIntervalSinceNow / 86_400).rounded()) })
    }
    return Dictionary(pairs) { first, _ in first }
  }

  @Test func aRowWithoutAnExpiryTakesThatOfTheJob() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.writeJob(rows: [], more: "[rotation]\nexpires_in = \"45d\"")
    let dayAfterTomorrow = ISO8601DateFormatter().string(from: Date(timeIntervalSinceNow: 2 * 86_400))
    let rows = ["a,plant,,", "b,plant,60d,", "c,plant,,\(dayAfterTomorrow)"]
    try workspace.write(
      "tokens.csv",
      (["name,read_database,expires_in,expires_at"] + rows).joined(separator: "\n"))
    let outcome = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(outcome.code == 0, "\(outcome.everything)")
    #expect(try await expiries(sandbox) == ["a": 45, "b": 60, "c": 2])
    try await sandbox.expectGoodConduct()
  }

  @Test func aOneOffTokenHasTheExpiryOfItsOwnRowAlone() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.writeJob(rows: [], more: "[rotation]\nexpires_in = \"45d\"")
    try workspace.write("more.csv", "name,read_database,expires_in\na,plant,\nb,plant,1d\n")
    let outcome = try await workspace.run("create", "more.csv", "--job", "job.toml", "--state", "state")
    #expect(outcome.code == 0, "\(outcome.everything)")
    #expect(try await expiries(sandbox) == ["a": nil, "b": 1])
  }
}
