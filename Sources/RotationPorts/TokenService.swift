public import RotationModel

/// A cluster's administration of database tokens, whichever edition it is.
///
/// Each call is one request: no call repeats itself. Retrying is the runner's business, because only the
/// runner knows which requests may be sent twice.
public protocol TokenService: Sendable {
  /// Where the service is, for messages: scheme, host and port, never a path with ids.
  var address: String { get }
  /// No request is under way for longer than this; its effect is not expected later.
  var requestTimeout: Duration { get }

  /// Creates a token. Never sent twice by anything below this call.
  func createToken(_ request: TokenRequest) async -> CreateAnswer
  /// Every token that `isWanted` keeps, revoked ones included where the service lists them.
  func listTokens(
    keeping isWanted: @Sendable (TokenRecord) -> Bool
  ) async throws(ServiceError) -> TokenListing
  /// One token; nil when the service does not know the id.
  func token(id: String) async throws(ServiceError) -> TokenRecord?
  /// Replaces the description, or the permissions as a whole, or both; nil leaves a part as it is.
  func updateToken(id: String, description: String?, permissions: PermissionSet?) async -> ChangeAnswer
  /// Revokes a token for good.
  func revokeToken(id: String) async -> ChangeAnswer
  /// The names of the cluster's databases.
  func listDatabases() async throws(ServiceError) -> [String]
}

/// What a new token is to be.
public struct TokenRequest: Equatable, Sendable {
  /// As the cluster shows it, marker included.
  public var description: String
  public var permissions: PermissionSet
  /// nil: never expires.
  public var expiresAt: Instant?

  public init(description: String, permissions: PermissionSet, expiresAt: Instant?) {
    self.description = description
    self.permissions = permissions
    self.expiresAt = expiresAt
  }
}

/// What the one answer to a creation says.
public enum CreateAnswer: Sendable {
  /// A well-formed success. Whether the string and the expiry are usable is the runner's to judge.
  case created(CreatedToken)
  /// Proof that no token was made: a definite refusal, or nothing was sent.
  case refused(ServiceError)
  /// Anything else. A token may exist, or may yet come to exist.
  case unknown(ServiceError)
}

/// A new token, with the only sight of its string that there will ever be.
public struct CreatedToken: Sendable {
  public var id: String
  public var accessToken: Secret
  public var expiresAt: Instant?

  public init(id: String, accessToken: Secret, expiresAt: Instant?) {
    self.id = id
    self.accessToken = accessToken
    self.expiresAt = expiresAt
  }
}

/// A token as the cluster lists it, without its string.
public struct TokenRecord: Equatable, Sendable {
  public var id: String
  /// As the cluster shows it, marker included.
  public var description: String
  public var permissions: PermissionSet
  public var createdAt: Instant?
  public var expiresAt: Instant?
  /// Set when the service lists tokens that were revoked.
  public var revokedAt: Instant?

  public init(
    id: String, description: String, permissions: PermissionSet, createdAt: Instant? = nil,
    expiresAt: Instant? = nil, revokedAt: Instant? = nil
  ) {
    self.id = id
    self.description = description
    self.permissions = permissions
    self.createdAt = createdAt
    self.expiresAt = expiresAt
    self.revokedAt = revokedAt
  }
}

/// The answer to a listing.
public struct TokenListing: Sendable {
  public var tokens: [TokenRecord]
  /// The service's own clock, from its `Date` header, to the second.
  public var serviceTime: Instant?

  public init(tokens: [TokenRecord], serviceTime: Instant?) {
    self.tokens = tokens
    self.serviceTime = serviceTime
  }
}

/// What the answer to an update or a revocation says.
public enum ChangeAnswer: Sendable {
  case done
  /// The service does not know the id; for a revocation, confirmed by asking, that is as good as done.
  case notFound
  /// Certainly not done.
  case refused(ServiceError)
  /// May be done, or may yet come to be.
  case unknown(ServiceError)
}

/// Why a request to the cluster did not give what it was sent for.
public struct ServiceError: Error, Equatable, Sendable {
  public enum Code: String, Sendable {
    /// 401 or 403: the management token is not accepted.
    case credentialRefused = "credential_refused"
    case notFound = "not_found"
    /// 400, 413, 422: the request itself is at fault.
    case badRequest = "bad_request"
    case conflict
    /// 429.
    case throttled
    /// The connection could not be made: nothing was sent.
    case unreachable
    /// 5xx, or an answer outside the published API.
    case unavailable
    /// The connection or the time limit ended before an answer.
    case noAnswer = "no_answer"
    /// An answer that cannot be read.
    case malformed
    case cancelled
  }

  public var code: Code
  /// The HTTP status, where there was one.
  public var status: Int?
  /// What happened, where and why. Never holds a part of a secret.
  public var message: String
  /// What to do next.
  public var hint: String?
  /// How long the service asks to be left alone, `longestRetryAfter` for any longer wish.
  public var retryAfter: Duration?
  /// A longer wish is shortened to this, so that a wrong header cannot stop a run for a day.
  public static let longestRetryAfter: Duration = .seconds(600)

  public init(
    _ code: Code, status: Int? = nil, message: String, hint: String? = nil,
    retryAfter: Duration? = nil
  ) {
    self.code = code
    self.status = status
    self.message = message
    self.hint = hint
    self.retryAfter = retryAfter
  }

  /// Whether the same request may well succeed a little later.
  public var isPassing: Bool {
    switch code {
    case .throttled, .unreachable, .unavailable, .noAnswer: true
    case .credentialRefused, .notFound, .badRequest, .conflict, .malformed, .cancelled: false
    }
  }
}
