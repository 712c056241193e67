/// What takes the TLS off connections on a port of its own and hands the bytes on: tests of the client and of the whole
/// program use it.
///
/// Python, because its `ssl` module is there wherever the tests run and offers ALPN and client certificates.
public enum TLSFrontScript {
  /// For `python3 -c`. Arguments: certificate, key, authority of client certificates or nothing, ALPN protocols
  /// separated by commas or nothing, the newest version of Python's `ssl.TLSVersion`, the port to hand on to. Prints
  /// its own port, and ends with its standard input, unless that is `/dev/null`.
  public static let python = """
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
    if not os.path.samestat(os.fstat(0), os.stat("/dev/null")):
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

  /// A shell script that makes a certificate authority, and certificates for a server and a client.
  /// - Parameter name: what the server's certificate is for, such as `IP:127.0.0.1`.
  public static func certificates(in folder: String, for name: String) -> String {
    """
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
  }
}
