/// A request that got no complete answer. An answer of any status is not an error.
public struct HTTPError: Error, Sendable, Equatable {
  public enum Code: String, Sendable, CaseIterable {
    /// The URL is malformed, or holds a user, a fragment, a `..` or characters that need encoding.
    case badURL
    /// `http://` to a host that is not loopback.
    case insecureURL
    /// A header that would break the request or that this client writes itself.
    case badHeader
    /// A CA, certificate or key file cannot be read, or libcurl lacks something.
    case configuration
    /// More requests wait than the configuration allows.
    case queueFull
    /// The host's name has no address.
    case resolve
    /// No TCP connection.
    case connect
    /// The TLS handshake failed for another reason than the server's certificate.
    case tls
    /// The server's certificate is not trusted, or ours is not usable.
    case certificate
    /// The deadline passed.
    case timeout
    /// The task was cancelled.
    case cancelled
    /// The client was shut down.
    case shutDown
    /// The body or the headers are longer than allowed.
    case responseTooLarge
    /// The connection was lost without an answer, and the request must not be sent a second time.
    case resendRefused
    /// The connection was lost while sending or receiving.
    case connectionLost
    /// What the server sent is not HTTP.
    case badAnswer
    case unknown
  }

  public let code: Code

  /// libcurl's number (`CURLcode`, https://curl.se/libcurl/c/libcurl-errors.html), 0 when libcurl was not
  /// asked.
  public let curlCode: Int32

  /// The method and the server, as in `POST https://host:443`: never a path, a query or a header.
  public let operation: String

  /// What happened, one sentence without a full stop.
  public let message: String

  /// What to do about it.
  public let hint: String

  /// Proof that no byte of the request left this machine. False means that nothing is known.
  public let nothingWasSent: Bool

  /// The time since ``HTTPClient/send(_:)`` was called.
  public let elapsed: Duration

  /// - Parameter hint: nil is the code's own.
  public init(
    code: Code, curlCode: Int32 = 0, operation: String, message: String, hint: String? = nil,
    nothingWasSent: Bool, elapsed: Duration = .zero
  ) {
    self.code = code
    self.curlCode = curlCode
    self.operation = operation
    self.message = message
    self.hint = hint ?? code.hint
    self.nothingWasSent = nothingWasSent
    self.elapsed = elapsed
  }
}

extension HTTPError: CustomStringConvertible {
  public var description: String { "\(operation): \(message). \(hint)" }
}

extension HTTPError.Code {
  /// What to do when nothing more special is known.
  var hint: String {
    switch self {
    case .badURL: "Check the host and the URLs in the job file"
    case .insecureURL: "Use https://; plain http:// is accepted for 127.0.0.1, ::1 and localhost only"
    case .badHeader: "Check the credential's file for spaces, line ends and other bytes that are not text"
    case .configuration: "Check that the files named in [cluster.tls] exist and can be read"
    case .queueFull: "Lower the number of requests that are started at the same time"
    case .resolve: "Check the host's name and this machine's DNS"
    case .connect: "Check host, port and firewall, and whether the server is running"
    case .tls: "Check that the server speaks TLS 1.2 or newer on this port"
    case .certificate: "Name the CA that signed the server's certificate as ca in [cluster.tls]"
    case .timeout: "Check the network and the server's load, or allow more time"
    case .cancelled, .shutDown: "Run again to go on"
    case .responseTooLarge: "Check that the URL belongs to the API and not to another service"
    case .resendRefused, .connectionLost: "Whether the server acted on it is unknown until it is asked"
    case .badAnswer: "Check that the URL belongs to the API and that no proxy is in between"
    case .unknown: "Run again; if it stays, look up the number among libcurl's errors"
    }
  }
}
