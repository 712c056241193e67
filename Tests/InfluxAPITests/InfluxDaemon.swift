import Foundation
import HTTPClient
import RotationPorts
import Testing

/// A real InfluxDB 1.x (Debian's package `influxdb`) as a child process: a `/query` that was not written by
/// us. Everything listens on 127.0.0.1, on ports that the system picks, and lives in a temporary folder.
final class InfluxDaemon: Sendable {
  static let isInstalled = FileManager.default.isExecutableFile(atPath: path)
  /// In CI its absence is a failure, so that this suite cannot be skipped for good unnoticed.
  static let isRequired = ProcessInfo.processInfo.environment["CI"] == "true"

  private static let path = "/usr/bin/influxd"
  private static let startLimit: Duration = .seconds(60)

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  let url: String
  private let client: HTTPClient
  private let secret: String
  private let folder: String
  private let process: Process

  /// Starts the server, waits until it answers, and makes its administrator.
  init(client: HTTPClient) async throws {
    guard InfluxDaemon.isInstalled else {
      throw Failure(description: "\(InfluxDaemon.path) is missing: apt-get install influxdb")
    }
    let folder = NSTemporaryDirectory() + "influxd-" + UUID().uuidString
    let secret = UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    try Data(InfluxDaemon.configuration(folder, secret).utf8).write(
      to: URL(fileURLWithPath: folder + "/influxdb.conf"))
    let process = try InfluxDaemon.launch(folder)
    do {
      url = try await InfluxDaemon.answeringURL(process, log: folder + "/log", client)
    } catch {
      InfluxDaemon.end(process, folder)
      throw error
    }
    self.client = client
    self.secret = secret
    self.folder = folder
    self.process = process
    // Until there is an administrator, everything else is 403.
    try await administer("CREATE USER root WITH PASSWORD 'unused' WITH ALL PRIVILEGES", token: nil)
  }

  deinit { InfluxDaemon.end(process, folder) }

  /// A Bearer token as 1.x takes it: a JSON Web Token signed with the shared secret (HS256).
  func token(of user: String, expiresIn seconds: Double = 3600) throws -> Secret {
    let expiry = Int(Date().timeIntervalSince1970 + seconds)
    let signed =
      InfluxDaemon.base64URL(Data(#"{"alg":"HS256","typ":"JWT"}"#.utf8)) + "."
      + InfluxDaemon.base64URL(Data(#"{"username":"\#(user)","exp":\#(expiry)}"#.utf8))
    return Secret((signed + "." + InfluxDaemon.base64URL(try signature(of: signed))).utf8)
  }

  /// Carries out one statement as the administrator.
  func administer(_ statement: String) async throws {
    try await administer(statement, token: token(of: "root"))
  }

  private func administer(_ statement: String, token: Secret?) async throws {
    var allowed = CharacterSet.alphanumerics
    allowed.insert("_")
    let encoded = try #require(statement.addingPercentEncoding(withAllowedCharacters: allowed))
    let answer = try await client.send(
      HTTPRequest(.post, "\(url)/query?q=\(encoded)", authorization: token.map { .bearer($0) }))
    let text = String(decoding: answer.body, as: UTF8.self)
    guard answer.status == 200, !text.contains("error") else {
      throw Failure(description: "\(statement): HTTP \(answer.status) \(text)")
    }
  }

  // MARK: The process

  private static func configuration(_ folder: String, _ secret: String) -> String {
    """
    reporting-disabled = true
    bind-address = "127.0.0.1:0"
    [meta]
    dir = "\(folder)/meta"
    [data]
    dir = "\(folder)/data"
    wal-dir = "\(folder)/wal"
    [monitor]
    store-enabled = false
    [http]
    bind-address = "127.0.0.1:0"
    auth-enabled = true
    shared-secret = "\(secret)"
    log-enabled = false
    """
  }

  private static func launch(_ folder: String) throws -> Process {
    let log = folder + "/log"
    try Data().write(to: URL(fileURLWithPath: log))
    let output = try #require(FileHandle(forWritingAtPath: log))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = ["-config", folder + "/influxdb.conf"]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    try process.run()
    return process
  }

  /// The port is in the log, and `/ping` answers once requests are served.
  private static func answeringURL(_ process: Process, log: String, _ client: HTTPClient) async throws
    -> String
  {
    let deadline = ContinuousClock.now + startLimit
    while ContinuousClock.now < deadline, process.isRunning {
      let text = InfluxDaemon.text(of: log)
      if let match = text.firstMatch(of: #/"Listening on HTTP".* addr=(127\.0\.0\.1:[0-9]+) /#) {
        let url = "http://\(match.1)"
        if let answer = try? await client.send(HTTPRequest(.get, url + "/ping")), answer.status == 204 {
          return url
        }
      }
      try await Task.sleep(for: .milliseconds(20))
    }
    let text = InfluxDaemon.text(of: log)
    throw Failure(description: "influxd did not answer within \(startLimit): \(text.suffix(2000))")
  }

  /// Not `String(contentsOfFile:)`, which leaks its buffer and so hides leaks of ours.
  private static func text(of file: String) -> String {
    String(decoding: (try? Data(contentsOf: URL(fileURLWithPath: file))) ?? Data(), as: UTF8.self)
  }

  private static func end(_ process: Process, _ folder: String) {
    // Nothing in its folder is worth an orderly end.
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    try? FileManager.default.removeItem(atPath: folder)
  }

  // MARK: Signing

  private static func base64URL(_ data: Data) -> String {
    data.base64EncodedString().replacingOccurrences(of: "+", with: "-")
      .replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
  }

  private func signature(of text: String) throws -> Data {
    let openssl = Process()
    openssl.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    openssl.arguments = ["dgst", "-sha256", "-hmac", secret, "-binary"]
    let input = Pipe()
    let output = Pipe()
    openssl.standardInput = input
    openssl.standardOutput = output
    try openssl.run()
    try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
    try input.fileHandleForWriting.close()
    let signature = try output.fileHandleForReading.readToEnd()
    openssl.waitUntilExit()
    guard openssl.terminationStatus == 0, let signature, signature.count == 32 else {
      throw Failure(description: "openssl dgst gave no HMAC-SHA256")
    }
    return signature
  }
}
