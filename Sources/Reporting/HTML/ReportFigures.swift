import RotationModel
import RotationPorts

/// What a report says of all tokens together: grows with days and not with tokens.
struct ReportFigures {
  /// A token at a point in time.
  struct Date {
    var job: String
    var name: String
    var at: Instant
  }

  struct Trouble {
    var job: String
    var name: String
    var incident: Incident
  }

  static let weeks = 13
  /// Days for which activations are told.
  static let activationDays: Int64 = 364

  let now: Instant
  private(set) var tokens = 0
  private(set) var inUse = 0
  private(set) var held = 0
  private(set) var undelivered = 0
  private(set) var overdue = 0
  private(set) var dueByWeek = [Int](repeating: 0, count: ReportFigures.weeks)
  private(set) var dueLater = 0
  private(set) var neverDue = 0
  private(set) var nextDue = FirstFew<Date>(10) { $0.at < $1.at }
  private(set) var nextExpiry = FirstFew<Date>(1) { $0.at < $1.at }
  private(set) var oldest = FirstFew<Date>(1) { $0.at < $1.at }
  private(set) var ages = Buckets(bounds: [1, 7, 14, 30, 60, 90, 180, 365].map { .seconds($0 * 86_400) })
  private(set) var activationTimes = Buckets(bounds: ActivationTimes.bounds.map { .seconds($0) })
  private(set) var activations = Latencies()
  /// By day since 1970.
  private(set) var activationsByDay: [Int64: Latencies] = [:]
  private(set) var troubles = FirstFew<Trouble>(50) { $0.incident.lastAt > $1.incident.lastAt }
  private(set) var openTroubles = 0
  /// What needs a person.
  private(set) var matters = Matters()
  /// What the next run goes on with.
  private(set) var underWay = Matters()
  private var runsByID: [String: RecordedRun] = [:]

  init(now: Instant) { self.now = now }

  // MARK: Adding

  mutating func needsPerson(_ problem: Problem, job: String?) {
    matters.add(problem, job: job)
  }

  mutating func add(_ history: TokenHistory, job: String) {
    for activation in history.activations { add(activation) }
    for incident in history.incidents {
      troubles.add(Trouble(job: job, name: history.standing.name, incident: incident))
      if incident.isOpen { openTroubles += 1 }
    }
    guard history.isTold else { return }
    tokens += 1
    let standing = history.standing
    if let problem = standing.problem {
      needsPerson(problem, job: job)
    } else if let next = standing.next {
      // The same words are the same matter.
      underWay.add(Problem(code: next, message: "\(standing.name): \(next)"), job: job)
    }
    if standing.isHeld { held += 1 }
    if !history.isDelivered { undelivered += 1 }
    addDates(standing, job: job)
  }

  private mutating func addDates(_ standing: TokenStanding, job: String) {
    guard standing.tokenID != nil else { return }
    inUse += 1
    func date(_ at: Instant) -> Date { Date(job: job, name: standing.name, at: at) }
    if let createdAt = standing.createdAt {
      ages.add(max(.zero, now - createdAt))
      oldest.add(date(createdAt))
    }
    if let expiresAt = standing.expiresAt { nextExpiry.add(date(expiresAt)) }
    // What is held does not become due by itself.
    guard let dueAt = standing.dueAt, !standing.isHeld else {
      neverDue += 1
      return
    }
    nextDue.add(date(dueAt))
    let week = (dueAt - now).milliseconds / (7 * ReportFigures.dayMilliseconds)
    if dueAt <= now {
      overdue += 1
    } else if week < ReportFigures.weeks {
      dueByWeek[Int(week)] += 1
    } else {
      dueLater += 1
    }
  }

  private mutating func add(_ activation: TokenHistory.Activation) {
    activations.add(activation.took)
    activationTimes.add(activation.took)
    let day = activation.at.milliseconds / ReportFigures.dayMilliseconds
    guard now.milliseconds / ReportFigures.dayMilliseconds - day < ReportFigures.activationDays else {
      return
    }
    activationsByDay[day, default: Latencies()].add(activation.took)
  }

  /// Of one audit log; what several logs tell of one run is added up.
  mutating func add(_ runs: [RecordedRun]) {
    for run in runs {
      guard let known = runsByID[run.id] else {
        runsByID[run.id] = run
        continue
      }
      runsByID[run.id] = known.merged(with: run)
    }
  }

  /// The newest first, at most 30.
  var runs: [RecordedRun] { Array(allRuns.prefix(30)) }

  /// Likewise, with those that were kept for what they say of cron.
  var allRuns: [RecordedRun] {
    runsByID.values.sorted { ($0.lastAt, $0.id) > ($1.lastAt, $1.id) }
  }

  static let dayMilliseconds: Int64 = 86_400_000
}

extension TokenHistory {
  /// Whether it is listed: something is left of it, or it has a row.
  var isTold: Bool {
    hasRow || standing.tokenID != nil || standing.predecessorID != nil || standing.problem != nil
  }
}

extension RecordedRun {
  fileprivate func merged(with other: RecordedRun) -> RecordedRun {
    var merged = self
    merged.command = command ?? other.command
    merged.startedAt = [startedAt, other.startedAt].compactMap(\.self).min()
    merged.finishedAt = [finishedAt, other.finishedAt].compactMap(\.self).max()
    merged.exitCode = exitCode ?? other.exitCode
    merged.lastAt = max(lastAt, other.lastAt)
    merged.created += other.created
    merged.delivered += other.delivered
    merged.revoked += other.revoked
    merged.failures += other.failures
    return merged
  }
}
