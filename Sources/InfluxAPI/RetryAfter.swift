internal import HTTPClient
internal import RotationModel
internal import RotationPorts

/// The `Retry-After` header (RFC 9110 section 10.2.3).
enum RetryAfter {
  static let maximum = ServiceError.longestRetryAfter

  /// How long the service asks to be left alone: delta-seconds, or a date that is compared with the
  /// `Date` of the same answer, whose clock wrote both. Nil when it says nothing usable.
  static func read(_ response: HTTPResponse) -> Duration? {
    guard let value = response.header("Retry-After") else { return nil }
    if !value.isEmpty, value.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      guard let seconds = Int64(value) else { return maximum }
      return min(maximum, .seconds(min(seconds, 600)))
    }
    guard let until = Instant(httpDate: value),
      let now = response.header("Date").flatMap({ Instant(httpDate: $0) })
    else { return nil }
    return min(maximum, max(.zero, until - now))
  }
}
