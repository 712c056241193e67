import Arguments
import FileSystem
import JobFiles
import Locks
import Reporting
import RotationPorts
import RotationRunner
import SecretStores

/// `run`: what cron calls.
struct RunCommand {
  let context: CommandContext

  func run() async -> ExitCode {
    let reporter = context.runReporter()
    func refuse(_ problem: Problem, _ code: ExitCode) -> ExitCode {
      reporter.finish(run: nil, exitCode: code, problem: problem)
      return code
    }
    let monitor: Monitor?
    do {
      monitor = try context.options.value(.ping).map { try Monitor($0, clock: context.clock) }
      guard await waitForTurn() else {
        return refuse(SessionError.interrupted.problem, context.interruption.exitCode)
      }
      if let warning = try await monitor?.send(.start) { reporter.warn(warning) }
    } catch { return refuse(Problem(any: error), .badInput) }

    let startedAt = context.clock.uptime
    let results = JobResults()
    var jobs = JobsRun(context: context, reporter: reporter)
    jobs.results = results
    jobs.raisesAlarms = true
    jobs.takesCensus = context.options.value(.metrics) != nil
    jobs.finishesByHand = true
    let code = await jobs.run(command: "run", waitForLock: context.options.duration(.waitForLock)) { job in
      try JobsRun.Item(
        job: job, specification: context.specification(of: job), only: context.options.values(.only),
        isForced: context.options.flag(.force))
    }
    // The run that has the lock tells how it went.
    if code != .locked { writeMetrics(results, code, took: context.clock.uptime - startedAt, reporter) }
    if let warning = (try? await monitor?.send(.end(code))) ?? nil { reporter.warn(warning) }
    return code
  }

  /// Waits for the random part of `--jitter`; false: a signal came first.
  private func waitForTurn() async -> Bool {
    guard let jitter = context.options.duration(.jitter), jitter > .zero else { return true }
    let moment = context.clock.uptime + jitter * SystemRandom().fraction()
    return await context.interruption.wait(until: moment, by: context.clock)
  }

  private func writeMetrics(_ results: JobResults, _ code: ExitCode, took: Duration, _ reporter: RunReporter)
  {
    guard let path = context.options.value(.metrics) else { return }
    let metrics = RunMetrics(
      version: Version.text, finishedAt: context.clock.now, took: took, exitCode: code, jobs: results.all)
    do throws(Problem) {
      try MetricsFile(path: context.environment.absolute(path), files: context.files).write(metrics)
    } catch { reporter.warn(error) }
  }
}

/// What became of the jobs of a call, for its metrics.
final class JobResults: Sendable {
  private let jobs = Locked([RunMetrics.Job]())

  var all: [RunMetrics.Job] { jobs.withLock { $0 } }

  func add(_ job: RunMetrics.Job) { jobs.withLock { $0.append(job) } }
}

/// `create`: a CSV of its own with a job's cluster and stores, once.
struct CreateCommand {
  let context: CommandContext

  func run() async -> ExitCode {
    var jobs = JobsRun(context: context, reporter: context.runReporter())
    jobs.usesOwnCSV = false
    let path = context.invocation.operands[0]
    return await jobs.run(
      command: "create", jobFiles: context.options.values(.job), waitForLock: nil
    ) { job in
      try JobsRun.Item(
        job: job,
        specification: context.specification(of: job, path: path, isOneOff: true, refusingPast: true),
        only: [])
    }
  }
}

/// The flow that `run`, `create` and `adopt` share: load, lock, one job after the other, exit code.
struct JobsRun {
  let context: CommandContext
  let reporter: RunReporter
  /// What is done with each job.
  var perform: @Sendable (JobPlan, RunPorts) async -> JobReport = { await RunJob(plan: $0, ports: $1).run() }

  /// Where the end of each job is noted.
  var results = JobResults()
  /// Whether hooks of failures are told of a job that is refused before it is begun.
  var raisesAlarms = false
  /// Whether the job's tokens are counted when it has ended.
  var takesCensus = false

  /// Whether what calls of `token create` have left on the jobs' clusters is finished, too.
  var finishesByHand = false

  /// Whether the rows are those of the job's own CSV.
  var usesOwnCSV = true

  /// Whether a new state directory may work on stores that an installation owns already.
  var takesOverStores = false

  struct Item {
    var job: Job
    var specification: SpecificationFile
    var only: [String]
    var isForced = false
  }

  func run(
    command: String, jobFiles: [String]? = nil, waitForLock: Duration?,
    installation: ([Job]) async throws -> InstallationChoice = { _ in .asItIs }, _ item: (Job) throws -> Item
  ) async -> ExitCode {
    let set: JobSet
    do {
      set = try JobSet.load(
        arguments: jobFiles ?? context.invocation.operands, defaults: context.defaultsPath)
    } catch {
      let problem = Problem(code: "bad_input", message: error.message, hint: error.hint)
      reporter.finish(run: nil, exitCode: .badInput, problem: problem)
      return .badInput
    }
    var codes: [ExitCode] = []
    for failure in set.failures {
      let problem = usesOwnCSV ? context.problem(of: failure) : Problem(failure.errors)
      reporter.jobRefused(failure.path, problems: [problem], exitCode: .badInput)
      codes.append(.badInput)
    }
    var items: [Item] = []
    for item in await validItems(set.jobs, item, &codes) {
      guard let problem = await lostState(item.job) else {
        items.append(item)
        continue
      }
      await refuse(item.job, problem, .needsPerson)
      codes.append(.needsPerson)
    }
    guard !items.isEmpty else {
      reporter.finish(run: nil, exitCode: ExitCode.worst(codes), problem: nil)
      return ExitCode.worst(codes)
    }
    return await runLocked(command, items, codes, waitForLock: waitForLock) {
      try await installation(set.jobs)
    }
  }

  /// A job whose CSV is wrong is left alone before anything of the state directory is touched.
  private func validItems(
    _ jobs: [Job], _ item: (Job) throws -> Item, _ codes: inout [ExitCode]
  ) async -> [Item] {
    var items: [Item] = []
    for job in jobs {
      do {
        let item = try item(job)
        _ = try item.specification.reader.validate()
        if !item.only.isEmpty { try item.specification.reader.requireNames(item.only) }
        items.append(item)
      } catch {
        await refuse(job, Problem(any: error), .badInput)
        codes.append(.badInput)
      }
    }
    return items
  }

  /// Tells that a job is left alone, everybody who is to know of it.
  private func refuse(_ job: Job, _ problem: Problem, _ code: ExitCode, run: RunID? = nil) async {
    reporter.jobRefused(job.name, problems: [problem], exitCode: code)
    results.add(RunMetrics.Job(name: job.name, exitCode: code))
    guard raisesAlarms else { return }
    let (hooks, runner) = context.wiring.hooks(of: job)
    let call = HookCall(
      run: run, job: job.name, cluster: job.cluster.identityAsWritten, host: job.cluster.host ?? "",
      tokens: [], problem: problem)
    for hook in hooks where hook.occasion == .failed {
      do throws(HookError) { try await runner.tell(hook, call) } catch { reporter.warn(Problem(error)) }
    }
  }

  /// What is wrong when the store outlived the state directory. It is said before a new one is made: under
  /// another installation's id, `adopt` could not take the store over any more.
  private func lostState(_ job: Job) async -> Problem? {
    let (state, files) = (context.state, context.files)
    guard !takesOverStores, files.isAbsent(state.ledgerPath), files.isAbsent(state.installationPath)
    else { return nil }
    if let (place, owner) = await context.wiring.owners(of: job).first {
      return Problem(
        code: "ledger_empty",
        message:
          "job \(job.name): the store \(place) belongs to installation \(owner), and there is no ledger in \(state.path): nothing was created",
        hint:
          "if the state directory was lost, `tokenrotate adopt JOB.toml` rebuilds it; if another installation runs this job, give this one another place"
      )
    }
    return nil
  }

  private func runLocked(
    _ command: String, _ items: [Item], _ before: [ExitCode], waitForLock: Duration?,
    installation: () async throws -> InstallationChoice
  ) async -> ExitCode {
    let session: Session
    do {
      session = try await Session.begin(
        command: command, wiring: context.wiring, adopting: try await installation().adopted,
        waitForLock: waitForLock, interruption: context.interruption)
    } catch {
      let problem = Problem(any: error)
      let code = context.exitCode(ofBeginning: error)
      reporter.finish(run: nil, exitCode: code, problem: problem)
      return code
    }
    let progress = Task { await reporter.keepProgressFresh() }
    var codes = before
    // A journal that breaks in the middle is told by the job that it stops, and not once more at the end.
    var told: [Problem] = []
    var end: (reason: String, code: ExitCode)?
    for item in items {
      if context.interruption.isRequested {
        end = end ?? ("the run was stopped", context.interruption.exitCode)
      }
      if let end {
        reporter.jobRefused(
          item.job.name, problems: [.notTried(item.job.name, end.reason)], exitCode: end.code)
        continue
      }
      let outcome = await runJob(item, session)
      codes.append(outcome.code)
      if let problem = outcome.problem { told.append(problem) }
      if outcome.endsRun { end = ("nothing can be recorded any more", outcome.code) }
    }
    if finishesByHand, end == nil { await finishByHand(items.map(\.job), session) }
    if context.interruption.isRequested { codes.append(context.interruption.exitCode) }
    let failures = await session.end(exitCode: ExitCode.worst(codes))
    codes += failures.map(ExitCode.init(ofJournal:))
    let failure = failures.map { Problem(any: $0) }.first { !told.contains($0) }
    progress.cancel()
    let code = ExitCode.worst(codes)
    reporter.finish(run: session.lease.run, exitCode: code, problem: failure)
    return code
  }

  /// Revokes what nobody was shown: a call that died cannot do so itself. What fails is told, and left to the next run;
  /// the jobs' tokens are none of it.
  private func finishByHand(_ jobs: [Job], _ session: Session) async {
    var seen = Set<String>()
    for job in jobs where !context.interruption.isRequested {
      guard let cluster = try? await session.ledger.binding(job: job.name)?.cluster else { continue }
      let own = job.asShown(cluster: cluster)
      guard seen.insert(own.name).inserted,
        let names = try? await FinishByHand(job: own.name, ledger: session.ledger).unfinished(),
        !names.isEmpty
      else { continue }
      do {
        var plan = try await session.wiring.plan(
          for: own, specification: NoTokens(), isOneOff: true, journal: try await session.journal(for: own),
          ledger: session.ledger)
        plan.only = names
        plan.display = NobodyWaits()
        let ports = RunPorts(
          ledger: session.ledger, clock: session.clock, random: SystemRandom(),
          interruption: context.interruption, reporter: TroubleReporter { reporter.warn($0) },
          lease: session.lease)
        _ = await RunJob(plan: plan, ports: ports).run()
      } catch { reporter.warn(Problem(any: error)) }
    }
  }

  private struct Outcome {
    var code: ExitCode
    var problem: Problem?
    /// Whether nothing further may be done.
    var endsRun = false
  }

  private func runJob(_ item: Item, _ session: Session) async -> Outcome {
    func refuse(_ error: any Error, _ code: ExitCode, endsRun: Bool) async -> Outcome {
      let problem = Problem(any: error)
      await self.refuse(item.job, problem, code, run: session.lease.run)
      return Outcome(code: code, problem: problem, endsRun: endsRun)
    }
    let journal: Journal
    do {
      journal = try await session.journal(for: item.job)
    } catch {
      return await refuse(error, ExitCode(ofJournal: error), endsRun: (error as? Stop)?.endsRun ?? true)
    }
    let plan: JobPlan
    do {
      var made = try await session.wiring.plan(
        for: item.job, specification: item.specification, isOneOff: item.specification.isOneOff,
        journal: journal,
        ledger: session.ledger)
      made.only = item.only.isEmpty ? nil : Set(item.only)
      made.isForced = item.isForced
      plan = made
    } catch {
      return await refuse(error, .badInput, endsRun: false)
    }
    let ports = RunPorts(
      ledger: session.ledger, clock: session.clock, random: SystemRandom(),
      interruption: context.interruption, reporter: reporter, lease: session.lease)
    let report = await perform(plan, ports)
    // A signal's exit code is the call's business; the job was merely not finished.
    let code = report.exitCode == .interrupted ? context.interruption.exitCode : report.exitCode
    let census = takesCensus ? try? await CountTokens(plan: plan, ports: ports).count() : nil
    results.add(RunMetrics.Job(name: plan.name, exitCode: code, counts: report.counts, census: census))
    return Outcome(code: code, problem: report.problem, endsRun: report.endsRun)
  }
}

extension ExitCode {
  /// For what ended a journal, or kept it from being opened.
  fileprivate init(ofJournal error: any Error) {
    self = (error as? Stop)?.exitCode ?? .failed
  }
}

extension Problem {
  static func notTried(_ job: String, _ reason: String) -> Problem {
    Problem(code: "not_tried", message: "job \(job) was not tried: \(reason)", hint: nil)
  }
}

extension FileSystem {
  /// Whether there is certainly no such file.
  fileprivate func isAbsent(_ path: String) -> Bool {
    do { return try statusIfPresent(path) == nil } catch { return false }
  }
}
