import AuditLog
import FileSystem
import JobFiles
import Ledgers
import RotationModel
import RotationPorts
import RotationRunner

/// One call that changes things: lock, lease, and a journal for each audit log that its jobs write to.
final class Session {
  let wiring: Wiring
  let clock = SystemClock()
  let ledger: SQLiteLedger
  let lease: Lease
  private let lock: any FileLock
  private var journals: [String: Journal] = [:]
  private let command: String

  /// Takes lock and lease. Throws `SessionError` when another run has them, or a signal ended the wait.
  static func begin(
    command: String, wiring: Wiring, adopting: InstallationID? = nil, waitForLock: Duration?,
    interruption: any Interruption
  ) async throws -> Session {
    try wiring.state.make()
    let lock = try await takeLock(
      wiring.state, waiting: waitForLock ?? .zero, interruption)
    let ledger = try wiring.state.openLedger(adopting: adopting, executor: wiring.threads)
    let lease = try await ledger.acquireLease(
      run: RunID(bits: SystemRandom().next()), now: SystemClock().now)
    return Session(command: command, wiring: wiring, ledger: ledger, lease: lease, lock: lock)
  }

  private init(
    command: String, wiring: Wiring, ledger: SQLiteLedger, lease: Lease, lock: any FileLock
  ) {
    self.command = command
    self.wiring = wiring
    self.ledger = ledger
    self.lease = lease
    self.lock = lock
  }

  private static func takeLock(
    _ state: StateDirectory, waiting: Duration, _ interruption: any Interruption
  ) async throws -> any FileLock {
    let clock = SystemClock()
    let end = clock.uptime + waiting
    while true {
      if let lock = try state.lock() { return lock }
      if interruption.isRequested { throw SessionError.interrupted }
      guard clock.uptime < end else { throw SessionError.locked(path: state.lockPath) }
      try await clock.sleep(for: .milliseconds(200))
    }
  }

  /// The journal of the job's audit log, opened and completed when it is first asked for. Throws
  /// `LedgerError` or `Stop` when that log cannot be written or is not what the ledger knows.
  func journal(for job: Job) async throws -> Journal {
    let (path, log) = wiring.auditLog(of: job)
    if let journal = journals[log] { return journal }
    let state = try await ledger.auditState(log: log)
    let auditLog = FileAuditLog(
      path: path, files: wiring.files, commandArguments: wiring.auditArguments(of: job),
      executor: wiring.threads)
    do throws(AuditError) { try await auditLog.open(state) } catch { throw Stop(error, log: log) }
    let journal = Journal(
      ledger: ledger, auditLog: auditLog, log: log, state: state, lease: lease,
      actorName: wiring.environment.actorName)
    try await journal.append([
      entry(
        "run.started", [AuditEvent.Detail("command", command), AuditEvent.Detail("version", Version.text)])
    ])
    journals[log] = journal
    return journal
  }

  /// Closes the journals and gives lease and lock back. Returns what failed meanwhile.
  func end(exitCode: ExitCode) async -> [any Error] {
    var failures: [any Error] = []
    for journal in journals.values {
      do {
        try await journal.append([
          entry("run.finished", [AuditEvent.Detail("exit", String(exitCode.rawValue))])
        ])
        try await journal.close()
      } catch { failures.append(error) }
    }
    do { try await ledger.releaseLease(lease) } catch { failures.append(error) }
    lock.release()
    return failures
  }

  private func entry(_ name: String, _ details: [AuditEvent.Detail]) -> JournalEntry {
    JournalEntry(
      time: clock.now, job: nil, cluster: nil, record: EventRecord(name: name), details: details)
  }
}

/// Why a session was not begun.
enum SessionError: Error {
  case locked(path: String)
  case interrupted
  /// Others can write to the state directory.
  case unsafeState(_ message: String, hint: String)

  var problem: Problem {
    switch self {
    case .locked(let path):
      Problem(
        code: "locked", message: "another run holds \(path)",
        hint: "wait for it to end, or let this one wait with --wait-for-lock 5m")
    case .interrupted:
      Problem(code: "interrupted", message: "stopped while waiting for another run", hint: nil)
    case .unsafeState(let message, let hint):
      Problem(code: "unsafe_state", message: message, hint: hint)
    }
  }
}

extension CommandContext {
  func exitCode(ofBeginning error: any Error) -> ExitCode {
    switch error as? SessionError {
    case .locked: .locked
    case .interrupted: interruption.exitCode
    case .unsafeState: .badInput
    case nil: .failed
    }
  }
}
