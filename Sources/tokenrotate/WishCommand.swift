import Arguments
import RotationPorts
import RotationRunner

/// `rotate`, `rollback`, `hold`, `release`, `retire` and `rename`: what a person asks for some tokens of a job.
struct WishCommand {
  let context: CommandContext

  func run() async -> ExitCode {
    var operands = context.invocation.operands
    let job = operands.removeFirst()
    guard let wish = wish(operands) else { return .badInput }
    let names = context.invocation.command == .rename ? [operands[0]] : operands.uniqued()
    var jobs = JobsRun(context: context, reporter: context.runReporter())
    jobs.perform = { await RecordWish(wish, names: names, plan: $0, ports: $1).run() }
    return await jobs.run(
      command: context.invocation.command.rawValue, jobFiles: [job], waitForLock: nil
    ) { job in
      try JobsRun.Item(job: job, specification: context.specification(of: job), only: [])
    }
  }

  private func wish(_ operands: [String]) -> Wish? {
    switch context.invocation.command {
    case .rotate: .rotate(compromised: context.options.flag(.compromised))
    case .rollback: .rollBack
    case .hold: .hold
    case .release: .release
    case .retire: .retire(now: context.options.flag(.now))
    case .rename: .rename(to: operands[1])
    case .run, .plan, .status, .create, .check, .move, .adopt, .import, .tokenCreate, .tokenList, .tokenGet,
      .tokenUpdate, .tokenRevoke, .auditVerify, .auditRepair, .report, .sandbox, .completions, .help,
      .version:
      nil
    }
  }
}

extension [String] {
  /// Each once, in the order in which they came.
  fileprivate func uniqued() -> [String] {
    var seen = Set<String>()
    return filter { seen.insert($0).inserted }
  }
}
