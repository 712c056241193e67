public import RotationModel

/// Where a new token's string is shown to the person who asked for it: the only sight of it that there will be.
public protocol SecretDisplay: Sendable {
  /// Shows all of it, or throws: then nobody may have seen it, and the token is revoked.
  func show(_ token: ShownToken) async throws(DisplayError)
}

/// A new token as its owner gets it.
public struct ShownToken: Sendable {
  public var id: String
  /// As the cluster shows it, marker included.
  public var description: String
  public var permissions: PermissionSet
  public var createdAt: Instant
  public var expiresAt: Instant?
  public var accessToken: Secret

  public init(
    id: String, description: String, permissions: PermissionSet, createdAt: Instant, expiresAt: Instant?,
    accessToken: Secret
  ) {
    self.id = id
    self.description = description
    self.permissions = permissions
    self.createdAt = createdAt
    self.expiresAt = expiresAt
    self.accessToken = accessToken
  }
}

/// Why a string could not be shown.
public struct DisplayError: Error, Equatable, Sendable {
  /// What happened, and where. Never holds a part of a secret.
  public var message: String

  public init(message: String) {
    self.message = message
  }
}
