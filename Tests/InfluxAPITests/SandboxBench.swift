import Foundation
import HTTPClient
import InfluxAPI
import RotationModel
import RotationPorts
import Sandbox

/// A sandbox on a port of its own, the real client, and the service and probe under test.
final class SandboxBench: Sendable {
  let server: SandboxServer
  let client: HTTPClient
  let service: ManagementTokenService
  let probe: InfluxQLProbe
  let clock: BenchClock

  /// The management token is random, so that no ordinary word of an answer looks like a part of it.
  static let managementToken = "M.V1.q7Zk2LwXr9Tb4NvYc8Hs1JdFg5Pm3Qa6"

  init(
    _ faults: String = "", requestTimeout: Duration = .seconds(10), probeTimeout: Duration = .seconds(10),
    managementToken: String = SandboxBench.managementToken,
    configure: (inout SandboxOptions) -> Void = { _ in }
  ) throws {
    var options = SandboxOptions()
    options.seed = 7
    options.managementToken = Secret(SandboxBench.managementToken.utf8)
    options.faults = try Fault.parseList(faults)
    options.nodeAssignment = .roundRobin
    configure(&options)
    let clock = BenchClock()
    self.clock = clock
    server = try SandboxServer.start(options) { clock.now }
    client = try HTTPClient()
    service = try ManagementTokenService(
      .init(
        managementURL: server.managementURL,
        cluster: options.product == .clustered
          ? .clustered : .dedicated(accountID: options.accountID, clusterID: options.clusterID),
        managementToken: Secret(managementToken.utf8), requestTimeout: requestTimeout), client: client)
    probe = try InfluxQLProbe(host: server.url, client: client, timeout: probeTimeout)
  }

  deinit {
    client.shutdown()
    server.stop()
  }

  func setFaults(_ faults: String) async throws {
    _ = try await client.send(HTTPRequest(.post, server.url + "/sandbox/faults", body: Array(faults.utf8)))
  }

  func activate() async throws {
    _ = try await client.send(HTTPRequest(.post, server.url + "/sandbox/activate"))
  }

  /// The rules of the published API that a request broke.
  func violations() async throws -> [String] {
    let violations = try await statistics()["violations"] as? [String: Any]
    let list = violations?["list"] as? [[String: Any]] ?? [["rule": "no statistics"]]
    return list.map { "\($0["operation"] ?? "") \($0["rule"] ?? ""): \($0["message"] ?? "")" }
  }

  /// How often a creation with this description reached the cluster.
  func posts(_ description: String) async throws -> Int {
    (try await statistics()["postsByDescription"] as? [String: Int])?[description] ?? 0
  }

  /// How often requests of this kind reached the sandbox, whatever they were answered.
  func requests(_ operation: String) async throws -> Int {
    let answers = (try await statistics()["requests"] as? [String: Any])?[operation] as? [String: Int] ?? [:]
    return answers.values.reduce(0, +)
  }

  func connections() async throws -> Int { try await statistics()["connections"] as? Int ?? 0 }

  /// Ids of the live tokens, whatever the list shows.
  func liveTokenIDs() async throws -> [String] {
    let tokens = try await admin("state")["tokens"] as? [[String: Any]] ?? []
    return tokens.compactMap { $0["id"] as? String }
  }

  private func statistics() async throws -> [String: Any] { try await admin("statistics") }

  private func admin(_ name: String) async throws -> [String: Any] {
    let answer = try await client.send(
      HTTPRequest(.get, server.url + "/sandbox/\(name)", maximumResponseBytes: 1 << 26))
    return try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any] ?? [:]
  }
}

/// The cluster's clock, which moves only when a test moves it.
final class BenchClock: @unchecked Sendable {
  private let lock = NSLock()
  private var time = Instant(milliseconds: 1_900_000_000_000)

  var now: Instant { lock.withLock { time } }

  func advance(_ span: Duration) { lock.withLock { time = time + span } }
}
