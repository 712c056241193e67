/// The id of one POST: 16 lower-case hexadecimal digits from the injected source of randomness.
public struct AttemptID: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let text: String

  /// The id whose digits are those of `bits`.
  public init(bits: UInt64) {
    text = HexText.sixteenDigits(bits)
  }

  /// Reads an id back; nil unless it is exactly 16 lower-case hexadecimal digits.
  public init?(_ text: some StringProtocol) {
    guard HexText.isSixteenDigits(text) else { return nil }
    self.text = String(text)
  }

  public var description: String { text }

  public static func < (left: AttemptID, right: AttemptID) -> Bool { left.text < right.text }
}

/// The id of one installation (one state directory): 16 lower-case hexadecimal digits, made once.
public struct InstallationID: Hashable, Sendable, CustomStringConvertible {
  public let text: String

  public init(bits: UInt64) {
    text = HexText.sixteenDigits(bits)
  }

  /// Reads an id back; nil unless it is exactly 16 lower-case hexadecimal digits.
  public init?(_ text: some StringProtocol) {
    guard HexText.isSixteenDigits(text) else { return nil }
    self.text = String(text)
  }

  public var description: String { text }
}

/// What ties a token on the cluster to the attempt that made it: the end of its description.
///
/// The Management API has no idempotency key and its description is free text, so this is the only place
/// for a correlation id. Shape: `[tokenrotate INSTALLATION/JOB/NAME#ATTEMPT]`.
public struct Marker: Hashable, Sendable {
  public var installation: InstallationID
  public var job: String
  public var name: String
  public var attempt: AttemptID

  /// What every marker starts with; a CSV's description may not hold it.
  public static let opening = "[tokenrotate "

  public init(installation: InstallationID, job: String, name: String, attempt: AttemptID) {
    self.installation = installation
    self.job = job
    self.name = name
    self.attempt = attempt
  }

  public var text: String {
    "\(Marker.opening)\(installation)/\(job)/\(name)#\(attempt)]"
  }

  /// The description that the cluster shows: the user's, a space, the marker.
  public func described(_ description: String) -> String {
    description.isEmpty ? text : "\(description) \(text)"
  }

  /// Splits a description as the cluster shows it into the user's part and the marker at its end.
  ///
  /// Anything that is not exactly a marker at the very end is the user's text: a token that merely
  /// mentions us is not ours. All of it is judged by Unicode scalars, because a combining mark beside a
  /// space or a bracket makes another Character of it.
  public static func split(_ description: String) -> (description: String, marker: Marker?) {
    guard description.utf8.last == UInt8(ascii: "]"), let start = lastOpening(in: description) else {
      return (description, nil)
    }
    let inside = Substring(
      description.unicodeScalars[start...].dropFirst(opening.unicodeScalars.count).dropLast())
    let halves = inside.split(separator: "#", omittingEmptySubsequences: false)
    guard halves.count == 2, let attempt = AttemptID(halves[1]) else { return (description, nil) }
    let parts = halves[0].split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, let installation = InstallationID(parts[0]), Name.isValid(parts[1]),
      Name.isValid(parts[2])
    else { return (description, nil) }
    var before = description.unicodeScalars[..<start]
    if before.last == " " { before = before.dropLast() }
    let marker = Marker(
      installation: installation, job: String(parts[1]), name: String(parts[2]), attempt: attempt)
    return (String(before), marker)
  }

  private static func lastOpening(in description: String) -> String.Index? {
    let needle = Array(opening.utf8)
    let hay = description.utf8
    guard hay.count >= needle.count else { return nil }
    var index = hay.index(hay.endIndex, offsetBy: -needle.count)
    while true {
      if hay[index...].starts(with: needle) { return index }
      if index == hay.startIndex { return nil }
      index = hay.index(before: index)
    }
  }
}

enum HexText {
  static func sixteenDigits(_ bits: UInt64) -> String {
    let digits = String(bits, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }

  static func isSixteenDigits(_ text: some StringProtocol) -> Bool {
    text.utf8.count == 16
      && text.utf8.allSatisfy { byte in
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
      }
  }
}
