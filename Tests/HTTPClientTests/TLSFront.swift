import Foundation
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
    let script = """
      set -e
      cd '\(folder)'
      echo 'subjectAltName=\(name)' >san
      new='req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
      openssl $new -x509 -days 2 -subj /CN=test-ca -keyout ca.key -out ca.pem
      for name in server client; do
        openssl $new -subj /CN=$name -keyout $name.key -out $name.csr
        openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -set_serial $$ -days 2 -extfile san -out $name.pem
      done
      """
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
      "python3", "-c", TLSFront.script, certificates.certificate, certificates.key,
      asksForClientCertificate ? certificates.authority : "", protocols, maximumTLS, "\(server.port)",
    ])
    self.process = process
    port = try #require(line.flatMap { Int($0) }, "the TLS front did not start")
  }

  var url: String { "https://127.0.0.1:\(port)" }

  func stop() { process.stop() }

  private static let script = """
    import os, socket, ssl, sys, threading, warnings
    certificate, key, authority, protocols, newest, target = sys.argv[1:]
    warnings.simplefilter("ignore")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion[newest]
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(certificate, key)
    if protocols: context.set_alpn_protocols(protocols.split(","))
    if authority:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority)
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    print(listener.getsockname()[1], flush=True)
    def end():
        sys.stdin.read()
        os._exit(0)
    threading.Thread(target=end, daemon=True).start()
    def serve(raw):
        import selectors
        try: secure = context.wrap_socket(raw, server_side=True)
        except OSError: return
        plain = socket.create_connection(("127.0.0.1", int(target)))
        selector = selectors.DefaultSelector()
        selector.register(secure, selectors.EVENT_READ)
        selector.register(plain, selectors.EVENT_READ)
        try:
            while True:
                for item, _ in selector.select():
                    data = item.fileobj.recv(65536)
                    if not data: return
                    if item.fileobj is secure:
                        while secure.pending(): data += secure.recv(65536)
                        plain.sendall(data)
                    else: secure.sendall(data)
        except OSError: pass
        finally:
            plain.close()
            secure.close()
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()
    """
}
