internal import Foundation
public import HTTPClient
internal import RotationPorts

/// moto's stand-in for AWS as a child process on 127.0.0.1. It takes any signature.
public final class MotoServer: Sendable {
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  public let url: String
  public let client: HTTPClient
  private let process: Process

  private static func program(in repository: String) -> String { repository + "/.build/moto/bin/moto_server" }

  /// In CI its absence is a failure.
  public static func isToBeTried(in repository: String) -> Bool {
    access(program(in: repository), X_OK) == 0 || ProcessInfo.processInfo.environment["CI"] == "true"
  }

  /// Starts the server and waits until it answers.
  public init(repository: String) async throws {
    let program = MotoServer.program(in: repository)
    guard access(program, X_OK) == 0 else { throw Failure(description: "no \(program): say `make setup`") }
    let port = OpenBaoServer.freePort()
    url = "http://127.0.0.1:\(port)"
    client = try HTTPClient(
      configuration: HTTPClientConfiguration(maximumTransfersInFlight: 32, maximumConnectionsPerHost: 32))
    process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = ["-H", "127.0.0.1", "-p", "\(port)"]
    process.environment = ["HOME": "/nonexistent", "PATH": "/usr/bin:/bin", "MOTO_PORT": "\(port)"]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    for _ in 0..<600 {
      if let answer = try? await client.send(HTTPRequest(.get, url + "/moto-api/")), answer.status == 200 {
        return
      }
      guard process.isRunning else { throw Failure(description: "moto_server has ended at once") }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw Failure(description: "moto_server does not answer")
  }

  deinit {
    client.shutdown()
    guard process.isRunning else { return }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// Forgets all secrets.
  public func reset() async throws {
    _ = try await client.send(HTTPRequest(.post, url + "/moto-api/reset"))
  }
}
