internal import JSONText
internal import RotationModel
internal import RotationPorts

/// The URLs of one cluster's Management API. Pure.
struct ManagementEndpoint: Sendable {
  /// Scheme, host and port.
  let address: String
  /// Without a slash at its end.
  private let base: String

  /// `managementURL`, with `/accounts/A/clusters/C` for Cloud Dedicated. Nil when any of them cannot be part of a
  /// URL.
  init?(managementURL: String, cluster: ManagedCluster) {
    guard let address = URLText.address(of: managementURL) else { return nil }
    self.address = address
    let root = URLText.withoutSlashAtEnd(managementURL)
    switch cluster {
    case .clustered: base = root
    case .dedicated(let accountID, let clusterID):
      guard let account = PathComponent.encoded(accountID), let cluster = PathComponent.encoded(clusterID)
      else { return nil }
      base = "\(root)/accounts/\(account)/clusters/\(cluster)"
    }
  }

  var tokens: String { "\(base)/tokens" }
  var databases: String { "\(base)/databases" }

  /// Nil when `id` cannot be a path component.
  func token(_ id: String) -> String? {
    PathComponent.encoded(id).map { "\(base)/tokens/\($0)" }
  }
}

/// One step of a URL's path.
enum PathComponent {
  private static let maximumBytes = 256

  /// `text` with everything but RFC 3986's unreserved characters percent-encoded; nil for what is empty,
  /// too long, or would climb in the path.
  static func encoded(_ text: String) -> String? {
    guard !text.isEmpty, text.utf8.count <= maximumBytes, text != ".", text != ".." else { return nil }
    return URLText.percentEncoded(text)
  }
}

/// The parts of URLs that are needed here.
enum URLText {
  /// `scheme://host[:port]` of a URL without user, query and fragment; nil for any other text.
  static func address(of url: String) -> String? {
    guard url.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !"@?#\\\"<>".utf8.contains($0) }) else {
      return nil
    }
    for scheme in ["https://", "http://"] where url.lowercased().hasPrefix(scheme) {
      let authority = url.utf8.dropFirst(scheme.utf8.count).prefix { $0 != UInt8(ascii: "/") }
      return authority.isEmpty ? nil : scheme + String(Substring(authority)).lowercased()
    }
    return nil
  }

  static func withoutSlashAtEnd(_ url: String) -> String {
    var url = url
    while url.last == "/" { url.removeLast() }
    return url
  }

  static func percentEncoded(_ text: String) -> String {
    let digits = Array("0123456789ABCDEF".unicodeScalars)
    var encoded = String.UnicodeScalarView()
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        encoded.append(Unicode.Scalar(byte))
      default:
        encoded.append(contentsOf: ["%", digits[Int(byte >> 4)], digits[Int(byte & 15)]])
      }
    }
    return String(encoded)
  }
}

/// The bodies of requests that make and change tokens.
enum ManagementBody {
  /// `CreateDatabaseToken`. `expiresAt` only when there is one, to the second and with `Z`; the
  /// `expirationType` of the guide's prose is not in the schema and not sent.
  static func creation(_ request: TokenRequest) -> [UInt8] {
    encoded(
      description: request.description, expiresAt: request.expiresAt, permissions: request.permissions)
  }

  /// `UpdateDatabaseToken`, with at least one of its two members.
  static func change(description: String?, permissions: PermissionSet?) -> [UInt8] {
    encoded(description: description, expiresAt: nil, permissions: permissions)
  }

  private static func encoded(
    description: String?, expiresAt: Instant?, permissions: PermissionSet?
  ) -> [UInt8] {
    var json = JSONWriter(.required, capacity: 512)
    json.object { json in
      if let description { json.member("description", description) }
      if let expiresAt { json.member("expiresAt", expiresAt.rfc3339Seconds) }
      if let permissions {
        json.key("permissions")
        json.array { for permission in permissions.permissions { write(permission, to: &$0) } }
      }
    }
    return json.bytes
  }

  private static func write(_ permission: Permission, to json: inout JSONWriter) {
    json.object {
      $0.member("action", permission.action.rawValue)
      $0.member("resource", permission.database)
    }
  }
}
