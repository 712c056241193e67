/// The form of results: `--format`.
public enum ReportFormat: String, Sendable, CaseIterable {
  case table
  case json
}

/// What a stream goes to.
public struct Display: Sendable {
  public var isTerminal = false
  /// The terminal's width now; nil counts as 80.
  public var columns: @Sendable () -> Int? = { nil }

  public init() {}

  /// How much of a line is used, nil where it may have any length. The last column stays free: some terminals wrap
  /// when it is written.
  var usableColumns: Int? { isTerminal ? max(2, columns() ?? 80) - 1 : nil }
}

/// How much is said, and to what kind of screen.
public struct ReportStyle: Sendable {
  public var format = ReportFormat.table
  /// Only failures and what needs a person.
  public var isQuiet = false
  /// A line for every token.
  public var isVerbose = false
  /// Where results go; each stream decides for itself, because only one of them may be a terminal.
  public var output = Display()
  /// Where everything else goes, the progress line too.
  public var errors = Display()
  public var wantsColour = false
  /// Whether a terminal can go back in a line and erase the rest of it.
  public var canRedraw = true

  public init() {}

  /// Whether results and messages are read by one person, on one screen.
  var isOneScreen: Bool { output.isTerminal && errors.isTerminal }
  var hasProgress: Bool { errors.isTerminal && canRedraw && !isQuiet }

  func hasColour(_ display: Display) -> Bool { display.isTerminal && wantsColour }

  /// Whether the environment asks for no colour: `NO_COLOR` that is not empty (https://no-color.org), or a
  /// terminal that calls itself dumb.
  public static func wantsColour(_ environment: [String: String]) -> Bool {
    environment["NO_COLOR"]?.isEmpty != false && canRedraw(environment)
  }

  /// Whether the terminal is more than a printer.
  public static func canRedraw(_ environment: [String: String]) -> Bool {
    environment["TERM"] != "dumb"
  }
}
