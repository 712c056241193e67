public import RotationPorts

/// Why a job ends before every token is where it should be. What is under way is finished first: a string
/// that has arrived is still put away.
public enum Stop: Error, Equatable, Sendable {
  /// Nothing can be recorded any more, so nothing more may be sent: for any job, or for those of one audit log.
  case journal(Problem, ExitCode, endsRun: Bool)
  /// 401 or 403 from the Management API.
  case credential(Problem)
  /// One lineage cannot be worked on; the others can.
  case lineage(Problem)
  /// The job cannot be worked on at all, with the exit code that says which way.
  case job(Problem, ExitCode)
  /// A signal.
  case interrupted

  public var problem: Problem? {
    switch self {
    case .journal(let problem, _, _), .credential(let problem), .job(let problem, _), .lineage(let problem):
      problem
    case .interrupted: .interrupted
    }
  }

  /// Whether nothing can be recorded any more, for any job.
  public var endsRun: Bool {
    if case .journal(_, _, let endsRun) = self { endsRun } else { false }
  }

  /// The exit code; for a signal the caller knows which one.
  public var exitCode: ExitCode {
    switch self {
    case .journal(_, let code, _), .job(_, let code): code
    case .lineage: .failed
    case .credential: .credentialRefused
    case .interrupted: .interrupted
    }
  }
}

extension Stop {
  init(_ error: LedgerError) {
    self = .journal(Problem(error), .failed, endsRun: true)
  }

  /// `log`: the audit log's name in the ledger. A job's own log is no other job's business.
  public init(_ error: AuditError, log: String) {
    self = .journal(Problem(error), .auditBroken, endsRun: log == AuditState.mainLog)
  }
}

extension Problem {
  /// What a signal left of a job. Nothing failed, but a reader must not take the rest for nothing.
  public static let interrupted = Problem(
    code: "interrupted", message: "stopped by a signal, before all of it was looked at or done",
    hint: "the next run goes on where this one stopped")
}
