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
  /// Tokens whose description a CSV cannot hold as it is, and which got a cleaned one.
  public private(set) var cleaned = 0

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
    var taken = names
    for token in tokens.sorted(by: { ($0.description, $0.id) < ($1.description, $1.id) }) {
      if let reason = ImportedRows.reasonToLeaveOut(token, replaced: replaced, now: now) {
        leftOut[reason, default: 0] += 1
        continue
      }
      let description = Marker.split(token.description).description
      let clean = ImportedRows.cleaned(description)
      if clean != description { cleaned += 1 }
      let name = ImportedRows.name(for: clean, id: token.id, taken: taken)
      taken.insert(name)
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

  /// The description's letters and digits, what stands between them as hyphens; a number behind it where another token
  /// has that name.
  private static func name(for description: String, id: String, taken: Set<String>) -> String {
    var name = ""
    for scalar in description.unicodeScalars {
      if name.utf8.count >= 60 { break }
      switch scalar {
      case "a"..."z", "A"..."Z", "0"..."9": name.unicodeScalars.append(scalar)
      default:
        guard !name.isEmpty else { continue }
        if "._-".unicodeScalars.contains(scalar) {
          name.unicodeScalars.append(scalar)
        } else if name.last != "-" {
          name += "-"
        }
      }
    }
    while let last = name.last, !last.isLetter, !last.isNumber { name.removeLast() }
    if name.isEmpty { name = "token-\(id.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }.prefix(8))" }
    guard taken.contains(name) else { return name }
    var number = 2
    while taken.contains("\(name)-\(number)") { number += 1 }
    return "\(name)-\(number)"
  }
}
