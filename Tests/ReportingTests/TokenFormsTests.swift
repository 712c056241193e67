import Foundation
import Reporting
import RotationModel
import RotationPorts
import Testing

/// Tokens as `token` shows them.
struct TokenFormsTests {
  private static let created = Instant(rfc3339: "2026-11-25T03:04:05.678Z")!
  private static let record = TokenRecord(
    id: "id-1", description: "Line \"7\"\u{1b}[31m",
    permissions: PermissionSet([
      Permission(.read, "a"), Permission(.write, "*"), Permission(.read, "b"),
    ]), createdAt: created, expiresAt: nil)

  private func forms(_ format: ReportFormat) -> TokenForms {
    TokenForms(format: format, accountID: "A", clusterID: "C")
  }

  @Test func aListIsInfluxctlsTable() {
    let other = TokenRecord(id: "i2", description: "b", permissions: PermissionSet([]))
    #expect(
      forms(.table).list([Self.record, other]) == #"""
        +------+--------------------+
        | ID   | DESCRIPTION        |
        +------+--------------------+
        | id-1 | Line "7"\u{1b}[31m |
        | i2   | b                  |
        +------+--------------------+

        """#)
  }

  @Test func anEmptyListIsAHeader() {
    #expect(forms(.table).list([]).split(separator: "\n").count == 3)
    #expect(forms(.json).list([]) == "[]\n")
  }

  @Test func aRevokedTokenIsShownAsOne() {
    var gone = Self.record
    gone.revokedAt = Self.created
    #expect(forms(.table).list([gone]).contains("| REVOKED "))
    #expect(forms(.json).list([gone]).contains(#""revoked_at":"2026-11-25T03:04:05.678Z""#))
    #expect(!forms(.json).list([Self.record]).contains("revoked_at"))
  }

  @Test func jsonHasTheKeysOfInfluxctl() throws {
    let text = forms(.json).one(Self.record, stored: ["/a/b"])
    let token = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(token["account_id"] as? String == "A" && token["cluster_id"] as? String == "C")
    #expect(token["id"] as? String == "id-1" && token["description"] as? String == Self.record.description)
    #expect((token["permissions"] as? [[String: String]])?.first == ["action": "read", "resource": "a"])
    #expect(token["expires_at"] is NSNull && token["stored"] as? [String] == ["/a/b"])
    let clustered = TokenForms(format: .json, accountID: nil, clusterID: nil).one(Self.record)
    #expect(!clustered.contains("account_id"))
  }

  private static let secret = "apiv1_0123456789abcdefghijkl"

  /// The longest that a string may be.
  @Test(arguments: ReportFormat.allCases)
  func aLongStringIsShownWhole(format: ReportFormat) async throws {
    let secret = "apiv1_" + String(repeating: "x", count: 4090)
    var token = shown("Lab")
    token.accessToken = Secret(secret.utf8)
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { close(ends[0]) }
    try await TokenDisplay(descriptor: ends[1], forms: forms(format)).show(token)
    close(ends[1])
    let text = String(decoding: FileHandle(fileDescriptor: ends[0]).readDataToEndOfFile(), as: UTF8.self)
    #expect(text.contains(secret) && text.hasPrefix(format == .json ? "{" : "+--"))
  }

  private func shown(_ description: String) -> ShownToken {
    ShownToken(
      id: "id-1", description: description, permissions: Self.record.permissions, createdAt: Self.created,
      expiresAt: Self.created, accessToken: Secret(Self.secret.utf8))
  }

  @Test(arguments: ReportFormat.allCases, ["Lab", String(repeating: "\u{a0}", count: 28)])
  func aNewTokenIsShownWithItsString(format: ReportFormat, description: String) async throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("shown-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    let descriptor = open(file.path, O_CREAT | O_RDWR, 0o600)
    defer { close(descriptor) }
    let display = TokenDisplay(descriptor: descriptor, forms: forms(format))
    try await display.show(shown(description))
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(text.contains(Self.secret) && text.hasSuffix("\n"))
    #expect(display.token?.id == "id-1")
    switch format {
    case .json:
      let token = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
      #expect(
        token["access_token"] as? String == Self.secret && token["description"] as? String == description)
    case .table:
      let widths = Set(text.split(separator: "\n").map(\.unicodeScalars.count))
      #expect(widths.count == 1, "\(text)")
      #expect(text.contains("| Token       | \(Self.secret)"))
    }
  }

  @Test func whatCannotBeWrittenIsAnError() async throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    close(ends[0])
    defer { close(ends[1]) }
    let broken = TokenDisplay(descriptor: ends[1], forms: forms(.json))
    await #expect(throws: DisplayError.self) { try await broken.show(shown("a")) }
    #expect(broken.token == nil)
    let full = open("/dev/full", O_WRONLY)
    defer { close(full) }
    await #expect(throws: DisplayError(message: "standard output: No space left on device")) {
      try await TokenDisplay(descriptor: full, forms: forms(.table)).show(shown("a"))
    }
  }
}
