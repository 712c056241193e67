public import RotationModel

/// A job's CSV as the runner reads it: once through, and then row by row again, so that no more than the
/// rows at work are in memory.
public protocol Specification: Sendable {
  /// Reads every row in order, handing them on in batches. Throws before the first batch when the file
  /// has errors.
  func enqueueRows(
    batchSize: Int, _ receive: ([QueuedRow]) async throws -> Void
  ) async throws
  /// Reads one row again. Throws `RowError` when its bytes are no longer those that were queued.
  func row(_ queued: QueuedRow) throws(RowError) -> DesiredToken
  /// Hands on the cells that name a database outside `known`, in the order of the rows and some at a time,
  /// never none, until the end or until `receive` answers false.
  func unknownDatabases(
    known: Set<String>, _ receive: ([UnknownDatabase]) async throws -> Bool
  ) async throws
}

/// A cell of a row that names a database which the cluster does not have.
public struct UnknownDatabase: Equatable, Sendable {
  /// The row's name.
  public var row: String
  /// What is wrong, on one line that begins with its place.
  public var message: String

  public init(row: String, message: String) {
    self.row = row
    self.message = message
  }
}

/// What a row asks for.
public struct DesiredToken: Equatable, Sendable {
  public var name: String
  /// Without the marker.
  public var description: String
  public var permissions: PermissionSet
  public var expiry: Expiry
  public var place: StorePlace
  /// Overrides the job's `every`.
  public var rotateEvery: Duration?
  /// The id of a token that somebody made by hand and that this lineage's first one replaces.
  public var replaces: String?
  /// What the row tells those who are told of the token, by key.
  public var labels: [String: String] = [:]

  /// Whether the permissions are those of the token that is replaced, because the row names none.
  public var inheritsPermissions: Bool { permissions.isEmpty && replaces != nil }

  public enum Expiry: Equatable, Sendable {
    case never
    case at(Instant)
    case after(Duration)

    /// The expiry of a token created now, to the second, because that is what the service keeps.
    public func instant(createdAt now: Instant) -> Instant? {
      switch self {
      case .never: nil
      case .at(let instant): instant
      case .after(let span):
        Instant(milliseconds: (now + span).milliseconds / 1000 * 1000)
      }
    }
  }

  public init(
    name: String, description: String, permissions: PermissionSet, expiry: Expiry, place: StorePlace,
    rotateEvery: Duration? = nil, replaces: String? = nil
  ) {
    self.name = name
    self.description = description
    self.permissions = permissions
    self.expiry = expiry
    self.place = place
    self.rotateEvery = rotateEvery
    self.replaces = replaces
  }
}

/// A row that cannot be read again as it was queued.
public struct RowError: Error, Equatable, Sendable {
  public var message: String
  public var hint: String?

  public init(message: String, hint: String?) {
    self.message = message
    self.hint = hint
  }
}
