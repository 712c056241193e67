public import RotationModel
public import RotationPorts

/// Rows for tokens that exist already: each is to be replaced by one of the job's. Pure.
public struct ImportedRows: Sendable {
  /// What a CSV has of each, ready to be written.
  public struct Row: Equatable, Sendable {
    public var name: String
    public var description: String
    public var permissions: PermissionSet
    public var expiresAt: Instant?
    public var replaces: String

    public init(
      name: String, description: String, permissions: PermissionSet, expiresAt: Instant?, replaces: String
    ) {
      self.name = name
      self.description = description
      self.permissions = permissions
      self.expiresAt = expiresAt
      self.replaces = replaces
    }
  }

  /// In the order of their names.
  public private(set) var rows: [Row] = []
  /// Tokens that are left out, by why.
  public private(set) var leftOut: [Reason: Int] = [:]
  /// The names of rows whose description a CSV cannot hold as it is, and which got a cleaned one.
  public private(set) var cleaned: [String] = []

  /// Why a token has no row.
  public enum Reason: String, Sendable, CaseIterable {
    case gone = "revoked or expired"
    case rotated = "made by a job of tokenrotate already"
    case replaced = "named in the job's CSV already"
    case withoutPermissions = "without any permission"
    case unknownAction = "with a permission that this version does not know"
  }

  /// - Parameters:
  ///   - tokens: all that the cluster lists.
  ///   - names: those that the job's CSV has already, which are not given again.
  ///   - replaced: the ids that it names.
  public init(_ tokens: [TokenRecord], names: Set<String>, replaced: Set<String>, now: Instant) {
    var given = Names(taken: names)
    for token in tokens.sorted(by: { ($0.description, $0.id) < ($1.description, $1.id) }) {
      if let reason = ImportedRows.reasonToLeaveOut(token, replaced: replaced, now: now) {
        leftOut[reason, default: 0] += 1
        continue
      }
      let description = Marker.split(token.description).description
      let clean = ImportedRows.cleaned(description)
      let name = given.name(for: clean, id: token.id)
      if clean != description { cleaned.append(name) }
      rows.append(
        Row(
          name: name, description: clean, permissions: token.permissions, expiresAt: token.expiresAt,
          replaces: token.id))
    }
    rows.sort { $0.name < $1.name }
  }

  private static func reasonToLeaveOut(
    _ token: TokenRecord, replaced: Set<String>, now: Instant
  ) -> Reason? {
    if token.revokedAt != nil || token.expiresAt.map({ $0 <= now }) ?? false { return .gone }
    // One that was shown to a person is that person's, whatever its marker.
    if let marker = Marker.split(token.description).marker, !ReservedJobName.isShown(marker.job) {
      return .rotated
    }
    if replaced.contains(token.id) { return .replaced }
    if token.permissions.isEmpty { return .withoutPermissions }
    return token.permissions.canBeGranted ? nil : .unknownAction
  }

  /// As a CSV may hold it: without control characters, within its length, and without what looks like a marker.
  private static func cleaned(_ description: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in description.unicodeScalars.prefix(RowDecoder.maximumDescriptionScalars) {
      scalars.append(scalar.properties.generalCategory == .control ? " " : scalar)
    }
    return String(scalars).replacing(Marker.opening, with: "[")
  }

  /// One made from the description; with a number behind it where another token has that name.
  private struct Names {
    private var taken: Set<String>
    /// The number that was given last, by the name without it.
    private var numbers: [String: Int] = [:]

    init(taken: Set<String>) { self.taken = taken }

    mutating func name(for description: String, id: String) -> String {
      let letters = id.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
      let base = Name.made(from: description) ?? "token-\(letters.prefix(8))"
      var name = base
      while !taken.insert(name).inserted {
        numbers[base, default: 1] += 1
        name = "\(base)-\(numbers[base] ?? 0)"
      }
      return name
    }
  }
}
