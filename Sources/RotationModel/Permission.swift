/// What one token may do with one database.
///
/// The Management API knows the actions `read` and `write` and the resource `"*"` for every database
/// (Cloud Dedicated Management API, `DatabaseTokenPermissions`).
public struct Permission: Hashable, Comparable, Sendable {
  public enum Action: String, Hashable, Comparable, Sendable, CaseIterable {
    case read
    case write

    public static func < (left: Action, right: Action) -> Bool { left.rawValue < right.rawValue }
  }

  public var action: Action
  /// A database name, or `"*"`.
  public var database: String

  /// Every database of the cluster, those of tomorrow included.
  public static let everyDatabase = "*"

  public init(_ action: Action, _ database: String) {
    self.action = action
    self.database = database
  }

  public var isWildcard: Bool { database == Permission.everyDatabase }

  public static func < (left: Permission, right: Permission) -> Bool {
    (left.action, left.database) < (right.action, right.database)
  }
}

/// The permissions of one token: a set in the order they were asked for.
///
/// Equality ignores order, because the service does not promise to keep it.
public struct PermissionSet: Equatable, Sendable {
  /// In the order they were given, each once.
  public let permissions: [Permission]

  public init(_ permissions: [Permission]) {
    var seen = Set<Permission>()
    self.permissions = permissions.filter { seen.insert($0).inserted }
  }

  public static func == (left: PermissionSet, right: PermissionSet) -> Bool {
    left.permissions.count == right.permissions.count
      && Set(left.permissions) == Set(right.permissions)
  }

  /// `read:DATABASE,write:DATABASE`, as the ledger and the audit log have it.
  public var text: String {
    permissions.map { "\($0.action.rawValue):\($0.database)" }.joined(separator: ",")
  }

  /// Reads `text` back. What is no permission is left out.
  public init(text: some StringProtocol) {
    self.init(
      text.split(separator: ",").compactMap { part in
        let halves = part.split(separator: ":", maxSplits: 1)
        guard halves.count == 2, let action = Permission.Action(rawValue: String(halves[0])) else {
          return nil
        }
        return Permission(action, String(halves[1]))
      })
  }

  /// Whether each of them can be sent: an action that this program does not know cannot.
  public var canBeGranted: Bool {
    permissions.allSatisfy { $0.isWildcard || DatabaseName.isValid($0.database) }
  }

  public var isEmpty: Bool { permissions.isEmpty }

  /// The databases named, wildcard excluded, each once, in order.
  public var databases: [String] {
    var seen = Set<String>()
    return permissions.filter { !$0.isWildcard && seen.insert($0.database).inserted }.map(\.database)
  }
}

/// What the cluster accepts as the name of a database: 1 to 64 of `A-Z a-z 0-9 _ - /`
/// (Cloud Dedicated Management API, `ClusterDatabaseName`).
public enum DatabaseName {
  public static func isValid(_ name: some StringProtocol) -> Bool {
    (1...64).contains(name.utf8.count)
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
          UInt8(ascii: "/"):
          true
        default: false
        }
      }
  }
}

/// The names of jobs and tokens: `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`, so that a name is a file name, a
/// label and a part of a marker without any escaping.
public enum Name {
  public static func isValid(_ name: some StringProtocol) -> Bool {
    guard let first = name.utf8.first, isLetterOrDigit(first), name.utf8.count <= 128 else { return false }
    return name.utf8.allSatisfy { byte in
      isLetterOrDigit(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
        || byte == UInt8(ascii: "-")
    }
  }

  /// The letters and digits of a text, and what stands between them as hyphens; at most 60 bytes. Nil when there is
  /// none in it.
  public static func made(from text: String) -> String? {
    var name = ""
    for scalar in text.unicodeScalars where name.utf8.count < 60 {
      if scalar.isASCII,
        isLetterOrDigit(UInt8(ascii: scalar)) || !name.isEmpty && "._-".unicodeScalars.contains(scalar)
      {
        name.unicodeScalars.append(scalar)
      } else if !name.isEmpty, name.last != "-" {
        name += "-"
      }
    }
    while let last = name.utf8.last, !isLetterOrDigit(last) { name.removeLast() }
    return name.isEmpty ? nil : name
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }
}
