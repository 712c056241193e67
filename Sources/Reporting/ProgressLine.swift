import RotationModel
import RotationPorts

/// What the progress line says, and when it may be drawn again.
struct ProgressLine {
  /// At most ten times a second.
  static let interval: Duration = .milliseconds(100)

  private var job = ""
  private var progress = Progress()
  private var drawnAt: Duration?
  private var drawn = ""
  private var pace = Pace()

  mutating func begin(_ job: String) {
    self.job = job
    progress = Progress()
    pace = Pace()
  }

  mutating func update(_ progress: Progress, at now: Duration) {
    self.progress = progress
    pace.note(finished: progress.finished, at: now)
  }

  /// The line to draw, nil when it is too early or nothing changed since `drawn`.
  mutating func next(at now: Duration, columns: Int, isOnScreen: Bool) -> String? {
    if let drawnAt, now - drawnAt < ProgressLine.interval { return nil }
    // The last column stays free: some terminals wrap when it is written.
    let line = text(columns: max(1, columns) - 1)
    guard !line.isEmpty, !isOnScreen || line != drawn else { return nil }
    drawnAt = now
    drawn = line
    return line
  }

  /// Whole parts as far as they fit; a job's name that does not fit is cut.
  private func text(columns: Int) -> String {
    let name = VisibleText.line(job)
    var parts = [
      "\(progress.finished)/\(progress.rows)", "created \(progress.created)", "waiting \(progress.waiting)",
      "delivered \(progress.delivered)", "failed \(progress.failed)",
    ]
    if let left = pace.left(of: progress.rows - progress.finished) { parts.append(left) }
    var line = name
    for part in parts {
      let longer = "\(line)  \(part)"
      guard longer.unicodeScalars.count <= columns else { break }
      line = longer
    }
    guard line.unicodeScalars.count > columns else { return line }
    return String(String.UnicodeScalarView(line.unicodeScalars.prefix(columns)))
  }
}

/// How fast tokens are finished, seen over the last seconds: a run begins with many that need nothing, whose
/// pace says nothing about the others.
private struct Pace {
  private static let window: Duration = .seconds(15)
  private var samples: [(at: Duration, finished: Int)] = []

  mutating func note(finished: Int, at now: Duration) {
    if let last = samples.last, now - last.at < .seconds(1) { return }
    samples.append((now, finished))
    // The oldest kept is the last one outside the window, at most 17 in all.
    while samples.count > 2, now - samples[1].at >= Pace.window { samples.removeFirst() }
  }

  /// nil while there is too little to judge by.
  func left(of count: Int) -> String? {
    guard count > 0, let first = samples.first, let last = samples.last else { return nil }
    let span = (last.at - first.at).seconds
    guard span >= 2, last.finished > first.finished else { return nil }
    let seconds = Double(count) * span / Double(last.finished - first.finished)
    switch seconds {
    case ..<99.5: return "about \(max(1, Int(seconds.rounded()))) s left"
    case ..<5400: return "about \(Int((seconds / 60).rounded())) min left"
    case ..<172_800: return "about \(Int((seconds / 3600).rounded())) h left"
    default: return "days left"
    }
  }
}
