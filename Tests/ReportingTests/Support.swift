import Foundation
import Reporting
import RotationModel
import RotationPorts
import Synchronization
import Testing

/// Remembers what was written, in pieces.
final class MemorySink: TextSink {
  private let pieces = Mutex<[String]>([])

  func write(_ text: String) { pieces.withLock { $0.append(text) } }

  var writes: [String] { pieces.withLock { $0 } }
  var text: String { writes.joined() }
}

/// A clock that stands still until it is moved.
final class ManualClock: RotationClock {
  private let time = Mutex<Duration>(.zero)

  var now: Instant { Instant(milliseconds: 1_700_000_000_000 + uptime.milliseconds) }
  var uptime: Duration { time.withLock { $0 } }

  func advance(by span: Duration) { time.withLock { $0 += span } }

  /// Moves the clock itself; throws at an hour, so that a loop ends.
  func sleep(until deadline: Duration) async throws {
    guard deadline < .seconds(3600) else { throw CancellationError() }
    time.withLock { $0 = max($0, deadline) }
  }
}

/// A reporter with its sinks and clock.
struct Screen {
  let output = MemorySink()
  let errors = MemorySink()
  let clock = ManualClock()
  let style: ReportStyle

  init(_ change: (inout ReportStyle) -> Void = { _ in }) {
    var style = ReportStyle()
    change(&style)
    self.style = style
  }

  func run(spool: String = NSTemporaryDirectory()) -> RunReporter {
    RunReporter(style: style, output: output, errors: errors, clock: clock, spoolDirectory: spool)
  }

  func plan(spool: String = NSTemporaryDirectory()) -> PlanReporter {
    PlanReporter(style: style, output: output, errors: errors, clock: clock, spoolDirectory: spool)
  }

  func status() -> StatusReporter {
    StatusReporter(
      style: style, output: output, errors: errors, clock: clock, spoolDirectory: NSTemporaryDirectory())
  }

  /// Standard output as JSON.
  func object() throws -> [String: Any] {
    let parsed = try JSONSerialization.jsonObject(with: Data(output.text.utf8))
    return try #require(parsed as? [String: Any])
  }
}

extension RunReporter {
  /// Tells the tokens and the end of a job whose counts are those of the tokens.
  func tell(
    _ job: String, _ tokens: [TokenReport], _ exitCode: ExitCode = .done, _ problem: Problem? = nil
  ) {
    jobStarted(job)
    for token in tokens { tokenFinished(job, token) }
    let counts = Dictionary(grouping: tokens, by: \.outcome).mapValues(\.count)
    jobFinished(job, JobReport(exitCode: exitCode, counts: counts, problem: problem))
  }
}

extension TokenReport {
  static func created(_ name: String) -> TokenReport {
    TokenReport(name: name, outcome: .created, tokenID: "id-\(name)", activationSeconds: 3.24)
  }

  static func unchanged(_ name: String) -> TokenReport {
    TokenReport(name: name, outcome: .unchanged, tokenID: "id-\(name)")
  }

  static func failed(_ name: String) -> TokenReport {
    TokenReport(
      name: name, outcome: .failed,
      problem: Problem(code: "refused", message: "\(name): the cluster said no", hint: "ask it nicely"))
  }
}

/// Both streams on one terminal, without colours.
func columns(_ width: Int) -> (inout ReportStyle) -> Void {
  { style in
    style.output.isTerminal = true
    style.output.columns = { width }
    style.errors = style.output
  }
}
