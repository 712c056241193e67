import Arguments
import JobFiles
import Locks
import RotationModel
import RotationPorts
import RotationRunner

/// Within lock and lease: what `token create`, `update` and `revoke` do on record.
struct TokenSession {
  let context: CommandContext
  let session: Session
  let journal: Journal

  /// Influxctl knows no lock: who comes while a run is under way waits for a while.
  private static let patience: Duration = .seconds(60)

  /// How it went.
  struct Ending {
    var code: ExitCode
    /// Whether the caller has what it asked for, on record, so that nothing that fails from here on takes it back.
    var stands = false
  }

  /// Runs `body` with an open journal of the job's audit log; its answer is the exit code, unless ending the session
  /// fails.
  static func run(
    _ command: String, of job: Job, _ context: CommandContext,
    _ body: (TokenSession) async throws -> Ending
  ) async -> ExitCode {
    let session: Session
    do {
      session = try await Session.begin(
        command: command, wiring: context.wiring,
        waitForLock: context.options.duration(.waitForLock) ?? patience, interruption: context.interruption)
    } catch {
      context.tell(Problem(any: error))
      return context.exitCode(ofBeginning: error)
    }
    var ending: Ending
    var told: Problem?
    do {
      let journal = try await session.journal(for: job)
      ending = try await body(TokenSession(context: context, session: session, journal: journal))
    } catch {
      let problem = Problem(any: error)
      context.tell(problem)
      told = problem
      ending = Ending(code: exitCode(of: error, context))
    }
    let failures = await session.end(exitCode: ending.code)
    for failure in failures where Problem(any: failure) != told { context.tell(Problem(any: failure)) }
    if ending.stands { return ending.code }
    return ExitCode.worst([ending.code] + failures.map { exitCode(of: $0, context) })
  }

  private static func exitCode(of error: any Error, _ context: CommandContext) -> ExitCode {
    switch error {
    case let stop as Stop: stop.exitCode == .interrupted ? context.interruption.exitCode : stop.exitCode
    case let error as ServiceError where error.code == .credentialRefused: .credentialRefused
    case is Problem: .badInput
    default: .failed
    }
  }

  func ports(_ reporter: any Reporter) -> RunPorts {
    RunPorts(
      ledger: session.ledger, clock: session.clock, random: SystemRandom(),
      interruption: context.interruption,
      reporter: reporter, lease: session.lease)
  }
}

/// Tells what went wrong on standard error, and keeps what became of each token: results are printed otherwise.
final class TroubleReporter: Reporter {
  private let tell: @Sendable (Problem) -> Void
  private let reports = Locked([TokenReport]())

  init(_ tell: @escaping @Sendable (Problem) -> Void) { self.tell = tell }

  func report(of name: String) -> TokenReport? {
    reports.withLock { $0.last { $0.name == name } }
  }

  func jobStarted(_ job: String) {}
  func progressed(_ job: String, _ progress: Progress) {}
  func noticed(_ job: String, _ problem: Problem) { tell(problem) }
  func tokenFinished(_ job: String, _ report: TokenReport) {
    reports.withLock { $0.append(report) }
    if let problem = report.problem { tell(problem) }
  }
  func jobFinished(_ job: String, _ report: JobReport) {
    if let problem = report.problem { tell(problem) }
  }
}
