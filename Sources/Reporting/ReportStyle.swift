/// The form of results: `--format`.
public enum ReportFormat: String, Sendable, CaseIterable {
  case table
  case json
}

/// How much is said, and to what kind of screen.
public struct ReportStyle: Sendable {
  public var format = ReportFormat.table
  /// Only failures and what needs a person.
  public var isQuiet = false
  /// A line for every token.
  public var isVerbose = false
  /// Whether standard error is a terminal: only there a progress line is drawn, and colour is used.
  public var isTerminal = false
  public var wantsColour = false
  /// The terminal's width now; nil counts as 80.
  public var columns: @Sendable () -> Int? = { nil }

  public init() {}

  var hasColour: Bool { isTerminal && wantsColour }
  var hasProgress: Bool { isTerminal && !isQuiet }

  /// Whether the environment asks for no colour: `NO_COLOR` that is not empty (https://no-color.org), or a
  /// terminal that calls itself dumb.
  public static func wantsColour(_ environment: [String: String]) -> Bool {
    environment["NO_COLOR"]?.isEmpty != false && environment["TERM"] != "dumb"
  }
}
