/// The URLs that a job names: a scheme, a host, a port, perhaps a path; nothing that could carry a secret.
enum EndpointURL {
  struct Problem: Error, Equatable {
    var message: String
    var hint: String?
  }

  /// Normalizes a URL: scheme and host in lower case, no slash at the end.
  ///
  /// - Parameter allowsPath: the Management API's base has a path, a data endpoint has none.
  static func normalize(
    _ text: String, allowsPath: Bool, defaultScheme: String? = nil
  ) throws(Problem) -> String {
    guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw Problem(message: "a URL holds no spaces, control characters or letters beyond ASCII")
    }
    let (scheme, rest) = try split(text, defaultScheme: defaultScheme)
    guard !rest.contains("?"), !rest.contains("#") else {
      throw Problem(message: "a URL with a query or a fragment")
    }
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    var path = rest[slash...]
    while path.hasSuffix("/") { path = path.dropLast() }
    guard path.isEmpty || allowsPath else {
      throw Problem(message: "a URL with a path", hint: "write the scheme and the host only")
    }
    let authority = rest[..<slash]
    guard !authority.contains("@") else {
      throw Problem(message: "a URL with a user name or password", hint: "the token goes elsewhere")
    }
    let (host, port) = try splitPort(authority)
    try checkHost(host)
    guard scheme == "https" || isLoopback(host) else {
      throw Problem(message: "http:// would send tokens in clear", hint: "write https://")
    }
    return "\(scheme)://\(host.lowercased())\(port.map { ":\($0)" } ?? "")\(path)"
  }

  private static func split(
    _ text: String, defaultScheme: String?
  ) throws(Problem) -> (scheme: String, rest: Substring) {
    for scheme in ["https", "http"] {
      let opening = "\(scheme)://"
      if text.lowercased().hasPrefix(opening) { return (scheme, text.dropFirst(opening.count)) }
    }
    guard let defaultScheme, !text.contains("://") else {
      throw Problem(message: "\"\(text)\" is not an https:// URL")
    }
    return (defaultScheme, text[...])
  }

  private static func splitPort(
    _ authority: Substring
  ) throws(Problem) -> (host: Substring, port: Int?) {
    var host = authority
    var port: Substring?
    if authority.hasPrefix("[") {
      guard let close = authority.firstIndex(of: "]") else {
        throw Problem(message: "an IPv6 address without its closing bracket")
      }
      host = authority[...close]
      let after = authority[authority.index(after: close)...]
      guard after.isEmpty || after.hasPrefix(":") else {
        throw Problem(message: "\"\(authority)\" is not a host name")
      }
      port = after.isEmpty ? nil : after.dropFirst()
    } else if let colon = authority.firstIndex(of: ":") {
      host = authority[..<colon]
      port = authority[authority.index(after: colon)...]
    }
    guard let port else { return (host, nil) }
    guard let number = Int(port), (1...65_535).contains(number), !port.hasPrefix("+") else {
      throw Problem(message: "\":\(port)\" is not a port")
    }
    return (host, number)
  }

  private static func checkHost(_ host: Substring) throws(Problem) {
    let bracketed = host.hasPrefix("[")
    let inside = bracketed ? host.dropFirst().dropLast() : host
    let allowed = inside.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
        true
      case UInt8(ascii: "_"): !bracketed
      case UInt8(ascii: ":"): bracketed
      default: false
      }
    }
    guard allowed, !inside.isEmpty, inside.utf8.count <= 253 else {
      throw Problem(message: "\"\(host)\" is not a host name")
    }
  }

  static func isLoopback(_ host: Substring) -> Bool {
    if host.lowercased() == "localhost" || host == "[::1]" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127"
      && parts.allSatisfy { (1...3).contains($0.utf8.count) && UInt8($0) != nil }
  }
}

/// UUIDs as the Management API writes them: the ids of accounts, clusters and tokens (`DatabaseTokenId`).
public enum UUIDText {
  public static func isValid(_ text: some StringProtocol) -> Bool {
    let bytes = Array(text.utf8)
    guard bytes.count == 36 else { return false }
    return bytes.enumerated().allSatisfy { index, byte in
      if [8, 13, 18, 23].contains(index) { return byte == UInt8(ascii: "-") }
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
        UInt8(ascii: "A")...UInt8(ascii: "F"):
        return true
      default: return false
      }
    }
  }
}
