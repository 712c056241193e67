import JSONText
public import RotationModel
public import RotationPorts

/// Tokens of a cluster as `token` shows them: influxctl's table, or JSON with the keys that its list has
/// (`account_id`, `cluster_id`, `id`, `description`, `permissions`) and the times, which it leaves out.
public struct TokenForms: Sendable {
  private let format: ReportFormat
  /// Nil for a cluster that has none.
  private let accountID: String?
  private let clusterID: String?

  public init(format: ReportFormat, accountID: String?, clusterID: String?) {
    self.format = format
    self.accountID = accountID
    self.clusterID = clusterID
  }

  /// The tokens of a cluster, in the order given.
  public func list(_ tokens: [TokenRecord]) -> String {
    switch format {
    case .table:
      let showsRevoked = tokens.contains { $0.revokedAt != nil }
      return text(
        BorderedTable(
          ["ID", "DESCRIPTION"] + (showsRevoked ? ["REVOKED"] : []),
          tokens.map { token in
            [VisibleText.line(token.id), VisibleText.line(token.description)]
              + (showsRevoked ? [token.revokedAt?.rfc3339Seconds ?? ""] : [])
          }
        ).lines)
    case .json:
      var json = JSONWriter(.required, capacity: 256 * (tokens.count + 1))
      json.array { json in for token in tokens { write(token, to: &json) { _ in } } }
      return json.take() + "\n"
    }
  }

  /// One token, and the places in which its string was put away.
  public func one(_ token: TokenRecord, stored places: [String] = []) -> String {
    one(token, rows: places.map { ["Stored", VisibleText.line($0)] }) { json in
      guard !places.isEmpty else { return }
      json.key("stored")
      json.array { json in for place in places { json.string(place) } }
    }
  }

  /// One that was revoked just now.
  public func one(_ token: TokenRecord, revokedAt: Instant) -> String {
    var token = token
    token.revokedAt = revokedAt
    return one(token)
  }

  private func one(
    _ token: TokenRecord, rows more: [[String]], members: (inout JSONWriter) -> Void
  ) -> String {
    switch format {
    case .table: return text(BorderedTable(["FIELD", "VALUE"], rows(of: token) + more).lines)
    case .json:
      var json = JSONWriter(.required, capacity: 1024)
      write(token, to: &json, members)
      return json.take() + "\n"
    }
  }

  /// A new token in two halves, between which its string belongs.
  func halves(around token: ShownToken) -> (before: String, after: String) {
    let record = TokenRecord(
      id: token.id, description: token.description, permissions: token.permissions,
      createdAt: token.createdAt,
      expiresAt: token.expiresAt)
    // Of the string's length, so that the borders fit, and of a character that no string has.
    let stand = String(repeating: "\u{a0}", count: token.accessToken.count)
    let text = one(record, rows: [["Token", stand]]) { $0.member("access_token", stand) }
    // It comes last, whatever a description holds.
    let parts = text.split(separator: stand, omittingEmptySubsequences: false)
    return (parts.dropLast().joined(separator: stand), String(parts.last ?? ""))
  }

  private func text(_ lines: [String]) -> String { lines.joined(separator: "\n") + "\n" }

  private func rows(of token: TokenRecord) -> [[String]] {
    var rows = [["ID", VisibleText.line(token.id)], ["Description", VisibleText.line(token.description)]]
    for action in Permission.Action.allCases {
      let databases = token.permissions.permissions.filter { $0.action == action }.map(\.database)
      if !databases.isEmpty {
        rows.append(["May \(action.rawValue)", VisibleText.line(databases.joined(separator: ", "))])
      }
    }
    if token.permissions.isEmpty { rows.append(["Permissions", "none"]) }
    if let createdAt = token.createdAt { rows.append(["Created", createdAt.rfc3339Seconds]) }
    rows.append(["Expires", token.expiresAt?.rfc3339Seconds ?? "never"])
    if let revokedAt = token.revokedAt { rows.append(["Revoked", revokedAt.rfc3339Seconds]) }
    return rows
  }

  private func write(
    _ token: TokenRecord, to json: inout JSONWriter, _ more: (inout JSONWriter) -> Void
  ) {
    json.object { json in
      if let accountID { json.member("account_id", accountID) }
      if let clusterID { json.member("cluster_id", clusterID) }
      json.member("id", token.id)
      json.member("description", token.description)
      json.key("permissions")
      json.array { json in
        for permission in token.permissions.permissions {
          json.object { json in
            json.member("action", permission.action.rawValue)
            json.member("resource", permission.database)
          }
        }
      }
      json.member("created_at", token.createdAt?.rfc3339)
      json.member("expires_at", token.expiresAt?.rfc3339)
      if let revokedAt = token.revokedAt { json.member("revoked_at", revokedAt.rfc3339) }
      more(&json)
    }
  }
}
