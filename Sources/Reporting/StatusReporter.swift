import Locks
import RotationModel
public import RotationPorts

/// Prints where every token stands: a table with trouble first, or one object for programs.
///
/// Unlike the reports of runs it keeps a job's lines until the job is looked at, because what is in trouble is
/// known last and shown first.
public final class StatusReporter: Reporter {
  private let state: Locked<State>
  private let clock: any RotationClock

  public init(
    style: ReportStyle, output: any TextSink, errors: any TextSink, clock: any RotationClock,
    spoolDirectory: String
  ) {
    self.clock = clock
    state = Locked(
      State(
        console: Console(style: style, output: output, errors: errors, clock: clock), clock: clock,
        json: style.format == .json ? JSONReport(spoolDirectory: spoolDirectory) : nil))
  }

  public func jobStarted(_ job: String) { state.withLock { $0.start(job) } }
  public func line(_ job: String, _ standing: TokenStanding) {
    state.withLock { $0.standings.append(standing) }
  }
  public func jobFinished(_ job: String, _ report: JobReport) { state.withLock { $0.finish(job, report) } }
  public func noticed(_ job: String, _ problem: Problem) {
    state.withLock { $0.notice(job, problem) }
  }
  public func jobRefused(_ name: String, problems: [Problem], exitCode: ExitCode) {
    state.withLock { $0.refuse(name, problems, exitCode) }
  }
  public func progressed(_ job: String, _ progress: Progress) {}
  public func tokenFinished(_ job: String, _ report: TokenReport) {}

  /// Says that the job is being looked at when that takes long, until the task is cancelled. Only needed on a terminal.
  public func keepProgressFresh() async {
    await clock.keepFresh { state.withLock { $0.console.drawProgress() } }
  }

  /// The end of the call; with `--format json` the one object is printed now.
  public func finish(exitCode: ExitCode, problem: Problem?) {
    state.withLock { $0.finish(exitCode, problem) }
  }
}

private struct State {
  var console: Console
  let clock: any RotationClock
  private var json: JSONReport?
  var standings: [TokenStanding] = []

  init(console: Console, clock: any RotationClock, json: JSONReport?) {
    self.console = console
    self.clock = clock
    self.json = json
  }

  mutating func start(_ job: String) {
    json?.startJob(job)
    console.beginProgress(job)
    standings = []
  }

  mutating func finish(_ job: String, _ report: JobReport) {
    console.endProgress()
    let now = clock.now
    sort(now)
    for standing in standings { json?.addToken(job) { $0.standing(standing, now: now) } }
    let troubled = standings.count { $0.problem != nil }
    json?.finishJob(
      job, problem: report.problem, counts: [("tokens", standings.count), ("attention", troubled)])
    if let problem = report.problem { console.problem(.label(of: report.exitCode), job, problem) }
    show(now)
    guard !console.style.isQuiet else { return }
    let summary = report.problem == nil ? summary(troubled, now) : "not looked at to the end"
    console.sentence("\(VisibleText.line(job)): \(summary)")
  }

  /// The worst first, of these what expires first, and the rest in the order of the CSV.
  private mutating func sort(_ now: Instant) {
    func key(_ standing: TokenStanding, _ offset: Int) -> (Urgency, Int64, Int) {
      let expiry = standing.problem == nil ? nil : standing.expiresAt
      return (standing.urgency(now), expiry?.milliseconds ?? .max, offset)
    }
    let keyed = standings.enumerated().map { (key: key($0.element, $0.offset), standing: $0.element) }
    standings = keyed.sorted { $0.key < $1.key }.map(\.standing)
  }

  private mutating func show(_ now: Instant) {
    let shown = standings.prefix(shownCount)
    guard console.style.format == .table, !shown.isEmpty else { return }
    var layout = console.layout(
      dispensable: TokenStanding.dispensableColumns, inBlocks: TokenStanding.blockColumns)
    layout.fit(TokenStanding.header)
    for standing in shown { layout.fit(standing.cells(now)) }
    if layout.hasColumns { console.result(layout.lines(TokenStanding.header)) }
    for (index, standing) in shown.enumerated() {
      console.result(layout.lines(standing.cells(now)))
      let isLastOfItsHint =
        index + 1 == shown.count || shown[index + 1].problem?.hint != standing.problem?.hint
      if let hint = standing.problem?.hint, isLastOfItsHint { show(hint: hint) }
    }
    if !console.style.isQuiet, shown.count < standings.count {
      console.sentence("… \(standings.count - shown.count) more are well; --verbose shows them", .dim)
    }
  }

  /// Nobody reads hundreds of lines that say nothing on a terminal, where they would also push the trouble out of
  /// sight. Who searches them reads from a pipe, which gets all.
  private var shownCount: Int {
    let inTrouble = standings.prefix { $0.problem != nil }.count
    if console.style.isQuiet { return inTrouble }
    guard console.style.output.isTerminal, !console.style.isVerbose, standings.count > AlignedLines.few else {
      return standings.count
    }
    return standings.prefix { $0.problem != nil || $0.next != nil }.count
  }

  private mutating func show(hint: String) {
    let text = "hint: \(VisibleText.line(hint))"
    guard let columns = console.style.output.usableColumns else { return console.result(["      \(text)"]) }
    console.result(console.layout().below(Cell(text, .dim), columns, margin: 6))
  }

  /// What can be said of all: how many are in trouble, and what comes next.
  private func summary(_ troubled: Int, _ now: Instant) -> String {
    var words = [standings.count == 1 ? "1 token" : "\(standings.count) tokens"]
    let next = standings.count { $0.problem == nil && $0.next != nil }
    if troubled > 0 { words.append(TokenOutcome.attention.counted(troubled)) }
    if next > 0 { words.append("\(next) for the next run") }
    if troubled + next == 0 { words.append("all well") }
    if let due = standings.compactMap(\.dueAt).min() {
      words.append(due <= now ? "some due now" : "next due in \(DurationText.rounded(due - now))")
    }
    if let oldest = standings.compactMap(\.createdAt).min() {
      words.append("oldest \(DurationText.rounded(max(.zero, now - oldest)))")
    }
    if let expiry = standings.compactMap(\.expiresAt).min() {
      words.append(
        expiry <= now ? "some expired" : "first expires in \(DurationText.rounded(expiry - now))")
    }
    return words.joined(separator: ", ")
  }

  mutating func notice(_ job: String, _ problem: Problem) {
    json?.addNotice(job, problem)
    console.problem(.attention, job, problem)
  }

  mutating func refuse(_ name: String, _ problems: [Problem], _ exitCode: ExitCode) {
    json?.finishJob(name, problem: Problem.joined(problems), counts: [("tokens", 0), ("attention", 0)])
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
