import Arguments
import Reporting
import RotationPorts
import RotationRunner

/// `plan` and `run --dry-run`: what `run` would do.
struct PlanCommand {
  let context: CommandContext

  func run() async -> ExitCode {
    let reporter = context.planReporter()
    let look = JobsLook(
      context: context, reporter: reporter, what: "the plan", exitCode: exitCode
    ) { planJob, job in
      await planJob.run { step in
        reporter.line(
          job, symbol: Character(step.kind.rawValue), word: step.kind.word, name: step.name,
          reason: step.reason)
      }
    }
    return await look.run(context.invocation.operands)
  }

  /// Without `--detailed-exitcode` a plan that could be made is success, whatever it says.
  private func exitCode(_ code: ExitCode) -> ExitCode {
    switch code {
    case .changesPlanned, .needsPerson:
      context.options.flag(.detailedExitCode) ? code : .done
    default: code
    }
  }
}

/// `status`: where every token stands.
struct StatusCommand {
  let context: CommandContext

  func run() async -> ExitCode {
    let reporter = context.statusReporter()
    let look = JobsLook(
      context: context, reporter: reporter, what: "the look",
      exitCode: { $0 == .changesPlanned ? .done : $0 }
    ) { planJob, job in
      await planJob.standings { reporter.line(job, $0) }
    }
    let operands = context.invocation.operands
    return await look.run(operands.isEmpty ? [StatusCommand.usualJobs] : operands)
  }

  /// Where the documents tell to put jobs.
  static let usualJobs = "/etc/tokenrotate/jobs"
}
