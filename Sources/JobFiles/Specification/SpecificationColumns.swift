/// What the columns of a CSV mean, in the order of its header.
struct SpecificationColumns: Sendable {
  enum Column: Hashable, Sendable {
    case name
    case description
    case readDatabase
    case writeDatabase
    case expiresAt
    case expiresIn
    case rotateEvery
    case replaces
    case secret
    case owner
    case group
    case mode
    case label(String)
    /// Not known: noted as an error, its cells are not looked at.
    case unknown

    static let named: [(name: String, column: Column)] = [
      ("name", .name), ("description", .description), ("read_database", .readDatabase),
      ("write_database", .writeDatabase), ("expires_at", .expiresAt), ("expires_in", .expiresIn),
      ("rotate_every", .rotateEvery), ("replaces", .replaces), ("secret", .secret), ("owner", .owner),
      ("group", .group), ("mode", .mode),
    ]

    var mayRepeat: Bool { self == .readDatabase || self == .writeDatabase }
  }

  /// The most columns: 1,000.
  static let maximumCount = 1000

  private(set) var columns: [Column] = []
  /// Indexes of the columns with labels, sorted by key.
  private(set) var labels: [Int] = []

  var hasSecret: Bool { columns.contains(.secret) }
  var hasName: Bool { columns.contains(.name) }
  /// Whether a column was not understood; it may have been the one with the permissions.
  var hasUnknown: Bool { columns.contains(.unknown) }

  init() {}

  /// Reads the header; what is wrong is handed to `note` with the field, the offset in its value, the
  /// message and the hint.
  init(header: CSVRecord, note: (Int, Int, String, String?) -> Void) {
    var seen: [Column: Int] = [:]
    var misspellsName = false
    for index in header.fields.indices {
      let text = String(decoding: header.value(index), as: UTF8.self)
      let column = SpecificationColumns.column(text)
      columns.append(column)
      if column == .unknown {
        let (message, hint) = SpecificationColumns.unknown(text)
        note(index, 0, message, hint)
        misspellsName = misspellsName || hint == SpecificationColumns.suggestion("name")
      } else if let first = seen[column], !column.mayRepeat {
        note(index, 0, "the column \(text) is there twice", "the first is column \(first + 1) of the file")
      }
      if seen[column] == nil { seen[column] = index }
    }
    if !hasName, !misspellsName { note(0, 0, "there is no column name", "every row needs a name of its own") }
    if columns.count > SpecificationColumns.maximumCount {
      note(
        SpecificationColumns.maximumCount, 0,
        "more than \(SpecificationColumns.maximumCount) columns", nil)
    }
    labels = columns.indices.filter { SpecificationColumns.key(columns[$0]) != nil }
      .sorted { left, right in
        let keys = (SpecificationColumns.key(columns[left]), SpecificationColumns.key(columns[right]))
        return (keys.0 ?? "").utf8.lexicographicallyPrecedes((keys.1 ?? "").utf8)
      }
  }

  static func key(_ column: Column) -> String? {
    if case .label(let key) = column { return key }
    return nil
  }

  private static func column(_ text: String) -> Column {
    if let known = Column.named.first(where: { $0.name == text }) { return known.column }
    guard text.hasPrefix("label_") else { return .unknown }
    let key = text.dropFirst("label_".count)
    return isLabelKey(key) ? .label(String(key)) : .unknown
  }

  /// A label's key becomes a part of a variable's name and of a metric's label.
  private static func isLabelKey(_ key: Substring) -> Bool {
    (1...64).contains(key.utf8.count)
      && key.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }

  private static func suggestion(_ name: String) -> String { "did you mean \(name)?" }

  private static func unknown(_ text: String) -> (message: String, hint: String) {
    let names = Column.named.map(\.name)
    if text.isEmpty { return ("a column without a name", "remove it, or name it label_…") }
    if text.hasPrefix("label_") {
      return ("\(Shown.text(text)) is not a label", "behind label_ come 1 to 64 of A-Z a-z 0-9 _")
    }
    let message = "unknown column \(Shown.text(text))"
    if let near = Suggestion.nearest(to: text, among: names) { return (message, suggestion(near)) }
    return (message, "known: \(names.joined(separator: ", ")), label_…")
  }
}

/// Text of the user's in a message: quoted, on one line, not longer than a line.
enum Shown {
  static func text(_ text: some StringProtocol) -> String {
    var shown = ""
    for scalar in text.unicodeScalars.prefix(80) {
      shown.unicodeScalars.append(scalar.properties.generalCategory == .control ? "\u{FFFD}" : scalar)
    }
    return "\"\(shown)\(text.unicodeScalars.count > 80 ? "…" : "")\""
  }
}
