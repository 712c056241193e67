import Foundation
import RotationTestKit
import Testing

/// A job whose tokens are in AWS Secrets Manager, as moto plays it.
@Suite(.fewAtATime, .enabled(if: MotoServer.isToBeTried(in: checkout))) struct AWSStoreFlowTests {
  @Test func tokensLiveAtAWS() async throws {
    let server = try await MotoServer(repository: checkout)
    let workspace = try Workspace()
    try workspace.write(
      "../home/.aws/credentials", "[default]\naws_access_key_id = AKID\naws_secret_access_key = key\n",
      mode: 0o600)
    let sandbox = try await workspace.startSandbox()
    try workspace.writeJob(
      rows: Workspace.rows(1...100),
      more: """
        [[store]]
        kind = "aws-secrets-manager"
        region = "eu-central-1"
        endpoint = "\(server.url)"
        tags = { team = "water" }
        """)
    let first = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(first.code == 0 && first.output.contains("100 created"), "\(first.everything)")
    let rotated = try await workspace.run("rotate", "job.toml", "line-1", "--state", "state")
    #expect(rotated.code == 0, "\(rotated.everything)")
    let back = try await workspace.run("rollback", "job.toml", "line-1", "--state", "state")
    #expect(back.code == 0, "\(back.everything)")
    try workspace.writeRows(Workspace.rows(2...100))
    let retired = try await workspace.run("retire", "job.toml", "line-1", "--now", "--state", "state")
    #expect(retired.code == 0, "\(retired.everything)")
    #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 0)
    // A lost ledger is rebuilt under the id that AWS knows.
    try workspace.remove("state")
    let lost = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(lost.code == 8 && lost.errors.contains("tokenrotate adopt"), "\(lost.everything)")
    let adopted = try await workspace.run("adopt", "job.toml", "--state", "state")
    #expect([0, 8].contains(adopted.code), "\(adopted.everything)")
    #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 0)
    #expect(try await sandbox.creations() == 101)
    try await sandbox.expectGoodConduct()
  }
}
