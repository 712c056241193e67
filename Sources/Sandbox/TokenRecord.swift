public import RotationModel

/// What the cluster tells about a token after its creation. The access token is never part of it.
public struct TokenRecord: Equatable, Sendable {
  /// A version 4 UUID in lower case.
  public let id: String
  public internal(set) var description: String
  public internal(set) var permissions: PermissionSet
  public let createdAt: Instant
  public let expiresAt: Instant?
  public internal(set) var revokedAt: Instant?
}

/// The body of a POST that creates a token.
public struct TokenRequest: Equatable, Sendable {
  public var description: String
  public var permissions: PermissionSet
  public var expiresAt: Instant?

  public init(description: String, permissions: PermissionSet, expiresAt: Instant? = nil) {
    self.description = description
    self.permissions = permissions
    self.expiresAt = expiresAt
  }
}

/// The body of a PATCH: nil leaves a field as it is. Permissions are replaced whole.
public struct TokenChange: Equatable, Sendable {
  public var description: String?
  public var permissions: PermissionSet?

  public init(description: String? = nil, permissions: PermissionSet? = nil) {
    self.description = description
    self.permissions = permissions
  }
}

/// A token as the answer to its creation shows it, the only answer that carries its string.
public struct CreatedToken: Equatable, Sendable {
  public let record: TokenRecord
  public let accessToken: String
}

/// What a query or write node thinks of a request.
public enum AccessAnswer: Equatable, Sendable {
  case permitted
  /// This node has not learned the token, or the token is revoked, expired or nobody's.
  case unknownToken
  /// The node knows the token, which lacks this permission on this database.
  case notPermitted
  case databaseNotFound
}
