/// What a client can ask of a cluster; the words that a fault's text uses.
public enum ClusterOperation: String, Sendable, CaseIterable {
  case create, list, get, update, revoke, databases, query, write

  /// Whether an effect is left behind when the answer is lost.
  var changesTokens: Bool {
    switch self {
    case .create, .update, .revoke: true
    case .list, .get, .databases, .query, .write: false
    }
  }

  /// Whether the data endpoints serve it, with their own shape of errors.
  var isData: Bool { self == .query || self == .write }
}

/// One request, already read and found to be within the published API.
public enum ClusterCall: Equatable, Sendable {
  case create(TokenRequest)
  case list
  case get(id: String)
  case update(id: String, TokenChange)
  case revoke(id: String)
  case databases
  case query(accessToken: String, database: String)
  case write(accessToken: String, database: String)

  public var operation: ClusterOperation {
    switch self {
    case .create: .create
    case .list: .list
    case .get: .get
    case .update: .update
    case .revoke: .revoke
    case .databases: .databases
    case .query: .query
    case .write: .write
    }
  }
}

/// What the cluster says to a call.
public enum ClusterReply: Equatable, Sendable {
  case created(CreatedToken)
  case tokens([TokenRecord])
  case token(TokenRecord)
  case revoked
  case databases([String])
  case access(AccessAnswer)
  /// No live token has this id.
  case notFound
  /// An HTTP status and what it is about, from the cluster or from a fault.
  case refused(status: Int, message: String, retryAfterSeconds: Int?)
}

/// What reaches the client.
public struct ClusterAnswer: Equatable, Sendable {
  /// Nil when the connection is closed without an answer.
  public var reply: ClusterReply?
  /// How long the client waits for it; the effect has already happened.
  public var delay: Duration
  /// How a successful reply is spoiled on its way.
  public var malformation: Fault.Malformation?

  init(_ reply: ClusterReply?, delay: Duration = .zero, malformation: Fault.Malformation? = nil) {
    self.reply = reply
    self.delay = delay
    self.malformation = malformation
  }
}
