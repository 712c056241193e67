public import RotationPorts

/// One request to an HTTP server.
///
/// Redirects are never followed: a 3xx answer is returned like any other.
public struct HTTPRequest: Sendable {
  public enum Method: String, Sendable, CaseIterable {
    case get = "GET"
    case post = "POST"
    case patch = "PATCH"
    case delete = "DELETE"
  }

  /// A header that carries a secret.
  ///
  /// The line is put together in C memory that is wiped when the transfer ends; it is never a Swift String
  /// and never part of an error. What libcurl, its HTTP/2 library and OpenSSL copy into buffers of their
  /// own while sending is out of our reach and is not wiped.
  public enum Authorization: Sendable {
    /// `Authorization: Bearer …`
    case bearer(Secret)
    /// `Authorization: Token …`
    case token(Secret)
    /// A header of another name whose whole value is the secret, such as `X-Vault-Token`.
    case header(name: String, Secret)
    /// A signature of the request, version 4 of AWS, which libcurl makes. It copies the key and wipes it no more than the
    /// rest. The body's digest has to be in a header `X-Amz-Content-Sha256`: libcurl does not see a body that it reads
    /// piece by piece before it is sent (aws_sigv4 in CURLOPT_AWS_SIGV4(3)).
    case awsSignature(region: String, service: String, keyID: String, Secret)
  }

  public var method: Method

  /// An absolute `https://` URL, or `http://` when the host is loopback. No user, password or fragment, no
  /// `.` or `..` in the path, nothing but visible ASCII: percent-encode the rest.
  public var url: String

  /// Further headers. `Authorization`, `Content-Length`, `Transfer-Encoding`, `Expect`, `Host`,
  /// `Connection` and control characters are refused with ``HTTPError/Code/badHeader``.
  public var headers: [HTTPHeader]

  public var authorization: Authorization?

  /// What is sent after the headers. A POST or PATCH without one sends `Content-Length: 0`.
  public var body: [UInt8]?

  /// The longest that ``HTTPClient/send(_:)`` takes from its call to the last byte of the answer, waiting
  /// for a free place included.
  public var timeout: Duration

  /// The longest that name lookup, TCP and TLS take together; nil is the client's own.
  public var connectTimeout: Duration?

  /// A longer body ends the transfer with ``HTTPError/Code/responseTooLarge``.
  public var maximumResponseBytes: Int

  /// Opens a connection for this request alone and closes it afterwards, so that repeated probes may reach
  /// different nodes behind one name.
  public var freshConnection: Bool

  /// The path of a Unix socket to speak to in place of the URL's host, which is only named in the request then.
  public var unixSocket: String?

  /// Promises that at most one copy of this request leaves the machine.
  ///
  /// libcurl by itself sends a request again when a connection that it reused was closed without an answer,
  /// and when an HTTP/2 server refuses the stream or goes away. With this set the second start is refused
  /// instead, with ``HTTPError/Code/resendRefused``, and what became of the first copy is unknown. Without
  /// it a request may reach the server up to six times, which is harmless for what only reads. A change that comes to
  /// the same when repeated is no exception: a copy may land after another change.
  public var neverResend: Bool

  /// - Parameter neverResend: nil stands for `true` for a POST and `false` for the other methods.
  public init(
    _ method: Method, _ url: String, headers: [HTTPHeader] = [], authorization: Authorization? = nil,
    body: [UInt8]? = nil, timeout: Duration = .seconds(30), connectTimeout: Duration? = nil,
    maximumResponseBytes: Int = 1 << 20, freshConnection: Bool = false, neverResend: Bool? = nil
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.authorization = authorization
    self.body = body
    self.timeout = timeout
    self.connectTimeout = connectTimeout
    self.maximumResponseBytes = maximumResponseBytes
    self.freshConnection = freshConnection
    self.neverResend = neverResend ?? (method == .post)
  }
}

/// A header's name and value, without colon and line end.
public struct HTTPHeader: Hashable, Sendable {
  public var name: String
  public var value: String

  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// A body may carry a token string, so neither is it printed nor the URL's query nor a header's value.
extension HTTPRequest: CustomStringConvertible, CustomReflectable {
  public var description: String { "HTTPRequest(\(method.rawValue), body: \(body?.count ?? 0) bytes)" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
