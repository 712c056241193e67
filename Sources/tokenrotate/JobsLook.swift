import Arguments
import FileSystem
import JobFiles
import Reporting
import RotationModel
import RotationPorts
import RotationRunner

/// What looks at jobs without changing anything tells it to.
protocol LookReporter: Reporter {
  func jobRefused(_ name: String, problems: [Problem], exitCode: ExitCode)
  func keepProgressFresh() async
  func finish(exitCode: ExitCode, problem: Problem?)
}

extension PlanReporter: LookReporter {}
extension StatusReporter: LookReporter {}

/// The flow that `plan` and `status` share: load, copy the ledger, look at one job after the other. Takes no lock
/// and changes nothing anywhere.
struct JobsLook<Sink: LookReporter> {
  let context: CommandContext
  let reporter: Sink
  /// As in `the plan was stopped`.
  let what: String
  /// What is an exit code of the look, and what the call's.
  let exitCode: (ExitCode) -> ExitCode
  /// Looks at one job and tells it.
  let look: (PlanJob, String) async -> JobReport

  func run(_ operands: [String]) async -> ExitCode {
    let set: JobSet
    do {
      set = try JobSet.load(arguments: operands, defaults: context.defaultsPath)
    } catch {
      reporter.finish(
        exitCode: .badInput, problem: Problem(code: "bad_input", message: error.message, hint: error.hint))
      return .badInput
    }
    let progress = Task { [reporter] in await reporter.keepProgressFresh() }
    defer { progress.cancel() }
    var codes: [ExitCode] = []
    for failure in set.failures {
      reporter.jobRefused(failure.path, problems: [context.problem(of: failure)], exitCode: .badInput)
      codes.append(.badInput)
    }
    var refused: [ExitCode] = []
    do {
      try context.state.requireSafe()
      let ledger = try context.state.copyLedger(executor: context.threads)
      let lease = try await ledger.acquireLease(
        run: RunID(bits: SystemRandom().next()), now: context.clock.now)
      for job in set.jobs {
        if context.interruption.isRequested {
          reporter.jobRefused(
            job.name, problems: [.notTried(job.name, "\(what) was stopped")],
            exitCode: context.interruption.exitCode)
          continue
        }
        let (code, isWhole) = await look(at: job, ledger: ledger, lease: lease)
        // What could not be looked at to its end is no success, whatever is made of what was seen.
        if isWhole { codes.append(code) } else { refused.append(code) }
      }
    } catch {
      let code = context.exitCode(ofBeginning: error)
      reporter.finish(exitCode: code, problem: Problem(any: error))
      return code
    }
    if context.interruption.isRequested { codes.append(context.interruption.exitCode) }
    let code = ExitCode.worst([exitCode(ExitCode.worst(codes))] + refused)
    reporter.finish(exitCode: code, problem: nil)
    return code
  }

  private func look(
    at job: Job, ledger: any Ledger, lease: Lease
  ) async -> (code: ExitCode, isWhole: Bool) {
    do {
      let specification = try context.specification(of: job)
      _ = try specification.reader.validate()
      // `run --dry-run --only NAME…` comes here too.
      let only = context.options.values(.only)
      if !only.isEmpty { try specification.reader.requireNames(only) }
      let journal = Journal(
        ledger: ledger, auditLog: ClosedAuditLog(),
        state: .start(log: AuditState.mainLog, installation: ledger.installation), lease: lease,
        actorName: context.environment.actorName)
      var plan = try await context.wiring.plan(
        for: job, specification: specification, isOneOff: specification.isOneOff, journal: journal,
        ledger: ledger)
      plan.only = only.isEmpty ? nil : Set(only)
      plan.isForced = context.options.flag(.force)
      let ports = RunPorts(
        ledger: ledger, clock: context.clock, random: SystemRandom(),
        interruption: context.interruption, reporter: reporter, lease: lease)
      reporter.jobStarted(job.name)
      let planJob = PlanJob(plan: plan, ports: ports, verifiesStrings: context.options.flag(.verify))
      let report = await look(planJob, job.name)
      reporter.jobFinished(job.name, report)
      // Which signal it was is the call's business, as in `run`.
      let code = report.exitCode == .interrupted ? context.interruption.exitCode : report.exitCode
      return (code, report.problem == nil)
    } catch {
      reporter.jobRefused(job.name, problems: [Problem(any: error)], exitCode: .badInput)
      return (.badInput, false)
    }
  }
}

/// An audit log that takes nothing: what plans has nothing to record.
private struct ClosedAuditLog: AuditLog {
  private static let closed = AuditError(.unwritable, message: "a plan records nothing")

  func compose(
    _ events: [AuditEvent], after head: AuditHead
  ) throws(AuditError) -> (lines: [AuditLine], head: AuditHead) { throw Self.closed }
  func open(_ state: AuditState) async throws(AuditError) { throw Self.closed }
  func reserve(byteCount: Int) async throws(AuditError) { throw Self.closed }
  func append(_ lines: [AuditLine], head: AuditHead) async throws(AuditError) { throw Self.closed }
  func close() async {}
}
