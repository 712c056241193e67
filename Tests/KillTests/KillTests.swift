import Foundation
import HTTPClient
import RotationModel
import RotationTestKit
import Sandbox
import Testing

/// The real program, killed with SIGKILL between two steps of a creation of 50 tokens, then run once more.
struct KillTests {
  static let rows = 50
  /// How many points are tried beside the first ones, spread evenly over all; 0 tries every one.
  static let points = ProcessInfo.processInfo.environment["TOKENROTATE_KILL_POINTS"].flatMap { Int($0) } ?? 64

  /// So many steps from the first one on are always tried.
  static let firstPoints = 24

  @Test func aKilledCreationIsCompletedByTheNextRun() async throws {
    let folder = try Folder()
    let shim = try await folder.buildShim()
    let total = try await folder.countSteps(shim)
    // Below this, the shim would not have seen the program at work.
    try #require(total > Self.rows * 20)
    let stride = Self.points == 0 ? 1 : max(1, total / Self.points)
    // The state directory is set up in the first steps, each unlike the others; creations repeat themselves.
    let spread = Swift.stride(from: 1 + stride / 2, through: total, by: stride)
    let points = Set(spread).union(1...Self.firstPoints)
    try await withThrowingTaskGroup(of: Void.self) { group in
      var underWay = 0
      for point in points.sorted() {
        if underWay == 4 {
          try await group.next()
          underWay -= 1
        }
        underWay += 1
        group.addTask { try await folder.killAndRepeat(at: point, shim) }
      }
      try await group.waitForAll()
    }
  }
}

/// A folder for one test, with a world of its own for each kill.
final class Folder: Sendable {
  let path: String

  init() throws {
    // Not under /tmp itself: as root the program refuses jobs in folders that others can write.
    path = NSTemporaryDirectory() + "tokenrotate-kill-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func buildShim() async throws -> String {
    let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("shim/kill_at.c").path
    let built = try await Spawn.run(
      ["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-o", "\(path)/kill_at.so", source, "-ldl"],
      environment: ["PATH": "/usr/bin:/bin"], directory: path)
    try #require(built.exitCode == 0, "\(built.errors)")
    return "\(path)/kill_at.so"
  }

  /// How many steps an undisturbed run takes.
  func countSteps(_ shim: String) async throws -> Int {
    let world = try World(in: path, name: "count")
    defer { world.stop() }
    let outcome = try await world.run([
      "LD_PRELOAD": shim, "KILL_AT": "0", "KILL_COUNT_FILE": "\(path)/count.txt",
    ])
    try #require(outcome.exitCode == 0, "\(outcome.errors)")
    let text = try String(contentsOfFile: "\(path)/count.txt", encoding: .utf8)
    return Int(text.filter(\.isNumber)) ?? 0
  }

  func killAndRepeat(at point: Int, _ shim: String) async throws {
    let world = try World(in: path, name: "kill-\(point)")
    defer { world.stop() }
    let killed = try await world.run(["LD_PRELOAD": shim, "KILL_AT": String(point)])
    // The number of steps varies a little from run to run: a run may end before the last points.
    #expect(killed.signal == SIGKILL || killed.exitCode == 0, "point \(point): \(killed.errors)")
    let again = try await world.run([:])
    #expect(again.exitCode == 0, "point \(point): \(again.errors)\(again.output)")
    try await world.check(point)
    let verified = try await world.program(["audit", "verify"], [:])
    #expect(verified.exitCode == 0, "point \(point): \(verified.errors)")
  }
}

/// A sandbox, a job and a state directory.
struct World {
  let folder: String
  let server: SandboxServer

  init(in parent: String, name: String) throws {
    folder = "\(parent)/\(name)"
    var options = SandboxOptions()
    options.cluster.activationDelay = .milliseconds(100)
    options.cluster.activationSpread = .milliseconds(50)
    options.cluster.databases = ["plant"]
    options.seed = 7
    server = try SandboxServer.start(options)
    let manager = FileManager.default
    let mode: [FileAttributeKey: Any] = [.posixPermissions: 0o700]
    try manager.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: mode)
    let token = "\(folder)/management-token"
    let secret = Data(SandboxOptions.defaultManagementToken.utf8)
    _ = manager.createFile(atPath: token, contents: secret, attributes: [.posixPermissions: 0o600])
    var csv = "name,description,read_database,write_database\n"
    for row in 0..<KillTests.rows {
      csv += "token-\(row),Sensor \(row),plant,\(row % 2 == 0 ? "plant" : "")\n"
    }
    try csv.write(toFile: "\(folder)/tokens.csv", atomically: false, encoding: .utf8)
    try """
    name = "kill"
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
    requests_per_second = 10000
    probes_per_second = 10000
    request_timeout = "1s"
    """.write(toFile: "\(folder)/job.toml", atomically: false, encoding: .utf8)
  }

  func stop() {
    server.stop()
    try? FileManager.default.removeItem(atPath: folder)
  }

  func run(_ environment: [String: String]) async throws -> Spawn.Outcome {
    try await program(["run", "job.toml"], environment)
  }

  func program(
    _ arguments: [String], _ environment: [String: String]
  ) async throws -> Spawn.Outcome {
    try await Spawn.run(
      [Spawn.program] + arguments + ["--state", "\(folder)/state"],
      environment: environment.merging(["HOME": folder]) { given, _ in given }, directory: folder)
  }

  private struct State: Decodable {
    var tokens: [Token]

    struct Token: Decodable {
      var id: String
      var description: String
      var posts: Int
    }
  }

  private struct Statistics: Decodable {
    var postsByDescription: [String: Int]
    var violations: Violations

    struct Violations: Decodable { var count: Int }
  }

  /// What the issue asks for: 50 live tokens, 50 files, no name and no attempt twice, no attempt sent twice.
  func check(_ point: Int) async throws {
    let state: State = try await get("/sandbox/state")
    let markers = state.tokens.compactMap { Marker.split($0.description).marker }
    #expect(markers.count == KillTests.rows, "point \(point): live tokens")
    #expect(Set(markers.map(\.name)).count == KillTests.rows, "point \(point): names")
    #expect(Set(markers.map(\.attempt)).count == KillTests.rows, "point \(point): attempts")
    let statistics: Statistics = try await get("/sandbox/statistics")
    #expect(statistics.postsByDescription.values.allSatisfy { $0 == 1 }, "point \(point): posts")
    #expect(statistics.violations.count == 0, "point \(point): requests outside the API")
    var strings = Set<String>()
    for row in 0..<KillTests.rows {
      let path = "\(folder)/state/tokens/kill/token-\(row)"
      let string = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
      #expect(string.hasPrefix("apiv1_") && string.utf8.count == 94, "point \(point): file of row \(row)")
      strings.insert(string)
    }
    #expect(strings.count == KillTests.rows, "point \(point): strings")
  }

  private func get<Answer: Decodable>(_ path: String) async throws -> Answer {
    let client = try HTTPClient()
    defer { client.shutdown() }
    let response = try await client.send(
      HTTPRequest(.get, server.url + path, maximumResponseBytes: 16 << 20))
    return try JSONDecoder().decode(Answer.self, from: Data(response.body))
  }
}
