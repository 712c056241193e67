import HTTPClient
import RotationModel
import RotationPorts
import Testing

@testable import InfluxAPI

/// Invariant 5: what is no token, and what is unknown.
@Suite struct CreationJudgingTests {
  static let accessToken = "apiv1_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_=="
  static let call = ManagementCall(
    doing: "creating a token", address: "https://console.influxdata.com",
    advice: .init(credential: "look at M.V1.", place: "look at account_id"), secrets: [])

  static let good = #"""
    {"accountId":"a","clusterId":"c","id":"11111111-1111-4111-8111-111111111111","description":"x \"y\"",
     "permissions":[{"action":"read","resource":"db1"}],"createdAt":"2023-12-21T17:32:28.000Z",
     "expiresAt":"2030-01-01T00:00:00Z","accessToken":"\#(accessToken)","more":[1,-2.5e+3,null,true,{}]}
    """#

  static func judge(_ status: Int, _ body: String, _ headers: [HTTPHeader] = []) -> CreateAnswer {
    ManagementAnswer.judgeCreation(
      .success(HTTPResponse(status: status, headers: headers, body: Array(body.utf8))), of: call)
  }

  @Test func exactlySevenStatusesAreDefiniteRefusals() {
    var refused: [Int] = []
    for status in 0..<700 where status != 200 {
      // A success's body must not turn another status into a success.
      for body in ["", #"{"code":1,"message":"no"}"#, Self.good] {
        switch Self.judge(status, body) {
        case .created: Issue.record("\(status) was taken for a new token")
        case .refused(let error):
          refused.append(status)
          #expect(error.status == status)
        case .unknown(let error): #expect(error.status == status)
        }
      }
    }
    #expect(Set(refused) == [400, 401, 403, 404, 413, 422, 429])
    #expect(refused.count == 7 * 3)
  }

  @Test func aWellFormed200IsANewToken() throws {
    guard case .created(let token) = Self.judge(200, Self.good) else {
      Issue.record("not created")
      return
    }
    #expect(token.id == "11111111-1111-4111-8111-111111111111")
    #expect(token.accessToken == Secret(Self.accessToken.utf8))
    #expect(token.expiresAt == Instant(rfc3339: "2030-01-01T00:00:00Z"))
    #expect(!"\(token)".contains("apiv1_"))
  }

  @Test(arguments: ["", #","expiresAt":"2030-01-01T00:00:00Z""#])
  func theIDOfANewTokenIsInLowerCase(rest: String) {
    let body = #"{"id":"ABCDEF01-2345-4678-9ABC-DEF012345678","accessToken":"\#(Self.accessToken)"\#(rest)}"#
    guard case .created(let token) = Self.judge(200, body) else {
      Issue.record("not created")
      return
    }
    #expect(token.id == "abcdef01-2345-4678-9abc-def012345678")
  }

  @Test func theBodyIsWipedWhereItLies() throws {
    let response = HTTPResponse(status: 200, body: Array(Self.good.utf8))
    // As the client's own reference, which an ordinary change of the array would leave as it is.
    let held = response.body
    let answer = ManagementAnswer.Answer.success(response)
    guard case .created(let token) = ManagementAnswer.judgeCreation(answer, of: Self.call) else {
      Issue.record("not created")
      return
    }
    ManagementBytes.wipe(answer)
    #expect(held.allSatisfy { $0 == 0 })
    #expect(token.accessToken == Secret(Self.accessToken.utf8))
    #expect(token.id == "11111111-1111-4111-8111-111111111111")
  }

  @Test func escapesInTheStringAreDecoded() {
    let body = #"{"id":"a","accessToken":"a\/\"\\\b\f\n\r\t\u0041\u00e9\uD83D\uDE00z","expiresAt":null}"#
    guard case .created(let token) = Self.judge(200, body) else {
      Issue.record("not created")
      return
    }
    #expect(token.accessToken == Secret("a/\"\\\u{8}\u{c}\n\r\tA\u{e9}\u{1F600}z".utf8))
    #expect(token.expiresAt == nil)
  }

  @Test(arguments: [
    "", "{", "[]", "null", "{}", "<html></html>", #"{"id":"a"}"#, #"{"accessToken":"abc"}"#,
    #"{"id":1,"accessToken":"abc"}"#, #"{"id":"a","accessToken":null}"#, #"{"id":"a","accessToken":""}"#,
    #"{"id":"a","accessToken":["abc"]}"#, #"{"id":"a","accessToken":"abc"} x"#,
    #"{"id":"a","accessToken":"abc",}"#, #"{"id":"a","accessToken":"abc"#,
    #"{"id":"a","accessToken":"a\qc"}"#,
    #"{"id":"a","accessToken":"\uD800"}"#, #"{"id":"a","accessToken":"\u12"}"#,
    #"{"id":"a","accessToken":"abc","accessToken":"abd"}"#, #"{"id":"a","id":"b","accessToken":"abc"}"#,
    #"{"id":"a","accessToken":"abc","expiresAt":"soon"}"#, #"{"id":"a","accessToken":"abc","expiresAt":5}"#,
    #"{"id":"..","accessToken":"abc"}"#, #"{"id":"","accessToken":"abc"}"#,
    "{\"id\":\"a\",\"accessToken\":\"a\nb\"}", #"{"id":"a","accessToken":"abc","x":01}"#,
    #"{"data":{"id":"a","accessToken":"abc"}}"#,
    #"{"id":"a","accessToken":"abc","x":"# + String(repeating: "[", count: 100_000),
  ])
  func a200ThatCannotBeReadIsUnknown(_ body: String) {
    guard case .unknown(let error) = Self.judge(200, body) else {
      Issue.record("not unknown")
      return
    }
    #expect(error.code == .malformed)
    #expect(error.status == 200)
    #expect(!error.message.contains("abc"))
  }

  @Test(arguments: HTTPError.Code.allCases, [true, false])
  func withoutAnAnswerOnlyProofThatNothingWasSentIsARefusal(_ code: HTTPError.Code, _ nothingWasSent: Bool) {
    let failure = HTTPError(
      code: code, operation: "POST https://x:443", message: "lost", nothingWasSent: nothingWasSent)
    switch ManagementAnswer.judgeCreation(.failure(failure), of: Self.call) {
    case .created: Issue.record("created from nothing")
    case .refused(let error):
      #expect(nothingWasSent)
      #expect(error.status == nil)
    case .unknown(let error):
      #expect(!nothingWasSent)
      #expect(error.code != .unreachable)
    }
  }

  @Test func connectionsThatWereNotMadeAreUnreachable() {
    for code in [HTTPError.Code.resolve, .connect, .tls, .certificate, .timeout, .queueFull] {
      let failure = HTTPError(code: code, operation: "", message: "", nothingWasSent: true)
      #expect(Self.call.error(failure).code == .unreachable)
    }
    for code in [HTTPError.Code.timeout, .connectionLost, .resendRefused, .unknown] {
      let failure = HTTPError(code: code, operation: "", message: "", nothingWasSent: false)
      #expect(Self.call.error(failure).code == .noAnswer)
    }
  }

  @Test(arguments: [
    (400, ServiceError.Code.badRequest), (401, .credentialRefused), (403, .credentialRefused),
    (404, .notFound), (409, .conflict), (413, .badRequest), (422, .badRequest), (429, .throttled),
    (500, .unavailable), (503, .unavailable), (302, .unavailable), (201, .unavailable), (418, .unavailable),
  ])
  func errorsSayWhatWhereAndWhy(_ status: Int, _ code: ServiceError.Code) {
    let body = #"{"code":\#(status),"message":"not today"}"#
    let error = Self.call.error(HTTPResponse(status: status, body: Array(body.utf8)))
    #expect(error.code == code)
    #expect(
      error.message == "creating a token at https://console.influxdata.com: HTTP \(status): not today")
    #expect(error.hint?.isEmpty == false)
    if code == .credentialRefused { #expect(error.hint == "look at M.V1.") }
    if code == .notFound { #expect(error.hint == "look at account_id") }
  }

  @Test func noPartOfTheManagementTokenIsRepeated() {
    let call = ManagementCall(
      doing: "creating a token", address: "https://h", advice: Self.call.advice,
      secrets: [Secret("M.V1.Zx9Yw8Vu7Ts6".utf8)])
    let error = call.error(HTTPResponse(status: 401, body: Array(#"{"message":"bad w8Vu7Ts6"}"#.utf8)))
    #expect(error.message == "creating a token at https://h: HTTP 401: bad (removed)")
  }

  @Test func noStatusRepeatsATokenThatTheBodyShows() {
    for status in 0..<600 where status != 200 {
      for body in [Self.good, #"{"message":"\#(Self.accessToken)"}"#, Self.accessToken] {
        #expect(!"\(Self.judge(status, body))".contains("0123456789"))
      }
    }
  }

  @Test(arguments: [
    ("0", Duration.zero), ("2", .seconds(2)), ("600", .seconds(600)), ("601", .seconds(600)),
    ("99999999999999999999999", .seconds(600)), ("-1", nil), ("", nil), ("soon", nil), ("1.5", nil),
    ("Tue, 24 Nov 2026 03:00:30 GMT", .seconds(30)), ("Tue, 24 Nov 2026 02:00:00 GMT", .zero),
    ("Wed, 25 Nov 2026 03:00:00 GMT", .seconds(600)),
  ])
  func retryAfterIsReadAndBounded(_ value: String, _ expected: Duration?) {
    let headers = [
      HTTPHeader("Date", "Tue, 24 Nov 2026 03:00:00 GMT"), HTTPHeader("Retry-After", value),
    ]
    guard case .refused(let error) = Self.judge(429, "", headers) else {
      Issue.record("not refused")
      return
    }
    #expect(error.code == .throttled)
    #expect(error.retryAfter == expected)
  }

  @Test func aDateToRetryAfterNeedsADateToCompareWith() {
    let headers = [HTTPHeader("Retry-After", "Tue, 24 Nov 2026 03:00:30 GMT")]
    guard case .unknown(let error) = Self.judge(503, "", headers) else {
      Issue.record("not unknown")
      return
    }
    #expect(error.retryAfter == nil)
  }
}
