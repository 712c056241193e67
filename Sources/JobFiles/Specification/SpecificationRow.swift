public import RotationModel

/// One row of a CSV specification: the token that is wanted.
public struct SpecificationRow: Equatable, Sendable {
  public enum Expiry: Equatable, Sendable {
    case none
    case at(Instant)
    /// From the token's creation on.
    case after(Duration)
  }

  public struct Label: Equatable, Sendable {
    /// Without `label_`.
    public var key: String
    public var value: String

    public init(key: String, value: String) {
      self.key = key
      self.value = value
    }
  }

  /// The token's identity across rotations.
  public var name: String
  /// What the cluster shows before the marker; the name if the CSV has none.
  public var description: String
  public var permissions: PermissionSet
  public var expiry: Expiry = .none
  /// Overrides the job.
  public var rotateEvery: Duration?
  /// The id of an existing token that this one replaces.
  public var replaces: String?
  /// Its place in the store, if not its name.
  public var secret: String?
  public var owner: String?
  public var group: String?
  public var mode: FileMode?
  /// Sorted by key, empty values left out.
  public var labels: [Label] = []
  /// The physical line that the row starts on, from 1; 0 when the row was read again by its offset.
  public var line: Int
  /// Where the row starts in the file.
  public var byteOffset: Int
  /// With its line break.
  public var byteLength: Int
  public var digest: RowDigest

  /// Where in the store it goes: `secret`, or else the name.
  public var place: String { secret ?? name }

  public init(
    name: String, description: String, permissions: PermissionSet, expiry: Expiry = .none,
    rotateEvery: Duration? = nil, replaces: String? = nil, secret: String? = nil, owner: String? = nil,
    group: String? = nil, mode: FileMode? = nil, labels: [Label] = [], line: Int, byteOffset: Int,
    byteLength: Int, digest: RowDigest
  ) {
    self.name = name
    self.description = description
    self.permissions = permissions
    self.expiry = expiry
    self.rotateEvery = rotateEvery
    self.replaces = replaces
    self.secret = secret
    self.owner = owner
    self.group = group
    self.mode = mode
    self.labels = labels
    self.line = line
    self.byteOffset = byteOffset
    self.byteLength = byteLength
    self.digest = digest
  }
}
