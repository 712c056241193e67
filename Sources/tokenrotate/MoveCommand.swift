import Arguments
import RotationModel
import RotationPorts
import RotationRunner

/// `move`: a job's cluster or stores have changed.
struct MoveCommand {
  let context: CommandContext

  func run() async -> ExitCode {
    var jobs = JobsRun(context: context, reporter: context.runReporter())
    let wiring = context.wiring
    jobs.perform = { plan, ports in
      let known: JobBinding?
      do throws(LedgerError) {
        known = try await ports.ledger.binding(job: plan.name)
      } catch {
        return MoveCommand.finish(
          plan, ports, JobReport(exitCode: .failed, counts: [:], problem: Problem(error)))
      }
      guard let known, known != plan.binding else {
        var report = JobReport(exitCode: .done, counts: [:], problem: nil)
        report.remark = "nothing was to be moved"
        return MoveCommand.finish(plan, ports, report)
      }
      do throws(Problem) { try StoreWiring.requireSameFormats(known, plan) } catch {
        return MoveCommand.finish(plan, ports, JobReport(exitCode: .badInput, counts: [:], problem: error))
      }
      return await MoveJob(plan: plan, ports: ports, from: known) { () throws(Problem) in
        try wiring.oldStore(known, plan: plan, installation: ports.ledger.installation)
      }.run()
    }
    return await jobs.run(command: "move", waitForLock: nil) { job in
      try JobsRun.Item(job: job, specification: context.specification(of: job), only: [])
    }
  }

  private static func finish(_ plan: JobPlan, _ ports: RunPorts, _ report: JobReport) -> JobReport {
    ports.reporter.jobStarted(plan.name)
    ports.reporter.jobFinished(plan.name, report)
    return report
  }
}
