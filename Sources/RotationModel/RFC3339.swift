/// RFC 3339 timestamps, written and read without a calendar library.
///
/// The proleptic Gregorian conversions are Howard Hinnant's published `days_from_civil` arithmetic.
extension Instant {
  /// `2026-11-24T03:01:02.345Z`: always UTC, always milliseconds, always `Z` (never `+0000`, which the
  /// Management API's documentation does not promise to read).
  public var rfc3339: String {
    rfc3339(withMilliseconds: true)
  }

  /// The same instant to the second: `2026-11-24T03:01:02Z`.
  public var rfc3339Seconds: String {
    rfc3339(withMilliseconds: false)
  }

  private func rfc3339(withMilliseconds: Bool) -> String {
    let dayMilliseconds: Int64 = 86_400_000
    let days = milliseconds.flooredQuotient(by: dayMilliseconds)
    let inDay = milliseconds - days * dayMilliseconds
    let (year, month, day) = CivilDate.date(daysSinceEpoch: days)
    var text = ""
    text.reserveCapacity(24)
    text.append(Int64(year).padded(to: 4))
    text.append("-")
    text.append(Int64(month).padded(to: 2))
    text.append("-")
    text.append(Int64(day).padded(to: 2))
    text.append("T")
    text.append((inDay / 3_600_000).padded(to: 2))
    text.append(":")
    text.append((inDay / 60_000 % 60).padded(to: 2))
    text.append(":")
    text.append((inDay / 1000 % 60).padded(to: 2))
    if withMilliseconds {
      text.append(".")
      text.append((inDay % 1000).padded(to: 3))
    }
    text.append("Z")
    return text
  }

  /// Reads an RFC 3339 timestamp with a time zone; nil when the text is anything else, a date that no
  /// calendar has included. Fractions beyond milliseconds are cut off.
  public init?(rfc3339 text: some StringProtocol) {
    var reader = TimestampReader(bytes: Array(text.utf8))
    guard let milliseconds = reader.read() else { return nil }
    self.init(milliseconds: milliseconds)
  }
}

/// Days and civil dates of the proleptic Gregorian calendar.
enum CivilDate {
  static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted.flooredQuotient(by: 400)
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  static func date(daysSinceEpoch: Int64) -> (year: Int, month: Int, day: Int) {
    let shifted = daysSinceEpoch + 719_468
    let era = shifted.flooredQuotient(by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthIndex = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthIndex + 2) / 5 + 1
    let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (Int(year), Int(month), Int(day))
  }

  static func daysIn(month: Int64, year: Int64) -> Int64 {
    switch month {
    case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

/// A cursor over the bytes of one timestamp.
private struct TimestampReader {
  let bytes: [UInt8]
  var position = 0

  mutating func read() -> Int64? {
    guard let year = digits(4), accept("-"), let month = digits(2), accept("-"), let day = digits(2),
      acceptTimeSeparator(), let hour = digits(2), accept(":"), let minute = digits(2), accept(":"),
      let second = digits(2), let fraction = fractionMilliseconds(), let offset = offsetMinutes(),
      position == bytes.count
    else { return nil }
    guard (1...12).contains(month), day >= 1, day <= CivilDate.daysIn(month: month, year: year),
      hour < 24, minute < 60, second < 60
    else { return nil }
    let days = CivilDate.days(year: year, month: month, day: day)
    let seconds = days * 86_400 + hour * 3600 + (minute - offset) * 60 + second
    return seconds * 1000 + fraction
  }

  private mutating func digits(_ count: Int) -> Int64? {
    guard position + count <= bytes.count else { return nil }
    var value: Int64 = 0
    for byte in bytes[position..<position + count] {
      guard (48...57).contains(byte) else { return nil }
      value = value * 10 + Int64(byte - 48)
    }
    position += count
    return value
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func acceptTimeSeparator() -> Bool {
    accept("T") || accept("t") || accept(" ")
  }

  private mutating func fractionMilliseconds() -> Int64? {
    guard accept(".") else { return 0 }
    var value: Int64 = 0
    var count = 0
    while position < bytes.count, (48...57).contains(bytes[position]) {
      if count < 3 { value = value * 10 + Int64(bytes[position] - 48) }
      count += 1
      position += 1
    }
    guard count > 0 else { return nil }
    for _ in 0..<max(0, 3 - count) { value *= 10 }
    return value
  }

  private mutating func offsetMinutes() -> Int64? {
    if accept("Z") || accept("z") { return 0 }
    let sign: Int64
    if accept("+") {
      sign = 1
    } else if accept("-") {
      sign = -1
    } else {
      return nil
    }
    guard let hours = digits(2), accept(":"), let minutes = digits(2), hours < 24, minutes < 60
    else { return nil }
    return sign * (hours * 60 + minutes)
  }
}

extension Int64 {
  func flooredQuotient(by divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }

  func padded(to width: Int) -> String {
    let digits = String(self)
    return digits.utf8.count >= width
      ? digits : String(repeating: "0", count: width - digits.utf8.count) + digits
  }
}
