import Locks
import RotationModel
public import RotationPorts

/// Prints where every token stands: a table with trouble first, or one object for programs.
///
/// Unlike the reports of runs it keeps a job's lines until the job is looked at, because what is in trouble is
/// known last and shown first.
public final class StatusReporter: Reporter {
  private let state: Locked<State>

  public init(
    style: ReportStyle, output: any TextSink, errors: any TextSink, clock: any RotationClock,
    spoolDirectory: String
  ) {
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
    standings = []
  }

  mutating func finish(_ job: String, _ report: JobReport) {
    let now = clock.now
    let sorted = standings.enumerated().sorted {
      ($0.element.urgency, $0.offset) < ($1.element.urgency, $1.offset)
    }.map(\.element)
    for standing in sorted { json?.addToken(job) { $0.standing(standing, now: now) } }
    let troubled = standings.count { $0.problem != nil }
    json?.finishJob(
      job, problem: report.problem, counts: [("tokens", standings.count), ("attention", troubled)])
    if let problem = report.problem { console.problem(.label(of: report.exitCode), job, problem) }
    show(job, sorted, now)
    guard !console.style.isQuiet else { return }
    let trouble = troubled == 0 ? "all well" : TokenOutcome.attention.counted(troubled)
    console.result([
      "\(VisibleText.line(job)): "
        + (report.problem == nil ? "\(standings.count) tokens, \(trouble)" : "not looked at to the end")
    ])
  }

  private mutating func show(_ job: String, _ sorted: [TokenStanding], _ now: Instant) {
    let shown = console.style.isQuiet ? sorted.filter { $0.problem != nil } : sorted
    guard !shown.isEmpty else { return }
    let header = ["STATE", "NAME", "AGE", "DUE IN", "EXPIRES IN", "ACTIVATION", "DELIVERED", ""]
    let rows = [header] + shown.map { $0.cells(now) }
    let widths = header.indices.map { column in rows.map { $0[column].unicodeScalars.count }.max() ?? 0 }
    for (index, row) in rows.enumerated() {
      var line = ""
      for (column, cell) in row.enumerated() {
        if column > 0 { line += "  " }
        line += cell + String(repeating: " ", count: widths[column] - cell.unicodeScalars.count)
      }
      while line.last == " " { line.removeLast() }
      console.result([line])
      if index > 0, let problem = shown[index - 1].problem, let hint = problem.hint {
        console.result(["      hint: \(VisibleText.line(hint))"])
      }
    }
  }

  mutating func notice(_ job: String, _ problem: Problem) {
    json?.addNotice(job, problem)
    console.problem(.attention, job, problem)
  }

  mutating func refuse(_ name: String, _ problems: [Problem], _ exitCode: ExitCode) {
    json?.finishJob(name, problem: Problem.joined(problems), counts: [("tokens", 0), ("attention", 0)])
    for problem in problems { console.problem(.label(of: exitCode), nil, problem) }
    guard !console.style.isQuiet else { return }
    console.result(["\(VisibleText.line(name)): left alone"])
  }

  mutating func finish(_ exitCode: ExitCode, _ problem: Problem?) {
    if let problem { console.problem(.label(of: exitCode), nil, problem) }
    json?.write(.plan, exitCode: exitCode, problem: problem) { console.raw($0) }
    if let incomplete = json?.problem { console.problem(.error, nil, incomplete) }
  }
}

extension TokenStanding {
  /// Trouble first, then what is under way, then the rest.
  fileprivate var urgency: Int {
    if problem != nil { return 0 }
    return next == nil ? 2 : 1
  }

  fileprivate func cells(_ now: Instant) -> [String] {
    func span(to instant: Instant?) -> String {
      instant.map { $0 <= now ? "now" : DurationText.rounded($0 - now) } ?? "-"
    }
    let plain = problem.map {
      $0.message.hasPrefix("\(name): ") ? String($0.message.dropFirst(name.count + 2)) : $0.message
    }
    return [
      (problem == nil ? "" : "! ") + state + (isHeld ? ", held" : ""), VisibleText.line(name),
      createdAt.map { DurationText.rounded(now - $0) } ?? "-", span(to: dueAt), span(to: expiresAt),
      activationSeconds.map { "\(Int($0.rounded())) s" } ?? "-", "\(delivered)/\(stores)",
      VisibleText.line(plain ?? next ?? predecessorNote ?? ""),
    ]
  }

  private var predecessorNote: String? {
    predecessorState.map { "its predecessor is \($0)" }
  }
}
