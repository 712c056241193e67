import HTTPClient
import RotationModel
import RotationPorts
import Testing

@testable import InfluxAPI

@Suite struct ChangeJudgingTests {
  private static let id = "11111111-1111-4111-8111-111111111111"
  private static let good =
    #"{"id":"\#(id)","description":"x","permissions":[{"action":"read","resource":"a"}],"createdAt":"?"}"#

  private func name(_ answer: ChangeAnswer) -> String {
    switch answer {
    case .done: "done"
    case .notFound: "notFound"
    case .refused: "refused"
    case .unknown: "unknown"
    }
  }

  private func revocation(_ status: Int) -> String {
    let answer = ManagementAnswer.Answer.success(HTTPResponse(status: status))
    return name(ManagementAnswer.judgeRevocation(answer, of: CreationJudgingTests.call))
  }

  private func update(_ status: Int, _ body: String, _ permissions: [Permission]? = nil) -> String {
    name(
      ManagementAnswer.judgeUpdate(
        .success(HTTPResponse(status: status, body: Array(body.utf8))), of: CreationJudgingTests.call,
        id: Self.id, permissions: permissions.map { PermissionSet($0) }))
  }

  private func expected(_ status: Int) -> String {
    switch status {
    case 404: "notFound"
    case 400, 401, 403, 413, 422, 429: "refused"
    default: "unknown"
    }
  }

  @Test func everyStatusOfARevocation() {
    for status in 0..<700 {
      #expect(revocation(status) == (status == 200 || status == 204 ? "done" : expected(status)))
    }
  }

  @Test func everyStatusOfAnUpdate() {
    for status in 0..<700 where status != 200 { #expect(update(status, Self.good) == expected(status)) }
    #expect(update(200, Self.good) == "done")
  }

  @Test func anUpdateIsDoneOnlyWhenTheAnswerShowsIt() {
    #expect(update(200, Self.good, [Permission(.read, "a")]) == "done")
    #expect(update(200, Self.good, []) == "unknown")
    #expect(update(200, Self.good, [Permission(.write, "a")]) == "unknown")
    #expect(update(200, "") == "unknown")
    #expect(update(200, "<html>") == "unknown")
    #expect(update(200, #"{"id":"22222222-2222-4222-8222-222222222222","description":"x"}"#) == "unknown")
  }

  @Test(arguments: HTTPError.Code.allCases, [true, false])
  func withoutAnAnswer(_ code: HTTPError.Code, _ nothingWasSent: Bool) {
    let answer = ManagementAnswer.Answer.failure(
      HTTPError(code: code, operation: "", message: "", nothingWasSent: nothingWasSent))
    let call = CreationJudgingTests.call
    let expected = nothingWasSent ? "refused" : "unknown"
    #expect(name(ManagementAnswer.judgeRevocation(answer, of: call)) == expected)
    #expect(name(ManagementAnswer.judgeUpdate(answer, of: call, id: Self.id, permissions: nil)) == expected)
  }
}
