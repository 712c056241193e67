internal import FoundationEssentials
internal import HTTPClient
internal import RotationModel
internal import RotationPorts

/// Reads tokens as the Management API lists them. Unknown members are ignored, whatever they hold.
enum ListedToken {
  /// All tokens of an answer that `isWanted` keeps. Each is judged as soon as it is read, so that those
  /// nobody wants are never in memory together.
  static func all(
    _ response: HTTPResponse, of call: ManagementCall, keeping isWanted: @Sendable (TokenRecord) -> Bool
  ) throws(ServiceError) -> [TokenRecord] {
    let list = try withoutActuallyEscaping(isWanted) { isWanted throws(ServiceError) in
      try decode(TokenList.self, response, of: call) { $0[TokenList.filterKey] = Filter(isWanted: isWanted) }
    }
    return list.tokens
  }

  static func one(_ response: HTTPResponse, of call: ManagementCall) throws(ServiceError) -> TokenRecord {
    try decode(TokenBody.self, response, of: call).record
  }

  /// The names in an answer to a listing of databases.
  static func databases(
    _ response: HTTPResponse, of call: ManagementCall
  ) throws(ServiceError) -> [String] {
    try decode([DatabaseBody].self, response, of: call).map(\.name)
  }

  private static func decode<Body: Decodable>(
    _ type: Body.Type, _ response: HTTPResponse, of call: ManagementCall,
    prepare: (inout [CodingUserInfoKey: any Sendable]) -> Void = { _ in }
  ) throws(ServiceError) -> Body {
    let decoder = JSONDecoder()
    prepare(&decoder.userInfo)
    do {
      // A list of 100,000 tokens has 38 MB, which are not copied.
      return try response.body.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { throw UnreadableMember("it is empty") }
        let data = Data(
          bytesNoCopy: UnsafeMutableRawPointer(mutating: base), count: bytes.count, deallocator: .none)
        return try decoder.decode(type, from: data)
      }
    } catch let error as UnreadableMember {
      throw call.malformed(error.what, status: response.status)
    } catch {
      // A decoder's own words may quote the body.
      throw call.malformed("it is not JSON of the published form", status: response.status)
    }
  }
}

/// A member that is there and cannot be understood.
private struct UnreadableMember: Error {
  let what: String

  init(_ what: String) { self.what = what }
}

private struct Filter: Sendable {
  let isWanted: @Sendable (TokenRecord) -> Bool
}

private struct TokenList: Decodable {
  /// This initializer fails for no text.
  static let filterKey = CodingUserInfoKey(rawValue: "filter")!

  var tokens: [TokenRecord] = []

  init(from decoder: any Decoder) throws {
    let filter = decoder.userInfo[TokenList.filterKey] as? Filter
    var list = try decoder.unkeyedContainer()
    while !list.isAtEnd {
      let record = try list.decode(TokenBody.self).record
      if filter?.isWanted(record) ?? true { tokens.append(record) }
    }
  }
}

private struct DatabaseBody: Decodable {
  let name: String
}

private struct TokenBody: Decodable {
  let record: TokenRecord

  private enum CodingKeys: CodingKey {
    case id, description, permissions, createdAt, expiresAt, revokedAt
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let permissions = try container.decodeIfPresent([PermissionBody].self, forKey: .permissions) ?? []
    let createdAt = try? container.decodeIfPresent(String.self, forKey: .createdAt)
    record = TokenRecord(
      id: TokenIDText.uniform(try container.decode(String.self, forKey: .id)),
      description: try container.decodeIfPresent(String.self, forKey: .description) ?? "",
      permissions: PermissionSet(permissions.map(\.permission)),
      createdAt: createdAt.flatMap { Instant(rfc3339: $0) },
      expiresAt: try TokenBody.instant(container, .expiresAt),
      revokedAt: try TokenBody.instant(container, .revokedAt))
  }

  /// These two decide whether a token is live, so that they may not be guessed.
  private static func instant(
    _ container: KeyedDecodingContainer<CodingKeys>, _ key: CodingKeys
  ) throws -> Instant? {
    guard let text = try container.decodeIfPresent(String.self, forKey: key) else { return nil }
    guard let instant = Instant(rfc3339: text) else {
      throw UnreadableMember("the \(key.stringValue) of a token is no RFC 3339 time")
    }
    return instant
  }
}

private struct PermissionBody: Decodable {
  let permission: Permission

  private enum CodingKeys: CodingKey { case action, resource }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let action = try container.decode(String.self, forKey: .action)
    let resource = try container.decode(String.self, forKey: .resource)
    permission =
      Permission.Action(rawValue: action).map { Permission($0, resource) }
      ?? UnknownAction.permission(action, resource)
  }
}

/// A permission whose action this version does not know.
///
/// The OpenAPI schema of actions is open. Such a permission stands in a token's set as a read of a database
/// whose name no database can have, `(unknown action NAME) DATABASE`, so that the set equals none that can
/// be asked for, and is never sent back.
enum UnknownAction {
  private static let prefix = "(unknown action "

  static func permission(_ action: String, _ resource: String) -> Permission {
    let shownAction = ServerMessage.printable(action.prefix(64))
    let shownResource = ServerMessage.printable(resource.prefix(64))
    return Permission(.read, "\(prefix)\(shownAction)) \(shownResource)")
  }

  static func isContained(in permissions: PermissionSet) -> Bool {
    permissions.permissions.contains { $0.database.hasPrefix(prefix) }
  }
}
