public import RotationModel
import RotationPorts

/// Metrics in Prometheus' text format, for the textfile collector of its node exporter
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
///
/// Points in time are exported and not ages: a file that nobody writes any more would show an age that stands still. The
/// label is not `job`, because that is Prometheus' own for what it asks.
public struct PrometheusText: Sendable {
  private var text = ""
  private let metrics: RunMetrics
  private let before: LastSuccesses

  /// The file's content. `before` is what the file said until now: a success outlives the runs that fail after it.
  public static func of(_ metrics: RunMetrics, after before: LastSuccesses) -> String {
    var writer = PrometheusText(metrics: metrics, before: before)
    writer.writeRun()
    writer.writeJobs()
    writer.writeCensuses()
    return writer.text
  }

  private init(metrics: RunMetrics, before: LastSuccesses) {
    self.metrics = metrics
    self.before = before
  }

  private mutating func writeRun() {
    let (metrics, before) = (metrics, before)
    family("build_info", .gauge, "The program that wrote this") {
      $0.add("version", metrics.version, value: "1")
    }
    family("run_timestamp_seconds", .gauge, "When the last run ended") { $0.add(at: metrics.finishedAt) }
    family("run_duration_seconds", .gauge, "How long the last run took") {
      $0.add(value: seconds(metrics.took))
    }
    family("run_exit_code", .gauge, "The exit code of the last run") {
      $0.add(value: "\(metrics.exitCode.rawValue)")
    }
    family("run_success_timestamp_seconds", .gauge, "When a run last ended with exit code 0 or 5") {
      if let at = metrics.exitCode.isSuccess ? metrics.finishedAt : before.run { $0.add(at: at) }
    }
  }

  private mutating func writeJobs() {
    let (jobs, metrics, before) = (metrics.jobs, metrics, before)
    family("job_exit_code", .gauge, "The exit code that the job alone would have given") { family in
      for job in jobs { family.add(job, value: "\(job.exitCode.rawValue)") }
    }
    family("job_success_timestamp_seconds", .gauge, "When the job last ended with exit code 0 or 5") {
      family in
      for job in jobs {
        if let at = job.exitCode.isSuccess ? metrics.finishedAt : before.jobs[job.name] {
          family.add(job.name, at: at)
        }
      }
      // A job that this call did not come to, or could not read, is not forgotten.
      for (name, at) in before.jobs.sorted(by: { $0.key < $1.key })
      where !jobs.contains(where: { $0.name == name }) {
        family.add(name, at: at)
      }
    }
    family("job_outcomes", .gauge, "What became of the job's tokens in the last run") { family in
      for job in jobs {
        for outcome in TokenOutcome.allCases {
          family.add(job, ("outcome", outcome.rawValue), value: "\(job.counts[outcome] ?? 0)")
        }
      }
    }
  }

  private mutating func writeCensuses() {
    let jobs = metrics.jobs.compactMap { job in job.census.map { (job, $0) } }
    family("tokens", .gauge, "Tokens by where they stand") { family in
      for (job, census) in jobs {
        for state in LineageStatus.allCases {
          family.add(job, ("state", state.rawValue), value: "\(census.states[state] ?? 0)")
        }
      }
    }
    family("held_tokens", .gauge, "Tokens that a person has held") { family in
      for (job, census) in jobs { family.add(job, value: "\(census.held)") }
    }
    family(
      "undelivered_tokens", .gauge, "Tokens that are active, and not in every store or not told to every hook"
    ) {
      family in
      for (job, census) in jobs { family.add(job, value: "\(census.undelivered)") }
    }
    family(
      "oldest_token_timestamp_seconds", .gauge,
      "When the oldest token in use was made: its age is time() less this"
    ) { family in
      for (job, census) in jobs { if let at = census.oldestMadeAt { family.add(job.name, at: at) } }
    }
    family("next_due_timestamp_seconds", .gauge, "When the next token is due to be replaced") { family in
      for (job, census) in jobs { if let at = census.nextDueAt { family.add(job.name, at: at) } }
    }
    family("next_expiry_timestamp_seconds", .gauge, "When the first token in use expires") { family in
      for (job, census) in jobs { if let at = census.nextExpiryAt { family.add(job.name, at: at) } }
    }
    family("tokens_created_total", .counter, "Tokens made since the ledger began") { family in
      for (job, census) in jobs { family.add(job, value: "\(census.created)") }
    }
    family("tokens_revoked_total", .counter, "Tokens of those that are revoked") { family in
      for (job, census) in jobs { family.add(job, value: "\(census.revoked)") }
    }
    family(
      "activation_seconds", .histogram,
      "From a token's creation until the cluster accepted it, since the ledger began"
    ) { family in
      for (job, census) in jobs { family.add(job, census.activations) }
    }
  }

  private enum Kind: String {
    case gauge
    case counter
    case histogram
  }

  /// A family without a sample is left out.
  private mutating func family(_ name: String, _ kind: Kind, _ help: String, _ fill: (inout Family) -> Void) {
    var family = Family(name: "tokenrotate_\(name)")
    fill(&family)
    guard !family.samples.isEmpty else { return }
    text +=
      "# HELP tokenrotate_\(name) \(help)\n# TYPE tokenrotate_\(name) \(kind.rawValue)\n" + family.samples
  }

  fileprivate static func escaped(_ value: String) -> String {
    var result = ""
    for character in value {
      switch character {
      case "\\": result += "\\\\"
      case "\"": result += "\\\""
      case "\n": result += "\\n"
      default: result.append(character)
      }
    }
    return result
  }
}

/// Seconds with three decimals, written without floating point.
private func seconds(_ duration: Duration) -> String {
  let milliseconds = max(0, duration.milliseconds)
  let rest = String(milliseconds % 1000)
  return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - rest.utf8.count))\(rest)"
}

/// The samples of one metric.
private struct Family {
  let name: String
  var samples = ""

  mutating func add(_ label: String, _ text: String, value: String) { line("", [(label, text)], value) }

  mutating func add(value: String) { line("", [], value) }

  mutating func add(at instant: Instant) { line("", [], seconds(instant - Instant(milliseconds: 0))) }

  mutating func add(_ job: RunMetrics.Job, _ label: (String, String)? = nil, value: String) {
    line("", [("rotation_job", job.name)] + (label.map { [$0] } ?? []), value)
  }

  mutating func add(_ job: String, at instant: Instant) {
    line("", [("rotation_job", job)], seconds(instant - Instant(milliseconds: 0)))
  }

  mutating func add(_ job: RunMetrics.Job, _ times: ActivationTimes) {
    let label = ("rotation_job", job.name)
    for (bound, count) in zip(ActivationTimes.bounds, times.within) {
      line("_bucket", [label, ("le", "\(bound)")], "\(count)")
    }
    line("_bucket", [label, ("le", "+Inf")], "\(times.count)")
    line("_sum", [label], seconds(times.sum))
    line("_count", [label], "\(times.count)")
  }

  private mutating func line(_ suffix: String, _ labels: [(String, String)], _ value: String) {
    let pairs = labels.map { "\($0.0)=\"\(PrometheusText.escaped($0.1))\"" }.joined(separator: ",")
    samples += "\(name)\(suffix)\(pairs.isEmpty ? "" : "{\(pairs)}") \(value)\n"
  }
}

/// When runs last succeeded, as an earlier file of metrics says.
public struct LastSuccesses: Equatable, Sendable {
  public var run: Instant?
  /// By job.
  public var jobs: [String: Instant] = [:]

  /// None.
  public init() {}

  /// Reads what `PrometheusText` wrote; whatever else is in the text says nothing.
  public init(in text: String) {
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count == 2, let at = LastSuccesses.instant(words[1]) else { continue }
      if words[0] == "tokenrotate_run_success_timestamp_seconds" { run = at }
      let opening = "tokenrotate_job_success_timestamp_seconds{rotation_job=\""
      // The name of a job has no character that is escaped.
      if words[0].hasPrefix(opening), words[0].hasSuffix("\"}") {
        jobs[String(words[0].dropFirst(opening.count).dropLast(2))] = at
      }
    }
  }

  private static func instant(_ text: Substring) -> Instant? {
    let parts = text.split(separator: ".")
    guard parts.count == 2, parts[1].utf8.count == 3, let whole = Int64(parts[0]), let rest = Int64(parts[1]),
      whole >= 0, rest >= 0, whole < 1 << 40
    else { return nil }
    return Instant(milliseconds: whole * 1000 + rest)
  }
}
