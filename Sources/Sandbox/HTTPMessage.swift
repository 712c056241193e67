internal import JSONText
internal import RotationModel

/// One request as it came over the wire.
struct HTTPRequest {
  var method: String
  /// Percent-decoded, without the query.
  var path: String
  /// Percent-decoded, in order, repeated names included.
  var query: [(name: String, value: String?)] = []
  /// Every `Authorization` header.
  var authorization: [String] = []
  var contentType: String?
  /// Whether an `Expect` header was sent.
  var expects = false
  var body: [UInt8] = []
  /// Whether the body was longer than the sandbox keeps.
  var bodyIsTooLong = false

  static let maximumBodyBytes = 1_048_576
}

/// One answer as it goes over the wire.
struct HTTPAnswer: Equatable {
  var status: Int
  var contentType = "application/json"
  var body: [UInt8] = []
  var retryAfterSeconds: Int?

  static func json(_ status: Int, _ write: (inout JSONWriter) -> Void) -> HTTPAnswer {
    var writer = JSONWriter(.required, capacity: 768)
    write(&writer)
    return HTTPAnswer(status: status, body: writer.bytes)
  }

  /// The Management API's errors have an integer code, the data API's a word
  /// (their OpenAPI specifications, `Error` and `AuthorizationError`).
  static func error(_ status: Int, _ message: String, isData: Bool) -> HTTPAnswer {
    json(status) {
      $0.object {
        if isData {
          $0.member("code", StatusText.dataCode(status))
        } else {
          $0.member("code", status)
        }
        $0.member("message", message)
      }
    }
  }
}

/// The words that go with a status.
enum StatusText {
  static func message(_ status: Int) -> String {
    switch status {
    case 400: "bad request"
    case 401: "unauthorized"
    case 403: "forbidden"
    case 404: "not found"
    case 405: "method not allowed"
    case 409: "conflict"
    case 413: "request too large"
    case 417: "expectation failed"
    case 422: "unprocessable entity"
    case 429: "too many requests"
    case 500: "internal server error"
    case 502: "bad gateway"
    case 503: "service unavailable"
    case 504: "gateway timeout"
    default: status < 500 ? "bad request" : "internal server error"
    }
  }

  static func dataCode(_ status: Int) -> String {
    switch status {
    case 401: "unauthorized"
    case 403: "forbidden"
    case 404: "not found"
    case 405: "method not allowed"
    case 413: "request too large"
    case 429: "too many requests"
    case 503: "unavailable"
    default: status < 500 ? "invalid" : "internal error"
    }
  }
}

/// The `Date` header (RFC 9110, section 5.6.7), without a calendar library.
enum HTTPDate {
  private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  static func format(_ instant: Instant) -> String {
    let text = Array(instant.rfc3339Seconds)
    guard text.count == 20, let month = Int(String(text[5..<7])), (1...12).contains(month) else { return "" }
    let day = instant.milliseconds / 86_400_000
    return "\(days[Int(((day % 7) + 7) % 7)]), \(String(text[8..<10])) \(months[month - 1]) "
      + "\(String(text[0..<4])) \(String(text[11..<19])) GMT"
  }
}
