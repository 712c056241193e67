import Foundation
import HTTPClient
import RotationTestKit
import Sandbox
import Testing

/// Ten thousand tokens in one run of the real program: memory does not grow with them, and thousands wait
/// for their activation at once.
struct ScaleTests {
  static let rows = 10_000

  @Test func tenThousandTokensInOneRun() async throws {
    let folder = NSTemporaryDirectory() + "tokenrotate-scale-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var options = SandboxOptions()
    options.cluster.activationDelay = .seconds(5)
    options.cluster.databases = ["plant"]
    let server = try SandboxServer.start(options)
    defer { server.stop() }
    try writeJob(in: folder, server, options)

    let outcome = try await Spawn.run(
      [Spawn.program, "run", "job.toml", "--state", "\(folder)/state"], environment: ["HOME": folder],
      directory: folder)
    #expect(outcome.exitCode == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("10000 created"))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: "\(folder)/state/tokens/scale").filter {
        $0.hasPrefix("token-")
      }.count == Self.rows)
    let statistics = try await statistics(of: server)
    #expect(statistics.postsByDescription.count == Self.rows)
    #expect(statistics.postsByDescription.values.allSatisfy { $0 == 1 })
    #expect(statistics.violations.count == 0)
    // An unoptimized build is not what people run, so only the release binary is held to its promise.
    if Spawn.isRelease { #expect(outcome.peakKibibytes < 80 * 1024, "peak \(outcome.peakKibibytes) KiB") }
  }

  private func writeJob(in folder: String, _ server: SandboxServer, _ options: SandboxOptions) throws {
    let token = "\(folder)/management-token"
    _ = FileManager.default.createFile(
      atPath: token, contents: Data(SandboxOptions.defaultManagementToken.utf8),
      attributes: [.posixPermissions: 0o600])
    var csv = "name,description,read_database\n"
    for row in 0..<Self.rows { csv += "token-\(row),Sensor \(row),plant\n" }
    try csv.write(toFile: "\(folder)/tokens.csv", atomically: false, encoding: .utf8)
    try """
    name = "scale"
    specification = "tokens.csv"
    [cluster]
    account_id = "\(options.accountID)"
    cluster_id = "\(options.clusterID)"
    host = "\(server.url)"
    management_url = "\(server.managementURL)"
    management_token = { file = "\(token)" }
    [activation]
    settle = "1s"
    consecutive = 2
    [limits]
    concurrency = 64
    max_creates = \(Self.rows)
    requests_per_second = 10000
    probes_per_second = 10000
    """.write(toFile: "\(folder)/job.toml", atomically: false, encoding: .utf8)
  }

  private struct Statistics: Decodable {
    var postsByDescription: [String: Int]
    var violations: Violations

    struct Violations: Decodable { var count: Int }
  }

  private func statistics(of server: SandboxServer) async throws -> Statistics {
    let client = try HTTPClient()
    defer { client.shutdown() }
    let response = try await client.send(
      HTTPRequest(.get, server.url + "/sandbox/statistics", maximumResponseBytes: 16 << 20))
    return try JSONDecoder().decode(Statistics.self, from: Data(response.body))
  }
}
