public import RotationModel

/// A request that the published API does not have: a bug of the client, not of the day.
public struct Violation: Equatable, Sendable {
  public enum Rule: String, Sendable, CaseIterable {
    case unknownPath = "unknown-path"
    case wrongMethod = "wrong-method"
    case account = "account"
    case cluster = "cluster"
    case tokenID = "token-id"
    case authorization = "authorization"
    case contentType = "content-type"
    case expect = "expect"
    case queryParameter = "query-parameter"
    case tokenInURL = "token-in-url"
    case unsupportedQuery = "unsupported-query"
    case unwantedBody = "unwanted-body"
    case bodyTooLong = "body-too-long"
    case json = "json"
    case unknownKey = "unknown-key"
    case repeatedKey = "repeated-key"
    case description = "description"
    case permission = "permission"
    case databaseName = "database-name"
    case expiresAt = "expires-at"
    case emptyChange = "empty-change"
    case points = "points"
  }

  public let rule: Rule
  /// What was wrong. Never a header's or a query parameter's value.
  public let message: String
  /// The HTTP status it was answered with.
  public let status: Int
  /// Nil where no operation could be made out.
  public internal(set) var operation: ClusterOperation?
  public internal(set) var time: Instant?

  init(_ rule: Rule, _ message: String, status: Int = 400, operation: ClusterOperation? = nil) {
    self.rule = rule
    self.message = message
    self.status = status
    self.operation = operation
  }
}

extension Violation: Error {}
