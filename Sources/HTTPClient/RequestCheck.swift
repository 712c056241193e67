internal import CCurl
internal import Glibc

/// What is looked at before a request is queued: nothing of a request that fails here reaches the network,
/// the resolver included.
struct RequestCheck {
  private static let maximumURLBytes = 8192
  private static let maximumHeaderCount = 64
  private static let maximumHeaderBytes = 16_384

  /// Headers that say who we are, where a request ends or whom it is for.
  private static let ownHeaders: Set<String> = [
    "authorization", "connection", "content-length", "expect", "host", "proxy-authorization", "te",
    "trailer", "transfer-encoding", "upgrade",
  ]

  /// Why a request was refused.
  struct Refusal: Error {
    let code: HTTPError.Code
    let message: String

    init(_ code: HTTPError.Code, _ message: String) {
      self.code = code
      self.message = message
    }
  }

  /// The server as errors show it, as in `https://host:443`; nil while it is not known.
  private(set) var server: String?

  mutating func check(_ request: HTTPRequest) throws(Refusal) {
    try checkURL(request.url)
    try checkHeaders(request)
  }

  private mutating func checkURL(_ url: String) throws(Refusal) {
    guard url.utf8.count <= RequestCheck.maximumURLBytes else {
      throw Refusal(.badURL, "the URL is longer than \(RequestCheck.maximumURLBytes) bytes")
    }
    guard url.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }) else {
      throw Refusal(.badURL, "the URL holds a space, a control character, a # or a character beyond ASCII")
    }
    let handle = curl_url()
    defer { curl_url_cleanup(handle) }
    guard curl_url_set(handle, CURLUPART_URL, url, 0) == CURLUE_OK,
      let scheme = RequestCheck.part(CURLUPART_SCHEME, of: handle),
      let host = RequestCheck.part(CURLUPART_HOST, of: handle),
      let port = RequestCheck.part(CURLUPART_PORT, of: handle)
    else { throw Refusal(.badURL, "the URL is malformed") }
    guard scheme == "https" || scheme == "http" else {
      throw Refusal(.badURL, "the URL is neither https:// nor http://")
    }
    guard RequestCheck.part(CURLUPART_USER, of: handle) == nil,
      RequestCheck.part(CURLUPART_PASSWORD, of: handle) == nil
    else { throw Refusal(.badURL, "the URL holds a user or a password") }
    server = "\(scheme)://\(host):\(port)"
    guard scheme == "https" || RequestCheck.isLoopback(host) else {
      throw Refusal(.insecureURL, "http:// is refused, because the host is not loopback")
    }
    try RequestCheck.checkPath(of: url)
  }

  /// libcurl and servers resolve `.` and `..`, so that the id `..` would turn a token's URL into that of all
  /// tokens. Looked for in the text as given, because libcurl's parser has already resolved them.
  private static func checkPath(of url: String) throws(Refusal) {
    let path = url.utf8.prefix { $0 != UInt8(ascii: "?") }
    for segment in path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      let text = String(decoding: segment, as: UTF8.self).lowercased()
      guard !text.split(separator: "%2f", omittingEmptySubsequences: false).contains(where: isDots) else {
        throw Refusal(.badURL, "the URL's path holds . or ..")
      }
    }
  }

  private static func isDots(_ segment: Substring) -> Bool {
    ["%2e", ".", "..", ".%2e", "%2e.", "%2e%2e"].contains(segment)
  }

  private static func part(_ part: CURLUPart, of handle: OpaquePointer?) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    let flags = UInt32(part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0)
    guard curl_url_get(handle, part, &text, flags) == CURLUE_OK, let text else { return nil }
    defer { curl_free(text) }
    return String(cString: text)
  }

  /// `localhost` never reaches a resolver: libcurl knows its addresses itself (since 7.78).
  private static func isLoopback(_ host: String) -> Bool {
    if host == "[::1]" || host.lowercased() == "localhost" { return true }
    var address = in_addr()
    return inet_pton(AF_INET, host, &address) == 1 && UInt32(bigEndian: address.s_addr) >> 24 == 127
  }

  private func checkHeaders(_ request: HTTPRequest) throws(Refusal) {
    guard request.headers.count <= RequestCheck.maximumHeaderCount else {
      throw Refusal(.badHeader, "there are more than \(RequestCheck.maximumHeaderCount) headers")
    }
    var byteCount = 0
    for header in request.headers {
      try RequestCheck.checkName(header.name)
      guard !RequestCheck.ownHeaders.contains(header.name.lowercased()) else {
        throw Refusal(.badHeader, "the header \(header.name) is written by the client itself")
      }
      guard header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
        throw Refusal(.badHeader, "the header \(header.name) holds a line end or a control character")
      }
      byteCount += header.name.utf8.count + header.value.utf8.count
    }
    guard byteCount <= RequestCheck.maximumHeaderBytes else {
      throw Refusal(.badHeader, "the headers are longer than \(RequestCheck.maximumHeaderBytes) bytes")
    }
    try checkAuthorization(request.authorization)
  }

  private func checkAuthorization(_ authorization: HTTPRequest.Authorization?) throws(Refusal) {
    guard let authorization else { return }
    if case .header(let name, _) = authorization { try RequestCheck.checkName(name) }
    let isUsable = authorization.secret.withUnsafeBytes { bytes in
      !bytes.isEmpty && bytes.count <= RequestCheck.maximumHeaderBytes
        && bytes.allSatisfy { (0x21...0x7E).contains($0) }
    }
    guard isUsable else {
      throw Refusal(.badHeader, "the credential is empty, too long or holds a space, line end or other byte")
    }
  }

  /// RFC 9110's `token`.
  private static func checkName(_ name: String) throws(Refusal) {
    let isUsable = name.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
      }
    }
    guard isUsable, !name.isEmpty, name.utf8.count <= 128 else {
      throw Refusal(.badHeader, "a header's name is empty, too long or holds a character that none may")
    }
  }
}
