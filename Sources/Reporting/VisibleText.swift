/// Text from outside, such as a server's message, made safe for a terminal.
public enum VisibleText {
  /// More than this of one line is cut.
  static let maximumScalars = 2000

  /// Control and format characters, escape sequences among them, as `\n` or `\u{1b}`: they can be seen and do
  /// nothing. What is longer than 2000 scalars ends in an ellipsis.
  public static func line(_ text: some StringProtocol) -> String {
    var shown = String.UnicodeScalarView()
    for (count, scalar) in text.unicodeScalars.enumerated() {
      guard count < maximumScalars else {
        shown.append("…")
        break
      }
      switch scalar {
      case "\n": shown.append(contentsOf: "\\n".unicodeScalars)
      case "\r": shown.append(contentsOf: "\\r".unicodeScalars)
      case "\t": shown.append(contentsOf: "\\t".unicodeScalars)
      case " "..."~": shown.append(scalar)
      default:
        if isInvisible(scalar) {
          shown.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
        } else {
          shown.append(scalar)
        }
      }
    }
    return String(shown)
  }

  /// The lines of a message that may hold several, each made safe, at most 200.
  static func lines(_ text: String) -> [String] {
    text.split(separator: "\n", maxSplits: 200, omittingEmptySubsequences: true).map { line($0) }
  }

  private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: true
    default: false
    }
  }
}
