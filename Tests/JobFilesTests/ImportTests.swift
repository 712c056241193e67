import Foundation
import JobFiles
import RotationModel
import RotationPorts
import Testing

/// Tokens that exist, as rows of a CSV.
@Suite struct ImportTests {
  private static let now = Instant(rfc3339: "2026-11-25T00:00:00Z")!
  private static let read = PermissionSet([
    Permission(.read, "a"), Permission(.read, "b/rp"), Permission(.write, "*"),
  ])

  private func token(
    _ id: String, _ description: String, _ permissions: PermissionSet = ImportTests.read,
    expires: String? = nil, revoked: String? = nil
  ) -> TokenRecord {
    TokenRecord(
      id: id, description: description, permissions: permissions,
      expiresAt: expires.flatMap { Instant(rfc3339: $0) }, revokedAt: revoked.flatMap { Instant(rfc3339: $0) }
    )
  }

  private func rows(
    _ tokens: [TokenRecord], names: Set<String> = [], replaced: Set<String> = []
  ) -> ImportedRows {
    ImportedRows(tokens, names: names, replaced: replaced, now: Self.now)
  }

  @Test(arguments: [
    ("Telegraf of line 1", "Telegraf-of-line-1"), ("  _x_  ", "x"), ("", "token-11111111"),
    ("日本", "token-11111111"),
    ("a.b_c-d", "a.b_c-d"), ("../../etc/passwd", "etc-passwd"), ("Prüf: \"1\"", "Pr-f-1"), ("x — y", "x-y"),
    (String(repeating: "long ", count: 40), "long-long-long-long-long-long-long-long-long-long-long-long"),
    ("Lab [tokenrotate 0123456789abcdef/token.5a4db0c5/9f3a2b1c5d6e#f17c7e915f957794]", "Lab"),
  ])
  func aNameIsMadeFromTheDescription(description: String, name: String) {
    let imported = rows([token("11111111-2222-4333-8444-555566667777", description)])
    #expect(imported.rows.map(\.name) == [name])
    #expect(Name.isValid(name))
  }

  @Test func namesAreMadeUnique() {
    let imported = rows(
      [token("1", "lab"), token("2", "lab"), token("3", "lab-2"), token("4", "lab!"), token("5", "new")],
      names: ["new"])
    #expect(Set(imported.rows.map(\.name)) == ["lab", "lab-2", "lab-3", "lab-2-2", "new-2"])
    #expect(Set(imported.rows.map(\.replaces)) == ["1", "2", "3", "4", "5"])
  }

  @Test func whatIsNotToBeReplacedIsLeftOut() {
    let imported = rows(
      [
        token("1", "a", expires: "2026-11-24T00:00:00Z"), token("2", "b", revoked: "2026-01-01T00:00:00Z"),
        token("3", "c [tokenrotate 0123456789abcdef/plant/line-1#f17c7e915f957794]"),
        token("4", "d", PermissionSet([])), token("5", "e", PermissionSet([Permission(.read, "(x) y")])),
        token("6", "f"), token("7", "g", expires: "2027-01-01T00:00:00Z"),
      ], replaced: ["6"])
    #expect(imported.rows.map(\.replaces) == ["7"])
    #expect(
      imported.leftOut == [
        .gone: 2, .rotated: 1, .withoutPermissions: 1, .unknownAction: 1, .replaced: 1,
      ])
  }

  /// Whatever a cluster holds, the CSV is right, and says the same.
  @Test func aWrittenCSVIsReadBack() throws {
    let long = String(repeating: "ä", count: 1200)
    let descriptions = [
      "plain", "comma, \"quoted\"", " spaces ", "line\nbreak\r\nand\ttab", "=1+1", "日本語 \u{1F600}", long, "",
      "see [tokenrotate docs", "'; DROP", "\u{85}next",
    ]
    let imported = rows(
      descriptions.enumerated().map {
        token("000000\($0.offset + 10)-2222-4333-8444-555566667777", $0.element)
      }
        + [token("99999999-2222-4333-8444-555566667777", "later", expires: "2027-01-01T00:00:00.900Z")])
    #expect(imported.rows.count == descriptions.count + 1 && imported.cleaned.count == 4)
    let text = SpecificationWriter.header + imported.rows.map(SpecificationWriter.line).joined()
    let workspace = try Workspace()
    let path = try workspace.write("tokens.csv", text)
    let reader = try SpecificationReader(path: path, now: Self.now, trust: untrusting)
    var found: [ImportedRows.Row] = []
    try reader.forEachRow { row in
      var expiresAt: Instant?
      if case .at(let instant) = row.expiry { expiresAt = instant }
      found.append(
        ImportedRows.Row(
          name: row.name, description: row.description, permissions: row.permissions, expiresAt: expiresAt,
          replaces: row.replaces ?? ""))
    }
    let wanted = imported.rows.map { row in
      var row = row
      // An empty cell stands for the name, and an expiry is kept to the second.
      if row.description.isEmpty { row.description = row.name }
      row.expiresAt = row.expiresAt.map { Instant(milliseconds: $0.milliseconds / 1000 * 1000) }
      return row
    }
    #expect(found == wanted)
    #expect(found.contains { $0.description == "comma, \"quoted\"" })
    #expect(found.contains { $0.description == "line break  and tab" })
  }
}
