import RotationModel
import Testing

struct TimestampTests {
  @Test(arguments: [
    ("1970-01-01T00:00:00.000Z", Int64(0)),
    ("2000-02-29T12:00:00.000Z", 951_825_600_000),
    ("2024-02-29T23:59:59.999Z", 1_709_251_199_999),
    ("1969-12-31T23:59:59.999Z", -1),
    ("1600-02-29T00:00:00.000Z", -11_670_998_400_000),
    ("2400-12-31T23:59:59.999Z", 13_601_087_999_999),
    ("2038-01-19T03:14:08.000Z", 2_147_483_648_000),
  ])
  func knownInstantsAreWrittenAndRead(text: String, milliseconds: Int64) {
    #expect(Instant(milliseconds: milliseconds).rfc3339 == text)
    #expect(Instant(rfc3339: text) == Instant(milliseconds: milliseconds))
  }

  @Test(arguments: [
    ("2026-11-24T03:01:02+01:00", "2026-11-24T02:01:02.000Z"),
    ("2026-11-24T00:30:00+05:45", "2026-11-23T18:45:00.000Z"),
    ("2026-12-31T23:30:00-01:00", "2027-01-01T00:30:00.000Z"),
    ("2026-11-24t03:01:02z", "2026-11-24T03:01:02.000Z"),
    ("2026-11-24 03:01:02-00:00", "2026-11-24T03:01:02.000Z"),
    ("2026-11-24T03:01:02.5Z", "2026-11-24T03:01:02.500Z"),
    ("2026-11-24T03:01:02.98765432109876543210Z", "2026-11-24T03:01:02.987Z"),
  ])
  func otherFormsMeanTheSame(text: String, utc: String) {
    #expect(Instant(rfc3339: text)?.rfc3339 == utc)
  }

  @Test(arguments: [
    "", "2026", "2026-11-24", "2026-11-24T03:01:02", "2026-11-24T03:01Z", "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
    "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z",
    "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+01:60", "2026-01-01T00:00:00ZZ", " 2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00Z\n", "2026-01-01X00:00:00Z", "２０２６-01-01T00:00:00Z", "-026-01-01T00:00:00Z",
    "2026-1-01T00:00:00Z", "2026-01-01T00:00:00,5Z", "2026-01-01T00:00:0\u{0}Z",
  ])
  func anythingElseIsNoTimestamp(text: String) {
    #expect(Instant(rfc3339: text) == nil)
  }

  @Test func instantsFrom1600To2400SurviveTheRoundTrip() {
    var seeded = Seeded(1)
    let years = Int64(-11_676_096_000_000)...13_601_087_999_999
    var last = Instant(milliseconds: .min)
    for milliseconds in (0..<2000).map({ _ in Int64.random(in: years, using: &seeded) }).sorted() {
      let instant = Instant(milliseconds: milliseconds)
      let text = instant.rfc3339
      #expect(Instant(rfc3339: text) == instant)
      #expect(
        last <= instant && (last.milliseconds == .min || last.rfc3339 <= text), "\(text) is out of order")
      let seconds = Instant(rfc3339: instant.rfc3339Seconds)
      #expect(seconds.map { instant - $0 < .seconds(1) && $0 <= instant } == true)
      last = instant
    }
  }

  /// Around 1600, 1900, 2000 and 2100: years by four, by a hundred and by four hundred.
  @Test(arguments: [
    ("1599-06-01", 1000, "1602-02-25"), ("1899-06-01", 1000, "1902-02-26"),
    ("1999-06-01", 1000, "2002-02-25"),
    ("2099-06-01", 1000, "2102-02-26"), ("2023-06-01", 1000, "2026-02-25"),
  ])
  func everyDayFollowsTheOneBefore(first: String, count: Int, last: String) throws {
    var previous = ""
    var instant = try #require(Instant(rfc3339: "\(first)T00:00:00Z"))
    for _ in 0..<count {
      let day = String(instant.rfc3339.prefix(10))
      if day <= previous || Instant(rfc3339: "\(day)T00:00:00Z") != instant {
        Issue.record("\(day) after \(previous)")
        return
      }
      previous = day
      instant = instant + .seconds(86_400)
    }
    #expect(instant.rfc3339Seconds == "\(last)T00:00:00Z")
  }

  @Test func spansAreCountedInMilliseconds() {
    #expect(start + .milliseconds(1500) - start == .milliseconds(1500))
    #expect(start - .seconds(2) < start)
    #expect(Duration.nanoseconds(1_999_999).milliseconds == 1)
    #expect(Duration.nanoseconds(-1_999_999).milliseconds == -1)
    #expect(Duration.milliseconds(1250).seconds == 1.25)
  }
}

struct DurationTextTests {
  @Test(arguments: [
    ("90s", Duration.seconds(90)), ("10m", .seconds(600)), ("24h", .seconds(86_400)),
    ("30d", .seconds(30 * 86_400)), ("2w", .seconds(14 * 86_400)), ("0s", .zero),
    ("0000000007s", .seconds(7)), ("36600d", .seconds(36_600 * 86_400)),
  ])
  func wholeNumbersWithAUnitAreRead(text: String, duration: Duration) {
    #expect(DurationText.parse(text) == duration)
  }

  @Test(arguments: [
    "", "s", "10", "-1s", "+1s", "1.5h", "1 h", " 1h", "1h ", "1h30m", "1H", "1y", "1ms", "36601d", "5300w",
    "99999999999s", "9999999999w", "١s", "1\u{0}s", "1d\n",
  ])
  func anythingElseIsNoDuration(text: String) {
    #expect(DurationText.parse(text) == nil)
  }

  @Test(arguments: [
    (Duration.zero, "0s"), (.seconds(1), "1s"), (.seconds(60), "1m"), (.seconds(90), "90s"),
    (.seconds(3600), "1h"), (.seconds(86_400), "1d"), (.seconds(14 * 86_400), "14d"),
    (.milliseconds(1250), "1.250s"), (.milliseconds(7), "0.007s"), (.milliseconds(-1250), "-1.250s"),
    (.milliseconds(-7), "-0.007s"), (.seconds(-90), "-90s"),
  ])
  func durationsAreShownInTheLargestWholeUnit(duration: Duration, text: String) {
    #expect(DurationText.format(duration) == text)
  }

  @Test(
    arguments: [
      (0, "0s"), (59, "59s"), (60, "1m"), (61, "1m 1s"), (3600, "1h"), (3601, "1h"), (3660, "1h 1m"),
      (7199, "1h 59m"), (86_399, "23h 59m"), (86_400, "1d"), (89_940, "1d"), (273_900, "3d 4h"),
      (34_560_000, "400d"), (-90, "1m 30s"),
    ] as [(Int, String)])
  func forPeopleTheTwoLargestUnitsAreEnough(seconds: Int, text: String) {
    #expect(DurationText.rounded(.seconds(seconds)) == text)
    #expect(DurationText.rounded(.seconds(seconds) + .milliseconds(seconds < 0 ? -999 : 999)) == text)
  }

  @Test func whatIsShownIsReadBack() {
    var seeded = Seeded(2)
    for _ in 0..<2000 {
      let duration = Duration.seconds(Int64.random(in: 0...(100 * 366 * 86_400), using: &seeded))
      #expect(DurationText.parse(DurationText.format(duration)) == duration)
    }
  }
}
