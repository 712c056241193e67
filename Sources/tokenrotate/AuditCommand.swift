import Arguments
import AuditLog
import JSONText
import JobFiles
import Reporting
import RotationModel
import RotationPorts

/// `audit verify` and `audit repair`.
struct AuditCommand {
  let context: CommandContext

  /// Checks the files given, or the log of `--job`, or that of the state directory; the latter two also
  /// against what the ledger knows, unless there has never been one.
  func verify() async -> ExitCode {
    let files = context.invocation.operands
    do {
      let verifier = AuditVerifier(files: context.files)
      if !files.isEmpty {
        guard !context.options.flag(.job) else {
          throw Problem(
            code: "bad_input", message: "audit verify takes files or --job, not both", hint: "leave one out")
        }
        for file in files where try context.files.statusIfPresent(context.environment.absolute(file)) == nil {
          throw Problem(
            code: "bad_input", message: "there is no file \(file)", hint: "name audit logs that exist")
        }
        return tell(
          try verifier.verify(paths: files.map(context.environment.absolute)), shownAs: files, arguments: "")
      }
      let (path, log, arguments) = try place()
      guard try context.files.statusIfPresent(context.state.ledgerPath) != nil else {
        return tell(try verifyWithoutLedger(path, verifier), shownAs: [path], arguments: arguments)
      }
      // A run that goes on meanwhile may write lines that a copy of the ledger does not know yet.
      for attempt in 1...5 {
        let ledger = try context.state.copyLedger(executor: context.threads)
        let state = try await ledger.auditState(log: log)
        guard try context.files.statusIfPresent(path) != nil else {
          throw missing(path, reached: state.acknowledged.sequence, arguments)
        }
        let report = try verifier.verify(paths: [path], ledger: state)
        if report.isIntact || attempt == 5 || !isRunGoingOn {
          return tell(report, shownAs: [path], arguments: arguments)
        }
        try await context.clock.sleep(for: .milliseconds(300))
      }
      return .done
    } catch {
      return fail(error)
    }
  }

  /// For a log that was copied away from its ledger. Where a ledger should be, its absence is told: without
  /// it nobody can say that the newest lines are there.
  private func verifyWithoutLedger(_ path: String, _ verifier: AuditVerifier) throws -> AuditReport {
    guard try context.files.statusIfPresent(path) != nil else { throw missing(path, reached: 0, "") }
    var report = try verifier.verify(paths: [path])
    guard report.isIntact else { return report }
    let ledgerPath = context.state.ledgerPath
    guard try context.state.installation() == nil else {
      throw AuditError(
        .tampered,
        message:
          "\(ledgerPath) is missing: the chain of \(path) is whole, but its newest lines may be gone",
        hint: "put the ledger back from a backup; without one, `tokenrotate audit repair` lets runs go on")
    }
    report.notes.append(
      "there is no ledger at \(ledgerPath) to compare the end of the log with")
    return report
  }

  private var isRunGoingOn: Bool {
    guard let lock = try? context.state.lock() else { return true }
    lock.release()
    return false
  }

  /// Makes the ledger and a log that is not what it knows fit together again; the repair is on record.
  func repair() async -> ExitCode {
    do {
      let (path, log, _) = try place()
      guard try context.files.statusIfPresent(context.state.path) != nil else {
        throw Problem(
          code: "bad_input", message: "there is no state directory \(context.state.path)",
          hint: "it is made by the first run; --state names another")
      }
      let session = try await Session.begin(
        command: "audit repair", wiring: context.wiring, waitForLock: nil, interruption: context.interruption)
      let state = try await session.ledger.auditState(log: log)
      let outcome = try AuditRepair(path: path, files: context.files).repair(
        state, run: session.lease.run, actor: context.environment.actorName, now: context.clock.now)
      if let outcome {
        try await session.ledger.commit(
          LedgerTransaction(
            events: [], log: log, lines: [], head: outcome.head, acknowledged: outcome.head),
          lease: session.lease)
      }
      if let failure = await session.end(exitCode: .done).first { throw failure }
      guard !context.style.isQuiet else { return .done }
      guard let outcome else {
        context.output.write("\(path): nothing to repair\n")
        return .done
      }
      context.output.write("\(path): goes on from line \(outcome.head.sequence) of its chain\n")
      if let kept = outcome.keptPath { context.output.write("the old file was kept as \(kept)\n") }
      return .done
    } catch {
      return fail(error)
    }
  }

  /// A log that is not there is a wrong name, unless the ledger knows that it was.
  private func missing(_ path: String, reached sequence: Int64, _ arguments: String) -> any Error {
    guard sequence == 0 else {
      return AuditError(
        .tampered,
        message: "\(path) is missing, but the ledger saw it reach line \(sequence)",
        hint: "find out who removed it; `tokenrotate audit repair\(arguments)` starts a new one that says so")
    }
    return Problem(
      code: "bad_input", message: "there is no audit log at \(path)",
      hint: "it is made by the first run; --state names another state directory")
  }

  /// The log that is meant, its name in the ledger, and what hints must tell the commands to mean it too.
  private func place() throws -> (path: String, log: String, arguments: String) {
    guard let path = context.options.value(.job) else {
      return (context.state.auditPath, AuditState.mainLog, "")
    }
    let job = try Job.load(path: path, defaults: context.defaultsPath)
    let (file, log) = context.wiring.auditLog(of: job)
    return (file, log, context.wiring.auditArguments(of: job))
  }

  private func tell(_ report: AuditReport, shownAs paths: [String], arguments: String) -> ExitCode {
    let code: ExitCode = report.isIntact ? .done : .auditBroken
    let problem = report.firstBreak.map { found in
      Problem(
        code: found.kind.rawValue, message: "\(found.path):\(found.line): \(found.message)",
        hint:
          "find out who changed the file; `tokenrotate audit repair\(arguments)` keeps it and lets runs go on"
      )
    }
    if let problem { context.tell(problem) }
    if context.style.format == .json {
      var json = JSONWriter()
      json.object { json in
        json.key("exit")
        json.integer(Int(code.rawValue))
        json.key("lines")
        json.integer(Int(report.lines))
        json.key("chain")
        json.string(report.head?.chain)
        json.key("seq")
        if let head = report.head { json.integer(Int(head.sequence)) } else { json.null() }
        json.key("hash")
        json.string(report.head?.hash)
        json.key("notes")
        json.beginArray()
        for note in report.notes { json.string(note) }
        json.endArray()
        json.key("error")
        json.problem(problem)
      }
      context.output.write(json.take() + "\n")
    } else if !context.style.isQuiet, report.isIntact {
      let end = report.head.map { ", ends with \($0.sequence) \($0.hash)" } ?? ""
      context.output.write(
        "\(paths.joined(separator: ", ")): \(report.lines) lines, the chain is whole\(end)\n")
      for note in report.notes { context.output.write("note: \(note)\n") }
    }
    return code
  }

  private func fail(_ error: any Error) -> ExitCode {
    let problem = Problem(any: error)
    context.tell(problem)
    if error is SessionError { return context.exitCode(ofBeginning: error) }
    return error is AuditError
      ? .auditBroken : error is JobFileErrors || problem.code == "bad_input" ? .badInput : .failed
  }
}
