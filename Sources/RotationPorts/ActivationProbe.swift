public import RotationModel

/// Asks a cluster's data endpoint whether a token works, without reading or writing any data.
public protocol ActivationProbe: Sendable {
  /// One question on a fresh connection, so that repeated questions reach different nodes.
  func probe(_ target: ProbeTarget, accessToken: Secret) async -> ProbeAnswer
}

/// One permission to ask about, with a wildcard already replaced by a database that exists.
public struct ProbeTarget: Hashable, Sendable {
  public var action: Permission.Action
  public var database: String

  public init(action: Permission.Action, database: String) {
    self.action = action
    self.database = database
  }
}

/// What a data endpoint's answer says about a token.
public enum ProbeAnswer: Equatable, Sendable {
  /// This node knows the token and grants the permission.
  case accepted
  /// 401 or 403: while a token is new, both mean that this node does not know it yet.
  case refused(status: Int, message: String)
  /// Says nothing about the token: throttled, unreachable, failing.
  case unavailable(ServiceError)
  /// Says that asking again will not help: the database does not exist, or the endpoint is no such thing.
  case impossible(ServiceError)
}
