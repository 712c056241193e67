public import RotationModel

extension Instant {
  /// Reads the form of date that HTTP's `Date` header is written in, `Sun, 06 Nov 1994 08:49:37 GMT`
  /// (IMF-fixdate, RFC 9110 section 5.6.7). Nil for anything else, the two obsolete forms included, which
  /// no sender may produce. The name of the day is not compared with the date; a leap second is the second
  /// after it.
  public init?(httpDate text: String) {
    let bytes = Array(text.utf8)
    guard bytes.count == 29 else { return nil }
    func field(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    guard days.contains(field(0..<3)), field(3..<5) == ", ", field(7..<8) == " ",
      let month = months.firstIndex(of: field(8..<11)), field(11..<12) == " ", field(16..<17) == " ",
      field(25..<29) == " GMT"
    else { return nil }
    let isLeapSecond = field(23..<25) == "60"
    let time = field(17..<23) + (isLeapSecond ? "59" : field(23..<25))
    let monthNumber = month < 9 ? "0\(month + 1)" : "\(month + 1)"
    guard let instant = Instant(rfc3339: "\(field(12..<16))-\(monthNumber)-\(field(5..<7))T\(time)Z")
    else { return nil }
    self = isLeapSecond ? instant + .seconds(1) : instant
  }
}
