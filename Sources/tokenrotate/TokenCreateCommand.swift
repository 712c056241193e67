import Arguments
import Glibc
import JobFiles
import Reporting
import RotationModel
import RotationPorts
import RotationRunner

/// `token create`: one token for a person who waits for it, through ledger and audit log like all others.
struct TokenCreateCommand {
  let context: CommandContext

  func run() async -> ExitCode {
    let target: TokenTarget
    let desired: DesiredToken
    let stores = context.options.flag(.store)
    do {
      target = try TokenTarget(context)
      desired = try self.desired(target, isStored: stores)
    } catch {
      context.tell(Problem(any: error))
      return .badInput
    }
    let job = stores ? target.storedJob : target.shownJob
    return await TokenSession.run("token create", of: job, context) { session in
      let token = OneToken(desired) { database, known in
        "token create: " + (DatabaseComplaint.text(about: database, known: known) ?? database)
      }
      var plan = try session.session.wiring.plan(
        for: job, specification: token, isOneOff: true, journal: session.journal,
        installation: session.session.ledger.installation)
      guard stores else { return try await show(desired, &plan, target, session) }
      return await store(desired, plan, target, session)
    }
  }

  private func desired(_ target: TokenTarget, isStored: Bool) throws(Problem) -> DesiredToken {
    let arguments = TokenArguments(options: context.options)
    let description = try arguments.description(context.invocation.operands[0])
    if !isStored, context.options.value(.name) != nil {
      throw Problem(
        code: "bad_input", message: "--name says what a token is called in the stores",
        hint: "add --store, or leave --name out")
    }
    // A token that is shown is another one each time, whatever its description.
    let name =
      isStored
      ? try arguments.storedName(description) : String(AttemptID(bits: SystemRandom().next()).text.prefix(12))
    let job = isStored ? target.storedJob : target.shownJob
    let expiresAt = try arguments.expiry(now: context.clock.now)
    return DesiredToken(
      name: name, description: description, permissions: try arguments.permissions(job.policy),
      expiry: expiresAt.map { .at($0) } ?? .never, place: StorePlace(job: job.name, name: name))
  }

  // MARK: Shown

  private func show(
    _ desired: DesiredToken, _ plan: inout JobPlan, _ target: TokenTarget, _ session: TokenSession
  ) async throws -> ExitCode {
    let display = TokenDisplay(descriptor: STDOUT_FILENO, forms: target.forms(context.style.format))
    plan.display = display
    let reporter = TroubleReporter(context.tell)
    let report = await RunJob(plan: plan, ports: session.ports(reporter)).run()
    guard let token = display.token else {
      return report.exitCode == .interrupted ? context.interruption.exitCode : worst(report, .failed)
    }
    // What else the run came across was told; whoever reads the string wants to know whether it is good.
    let own = reporter.report(of: desired.name)
    guard report.problem == nil, own?.problem == nil else { return worst(report, .failed) }
    if context.output.isTerminal, !context.style.isQuiet {
      context.errors.write("Keep the token now: it cannot be shown again.\n")
    }
    guard context.options.flag(.wait) else { return .done }
    plan.only = [desired.name]
    return try await wait(for: token, plan, session)
  }

  private func wait(for token: ShownToken, _ plan: JobPlan, _ session: TokenSession) async throws -> ExitCode
  {
    if context.errors.isTerminal, !context.style.isQuiet {
      context.errors.write("Waiting until the cluster accepts it…\n")
    }
    let ports = session.ports(TroubleReporter(context.tell))
    switch try await AwaitActivation(plan: plan, ports: ports).wait(for: token) {
    case .active(let after):
      if context.errors.isTerminal, !context.style.isQuiet {
        context.errors.write("It works, \(DurationText.rounded(after)) after it was made.\n")
      }
      return .done
    case .notYet(let problem):
      context.tell(problem)
      return .notActiveYet
    case .failed(let problem):
      context.tell(problem)
      return .failed
    }
  }

  /// A run that ended well without the token is a failure all the same.
  private func worst(_ report: JobReport, _ least: ExitCode) -> ExitCode {
    ExitCode.worst([report.exitCode, least])
  }

  // MARK: Stored

  private func store(
    _ desired: DesiredToken, _ plan: JobPlan, _ target: TokenTarget, _ session: TokenSession
  ) async -> ExitCode {
    var plan = plan
    plan.only = [desired.name]
    let reporter = TroubleReporter(context.tell)
    let report = await RunJob(plan: plan, ports: session.ports(reporter)).run()
    let code = report.exitCode == .interrupted ? context.interruption.exitCode : report.exitCode
    guard let own = reporter.report(of: desired.name), let id = own.tokenID else {
      return ExitCode.worst([code, .failed])
    }
    guard own.outcome == .created || own.outcome == .unchanged else { return code }
    // The cluster knows best what was made; if it does not answer, what was asked for is as good.
    let found = try? await target.service.token(id: id)
    let record =
      found.flatMap { $0 }
      ?? TokenRecord(id: id, description: desired.description, permissions: desired.permissions)
    if !context.style.isQuiet {
      let places = session.session.wiring.storedPaths(of: target.storedJob, name: desired.name)
      context.output.write(target.forms(context.style.format).one(record, stored: places))
    }
    return code
  }
}
