import Foundation
import RotationTestKit
import Testing

/// A certificate authority and a server certificate for 127.0.0.1, made by `openssl` in a folder of their own.
struct TestCertificates: Sendable {
  let folder: String
  var authority: String { folder + "/ca.pem" }
  var certificate: String { folder + "/server.pem" }
  var key: String { folder + "/server.key" }
  var clientCertificate: String { folder + "/client.pem" }
  var clientKey: String { folder + "/client.key" }

  /// Made once for all tests of the process, which leaves the folder behind.
  static let shared = Task { try await TestCertificates.make() }

  /// - Parameter name: what the server's certificate is for.
  static func make(for name: String = "IP:127.0.0.1") async throws -> TestCertificates {
    var path = Array((NSTemporaryDirectory() + "/tokenrotate-tls-XXXXXX").utf8CString)
    try #require(mkdtemp(&path) != nil)
    let folder = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let script = TLSFrontScript.certificates(in: folder, for: name)
    try #require(await ChildProcess.run(script) == 0, "openssl could not make certificates")
    return TestCertificates(folder: folder)
  }

  func remove() { try? FileManager.default.removeItem(atPath: folder) }
}

/// Takes the TLS off connections on a port of its own and hands the bytes on to a `TestServer`.
///
/// Python, because its `ssl` module is there wherever the tests run and offers ALPN and client certificates.
final class TLSFront: Sendable {
  let port: Int
  private let process: ChildProcess

  /// - Parameters:
  ///   - protocols: offered by ALPN, comma separated; empty is no ALPN at all.
  ///   - maximumTLS: the newest version that is spoken, a name of Python's `ssl.TLSVersion`.
  init(
    to server: TestServer, _ certificates: TestCertificates, protocols: String = "http/1.1",
    maximumTLS: String = "TLSv1_3", asksForClientCertificate: Bool = false
  ) async throws {
    let (process, line) = try await ChildProcess.start([
      "python3", "-c", TLSFrontScript.python, certificates.certificate, certificates.key,
      asksForClientCertificate ? certificates.authority : "", protocols, maximumTLS, "\(server.port)",
    ])
    self.process = process
    port = try #require(line.flatMap { Int($0) }, "the TLS front did not start")
  }

  var url: String { "https://127.0.0.1:\(port)" }

  func stop() { process.stop() }
}
