public import RotationModel

/// Where token strings are put away. Each name has three places: pending, current and previous.
///
/// Every call may be repeated after a crash or a failure and then does nothing more than it did, or
/// completes what was half done. A reader outside sees the old token or the new one, never neither.
public protocol SecretStore: Sendable {
  /// The store's name within its job, as events and reports name it.
  var name: String { get }

  /// Takes the store for this installation and says whether it can be written; throws
  /// `StoreError.ownedByAnother` when another installation or process has it. Called once before use. A store
  /// that nobody has taken yet is made.
  func open() async throws(StoreError)
  /// Throws `StoreError.missing` when nobody has taken the store yet. Changes nothing and needs no `open`: where
  /// a store was used before, an empty directory in place of a volume that is not mounted would pass for one
  /// whose strings were lost.
  func requireTaken() async throws(StoreError)
  /// Gives the store back. Nothing is called after it.
  func close() async

  /// Makes sure that `stage` of this token will be taken whatever string the cluster gives it: there is room,
  /// the store can hold it, nothing else is pending there, and no generation as new as it is current. Another
  /// attempt in the pending or the current place is `StoreError.conflict`. Success without making room when the
  /// token is staged or current already.
  func reserve(_ place: StorePlace, for token: PlannedToken) async throws(StoreError)
  /// Makes the token durable in the pending place; on return it survives power loss.
  func stage(_ token: StoredToken, at place: StorePlace) async throws(StoreError)
  /// Makes the pending token of this generation current and the current one previous, then empties the
  /// pending place. Compare-and-set: a newer current generation is `StoreError.conflict`, and so is a previous
  /// token that nobody discarded; when this generation is current already, only what was left half done is
  /// completed.
  func promote(generation: Int, at place: StorePlace) async throws(StoreError)
  /// The token in one of the places; nil when it is empty.
  func read(_ which: Event.Place, at place: StorePlace) async throws(StoreError) -> StoredToken?
  /// What is wrong with the current place; nil when it holds this attempt's token as it was put there. Looks
  /// without touching, and needs no `open`. That the string is one that a token may have is looked at; whether
  /// it is the token's is known from the store's own record.
  func inspect(_ place: StorePlace, attempt: AttemptID) async throws(StoreError) -> StoreFlaw?
  /// Makes the previous token, of generation `to`, current again and the current one, of generation `from`,
  /// previous. Compare-and-set on both; when it is so already, only what was left half done is completed. Until
  /// then the place takes nothing else: `reserve`, `stage` and `promote` are `StoreError.conflict`.
  func rollBack(from: Int, to: Int, at place: StorePlace) async throws(StoreError)
  /// Makes the current token of this generation previous and leaves the current place empty; an empty one is
  /// success. A previous place that holds another token is `StoreError.conflict`.
  func withdraw(generation: Int, at place: StorePlace) async throws(StoreError)
  /// Moves what the store has of a name to another name and place of the same job; success when it is there
  /// already, or nowhere. Consumers read the new place from then on, and nothing at the old one.
  func relocate(from old: StorePlace, to place: StorePlace) async throws(StoreError)
  /// Empties the pending or previous place if it holds this attempt (or only a reservation); an empty
  /// place is success. The current place is never emptied by this call.
  func discard(_ which: Event.Place, attempt: AttemptID, at place: StorePlace) async throws(StoreError)
}

/// The place of one name in a store.
public struct StorePlace: Hashable, Sendable {
  public var job: String
  /// The token's name.
  public var name: String
  /// One path component in place of the name; nil: the name itself.
  public var secret: String?
  /// The system user and group that own the file, and its mode (0o600 or 0o640); nil: the store's own.
  public var owner: String?
  public var group: String?
  public var mode: UInt32?

  public init(
    job: String, name: String, secret: String? = nil, owner: String? = nil, group: String? = nil,
    mode: UInt32? = nil
  ) {
    self.job = job
    self.name = name
    self.secret = secret
    self.owner = owner
    self.group = group
    self.mode = mode
  }
}

/// A token with its string and what a consumer needs beside it.
public struct StoredToken: Sendable, Equatable {
  public var generation: Int
  public var attempt: AttemptID
  public var tokenID: String
  public var accessToken: Secret
  /// The query and write endpoint, a full URL.
  public var host: String
  /// The databases that the token may use, `"*"` included.
  public var databases: [String]
  public var expiresAt: Instant?

  public init(
    generation: Int, attempt: AttemptID, tokenID: String, accessToken: Secret, host: String,
    databases: [String], expiresAt: Instant?
  ) {
    self.generation = generation
    self.attempt = attempt
    self.tokenID = tokenID
    self.accessToken = accessToken
    self.host = host
    self.databases = databases
    self.expiresAt = expiresAt
  }
}

/// What will be stored of a token that is not made yet: all but what only the cluster's answer tells.
public struct PlannedToken: Sendable, Equatable {
  public var generation: Int
  public var attempt: AttemptID
  /// The query and write endpoint, a full URL.
  public var host: String
  /// The databases that the token may use, `"*"` included.
  public var databases: [String]
  /// As it is expected now; the token's own may be a little later.
  public var expiresAt: Instant?

  public init(
    generation: Int, attempt: AttemptID, host: String, databases: [String], expiresAt: Instant?
  ) {
    self.generation = generation
    self.attempt = attempt
    self.host = host
    self.databases = databases
    self.expiresAt = expiresAt
  }
}

extension StoredToken {
  /// What was known of it before it was made.
  public var planned: PlannedToken {
    PlannedToken(
      generation: generation, attempt: attempt, host: host, databases: databases, expiresAt: expiresAt)
  }
}

/// What is wrong with a token that was delivered.
public struct StoreFlaw: Equatable, Sendable {
  /// What was found where, in words for people.
  public var message: String
  /// What to do about it.
  public var hint: String

  public init(_ message: String, hint: String) {
    self.message = message
    self.hint = hint
  }
}

/// Why a store did not do what it was asked.
public struct StoreError: Error, Equatable, Sendable {
  public enum Code: String, Sendable {
    /// Read-only, closed to us, or failing: may pass.
    case unavailable
    /// Its server does not answer, or not now: may well pass within minutes.
    case unreachable
    /// No room left: may pass when somebody makes some.
    case noRoom = "no_room"
    /// The place or the whole store belongs to another installation, job or name.
    case ownedByAnother = "owned_by_another"
    /// Another attempt is pending, a newer generation is current, or a previous token was not discarded.
    case conflict
    /// The store is not where it was used before.
    case missing
    /// The store is set up in a way that cannot work: a missing user, a link where a folder belongs.
    case misconfigured
    /// A record that cannot be read.
    case malformed
  }

  public var code: Code
  /// What happened, where and why. Never holds a part of a secret.
  public var message: String
  /// What to do next.
  public var hint: String?

  public init(_ code: Code, message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  /// Whether the same call may well succeed a little later.
  public var isPassing: Bool {
    switch code {
    case .unavailable, .unreachable, .noRoom: true
    case .ownedByAnother, .conflict, .missing, .misconfigured, .malformed: false
    }
  }
}
