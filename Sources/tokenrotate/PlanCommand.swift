import Arguments
import FileSystem
import JobFiles
import Reporting
import RotationModel
import RotationPorts
import RotationRunner

/// `plan` and `run --dry-run`: what `run` would do. Takes no lock and changes nothing anywhere.
struct PlanCommand {
  let context: CommandContext

  func run() async -> ExitCode {
    let reporter = context.planReporter()
    let set: JobSet
    do {
      set = try JobSet.load(arguments: context.invocation.operands, defaults: context.defaultsPath)
    } catch {
      reporter.finish(
        exitCode: .badInput, problem: Problem(code: "bad_input", message: error.message, hint: error.hint))
      return .badInput
    }
    var codes: [ExitCode] = []
    for failure in set.failures {
      reporter.jobRefused(failure.path, problems: [context.problem(of: failure)], exitCode: .badInput)
      codes.append(.badInput)
    }
    do {
      try context.state.requireSafe()
      let ledger = try context.state.copyLedger(executor: context.threads)
      let lease = try await ledger.acquireLease(
        run: RunID(bits: SystemRandom().next()), now: context.clock.now)
      for job in set.jobs {
        if context.interruption.isRequested {
          reporter.jobRefused(
            job.name, problems: [.notTried(job.name, "the plan was stopped")],
            exitCode: context.interruption.exitCode)
          continue
        }
        codes.append(await plan(job, ledger: ledger, lease: lease, reporter))
      }
    } catch {
      let code = context.exitCode(ofBeginning: error)
      reporter.finish(exitCode: code, problem: Problem(any: error))
      return code
    }
    if context.interruption.isRequested { codes.append(context.interruption.exitCode) }
    let code = exitCode(ExitCode.worst(codes))
    reporter.finish(exitCode: code, problem: nil)
    return code
  }

  /// Without `--detailed-exitcode` a plan that could be made is success, whatever it says.
  private func exitCode(_ code: ExitCode) -> ExitCode {
    switch code {
    case .changesPlanned, .needsPerson:
      context.options.flag(.detailedExitCode) ? code : .done
    default: code
    }
  }

  private func plan(
    _ job: Job, ledger: any Ledger, lease: Lease, _ reporter: PlanReporter
  ) async -> ExitCode {
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
      var plan = try context.wiring.plan(
        for: job, specification: specification, journal: journal, installation: ledger.installation)
      plan.only = only.isEmpty ? nil : Set(only)
      plan.isForced = context.options.flag(.force)
      let ports = RunPorts(
        ledger: ledger, clock: context.clock, random: SystemRandom(),
        interruption: context.interruption, reporter: reporter, lease: lease)
      reporter.jobStarted(job.name)
      let report = await PlanJob(plan: plan, ports: ports).run { step in
        reporter.line(
          job.name, symbol: Character(step.kind.rawValue), word: step.kind.word, name: step.name,
          reason: step.reason)
      }
      reporter.jobFinished(job.name, report)
      // Which signal it was is the call's business, as in `run`.
      return report.exitCode == .interrupted ? context.interruption.exitCode : report.exitCode
    } catch {
      reporter.jobRefused(job.name, problems: [Problem(any: error)], exitCode: .badInput)
      return .badInput
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
