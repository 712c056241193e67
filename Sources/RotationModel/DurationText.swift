/// Durations as job files and CSV specifications write them: a whole number and one unit.
public enum DurationText {
  /// Reads `90s`, `10m`, `24h`, `30d` or `2w`; nil for anything else, more than 100 years included.
  public static func parse(_ text: some StringProtocol) -> Duration? {
    let bytes = Array(text.utf8)
    guard let unit = bytes.last, let secondsPerUnit = secondsPerUnit(unit) else { return nil }
    let digits = bytes.dropLast()
    guard !digits.isEmpty, digits.count <= 10 else { return nil }
    var number: Int64 = 0
    for byte in digits {
      guard (48...57).contains(byte) else { return nil }
      number = number * 10 + Int64(byte - 48)
    }
    let seconds = number * secondsPerUnit
    guard seconds <= 100 * 366 * 86_400 else { return nil }
    return .seconds(seconds)
  }

  /// The shortest form that `parse` reads back, for a whole number of seconds; fractions of a second are
  /// shown with milliseconds (`1.250s`) for people only.
  public static func format(_ duration: Duration) -> String {
    let milliseconds = duration.milliseconds
    guard milliseconds % 1000 == 0 else {
      let whole = milliseconds.magnitude / 1000
      let fraction = Int64(milliseconds.magnitude % 1000).padded(to: 3)
      return "\(milliseconds < 0 ? "-" : "")\(whole).\(fraction)s"
    }
    let seconds = milliseconds / 1000
    for (unit, length) in [("d", Int64(86_400)), ("h", 3600), ("m", 60)]
    where seconds != 0 && seconds % length == 0 {
      return "\(seconds / length)\(unit)"
    }
    return "\(seconds)s"
  }

  private static func secondsPerUnit(_ unit: UInt8) -> Int64? {
    switch unit {
    case UInt8(ascii: "s"): 1
    case UInt8(ascii: "m"): 60
    case UInt8(ascii: "h"): 3600
    case UInt8(ascii: "d"): 86_400
    case UInt8(ascii: "w"): 604_800
    default: nil
    }
  }
}

extension DurationText {
  /// For people: the two largest units at most, `3d 4h`, rounded down; less than a second is `0s`.
  public static func rounded(_ duration: Duration) -> String {
    var seconds = abs(duration.milliseconds / 1000)
    var parts: [String] = []
    for (unit, length) in [("d", Int64(86_400)), ("h", 3600), ("m", 60), ("s", 1)] where parts.count < 2 {
      let count = seconds / length
      seconds %= length
      if count > 0 { parts.append("\(count)\(unit)") } else if !parts.isEmpty { break }
    }
    return parts.isEmpty ? "0s" : parts.joined(separator: " ")
  }
}
