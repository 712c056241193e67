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

  /// Made once for all tests of the process; the folder goes with it.
  static let shared = Result { try TestCertificates() }

  /// - Parameter name: what the server's certificate is for.
  init(for name: String = "IP:127.0.0.1") throws {
    let template = NSTemporaryDirectory() + "/tokenrotate-tls-XXXXXX"
    var path = Array(template.utf8CString)
    try #require(mkdtemp(&path) != nil)
    folder = path.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    try Data("subjectAltName=\(name)\n".utf8).write(to: URL(fileURLWithPath: folder + "/san"))
    let script = """
      set -e
      new='req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
      openssl $new -x509 -days 2 -subj /CN=test-ca -keyout ca.key -out ca.pem
      for name in server client; do
        openssl $new -subj /CN=$name -keyout $name.key -out $name.csr
        openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -set_serial $$ -days 2 -extfile san -out $name.pem
      done
      """
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", script]
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "openssl could not make certificates")
  }

  func remove() { try? FileManager.default.removeItem(atPath: folder) }
}

/// Takes the TLS off connections on a port of its own and hands the bytes on to a `TestServer`.
///
/// Python, because its `ssl` module is there wherever the tests run and offers ALPN and client certificates.
final class TLSFront {
  let port: Int
  private let process = Process()

  /// - Parameters:
  ///   - protocols: offered by ALPN, comma separated; empty is no ALPN at all.
  ///   - maximumTLS: the newest version that is spoken, a name of Python's `ssl.TLSVersion`.
  init(
    to server: TestServer, _ certificates: TestCertificates, protocols: String = "http/1.1",
    maximumTLS: String = "TLSv1_3", asksForClientCertificate: Bool = false
  ) throws {
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "python3", "-c", TLSFront.script, certificates.certificate, certificates.key,
      asksForClientCertificate ? certificates.authority : "", protocols, maximumTLS, "\(server.port)",
    ]
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    // The script ends when this pipe does, so that it does not outlive the tests.
    process.standardInput = Pipe()
    try process.run()
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    port = try #require(Int(line.trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  var url: String { "https://127.0.0.1:\(port)" }

  func stop() { process.terminate() }

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
