import RotationModel
import RotationPorts
import Testing

struct ChangeSendingTests {
  /// libcurl would repeat either of them on a reused connection; a late copy of a disable would land on a token that
  /// was given its permissions back.
  @Test(arguments: ["answer-lost", "request-lost"])
  func aChangeLeavesOnce(fault: String) async throws {
    let bench = try SandboxBench()
    guard
      case .created(let token) = await bench.service.createToken(
        TokenRequest(
          description: "x", permissions: PermissionSet([Permission(.read, "sandbox")]), expiresAt: nil))
    else {
      Issue.record("no token was made")
      return
    }
    try await bench.setFaults("update:\(fault):next=1\nrevoke:\(fault):next=1")
    let none = PermissionSet([])
    guard case .unknown = await bench.service.updateToken(id: token.id, description: nil, permissions: none)
    else {
      Issue.record("an unanswered change is not known")
      return
    }
    #expect(try await bench.requests("update") == 1)
    // The connection is used again, so that it is a reused one.
    _ = try await bench.service.listDatabases()
    guard case .unknown = await bench.service.revokeToken(id: token.id) else {
      Issue.record("an unanswered revocation is not known")
      return
    }
    #expect(try await bench.requests("revoke") == 1)
  }
}
