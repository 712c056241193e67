/// Settings of an ``HTTPClient``, the same for all its requests.
public struct HTTPClientConfiguration: Sendable {
  /// Where trust and our own identity come from; nil is the system's CA store and no client certificate.
  public struct TLS: Sendable, Equatable {
    /// A PEM file of the CAs to trust, in place of the system's.
    public var authorityFile: String?
    /// A PEM file with our certificate, followed by its chain.
    public var certificateFile: String?
    /// A PEM file with the certificate's private key, without a passphrase.
    public var keyFile: String?

    public init(authorityFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil) {
      self.authorityFile = authorityFile
      self.certificateFile = certificateFile
      self.keyFile = keyFile
    }
  }

  /// At least 1. Further requests wait, first come, first served.
  public var maximumTransfersInFlight: Int

  /// At least 1. HTTP/2 carries many transfers on one connection.
  public var maximumConnectionsPerHost: Int

  /// Requests that may wait for a place; one more is refused with ``HTTPError/Code/queueFull``.
  public var maximumWaitingRequests: Int

  public var tls: TLS
  public var userAgent: String

  /// The longest that name lookup, TCP and TLS take together, unless the request says otherwise.
  public var connectTimeout: Duration

  /// A connection that was idle for longer is not used again, so that a request seldom meets one that the
  /// server is about to close.
  public var maximumIdle: Duration

  public init(
    maximumTransfersInFlight: Int = 32, maximumConnectionsPerHost: Int = 32,
    maximumWaitingRequests: Int = 16_384, tls: TLS = TLS(), userAgent: String = "tokenrotate",
    connectTimeout: Duration = .seconds(10), maximumIdle: Duration = .seconds(30)
  ) {
    self.maximumTransfersInFlight = maximumTransfersInFlight
    self.maximumConnectionsPerHost = maximumConnectionsPerHost
    self.maximumWaitingRequests = maximumWaitingRequests
    self.tls = tls
    self.userAgent = userAgent
    self.connectTimeout = connectTimeout
    self.maximumIdle = maximumIdle
  }
}
