internal import RotationModel

/// The JSON bodies of POST and PATCH, read as strictly as their schemas allow.
struct RequestBody {
  private let members: [(key: String, value: JSONValue)]

  init(of request: HTTPRequest) throws(Violation) {
    guard !request.bodyIsTooLong else {
      throw Violation(.bodyTooLong, "the body is longer than the sandbox reads", status: 413)
    }
    let contentType = request.contentType ?? ""
    guard contentType == "application/json" || contentType.hasPrefix("application/json;") else {
      throw Violation(.contentType, "the Content-Type is not application/json")
    }
    guard case .object(let members) = JSONReader.read(request.body) else {
      throw Violation(.json, "the body is not a JSON object")
    }
    self.members = members
  }

  /// The body of `CreateDatabaseToken`: only `description` is required.
  func tokenRequest() throws(Violation) -> TokenRequest {
    try checkKeys(["description", "permissions", "expiresAt"])
    guard let description = try description() else {
      throw Violation(.description, "the description is missing")
    }
    return TokenRequest(
      description: description, permissions: try permissions() ?? PermissionSet([]),
      expiresAt: try expiresAt())
  }

  /// The body of `UpdateDatabaseToken`: at least one of its two members (`minProperties: 1`).
  func tokenChange() throws(Violation) -> TokenChange {
    try checkKeys(["description", "permissions"])
    guard !members.isEmpty else { throw Violation(.emptyChange, "the change has no member") }
    return TokenChange(description: try description(), permissions: try permissions())
  }

  private func checkKeys(_ known: [String]) throws(Violation) {
    try Self.checkKeys(of: members, known)
  }

  private static func checkKeys(
    of members: [(key: String, value: JSONValue)], _ known: [String]
  ) throws(Violation) {
    for (index, member) in members.enumerated() {
      guard known.contains(member.key) else {
        throw Violation(.unknownKey, "the key '\(member.key.prefix(64))' is not specified")
      }
      guard !members[..<index].contains(where: { $0.key == member.key }) else {
        throw Violation(.repeatedKey, "the key '\(member.key)' is there twice")
      }
    }
  }

  private func value(_ key: String) -> JSONValue? { members.first { $0.key == key }?.value }

  private func description() throws(Violation) -> String? {
    guard let value = value("description") else { return nil }
    guard case .string(let text) = value else {
      throw Violation(.description, "the description is not a string")
    }
    return text
  }

  private func permissions() throws(Violation) -> PermissionSet? {
    guard let value = value("permissions") else { return nil }
    guard case .array(let elements) = value else {
      throw Violation(.permission, "permissions is not an array")
    }
    var permissions: [Permission] = []
    for element in elements { permissions.append(try permission(element)) }
    return PermissionSet(permissions)
  }

  private func permission(_ element: JSONValue) throws(Violation) -> Permission {
    guard case .object(let members) = element else {
      throw Violation(.permission, "a permission is not an object")
    }
    try Self.checkKeys(of: members, ["action", "resource"])
    guard case .string(let word)? = members.first(where: { $0.key == "action" })?.value,
      case .string(let resource)? = members.first(where: { $0.key == "resource" })?.value
    else { throw Violation(.permission, "a permission lacks the string action or resource") }
    guard let action = Permission.Action(rawValue: word) else {
      throw Violation(.permission, "the action '\(word.prefix(64))' is neither read nor write")
    }
    guard resource == Permission.everyDatabase || DatabaseName.isValid(resource) else {
      throw Violation(.databaseName, "a resource is neither '*' nor a valid database name")
    }
    return Permission(action, resource)
  }

  /// The documentation shows `Z` only, so a numeric offset is not sent.
  private func expiresAt() throws(Violation) -> Instant? {
    guard let value = value("expiresAt") else { return nil }
    guard case .string(let text) = value, text.hasSuffix("Z"), Array(text.utf8.prefix(11)).last == 0x54,
      let instant = Instant(rfc3339: text)
    else { throw Violation(.expiresAt, "expiresAt is not an RFC 3339 time that ends in Z") }
    return instant
  }
}
