import Arguments
import Glibc
import InfluxAPI
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
    defer { target.client.shutdown() }
    let job = stores ? target.storedJob : target.shownJob
    var shown: ShownToken?
    let code = await TokenSession.run("token create", of: job, context) { session in
      let token = OneToken(desired) { database, known in
        "token create: " + (DatabaseComplaint.text(about: database, known: known) ?? database)
      }
      var plan = try await session.session.wiring.plan(
        for: job, specification: token, isOneOff: true, journal: session.journal,
        ledger: session.session.ledger)
      guard stores else { return try await show(desired, &plan, target, session, &shown) }
      try await requireFree(desired, plan, target, session)
      if !target.isOfJob { try await tellWhatWasLeft(desired, plan, session) }
      return TokenSession.Ending(code: await store(desired, plan, target, session))
    }
    if !stores, shown == nil, context.interruption.isRequested { await sweep(desired.name, of: job) }
    // Lock and ledger are for others meanwhile.
    guard code == .done, let shown, context.options.flag(.wait) else { return code }
    return await wait(for: shown, target)
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
    _ desired: DesiredToken, _ plan: inout JobPlan, _ target: TokenTarget, _ session: TokenSession,
    _ shown: inout ShownToken?
  ) async throws -> TokenSession.Ending {
    let ledger = session.session.ledger
    let display = TokenDisplay(descriptor: STDOUT_FILENO, forms: target.forms(context.style.format))
    plan.display = display
    let report = await RunJob(plan: plan, ports: session.ports(TroubleReporter(context.tell))).run()
    let code = report.exitCode == .interrupted ? context.interruption.exitCode : report.exitCode
    let lineage = try? await ledger.lineage(named: desired.name, job: plan.name)
    let machine = lineage.flatMap { try? RotationMachine(replaying: $0.events) }
    guard let token = display.token, machine?.wasShown == true else {
      // After a signal it goes in a moment: see `sweep`.
      if let machine, !context.interruption.isRequested { tellWhatBecame(of: machine) }
      return TokenSession.Ending(code: ExitCode.worst([code, .failed]))
    }
    // Whatever else the run came across was told; the string is good, and its owner has it.
    shown = token
    if context.output.isTerminal, !context.style.isQuiet {
      context.errors.write("Keep the token now: it cannot be shown again.\n")
    }
    return TokenSession.Ending(code: .done, stands: true)
  }

  /// After a signal nobody waits any more: what the cluster has made goes at once. A second signal ends the program, and
  /// leaves that to the next run.
  private func sweep(_ name: String, of job: Job) async {
    _ = await TokenSession.run("token create", of: job, context) { session in
      let ledger = session.session.ledger
      var plan = try await session.session.wiring.plan(
        for: job, specification: NoTokens(), isOneOff: true, journal: session.journal,
        ledger: ledger)
      plan.only = [name]
      plan.display = NobodyWaits()
      var ports = session.ports(TroubleReporter(context.tell))
      ports.interruption = Unstoppable()
      _ = await RunJob(plan: plan, ports: ports).run()
      if let lineage = try await ledger.lineage(named: name, job: job.name) {
        tellWhatBecame(of: try RotationMachine(replaying: lineage.events))
      }
      return TokenSession.Ending(code: .done)
    }
  }

  /// A token that nobody has may not live on: whether it does is said for certain.
  private func tellWhatBecame(of machine: RotationMachine) {
    guard let made = machine.generations.last else { return }
    if !made.isLive {
      context.errors.write("The token that was made, \(made.tokenID), is revoked.\n")
    } else {
      context.tell(
        Problem(
          code: "not_revoked",
          message: "token \(made.tokenID) was made, nobody has its string, and it is NOT revoked",
          hint:
            "the next `token create` or `run` for this cluster revokes it; at once: `tokenrotate token revoke \(made.tokenID)`"
        ))
    }
  }

  private func wait(for token: ShownToken, _ target: TokenTarget) async -> ExitCode {
    let speaks = context.errors.isTerminal && !context.style.isQuiet
    if speaks { context.errors.write("Waiting until the cluster accepts it…\n") }
    let activation = target.job.activation
    let ending: AwaitActivation.Ending
    do {
      ending = await AwaitActivation(
        service: target.service,
        probe: try InfluxQLProbe(host: target.connection.host, client: target.client),
        policy: ActivationPolicy(
          timeout: activation.timeout, consecutive: activation.consecutive, settle: activation.settle),
        database: activation.database, clock: context.clock, random: SystemRandom(),
        interruption: context.interruption
      ).wait(for: token)
    } catch { ending = .failed(Problem(any: error)) }
    switch ending {
    case .active(let after):
      if speaks { context.errors.write("It works, \(DurationText.rounded(after)) after it was made.\n") }
      return .done
    case .notYet(let problem):
      context.tell(problem)
      return .notActiveYet
    case .failed(let problem):
      context.tell(problem)
      return .failed
    case .interrupted:
      context.errors.write("Stopped waiting; the token was shown, and is likely to work soon.\n")
      return context.interruption.exitCode
    }
  }

  // MARK: Stored

  /// A name stands for one token. Said again with the same words it is that token; anything else is refused before
  /// anything is changed.
  private func requireFree(
    _ desired: DesiredToken, _ plan: JobPlan, _ target: TokenTarget, _ session: TokenSession
  ) async throws {
    func refusal(_ why: String) -> Problem {
      Problem(
        code: "name_taken", message: "\(desired.name): \(why): nothing was created or changed",
        hint: "give this token another name with --name")
    }
    if target.isOfJob, try hasRow(desired.name, of: target.job) {
      throw refusal("the job's CSV has a row of this name")
    }
    guard let lineage = try await session.session.ledger.lineage(named: desired.name, job: plan.name) else {
      return
    }
    let machine = try RotationMachine(replaying: lineage.events)
    guard let newest = machine.newest else {
      guard machine.generations.isEmpty else { throw refusal("a token of this name was here before") }
      return
    }
    guard lineage.isOneOff else { throw refusal("the job has a token of this name") }
    guard let token = try await target.service.token(id: newest.tokenID), token.revokedAt == nil else {
      throw refusal("its token, \(newest.tokenID), is not on the cluster any more")
    }
    let isSame =
      Marker.split(token.description).description == desired.description
      && token.permissions == desired.permissions
      && token.expiresAt.map { $0.milliseconds / 1000 }
        == desired.expiry.instant(createdAt: context.clock.now).map { $0.milliseconds / 1000 }
    guard isSame else {
      throw refusal(
        "there is a token of this name with another description, other permissions or another expiry")
    }
  }

  /// Nothing is lost of a token whose call died: its string is put away. Somebody has to want it, though.
  private func tellWhatWasLeft(_ desired: DesiredToken, _ plan: JobPlan, _ session: TokenSession) async throws
  {
    let left = try await FinishByHand(job: plan.name, ledger: session.session.ledger).unfinished()
    for name in left.subtracting([desired.name]).sorted().prefix(10) {
      context.tell(
        Problem(
          code: "unfinished",
          message: "\(name): a call that ended before its time has left this token half done",
          hint: "say it again, with --name \(name), or revoke its token: `tokenrotate token list` shows it"))
    }
  }

  private func hasRow(_ name: String, of job: Job) throws -> Bool {
    var isThere = false
    try context.specification(of: job).reader.forEachRow { if $0.name == name { isThere = true } }
    return isThere
  }

  private func store(
    _ desired: DesiredToken, _ plan: JobPlan, _ target: TokenTarget, _ session: TokenSession
  ) async -> ExitCode {
    var plan = plan
    plan.only = [desired.name]
    let reporter = TroubleReporter(context.tell)
    let report = await RunJob(plan: plan, ports: session.ports(reporter)).run()
    let code = report.exitCode == .interrupted ? context.interruption.exitCode : report.exitCode
    guard code == .done, let id = reporter.report(of: desired.name)?.tokenID else {
      return code == .done ? .failed : code
    }
    // What was asked for is what was made; the cluster knows when.
    let found = (try? await target.service.token(id: id)).flatMap(\.self)
    let record =
      found
      ?? TokenRecord(
        id: id, description: desired.description, permissions: desired.permissions,
        expiresAt: desired.expiry.instant(createdAt: context.clock.now))
    if !context.style.isQuiet {
      let places = session.session.wiring.storedPaths(of: target.storedJob, name: desired.name)
      context.output.write(target.forms(context.style.format).one(record, stored: places))
    }
    return .done
  }
}
