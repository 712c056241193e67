import Foundation
import HTTPClient
import RotationModel
import RotationPorts
import Testing

@testable import InfluxAPI

@Suite struct ListedTokenTests {
  private func list(
    _ body: String, keeping isWanted: @Sendable (TokenRecord) -> Bool = { _ in true }
  ) throws(ServiceError) -> [TokenRecord] {
    try ListedToken.all(
      HTTPResponse(status: 200, body: Array(body.utf8)), of: CreationJudgingTests.call, keeping: isWanted)
  }

  @Test func readsTheExampleOfTheSpecification() throws {
    let tokens = try list(
      #"""
      [{"accountId":"11111111-1111-4111-8111-111111111111","clusterId":"c","id":"5","description":"Limited",
        "permissions":[{"action":"read","resource":"DatabaseOne"},{"action":"write","resource":"DatabaseTwo"}],
        "createdAt":"2023-12-21T17:32:28.000Z"},
       {"id":"6","description":"Full","permissions":[{"action":"write","resource":"*","id":"p"}],
        "createdAt":"2024-03-02T04:20:19.123456789Z","expiresAt":"2030-01-01T00:00:00+01:00",
        "revokedAt":"2025-01-01T00:00:00.5Z","new":{"a":[1]}}]
      """#)
    #expect(
      tokens == [
        TokenRecord(
          id: "5", description: "Limited",
          permissions: PermissionSet([Permission(.read, "DatabaseOne"), Permission(.write, "DatabaseTwo")]),
          createdAt: Instant(rfc3339: "2023-12-21T17:32:28Z")),
        TokenRecord(
          id: "6", description: "Full", permissions: PermissionSet([Permission(.write, "*")]),
          createdAt: Instant(rfc3339: "2024-03-02T04:20:19.123Z"),
          expiresAt: Instant(rfc3339: "2029-12-31T23:00:00Z"),
          revokedAt: Instant(rfc3339: "2025-01-01T00:00:00.500Z")),
      ])
  }

  /// A cluster may spell UUIDs in either case; what compares ids must see one.
  @Test func idsAreInLowerCaseAlreadyWhenTheyAreJudged() throws {
    let body = #"""
      [{"id":"ABCDEF01-2345-4678-9ABC-DEF012345678"},{"id":"abcdef01-2345-4678-9abc-def012345679"},
       {"id":"Not-A-UUID"},{"id":"GBCDEF01-2345-4678-9ABC-DEF012345678"},{"id":"ABCDEF01-2345-4678-9ABC"}]
      """#
    let wanted = "abcdef01-2345-4678-9abc-def012345678"
    #expect(try list(body) { $0.id == wanted }.map(\.id) == [wanted])
    #expect(
      try list(body).map(\.id).dropFirst() == [
        "abcdef01-2345-4678-9abc-def012345679", "Not-A-UUID", "GBCDEF01-2345-4678-9ABC-DEF012345678",
        "ABCDEF01-2345-4678-9ABC",
      ])
  }

  @Test func aTokenIsFoundInWhateverCaseItIsAskedForAndShown() throws {
    let upper = "ABCDEF01-2345-4678-9ABC-DEF012345678"
    for shown in [upper, upper.lowercased()] {
      for asked in [upper, upper.lowercased()] {
        let response = HTTPResponse(status: 200, body: Array(#"{"id":"\#(shown)"}"#.utf8))
        let token = try ManagementAnswer.judgeToken(response, of: CreationJudgingTests.call, id: asked)
        #expect(token.id == upper.lowercased())
      }
    }
  }

  @Test func keepsWhatIsWantedOnly() throws {
    let body =
      "[" + (0..<100).map { #"{"id":"\#($0)","description":"d\#($0 % 10)"}"# }.joined(separator: ",") + "]"
    #expect(
      try list(body) { $0.description == "d3" }.map(\.id)
        == (0..<10).map { "\($0)3" }.map { $0 == "03" ? "3" : $0 })
    #expect(try list("[]").isEmpty)
  }

  @Test func readsALongList() throws {
    let element = Array(
      (#"{"accountId":"11111111-1111-4111-8111-111111111111","clusterId":"33333333-3333-4333-8333-333333333333","#
        + #""id":"55555555-5555-4555-8555-555555555555","description":"pump in hall 7 [tokenrotate i/j/n#a]","#
        + #""permissions":[{"action":"read","resource":"plant"},{"action":"write","resource":"plant"}],"#
        + #""createdAt":"2023-12-21T17:32:28.000Z","expiresAt":"2030-12-21T17:32:28.000Z"}"#).utf8)
    var body = Array("[".utf8)
    for index in 0..<100_000 {
      if index > 0 { body.append(UInt8(ascii: ",")) }
      body.append(contentsOf: element)
    }
    body.append(UInt8(ascii: "]"))
    let seen = Counter()
    let tokens = try ListedToken.all(
      HTTPResponse(status: 200, body: body), of: CreationJudgingTests.call
    ) { _ in seen.next() % 1000 == 0 }
    #expect(seen.value == 100_000)
    #expect(tokens.count == 100)
  }

  private final class Counter: @unchecked Sendable {
    private(set) var value = 0

    /// Called on one thread.
    func next() -> Int {
      value += 1
      return value
    }
  }

  @Test func whatIsMissingOrNullIsEmptyWhereThatIsSafe() throws {
    let tokens = try list(
      #"[{"id":"1"},{"id":"2","description":null,"permissions":null,"createdAt":7,"expiresAt":null,"revokedAt":null}]"#
    )
    #expect(tokens.map(\.description) == ["", ""])
    #expect(tokens.allSatisfy { $0.permissions.isEmpty && $0.createdAt == nil && $0.expiresAt == nil })
  }

  @Test func anUnreadableCreationTimeIsNone() throws {
    #expect(try list(#"[{"id":"1","description":"d","createdAt":"yesterday"}]"#)[0].createdAt == nil)
  }

  @Test(arguments: [
    "", "{}", "[", "[{}]", #"[{"id":7}]"#, #"[{"id":"1"},"#, "<html>", #"[{"id":"1","description":[]}]"#,
    #"[{"id":"1","expiresAt":"soon"}]"#, #"[{"id":"1","revokedAt":"apiv1_x"}]"#,
    #"[{"id":"1","revokedAt":1700000000}]"#, #"[{"id":"1","permissions":[{"action":"read"}]}]"#,
  ])
  func anythingElseIsMalformed(_ body: String) {
    let error = #expect(throws: ServiceError.self) { try list(body) }
    #expect(error?.code == .malformed)
    #expect(error?.message.contains("apiv1_") == false)
  }

  @Test func anUnknownActionDiffersFromEverythingThatCanBeAskedFor() throws {
    let body =
      #"[{"id":"1","permissions":[{"action":"read","resource":"a"},{"action":"admin","resource":"b"}]}]"#
    let permissions = try list(body)[0].permissions
    #expect(
      permissions.permissions == [Permission(.read, "a"), Permission(.read, "(unknown action admin) b")])
    #expect(permissions != PermissionSet([Permission(.read, "a")]))
    #expect(UnknownAction.isContained(in: permissions))
    #expect(permissions.permissions.allSatisfy { $0.database == "a" || !DatabaseName.isValid($0.database) })
    let empty = try list(#"[{"id":"1","permissions":[{"action":"","resource":""}]}]"#)[0].permissions
    #expect(UnknownAction.isContained(in: empty))
  }

  @Test func readsTheNamesOfDatabases() throws {
    let response = HTTPResponse(
      status: 200, body: Array(#"[{"name":"a","maxTables":500,"retentionPeriod":0},{"name":"b/c"}]"#.utf8))
    #expect(try ListedToken.databases(response, of: CreationJudgingTests.call) == ["a", "b/c"])
  }
}
