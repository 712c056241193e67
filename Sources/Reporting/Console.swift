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

    fileprivate var paint: Paint {
      switch self {
      case .error: .red
      case .attention, .warning: .yellow
      case .pending: .cyan
      }
    }
  }

  let style: ReportStyle
  private let output: any TextSink
  private let errors: any TextSink
  private let clock: any RotationClock
  private var progress = ProgressLine()
  /// A job is being worked on.
  private var isUnderWay = false
  private var isDrawn = false
  /// Of the problem that was told last.
  private var lastHint: String?

  init(style: ReportStyle, output: any TextSink, errors: any TextSink, clock: any RotationClock) {
    self.style = style
    self.output = output
    self.errors = errors
    self.clock = clock
  }

  // MARK: Results

  /// Lines of the table; nothing when the format is JSON.
  mutating func result(_ lines: [String]) {
    guard style.format == .table, !lines.isEmpty else { return }
    raw(lines.joined(separator: "\n") + "\n")
  }

  /// A sentence: a terminal gets it broken at spaces.
  mutating func sentence(_ text: String, _ paint: Paint? = nil) {
    guard let columns = style.output.usableColumns else { return result([text]) }
    let pieces = text.wrapped(columns: columns)
    // What goes on is told from what is next by its margin.
    let rest = pieces.dropFirst().joined(separator: " ").wrapped(columns: columns - 2).map { "  \($0)" }
    result((pieces.prefix(1) + rest).map { shown($0, paint, style.output) })
  }

  /// How the rows of a table are laid out now.
  func layout(dispensable: [Int] = [], inBlocks: Set<Int> = []) -> RowLayout {
    RowLayout(
      dispensable: dispensable, inBlocks: inBlocks, columns: style.output.usableColumns,
      hasColour: style.hasColour(style.output))
  }

  /// Text for standard output as it is.
  mutating func raw(_ text: String) {
    let wasDrawn = isDrawn
    clearProgress()
    output.write(text)
    if wasDrawn { redraw() }
  }

  // MARK: Problems

  /// One line for each line of the message, then the hint, unless the problem before had the same. `subject` is put before a message that does not
  /// begin with it. A message whose lines begin with places stands as it is, so that editors find them.
  mutating func problem(_ label: Label, _ subject: String?, _ problem: Problem) {
    var text = ""
    var lines = VisibleText.lines(problem.message)
    if lines.isEmpty { lines = [VisibleText.line(problem.code)] }
    for line in lines {
      let place = subject.map { VisibleText.line($0) + ": " } ?? ""
      if problem.namesPlaces {
        text += "\(line)\n"
      } else {
        text += shown("\(label.rawValue):", label.paint, style.errors)
        text += " \(line.hasPrefix(place) ? "" : place)\(line)\n"
      }
    }
    // Two hundred tokens that fail in the same way need the same advice, and not two hundred times.
    let hint = problem.hint == lastHint ? "" : problem.hint ?? ""
    lastHint = problem.hint
    for (index, line) in VisibleText.lines(hint).enumerated() {
      let word = shown("hint:", .bold, style.errors)
      text += index == 0 ? "  \(word) \(line)\n" : "        \(line)\n"
    }
    let wasDrawn = isDrawn
    // In one write, so that no moment shows the text behind the progress line.
    errors.write((wasDrawn ? Console.erasure : "") + text)
    isDrawn = false
    if wasDrawn { redraw() }
  }

  private func shown(_ text: String, _ paint: Paint?, _ display: Display) -> String {
    guard let paint, style.hasColour(display) else { return text }
    return paint.over(text)
  }

  // MARK: Progress

  /// To the first column, and away with what stands there.
  private static let erasure = "\r\u{1b}[K"

  mutating func beginProgress(_ job: String) {
    clearProgress()
    progress.begin(job)
    isUnderWay = true
  }

  /// Takes the line away; it is not drawn again before the next job.
  mutating func endProgress() {
    isUnderWay = false
    clearProgress()
  }

  mutating func update(_ counts: Progress) {
    progress.update(counts)
    drawProgress()
  }

  /// Draws what changed since the line was last drawn, if that is long enough ago.
  mutating func drawProgress() { draw(isNeeded: false) }

  /// Draws the line again that made room for something else.
  private mutating func redraw() { draw(isNeeded: true) }

  private mutating func draw(isNeeded: Bool) {
    guard style.hasProgress, isUnderWay, let columns = style.errors.usableColumns,
      let line = progress.next(at: clock.uptime, now: clock.now, columns: columns, isNeeded: isNeeded)
    else { return }
    // The new text goes over the old one, and only what is left of that is erased: nothing flickers.
    errors.write("\r\(line)\u{1b}[K")
    isDrawn = true
  }

  private mutating func clearProgress() {
    guard isDrawn else { return }
    errors.write(Console.erasure)
    progress.wasRemoved()
    isDrawn = false
  }
}
