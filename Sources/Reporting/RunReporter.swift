import Locks
import RotationModel
public import RotationPorts

/// Tells people or programs how `run`, `create` and `adopt` go: results to standard output, everything else
/// to standard error.
///
/// What is kept in memory does not grow with the number of tokens.
public final class RunReporter: Reporter {
  private let state: Locked<State>
  private let clock: any RotationClock

  /// `spoolDirectory` takes the temporary file of `--format json`; it is made when there is something to tell.
  public init(
    style: ReportStyle, output: any TextSink, errors: any TextSink, clock: any RotationClock,
    spoolDirectory: String
  ) {
    self.clock = clock
    state = Locked(
      State(
        console: Console(style: style, output: output, errors: errors, clock: clock),
        json: style.format == .json ? JSONReport(spoolDirectory: spoolDirectory) : nil))
  }

  public func jobStarted(_ job: String) { state.withLock { $0.start(job) } }

  public func progressed(_ job: String, _ progress: Progress) {
    state.withLock { $0.console.update(progress) }
  }

  public func tokenFinished(_ job: String, _ report: TokenReport) {
    state.withLock { $0.add(report, to: job) }
  }

  public func noticed(_ job: String, _ problem: Problem) {
    state.withLock { $0.notice(job, problem) }
  }

  public func jobFinished(_ job: String, _ report: JobReport) {
    state.withLock { $0.finish(job, report) }
  }

  /// A job that was left alone entirely because its files are wrong. `name` is its name, or its path while
  /// that is not known. Each problem's message may hold several lines.
  public func jobRefused(_ name: String, problems: [Problem], exitCode: ExitCode) {
    state.withLock { $0.refuse(name, problems, exitCode) }
  }

  /// The end of the call (`run` is nil when no run had begun); with `--format json` the one object is printed
  /// now. `problem` is what ended it before or beside its jobs. Returns what kept the report itself from being
  /// complete; the object says so too, in `error`.
  @discardableResult
  public func finish(run: RunID?, exitCode: ExitCode, problem: Problem?) -> Problem? {
    state.withLock { $0.finish(run, exitCode, problem) }
  }

  public func waits(_ job: String, for problem: Problem) { warn(problem) }

  /// Something beside the run did not work, such as telling a monitor. Said even when nothing else is to be said.
  public func warn(_ problem: Problem) {
    state.withLock { $0.console.problem(.warning, nil, problem) }
  }

  /// Keeps the progress line up to date between calls, until the task is cancelled. Only needed on a terminal.
  public func keepProgressFresh() async {
    await clock.keepFresh { state.withLock { $0.console.drawProgress() } }
  }
}

private struct State {
  var console: Console
  var json: JSONReport?
  private var lines: AlignedLines
  /// Tokens of this job that are not active yet, and what to say about them.
  private var notActive: (count: Int, first: Problem)?

  init(console: Console, json: JSONReport?) {
    self.console = console
    self.json = json
    lines = State.lines(console)
  }

  /// Where there is little room, ids are for `--format json`, and the name and what became of it are what counts.
  private static func lines(_ console: Console) -> AlignedLines {
    AlignedLines(showsAll: console.style.isVerbose, layout: console.layout(dispensable: [2, 3]))
  }

  mutating func start(_ job: String) {
    json?.startJob(job)
    console.beginProgress(job)
    lines = State.lines(console)
    notActive = nil
  }

  mutating func add(_ report: TokenReport, to job: String) {
    json?.addToken(job) { $0.members(of: report) }
    if let problem = report.problem { tell(problem, report.outcome, job) }
    guard console.style.format == .table, !console.style.isQuiet else { return }
    guard report.outcome != .unchanged || report.problem != nil || console.style.isVerbose else { return }
    var cells = report.cells
    // On one screen the message stands above already, with its hint. What is pending is told there by its number only.
    if console.style.isOneScreen, report.outcome != .pending { cells[cells.count - 1].text = "" }
    console.result(lines.add(cells, matters: report.problem != nil))
  }

  private mutating func tell(_ problem: Problem, _ outcome: TokenOutcome, _ job: String) {
    switch outcome {
    case .failed, .undelivered: console.problem(.error, job, problem)
    case .pending:
      // One line for all of them: the next run goes on by itself.
      notActive = ((notActive?.count ?? 0) + 1, notActive?.first ?? problem)
    case .created, .rotated, .updated, .unchanged, .held, .attention, .retired:
      console.problem(.attention, job, problem)
    }
  }

  mutating func finish(_ job: String, _ report: JobReport) {
    json?.finishJob(
      job, problem: report.problem,
      counts: TokenOutcome.allCases.map { ($0.rawValue, report.counts[$0] ?? 0) })
    console.endProgress()
    if let problem = report.problem { console.problem(.label(of: report.exitCode), job, problem) }
    // After a signal the job's own problem says what becomes of them.
    if let notActive, !console.style.isQuiet, !report.exitCode.isSignal {
      var problem = notActive.first
      if notActive.count > 1 { problem.message = "\(notActive.count) tokens are not active yet" }
      console.problem(.pending, job, problem)
    }
    notActive = nil
    guard !console.style.isQuiet else { return }
    console.result(lines.finish())
    console.sentence(summary(of: job, report))
  }

  private func summary(of job: String, _ report: JobReport) -> String {
    if let remark = report.remark { return "\(VisibleText.line(job)): \(VisibleText.line(remark))" }
    var words = TokenOutcome.allCases.compactMap { outcome in
      report.counts[outcome].flatMap { $0 > 0 ? outcome.counted($0) : nil }
    }
    if report.orphansRevoked > 0 {
      words.append("\(report.orphansRevoked) \(report.orphansRevoked == 1 ? "orphan" : "orphans") revoked")
    }
    let isUnchanged =
      report.orphansRevoked == 0 && report.counts.allSatisfy { $0.key == .unchanged || $0.value == 0 }
    if isUnchanged, report.problem == nil, report.exitCode == .done || report.exitCode == .needsPerson {
      words.insert("nothing due", at: 0)
    } else if report.problem != nil || report.exitCode.isSignal {
      words.append(words.isEmpty ? "nothing done" : "stopped early")
    }
    if words.isEmpty { words.append("nothing done") }
    return "\(VisibleText.line(job)): \(words.joined(separator: ", "))"
  }

  mutating func notice(_ job: String, _ problem: Problem) {
    json?.addNotice(job, problem)
    console.problem(.attention, job, problem)
  }

  mutating func refuse(_ name: String, _ problems: [Problem], _ exitCode: ExitCode) {
    json?.finishJob(
      name, problem: Problem.joined(problems), counts: TokenOutcome.allCases.map { ($0.rawValue, 0) })
    for problem in problems { console.problem(.label(of: exitCode), nil, problem) }
    guard !console.style.isQuiet else { return }
    console.sentence("\(VisibleText.line(name)): left alone")
  }

  mutating func finish(_ run: RunID?, _ exitCode: ExitCode, _ problem: Problem?) -> Problem? {
    console.endProgress()
    if let problem { console.problem(.label(of: exitCode), nil, problem) }
    json?.write(.run(run?.text), exitCode: exitCode, problem: problem) { console.raw($0) }
    if let incomplete = json?.problem { console.problem(.error, nil, incomplete) }
    return json?.problem
  }
}

extension ExitCode {
  var isSignal: Bool { self == .interrupted || self == .terminated }
}

extension Problem {
  /// Several problems as one: the first one's code and hint, the lines of all.
  static func joined(_ problems: [Problem]) -> Problem? {
    guard var joined = problems.first else { return nil }
    joined.message = problems.map(\.message).joined(separator: "\n")
    joined.hint = problems.lazy.compactMap(\.hint).first
    return joined
  }
}
