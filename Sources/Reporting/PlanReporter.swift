import Locks
import RotationModel
public import RotationPorts

/// Prints what `plan` finds: a line a token, then what it comes to.
///
/// It is a `Reporter` because planning looks at the cluster like a run, and may notice something; the lines
/// come through `line`.
public final class PlanReporter: Reporter {
  private let state: Locked<State>
  private let clock: any RotationClock

  /// `spoolDirectory` takes the temporary file of `--format json`.
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

  /// What would become of one token: `symbol` for people, `word` for programs, one of `create`, `rotate`,
  /// `retire`, `attention`, `nothing`.
  public func line(_ job: String, symbol: Character, word: String, name: String, reason: String) {
    state.withLock { $0.add(job, symbol, word, name, reason) }
  }

  /// The report's counts are not looked at: the lines are counted.
  public func jobFinished(_ job: String, _ report: JobReport) {
    state.withLock { $0.finish(job, report) }
  }

  public func noticed(_ job: String, _ problem: Problem) {
    state.withLock { $0.notice(job, problem) }
  }

  /// A job that cannot be planned because its files are wrong.
  public func jobRefused(_ name: String, problems: [Problem], exitCode: ExitCode) {
    state.withLock { $0.refuse(name, problems, exitCode) }
  }

  /// Says that the job is being looked at when that takes long, until the task is cancelled. Only needed on a terminal.
  public func keepProgressFresh() async {
    await clock.keepFresh { state.withLock { $0.console.drawProgress() } }
  }

  /// The end of the call; with `--format json` the one object is printed now.
  public func finish(exitCode: ExitCode, problem: Problem?) {
    state.withLock { $0.finish(exitCode, problem) }
  }

  /// Planning makes no progress that could be counted.
  public func progressed(_ job: String, _ progress: Progress) {}
  public func tokenFinished(_ job: String, _ report: TokenReport) {}
}

private struct State {
  private static let words = ["create", "rotate", "retire", "attention", "nothing"]

  var console: Console
  private var json: JSONReport?
  private var lines: AlignedLines
  private var counts: [String: Int] = [:]

  init(console: Console, json: JSONReport?) {
    self.console = console
    self.json = json
    lines = AlignedLines(showsAll: console.style.isVerbose, layout: console.layout())
  }

  mutating func start(_ job: String) {
    json?.startJob(job)
    console.beginProgress(job)
    lines = AlignedLines(showsAll: console.style.isVerbose, layout: console.layout())
    counts = [:]
  }

  mutating func add(_ job: String, _ symbol: Character, _ word: String, _ name: String, _ reason: String) {
    counts[word, default: 0] += 1
    json?.addToken(job) {
      $0.member("name", name)
      $0.member("action", word)
      $0.member("reason", reason)
    }
    guard !console.style.isQuiet || word == "attention" else { return }
    // Reasons begin with the name where they come from a message.
    let plain = reason.hasPrefix("\(name): ") ? String(reason.dropFirst(name.count + 2)) : reason
    let paint = State.paint(of: word)
    let head = Cell("\(symbol) \(VisibleText.line(name))", paint)
    let tail = Cell(VisibleText.line(plain), word == "nothing" ? paint : nil)
    console.result(lines.add([head, tail], matters: word != "nothing", isTrouble: word == "attention"))
  }

  private static func paint(of word: String) -> Paint? {
    switch word {
    case "create": .green
    case "rotate": .yellow
    case "retire": .red
    case "attention": .boldRed
    default: .dim
    }
  }

  mutating func finish(_ job: String, _ report: JobReport) {
    json?.finishJob(job, problem: report.problem, counts: State.words.map { ($0, counts[$0] ?? 0) })
    console.endProgress()
    console.result(lines.finish())
    if let problem = report.problem { console.problem(.label(of: report.exitCode), job, problem) }
    guard !console.style.isQuiet else { return }
    console.sentence(
      "\(VisibleText.line(job)): \(report.problem == nil ? summary : "not planned to the end")")
  }

  private var summary: String {
    let attention = counts["attention"] ?? 0
    return [
      "\(counts["create"] ?? 0) to create", "\(counts["rotate"] ?? 0) to rotate",
      "\(counts["retire"] ?? 0) to retire", TokenOutcome.attention.counted(attention),
      "\(counts["nothing"] ?? 0) unchanged",
    ].joined(separator: ", ")
  }

  mutating func notice(_ job: String, _ problem: Problem) {
    json?.addNotice(job, problem)
    console.problem(.attention, job, problem)
  }

  mutating func refuse(_ name: String, _ problems: [Problem], _ exitCode: ExitCode) {
    json?.finishJob(name, problem: Problem.joined(problems), counts: State.words.map { ($0, 0) })
    for problem in problems { console.problem(.label(of: exitCode), nil, problem) }
    guard !console.style.isQuiet else { return }
    console.sentence("\(VisibleText.line(name)): left alone")
  }

  mutating func finish(_ exitCode: ExitCode, _ problem: Problem?) {
    if let problem { console.problem(.label(of: exitCode), nil, problem) }
    json?.write(.plan, exitCode: exitCode, problem: problem) { console.raw($0) }
    if let incomplete = json?.problem { console.problem(.error, nil, incomplete) }
  }
}
