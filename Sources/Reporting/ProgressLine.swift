import RotationModel
import RotationPorts

/// What the progress line says, and when it may be drawn again.
struct ProgressLine {
  /// At most ten times a second.
  static let interval: Duration = .milliseconds(100)
  /// A job's name takes no more, so that it does not push the numbers out.
  private static let nameColumns = 24

  private var job = ""
  /// nil until the first token is taken up.
  private var progress: Progress?
  private var drawnAt: Duration?
  private var drawn = ""
  private var pace = Pace()

  mutating func begin(_ job: String) {
    self.job = job
    progress = nil
    pace = Pace()
  }

  mutating func update(_ progress: Progress) {
    self.progress = progress
  }

  /// The line to draw, nil when it is too early or nothing changed since it was drawn.
  ///
  /// With `isNeeded` it is given again at once, because something else took its place. `uptime` is what intervals are
  /// measured by, `now` what tells how long a token has waited.
  mutating func next(at uptime: Duration, now: Instant, columns: Int, isNeeded: Bool) -> String? {
    if let drawnAt, !isNeeded, uptime - drawnAt < ProgressLine.interval { return nil }
    if let progress { pace.note(finished: progress.finished, at: uptime) }
    let line = text(columns: columns, now: now)
    guard !line.isEmpty, isNeeded || line != drawn else { return nil }
    drawnAt = uptime
    drawn = line
    return line
  }

  mutating func wasRemoved() { drawn = "" }

  /// Whole parts as far as they fit, those first that matter most.
  private func text(columns: Int, now: Instant) -> String {
    var shown: [Part] = []
    var left = columns
    for part in parts(now).sorted(by: { $0.rank < $1.rank }) {
      let width = part.text.displayWidth + (shown.isEmpty ? 0 : 2)
      guard width <= left else { continue }
      shown.append(part)
      left -= width
    }
    return shown.sorted { $0.place < $1.place }.map(\.text).joined(separator: "  ")
  }

  private struct Part {
    var text: String
    /// Where it stands in the line.
    var place = 0
    /// How early it is given room.
    var rank: Int
  }

  private func parts(_ now: Instant) -> [Part] {
    let name = VisibleText.line(job).cut(columns: ProgressLine.nameColumns)
    guard let progress else {
      return [Part(text: "looking at the cluster", place: 1, rank: 0), Part(text: name, rank: 1)]
    }
    let total = max(progress.rows, progress.finished)
    let longest = progress.oldestWaitingSince.map { DurationText.rounded(max(.zero, now - $0)) }
    let texts: [(String?, rank: Int)] = [
      (name, 4), ("\(progress.finished)/\(total)", 0), ("created \(progress.created)", 7),
      ("waiting \(progress.waiting)", 3), (longest.map { "longest \($0)" }, 5),
      ("delivered \(progress.delivered)", 8), ("failed \(progress.failed)", progress.failed > 0 ? 1 : 9),
      (pace.rate, 6), (pace.left(of: total - progress.finished), 2),
    ]
    return texts.enumerated().compactMap { place, part in
      part.0.map { Part(text: $0, place: place, rank: part.rank) }
    }
  }
}

extension RotationClock {
  /// Draws twice a second until the task is cancelled, so that a line also lives while nothing happens.
  func keepFresh(_ draw: () -> Void) async {
    while !Task.isCancelled {
      do { try await sleep(for: .milliseconds(500)) } catch { return }
      draw()
    }
  }
}
