/// How many tokens it is about, and the first of their names: enough for a person to see what it is.
struct NamedCount: Sendable {
  private(set) var count = 0
  private(set) var first: [String] = []

  static let told = 3

  init() {}

  init(count: Int, first: [String]) {
    (self.count, self.first) = (count, first)
  }

  mutating func add(_ name: String) {
    count += 1
    if first.count < NamedCount.told { first.append(name) }
  }

  /// ` (a, b, c and 2 more)`; empty where there is none.
  var names: String {
    guard !first.isEmpty else { return "" }
    let more = count > first.count ? " and \(count - first.count) more" : ""
    return " (\(first.joined(separator: ", "))\(more))"
  }

  /// What they are where each belongs to a row that has no token.
  var tokensForRows: String {
    count == 1 ? "1 token for a row that has none\(names)" : "\(count) tokens for rows that have none\(names)"
  }
}
