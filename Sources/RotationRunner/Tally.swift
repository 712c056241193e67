import RotationModel
import RotationPorts

/// The counts of one job's run.
struct Tally: Sendable {
  private(set) var outcomes: [TokenOutcome: Int] = [:]
  var progress = Progress()
  /// Something that belongs to no one token needs a person.
  var needsPerson = false
  private(set) var orphansRevoked = 0
  /// What has failed, for those who are told of it; of many only the first.
  private(set) var failures: [HookCall.Token] = []
  private(set) var failureCount = 0
  /// A hook that belongs to no one token has failed.
  var hookFailed = false

  private static let failuresTold = 1000

  var waiting: Int {
    get { progress.waiting }
    set { progress.waiting = newValue }
  }

  mutating func count(_ report: TokenReport) {
    outcomes[report.outcome, default: 0] += 1
    progress.finished += 1
    switch report.outcome {
    case .created, .rotated: progress.delivered += 1
    case .failed, .undelivered:
      progress.failed += 1
      failureCount += 1
      if failures.count < Tally.failuresTold {
        failures.append(
          HookCall.Token(
            name: report.name, tokenID: report.tokenID, previousTokenID: report.previousTokenID,
            generation: report.generation, expiresAt: report.expiresAt, labels: report.labels,
            problem: report.problem))
      }
    case .updated, .unchanged, .pending, .held, .attention, .retired: break
    }
  }

  /// Counts the token that a step may have created.
  mutating func countCreation(_ work: inout TokenWork) {
    guard !work.isCounted, work.machine.nextGeneration > work.nextGenerationAtStart else { return }
    work.isCounted = true
    progress.created += 1
  }

  /// Counts the orphans that a step revoked.
  mutating func countOrphans(_ work: inout TokenWork) {
    orphansRevoked += work.orphansRevoked
    work.orphansRevoked = 0
  }

  /// The exit code that the outcomes alone give.
  var exitCode: ExitCode {
    ExitCode.worst(
      outcomes.filter { $0.value > 0 }.keys.map(\.exitCode) + (needsPerson ? [.needsPerson] : [])
        + (hookFailed ? [.undelivered] : []))
  }
}

extension RunPorts {
  /// Tells the end of a job. `exitCode` is what the outcomes give; a stop may be worse.
  func finish(_ plan: JobPlan, _ tally: Tally, exitCode: ExitCode, _ stop: Stop?) -> JobReport {
    let report = JobReport(
      exitCode: ExitCode.worst([exitCode] + (stop.map { [$0.exitCode] } ?? [])), counts: tally.outcomes,
      problem: stop?.problem, endsRun: stop?.endsRun ?? false, orphansRevoked: tally.orphansRevoked)
    reporter.jobFinished(plan.name, report)
    return report
  }
}

extension TokenOutcome {
  var exitCode: ExitCode {
    switch self {
    case .created, .rotated, .updated, .unchanged, .held, .retired: .done
    case .failed: .failed
    case .pending: .notActiveYet
    case .undelivered: .undelivered
    case .attention: .needsPerson
    }
  }
}

extension TokenWork {
  /// The token that was replaced or has ended in this run.
  private func previousTokenID(_ outcome: TokenOutcome) -> String? {
    switch outcome {
    case .rotated, .undelivered, .pending:
      return machine.newest?.number == incumbentAtStart
        ? nil : (incumbentAtStart.flatMap { machine.generation($0) } ?? machine.generation(0))?.tokenID
    case .retired:
      return (machine.incumbent == nil ? incumbentAtStart ?? predecessorAtStart : predecessorAtStart).flatMap
      { machine.generation($0) }?.tokenID
    case .created, .updated, .unchanged, .held, .attention, .failed: return nil
    }
  }

  /// What is told of a lineage that a stop left unfinished; nil: it has no token that waits.
  func report(leftBy stop: Stop) -> TokenReport? {
    switch machine.successor?.phase {
    case .staged: break
    case .active, .delivering: guard stop == .interrupted else { return nil }
    case .current, .superseded, .disabling, .disabled, .enabling, .revoking, .revoked, .leftBehind, nil:
      return nil
    }
    var report = report(.pending)
    if problem == nil, stop == .interrupted {
      report.problem = Problem(
        code: Problem.interrupted.code, message: "\(name): created, and left unfinished by the signal",
        hint: Problem.interrupted.hint)
    }
    return report
  }

  /// What is told of the lineage at the end of its run.
  func report(_ outcome: TokenOutcome) -> TokenReport {
    var report = TokenReport(name: name, outcome: outcome, tokenID: machine.newest?.tokenID)
    report.previousTokenID = previousTokenID(outcome)
    if outcome == .retired, report.tokenID == nil {
      (report.tokenID, report.previousTokenID) = (report.previousTokenID, nil)
    }
    report.problem = problem ?? concern?.problem
    (report.generation, report.expiresAt) = (machine.newest?.number, machine.newest?.expiresAt)
    report.labels = desired?.labels ?? [:]
    if outcome == .pending, report.problem == nil {
      report.problem = Problem(
        code: "not_active_yet",
        message: "\(name): created, not active yet\(waitingFor.map { ": \($0)" } ?? "")",
        hint: "the next run goes on waiting; it never creates a second token for this")
    }
    if machine.newest?.number != incumbentAtStart {
      report.activationSeconds = machine.newest?.activationTook?.seconds
    }
    return report
  }
}
