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
        return MoveCommand.refused(plan, ports, Problem(error), .failed)
      }
      guard let known, known != plan.binding else {
        return MoveCommand.refused(plan, ports, .nothingToMove(plan.name), .done)
      }
      do throws(Problem) {
        let stores = try wiring.stores(boundAs: known, plan: plan, installation: ports.ledger.installation)
        return await MoveJob(plan: plan, ports: ports, from: known, oldStores: stores).run()
      } catch { return MoveCommand.refused(plan, ports, error, .badInput) }
    }
    return await jobs.run(command: "move", waitForLock: nil) { job in
      try JobsRun.Item(job: job, specification: context.specification(of: job), only: [])
    }
  }

  private static func refused(
    _ plan: JobPlan, _ ports: RunPorts, _ problem: Problem, _ code: ExitCode
  ) -> JobReport {
    ports.reporter.jobStarted(plan.name)
    let report = JobReport(exitCode: code, counts: [:], problem: code == .done ? nil : problem)
    if code == .done { ports.reporter.noticed(plan.name, problem) }
    ports.reporter.jobFinished(plan.name, report)
    return report
  }
}

extension Problem {
  fileprivate static func nothingToMove(_ job: String) -> Problem {
    Problem(
      code: "nothing_to_move",
      message: "job \(job): its tokens belong to the cluster and the stores that it names",
      hint: nil)
  }
}
