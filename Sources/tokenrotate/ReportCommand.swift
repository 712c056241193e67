import Arguments
import AuditLog
import FileSystem
import JobFiles
import Ledgers
import Reporting
import RotationModel
import RotationPorts
import RotationRunner

/// `report`: one HTML page of what ledger, CSVs and audit logs know. Asks no cluster and reads no token.
struct ReportCommand {
  let context: CommandContext

  /// How many runs are read from each audit log.
  private static let runs = 30

  func run() async -> ExitCode {
    let output = context.options.value(.output)
    do {
      try requirePlaceForPage(output)
    } catch { return refuse(error, .badInput) }
    let operands = context.invocation.operands
    let set: JobSet
    do {
      set = try JobSet.load(
        arguments: operands.isEmpty ? [StatusCommand.usualJobs] : operands, defaults: context.defaultsPath)
    } catch {
      return refuse(Problem(code: "bad_input", message: error.message, hint: error.hint), .badInput)
    }
    // A page about a job file that is not there would take the place of a good one.
    if set.jobs.isEmpty, set.failures.allSatisfy({ isMissing($0.path) }), let failure = set.failures.first {
      return refuse(context.problem(of: failure), .badInput)
    }
    do {
      try context.state.requireSafe()
      var report = HTMLReport(
        version: Version.text, source: context.state.path, now: context.clock.now,
        spoolDirectory: context.spoolDirectory)
      let code = try await fill(&report, set)
      if context.interruption.isRequested { return context.interruption.exitCode }
      try write(report, to: output)
      return code
    } catch let stop as Stop where stop.exitCode == .interrupted {
      return context.interruption.exitCode
    } catch { return refuse(Problem(any: error), context.exitCode(ofBeginning: error)) }
  }

  /// Throws `Problem` when there is no use in making a page.
  private func requirePlaceForPage(_ output: String?) throws(Problem) {
    if context.style.format == .json {
      throw Problem(
        code: "bad_input", message: "report writes HTML, and takes no --format json",
        hint: "`tokenrotate status --format json` is for programs")
    }
    guard output == nil, context.output.isTerminal else { return }
    throw Problem(
      code: "bad_input", message: "report writes an HTML page, and standard output is a terminal",
      hint: "name a file: `tokenrotate report --output report.html`")
  }

  private func isMissing(_ path: String) -> Bool {
    do { return try context.files.statusIfPresent(context.environment.absolute(path)) == nil } catch {
      return false
    }
  }

  private func refuse(_ problem: Problem, _ code: ExitCode) -> ExitCode {
    context.tell(problem)
    return code
  }

  // MARK: Filling

  private func fill(_ report: inout HTMLReport, _ set: JobSet) async throws -> ExitCode {
    var codes: [ExitCode] = []
    for failure in set.failures {
      refuse(failure.path, context.problem(of: failure), &report, &codes)
    }
    let ledger = try context.state.copyLedger(executor: context.threads)
    let lease = try await ledger.acquireLease(
      run: RunID(bits: SystemRandom().next()), now: context.clock.now)
    let ports = RunPorts(
      ledger: ledger, clock: context.clock, random: SystemRandom(), interruption: context.interruption,
      reporter: SilentReporter(), lease: lease)
    var logs: [String] = [context.state.auditPath]
    for job in set.jobs {
      let log = context.wiring.auditLog(of: job).path
      if !logs.contains(log) { logs.append(log) }
      try await add(job, ports, &report, &codes)
    }
    var runs: [[RecordedRun]] = []
    for log in logs {
      do throws(AuditError) {
        runs.append(try AuditRuns(files: context.files).newest(ReportCommand.runs, of: log))
      } catch {
        // The rest of the page is as good as with it.
        report.add(Problem(error))
        context.tell(Problem(error))
        codes.append(.failed)
      }
    }
    report.add(runsOfLogs: runs)
    return ExitCode.worst(codes)
  }

  private func add(
    _ job: Job, _ ports: RunPorts, _ report: inout HTMLReport, _ codes: inout [ExitCode]
  ) async throws {
    let specification: SpecificationFile
    do {
      specification = try context.specification(of: job)
      _ = try specification.reader.validate()
    } catch { return refuse(job.name, Problem(any: error), &report, &codes) }
    let history = ReadHistory(
      job: job.name, specification: specification, policy: RotationPolicy(job.rotation, isOneOff: false),
      stores: job.stores.count, ports: ports)
    report.startJob(job.name)
    do throws(Stop) {
      try await history.read { report.add($0) }
    } catch {
      guard error.exitCode != .interrupted else { throw error }
      let problem = Problem(any: error)
      report.jobStopped(problem)
      context.tell(problem)
      codes.append(error.exitCode)
    }
  }

  private func refuse(
    _ name: String, _ problem: Problem, _ report: inout HTMLReport, _ codes: inout [ExitCode]
  ) {
    report.jobRefused(name, problem)
    context.tell(problem)
    codes.append(.badInput)
  }

  // MARK: Writing

  private func write(_ report: HTMLReport, to output: String?) throws {
    guard let output else { return try report.write(to: context.output) }
    try PageFile(path: context.environment.absolute(output), files: context.files).write(report)
    guard !context.style.isQuiet else { return }
    context.output.write("\(VisibleText.line(output)): \(report.summary)\n")
  }
}

/// Nothing of a look is told but its page.
private struct SilentReporter: Reporter {
  func jobStarted(_ job: String) {}
  func progressed(_ job: String, _ progress: Progress) {}
  func tokenFinished(_ job: String, _ report: TokenReport) {}
  func noticed(_ job: String, _ problem: Problem) {}
  func jobFinished(_ job: String, _ report: JobReport) {}
}
