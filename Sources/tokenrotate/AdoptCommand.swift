import Arguments
import RotationModel
import RotationPorts
import RotationRunner

/// `adopt`: rebuilds a job's part of a lost ledger.
struct AdoptCommand {
  let context: CommandContext

  func run() async -> ExitCode {
    var jobs = JobsRun(context: context, reporter: context.runReporter())
    jobs.takesOverStores = true
    jobs.perform = { await AdoptJob(plan: $0, ports: $1).run() }
    return await jobs.run(command: "adopt", waitForLock: nil) { loaded in
      var known = Set<InstallationID>()
      for job in loaded { known.formUnion(await context.wiring.owners(of: job).map(\.installation)) }
      guard known.count < 2 else {
        throw Problem(
          code: "installations_mixed", message: "the job's stores belong to different installations",
          hint: "a job's stores belong together: look which of them is the job's")
      }
      return known.first.map(InstallationChoice.adopted) ?? .asItIs
    } _: { job in
      try JobsRun.Item(job: job, specification: context.specification(of: job), only: [])
    }
  }
}

/// Under which id a new ledger is made.
enum InstallationChoice {
  case asItIs
  /// That of the stores whose ledger was lost.
  case adopted(InstallationID)

  var adopted: InstallationID? {
    switch self {
    case .asItIs: nil
    case .adopted(let installation): installation
    }
  }
}
