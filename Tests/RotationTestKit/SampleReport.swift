public import Reporting
public import RotationModel
import RotationPorts

/// A report of a plant in the middle of its life, the same for the same seed: for tests that look at the whole page.
public struct SampleReport: Sendable {
  /// When it was made.
  public static let now = Instant(milliseconds: 1_764_040_000_000)

  private let random: SeededRandom
  private let tokens: Int
  /// Stands wherever a name, a label or a message comes from outside.
  private let foreign: String

  public init(tokens: Int, seed: UInt64 = 1, foreign: String = "hall 4") {
    random = SeededRandom(seed: seed)
    self.tokens = tokens
    self.foreign = foreign
  }

  /// The report, ready to be written.
  public func report(spoolDirectory: String) -> HTMLReport {
    var report = HTMLReport(
      version: "0.2.0", source: "/var/lib/tokenrotate", now: SampleReport.now, spoolDirectory: spoolDirectory)
    report.startJob("plant-telemetry")
    for index in 0..<tokens { report.add(history(index)) }
    report.startJob("grafana")
    for name in ["dashboards-admin", "dashboards-public"] {
      var standing = standing(name, age: .seconds(11 * 86_400))
      standing.isHeld = name == "dashboards-public"
      report.add(TokenHistory(standing: standing, hasRow: true, isDelivered: true))
    }
    report.jobRefused(
      "jobs/forecast/job.toml",
      Problem(
        code: Problem.badFile,
        message: "tokens.csv:17:23: there is no database \(foreign)\ntokens.csv:18:1: a name is missing"))
    report.add(runsOfLogs: [runs])
    return report
  }

  private func history(_ index: Int) -> TokenHistory {
    let age = Duration.seconds(Int64(random.fraction() * 29 * 86_400))
    var standing = standing("line-\(index + 1)-writer", age: age)
    standing.dueAt = SampleReport.now - age + .seconds(86_400 * 28)
    standing.expiresAt = SampleReport.now - age + .seconds(86_400 * 45)
    var history = TokenHistory(standing: standing, hasRow: true, isDelivered: true)
    history.labels = ["site": foreign, "team": "process control"]
    for generation in 0..<3 {
      let at = SampleReport.now - age - .seconds(Int64(generation) * 28 * 86_400)
      history.activations.append(TokenHistory.Activation(at: at, took: latency))
    }
    if index == 1 {
      history.standing.problem = Problem(
        code: "row_gone",
        message:
          "\(standing.name): the CSV no longer has a row for it, and token \(index) (current) lives on",
        hint: "put the row back, or end the token with `tokenrotate retire`")
    }
    if index == 2 {
      (history.standing.state, history.standing.next) = ("staged", "created and stored, not active yet")
    }
    if index % 7 == 3 { history.incidents = [incident(index)] }
    return history
  }

  private func standing(_ name: String, age: Duration) -> TokenStanding {
    var standing = TokenStanding(name: name, state: "current", stores: 1)
    let bits = RunID(bits: random.next()).text
    standing.tokenID = "\(bits.prefix(8))-\(bits.suffix(4))-4f02-9c11-\(bits.prefix(12))"
    standing.createdAt = SampleReport.now - age
    standing.activationSeconds = latency.seconds
    standing.delivered = 1
    return standing
  }

  /// Mostly a few seconds, sometimes minutes.
  private var latency: Duration {
    let fraction = random.fraction()
    return .milliseconds(1200 + Int64(fraction * 9000) + (fraction > 0.93 ? Int64(fraction * 90_000) : 0))
  }

  private func incident(_ index: Int) -> Incident {
    let kinds = Incident.Kind.allCases
    let firstAt = SampleReport.now - .seconds(Int64(random.fraction() * 40 * 86_400))
    var incident = Incident(
      kinds[index / 7 % kinds.count], at: firstAt, generation: 1, subject: "file",
      reason: "the connection to \(foreign) was lost before an answer came")
    if index > 10 {
      incident.ending = Incident.Ending.allCases[index / 7 % Incident.Ending.allCases.count]
      incident.endedAt = firstAt + .seconds(3607)
    } else {
      incident.count = 12
      incident.lastAt = firstAt + .seconds(12 * 3600)
    }
    return incident
  }

  private var runs: [RecordedRun] {
    (0..<12).map { index in
      let startedAt = SampleReport.now - .seconds(Int64(index) * 3600 + 1020)
      var run = RecordedRun(id: RunID(bits: UInt64(index)).text, lastAt: startedAt + .seconds(14))
      run.command = index == 4 ? "rotate" : "run"
      run.startedAt = startedAt
      guard index != 7 else { return run }
      run.finishedAt = run.lastAt
      run.exitCode = index == 3 ? 6 : index == 9 ? 5 : 0
      (run.created, run.delivered, run.revoked) = index % 3 == 0 ? (2, 2, 2) : (0, 0, 0)
      run.failures = index == 3 ? 1 : 0
      return run
    }
  }
}
