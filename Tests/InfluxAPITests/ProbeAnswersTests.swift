import HTTPClient
import RotationModel
import RotationPorts
import Testing

@testable import InfluxAPI

@Suite struct ProbeAnswersTests {
  private static let accessToken = Secret("apiv1_Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2".utf8)

  private func judge(_ action: Permission.Action, _ status: Int, _ body: String = "") -> ProbeAnswer {
    ProbeAnswers(
      address: "https://h", target: ProbeTarget(action: action, database: "plant"),
      accessToken: Self.accessToken
    ).judge(.success(HTTPResponse(status: status, body: Array(body.utf8))))
  }

  private func name(_ answer: ProbeAnswer) -> String {
    switch answer {
    case .accepted: "accepted"
    case .refused(let status, _): "refused \(status)"
    case .unavailable: "unavailable"
    case .impossible: "impossible"
    }
  }

  @Test(arguments: [
    (#"{"results":[{"statement_id":0}]}"#, "accepted"),
    (#"{"results":[{"statement_id":0,"series":[{"name":"measurements","values":[["cpu"]]}]}]}"#, "accepted"),
    (#"{"results":[]}"#, "accepted"),
    (#"{"results":[{"statement_id":0,"error":"insufficient permissions"}]}"#, "refused 403"),
    (#"{"results":[{"statement_id":0},{"error":"user is not authorized to read plant"}]}"#, "refused 403"),
    (#"{"error":"Unauthorized"}"#, "refused 403"),
    (#"{"results":[{"error":"database not found: plant"}]}"#, "impossible"),
    (#"{"results":[{"error":"database not found: unauthorized"}]}"#, "impossible"),
    (#"{"error":"timeout"}"#, "unavailable"),
    (#"{"results":[{"error":"no data"}]}"#, "unavailable"),
    ("{}", "unavailable"), ("", "unavailable"), ("<html></html>", "unavailable"), ("[]", "unavailable"),
    (#"{"results":"#, "unavailable"), (#"{"results":{}}"#, "unavailable"),
    (#"{"results":null}"#, "unavailable"),
    (#"{"results":[{"error":7}]}"#, "unavailable"),
  ])
  func a200OfAQueryIsNoProof(_ body: String, _ expected: String) {
    #expect(name(judge(.read, 200, body)) == expected)
  }

  @Test func everyStatusOfAQueryAndAWrite() {
    for status in 0..<700 {
      let common =
        switch status {
        case 401, 403: "refused \(status)"
        case 300..<400, 400, 404, 405, 410, 414, 415, 501: "impossible"
        default: "unavailable"
        }
      #expect(name(judge(.read, status)) == common, "query \(status)")
      #expect(name(judge(.write, status)) == (status == 204 ? "accepted" : common), "write \(status)")
    }
  }

  @Test(arguments: [
    ("writing requires points", "accepted"), ("no lines to write", "accepted"), ("Empty write", "accepted"),
    ("the request body is empty", "accepted"), ("no data written", "accepted"),
    ("the token is empty", "impossible"), ("bucket is empty, no lines", "impossible"),
    ("empty authorization header; body is empty", "impossible"),
    ("invalid precision; no points", "impossible"),
    ("unauthorized access", "refused 403"), ("insufficient permissions: no data", "refused 403"),
    ("database not found: plant", "impossible"), ("something else", "impossible"), ("", "impossible"),
  ])
  func a400OfAWriteIsAcceptedOnlyWhenItMissesPoints(_ words: String, _ expected: String) {
    #expect(name(judge(.write, 400, #"{"code":"invalid","message":"\#(words)"}"#)) == expected)
    if expected == "accepted" {
      #expect(name(judge(.read, 400, #"{"code":"invalid","message":"\#(words)"}"#)) == "impossible")
    }
  }

  @Test(arguments: [
    ("insufficient permissions", "refused 403"), ("database not found: plant", "impossible"),
    ("missing required parameter", "impossible"),
  ])
  func a400OfAQuery(_ words: String, _ expected: String) {
    #expect(name(judge(.read, 400, #"{"error":"\#(words)"}"#)) == expected)
  }

  @Test func aMissingDatabaseIsNamedInTheHint() {
    for body in [
      #"{"results":[{"error":"database not found: plant"}]}"#, #"{"message":"database not found"}"#,
    ] {
      guard case .impossible(let error) = judge(.read, 404, body) else {
        Issue.record("not impossible")
        return
      }
      #expect(error.code == .notFound)
      #expect(error.hint?.hasPrefix("Create the database plant") == true)
    }
  }

  @Test func noAnswerSaysNothingAboutTheToken() {
    let answers = ProbeAnswers(
      address: "https://h", target: ProbeTarget(action: .read, database: "plant"),
      accessToken: Self.accessToken)
    for code in HTTPError.Code.allCases {
      for nothingWasSent in [true, false] {
        let answer = answers.judge(
          .failure(HTTPError(code: code, operation: "", message: "", nothingWasSent: nothingWasSent)))
        let isOurMistake = [.badURL, .insecureURL, .badHeader, .configuration].contains(code)
        #expect(name(answer) == (isOurMistake ? "impossible" : "unavailable"))
      }
    }
  }

  @Test func noPartOfTheTokenIsRepeated() {
    let words = "who is apiv1_Zx9Yw8Vu7Ts6Rq5Po4Nm3Lk2, or 8Vu7Ts6R?"
    for status in [200, 400, 401, 403, 404, 429, 500, 302] {
      for body in [#"{"error":"\#(words)"}"#, #"{"message":"\#(words)"}"#, words] {
        for action in [Permission.Action.read, .write] {
          let text = "\(judge(action, status, body))"
          #expect(!text.contains("Zx9Yw8Vu") && !text.contains("8Vu7Ts6R"))
        }
      }
    }
    guard case .refused(_, let message) = judge(.read, 401, #"{"error":"user not found"}"#) else {
      Issue.record("not refused")
      return
    }
    #expect(message == "asking whether the token may read plant at https://h: HTTP 401: user not found")
  }
}
