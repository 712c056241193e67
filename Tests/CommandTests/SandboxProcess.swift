import Foundation
import HTTPClient
import Testing

/// `tokenrotate sandbox` as a process of its own, and its admin endpoints.
final class SandboxProcess: Sendable {
  let url: String
  let defaultsPath: String
  private let program: ChildProgram
  private let client: HTTPClient

  /// The token that a sandbox takes which was told no other.
  static let managementToken = "M.V1.sandbox-management-token-for-tests-only-0000000000000000000000000000"

  fileprivate init(
    url: String, defaultsPath: String, program: ChildProgram, client: HTTPClient
  ) {
    self.url = url
    self.defaultsPath = defaultsPath
    self.program = program
    self.client = client
  }

  deinit { client.shutdown() }

  /// Ends it as a user does; its tokens are gone then.
  func stop() async throws {
    program.send(SIGTERM)
    let ending = try await program.end(within: .seconds(20))
    #expect(ending == .exited(0))
  }

  func get(_ path: String) async throws -> [String: Any] {
    let answer = try await client.send(
      HTTPRequest(.get, "\(url)/sandbox/\(path)", maximumResponseBytes: 1 << 24))
    return try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any] ?? [:]
  }

  func post(_ path: String, _ body: String = "") async throws {
    let answer = try await client.send(
      HTTPRequest(.post, "\(url)/sandbox/\(path)", body: Array(body.utf8)))
    try #require(answer.status == 204, "POST \(path): \(String(decoding: answer.body, as: UTF8.self))")
  }

  /// Requests by operation and status: `["create": ["200": 3]]`.
  func requests() async throws -> [String: [String: Int]] {
    try await get("statistics")["requests"] as? [String: [String: Int]] ?? [:]
  }

  /// How many POSTs reached the cluster, however they were answered.
  func creations() async throws -> Int {
    try await requests()["create"]?.values.reduce(0, +) ?? 0
  }

  func total() async throws -> Int { try await get("statistics")["total"] as? Int ?? -1 }

  struct LiveToken: Sendable {
    var id: String
    var description: String
    /// RFC 3339; nil: it never expires.
    var expiresAt: String?
  }

  func liveTokens() async throws -> [LiveToken] {
    let tokens = try await get("state")["tokens"] as? [[String: Any]] ?? []
    return tokens.map {
      LiveToken(
        id: $0["id"] as? String ?? "", description: $0["description"] as? String ?? "",
        expiresAt: $0["expiresAt"] as? String)
    }
  }

  /// What every test of a healthy client ends with: no attempt was sent twice, no rule of the API broken.
  func expectGoodConduct(_ location: SourceLocation = #_sourceLocation) async throws {
    let statistics = try await get("statistics")
    let posts = statistics["postsByDescription"] as? [String: Int] ?? ["no statistics": 2]
    #expect(posts.filter { $0.value > 1 } == [:], sourceLocation: location)
    let violations = statistics["violations"] as? [String: Any]
    #expect(violations?["count"] as? Int == 0, "\(violations ?? [:])", sourceLocation: location)
  }
}

extension Workspace {
  /// Starts a sandbox whose defaults file is where the program looks for it without being told.
  func startSandbox(_ options: String...) async throws -> SandboxProcess {
    try await startSandbox(options: options)
  }

  func startSandbox(options: [String]) async throws -> SandboxProcess {
    let defaults = root + "/config/tokenrotate/defaults.toml"
    let ready = root + "/output/ready"
    unlink(ready)
    let call = try start(["sandbox", "--write-defaults", defaults, "--ready-file", ready] + options)
    try await eventually("the sandbox is ready") {
      guard call.program.isRunning else {
        throw ChildProgram.Failure(description: "sandbox: \(Workspace.text(of: call.errorsPath))")
      }
      return access(ready, F_OK) == 0
    }
    return SandboxProcess(
      url: Workspace.text(of: ready).trimmingCharacters(in: .newlines), defaultsPath: defaults,
      program: call.program, client: try HTTPClient())
  }
}
