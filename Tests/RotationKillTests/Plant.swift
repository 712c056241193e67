import Foundation
import HTTPClient
import RotationModel
import RotationPorts
import RotationTestKit
import Sandbox

/// A sandbox, a job and a state directory, and what can be seen of them from outside.
final class Plant: Sendable {
  let folder: String
  let rows: [String]
  let server: SandboxServer
  private let client: HTTPClient

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  init(
    in parent: String, name: String, rows: Int, rotation: String, activation: String,
    _ configure: (inout SandboxOptions) -> Void
  ) throws {
    folder = "\(parent)/\(name)"
    self.rows = (1...rows).map { "line-\($0)" }
    var options = SandboxOptions()
    options.cluster.databases = ["plant"]
    configure(&options)
    server = try SandboxServer.start(options)
    client = try HTTPClient()
    let mode: [FileAttributeKey: Any] = [.posixPermissions: 0o700]
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: mode)
    let secret = Data(SandboxOptions.defaultManagementToken.utf8)
    _ = FileManager.default.createFile(
      atPath: "\(folder)/management-token", contents: secret, attributes: [.posixPermissions: 0o600])
    let csv = "name,read_database\n" + self.rows.map { "\($0),plant\n" }.joined()
    try csv.write(toFile: "\(folder)/tokens.csv", atomically: false, encoding: .utf8)
    try """
    name = "plant"
    specification = "tokens.csv"
    [cluster]
    account_id = "\(options.accountID)"
    cluster_id = "\(options.clusterID)"
    host = "\(server.url)"
    management_url = "\(server.managementURL)"
    management_token = { file = "\(folder)/management-token" }
    [rotation]
    \(rotation)
    [activation]
    \(activation)
    [limits]
    requests_per_second = 1000
    probes_per_second = 1000
    request_timeout = "2s"
    [[store]]
    format = "json"
    [[hook]]
    on = "delivered"
    command = ["true"]
    [[hook]]
    on = "retired"
    per = "token"
    command = ["true"]
    """.write(toFile: "\(folder)/job.toml", atomically: false, encoding: .utf8)
  }

  func close() {
    client.shutdown()
    server.stop()
    try? FileManager.default.removeItem(atPath: folder)
  }

  // MARK: Calls

  func call(_ arguments: [String], under disturbance: Disturbance? = nil) async throws -> Spawn.Outcome {
    let program = [Spawn.program] + arguments + ["--state", "\(folder)/state"]
    return try await Spawn.run(
      disturbance?.command(program, log: traceLog) ?? program,
      environment: ["HOME": folder, "PATH": "/usr/bin:/bin"], directory: folder)
  }

  var traceLog: String { "\(folder)/trace.txt" }

  // MARK: The sandbox

  func setFaults(_ faults: [String]) async throws {
    let body = Array(faults.joined(separator: "\n").utf8)
    let answer = try await client.send(HTTPRequest(.post, server.url + "/sandbox/faults", body: body))
    guard answer.status == 204 else {
      throw Failure(description: String(decoding: answer.body, as: UTF8.self))
    }
  }

  struct LiveToken: Decodable, Sendable {
    var id: String
    var description: String

    /// The row's name, where it carries a marker.
    var name: String? { Marker.split(description).marker?.name }
  }

  func liveTokens() async throws -> [LiveToken] {
    struct State: Decodable { var tokens: [LiveToken] }
    let state: State = try await get("state")
    return state.tokens
  }

  struct Statistics: Decodable, Sendable {
    var postsByDescription: [String: Int]
    var violations: Violations

    struct Violations: Decodable, Sendable { var count: Int }
  }

  func statistics() async throws -> Statistics { try await get("statistics") }

  /// What the query endpoint says to a token string.
  func query(_ string: String) async throws -> Int {
    let answer = try await client.send(
      HTTPRequest(
        .get, server.url + "/query?db=plant&q=SHOW%20MEASUREMENTS%20LIMIT%201",
        authorization: .bearer(Secret(string.utf8)), freshConnection: true))
    return answer.status
  }

  private func get<Answer: Decodable>(_ path: String) async throws -> Answer {
    let response = try await client.send(
      HTTPRequest(.get, "\(server.url)/sandbox/\(path)", maximumResponseBytes: 1 << 24))
    return try JSONDecoder().decode(Answer.self, from: Data(response.body))
  }

  // MARK: Store and log

  struct CurrentToken: Decodable, Equatable, Sendable {
    var token: String
    var tokenID: String

    private enum CodingKeys: String, CodingKey {
      case token
      case tokenID = "token_id"
    }
  }

  /// What the store's current file of a row holds; nil: there is none that can be read.
  func current(_ row: String) -> CurrentToken? {
    let path = "\(folder)/state/tokens/plant/\(row).json"
    return FileManager.default.contents(atPath: path)
      .flatMap { try? JSONDecoder().decode(CurrentToken.self, from: $0) }
  }

  /// Names in the store's pending place.
  func pending() -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/state/tokens/plant/.pending")) ?? []
  }

  struct AuditLine: Decodable, Sendable {
    var event: String
    var tokenID: String?

    private enum CodingKeys: String, CodingKey {
      case event
      case tokenID = "token_id"
    }
  }

  func auditLines() throws -> [AuditLine] {
    let text = try String(contentsOfFile: "\(folder)/state/audit.jsonl", encoding: .utf8)
    return try text.split(separator: "\n").map {
      try JSONDecoder().decode(AuditLine.self, from: Data($0.utf8))
    }
  }
}
