import RotationModel
import RotationPorts

/// The two streams of a command, and the progress line that must be gone before either shows anything.
struct Console {
  enum Label: String {
    case error
    case attention
    case pending
    /// Something beside the tokens: nothing of them failed.
    case warning

    /// For what ended a job or a call with this code; a signal is no failure.
    static func label(of exitCode: ExitCode) -> Label {
      exitCode == .needsPerson || exitCode.isSignal ? .attention : .error
    }

    fileprivate var colour: String {
      switch self {
      case .error: "\u{1b}[31m"
      case .attention, .warning: "\u{1b}[33m"
      case .pending: "\u{1b}[36m"
      }
    }
  }

  let style: ReportStyle
  private let output: any TextSink
  private let errors: any TextSink
  private let clock: any RotationClock
  private var progress = ProgressLine()
  private var isDrawn = false

  init(style: ReportStyle, output: any TextSink, errors: any TextSink, clock: any RotationClock) {
    self.style = style
    self.output = output
    self.errors = errors
    self.clock = clock
  }

  // MARK: Results

  /// A line of the table; nothing when the format is JSON.
  mutating func result(_ lines: [String]) {
    guard style.format == .table, !lines.isEmpty else { return }
    raw(lines.joined(separator: "\n") + "\n")
  }

  /// Text for standard output as it is.
  mutating func raw(_ text: String) {
    clearProgress()
    output.write(text)
  }

  // MARK: Problems

  /// One line for each line of the message, then the hint. `subject` is put before a message that does not
  /// begin with it. A message whose lines begin with places stands as it is, so that editors find them.
  mutating func problem(_ label: Label, _ subject: String?, _ problem: Problem) {
    clearProgress()
    var text = ""
    var lines = VisibleText.lines(problem.message)
    if lines.isEmpty { lines = [VisibleText.line(problem.code)] }
    for line in lines {
      let place = subject.map { VisibleText.line($0) + ": " } ?? ""
      if problem.namesPlaces {
        text += "\(line)\n"
      } else {
        text += painted("\(label.rawValue):", label.colour)
        text += " \(line.hasPrefix(place) ? "" : place)\(line)\n"
      }
    }
    for (index, line) in VisibleText.lines(problem.hint ?? "").enumerated() {
      text += index == 0 ? "  \(painted("hint:", "\u{1b}[1m")) \(line)\n" : "        \(line)\n"
    }
    errors.write(text)
  }

  private func painted(_ text: String, _ colour: String) -> String {
    style.hasColour ? "\(colour)\(text)\u{1b}[0m" : text
  }

  // MARK: Progress

  mutating func beginProgress(_ job: String) {
    progress.begin(job)
  }

  mutating func update(_ counts: Progress) {
    guard style.hasProgress else { return }
    progress.update(counts, at: clock.uptime)
    drawProgress()
  }

  /// Draws what changed since the line was last drawn, if that is long enough ago.
  mutating func drawProgress() {
    guard style.hasProgress else { return }
    guard let line = progress.next(at: clock.uptime, columns: style.columns() ?? 80, isOnScreen: isDrawn)
    else { return }
    errors.write("\r\u{1b}[K\(line)")
    isDrawn = true
  }

  mutating func clearProgress() {
    guard isDrawn else { return }
    errors.write("\r\u{1b}[K")
    isDrawn = false
  }
}
