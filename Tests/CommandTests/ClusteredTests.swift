import Foundation
import RotationTestKit
import Testing

/// A cluster of one's own behind TLS with a certificate of one's own, as InfluxDB Clustered is run.
@Suite(.fewAtATime) struct ClusteredTests {
  /// A sandbox behind TLS, and a profile of influxctl's that is about it.
  private func start(
    _ workspace: Workspace, authority: String = "ca.pem"
  ) async throws -> (sandbox: SandboxProcess, front: Workspace.Call, host: String) {
    let sandbox = try await workspace.startSandbox(
      "--product", "clustered", "--activation-delay", "0s", "--activation-spread", "0s")
    let tls = workspace.root + "/tls"
    let made = try await workspace.shell(
      "mkdir \(tls); " + TLSFrontScript.certificates(in: tls, for: "IP:127.0.0.1"))
    try #require(made.code == 0, "openssl: \(made.everything)")
    let target = try #require(sandbox.url.split(separator: ":").last)
    let front = try workspace.startProgram([
      "/usr/bin/python3", "-c", TLSFrontScript.python, tls + "/server.pem", tls + "/server.key",
      tls + "/ca.pem",
      "http/1.1", "TLSv1_3", String(target),
    ])
    var port = ""
    try await eventually("the TLS front is ready") {
      port = Workspace.text(of: front.outputPath).trimmingCharacters(in: .newlines)
      return !port.isEmpty
    }
    try workspace.write(
      "config.toml",
      """
      [[profile]]
      name = "own"
      product = "clustered"
      host = "127.0.0.1"
      port = "\(port)"
      mgmt_token = "\(SandboxProcess.managementToken)"
      [profile.tls]
      ca = "\(tls)/\(authority)"
      cert = "\(tls)/client.pem"
      key = "\(tls)/client.key"
      """, mode: 0o600)
    return (sandbox, front, "https://127.0.0.1:\(port)")
  }

  private static let profile = ["--config", "config.toml", "--profile", "own"]

  @Test func theVerbsAndAJobWorkWithAProfile() async throws {
    let workspace = try Workspace()
    let (sandbox, front, host) = try await start(workspace)
    let created = try await workspace.start(
      Self.profile + [
        "token", "create", "--state", "state", "--wait", "--read-database", "plant", "--format", "json",
        "Lab",
      ]
    ).outcome()
    #expect(created.code == 0 && created.output.contains("apiv1_"), "\(created.everything)")
    // There is neither account nor cluster.
    #expect(!created.output.contains("account_id"))
    let list = try await workspace.start(Self.profile + ["token", "list"]).outcome()
    #expect(list.code == 0 && list.output.contains("Lab [tokenrotate "), "\(list.everything)")

    let other = try await workspace.start(
      Self.profile + ["token", "list", "--cluster", "99999999-9999-4999-8999-999999999999"]
    ).outcome()
    #expect(other.code == 2 && other.errors.contains("neither account nor id"), "\(other.everything)")

    // A client's key is a secret like the others.
    let key = workspace.root + "/tls/client.key"
    chmod(key, 0o644)
    let open = try await workspace.start(Self.profile + ["token", "list"]).outcome()
    #expect(open.code == 2 && open.errors.contains("can be read by everybody"), "\(open.everything)")
    chmod(key, 0o600)

    // The sandbox's own defaults, which say where it is without TLS, are not the job's.
    try workspace.write("none.toml", "")
    try workspace.write(
      "job.toml",
      """
      name = "plant"
      specification = "tokens.csv"
      [cluster]
      profile = "own"
      [activation]
      settle = "0s"
      [[store]]
      kind = "file"
      directory = "tokens"
      format = "env"
      """)
    try workspace.write("tokens.csv", "name,read_database\nline,plant\n")
    let run = try await workspace.run(
      "run", "job.toml", "--state", "state", "--config", "config.toml", "--defaults", "none.toml")
    #expect(run.code == 0, "\(run.everything)")
    #expect(workspace.read("tokens/line.env").contains("INFLUX_HOST=\(host)"))
    #expect(workspace.read("state/audit.jsonl").contains("\"cluster\":\"\(host)\""))
    try await sandbox.expectGoodConduct()
    front.program.send(SIGTERM)
    try await sandbox.stop()
  }

  @Test func anotherAuthoritysCertificateIsRefused() async throws {
    let workspace = try Workspace()
    let (sandbox, front, _) = try await start(workspace, authority: "client.pem")
    let list = try await workspace.start(Self.profile + ["token", "list"]).outcome()
    #expect(list.code == 1 && list.errors.contains("certificate"), "\(list.everything)")
    #expect(try await sandbox.requests()["list"] == nil)
    front.program.send(SIGTERM)
    try await sandbox.stop()
  }
}
