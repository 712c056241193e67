import Arguments
import JobFiles
import Reporting
import RotationModel
import RotationPorts
import RotationRunner

/// `token update` and `token revoke`: what a person says of tokens by their ids.
struct TokenChangeCommand {
  let context: CommandContext

  func update() async -> ExitCode {
    await change("token update", confirm: { _ in true }) { token, target, session, changes in
      if let holder = try await session.holder(of: token), !ReservedJobName.isReserved(holder.job) {
        return .belongsToJob(token.id, holder, hint: "change the row's permissions, and let `run` do it")
      }
      let permissions = try TokenArguments(options: context.options).permissions(target.job.policy)
      if let problem = try await changes.update(token, permissions: permissions) { return problem }
      var changed = token
      changed.permissions = permissions
      context.output.write(target.forms(context.style.format).one(changed))
      return nil
    }
  }

  func revoke() async -> ExitCode {
    await change("token revoke", confirm: confirm) { token, target, session, changes in
      let holder = try await session.holder(of: token)
      switch holder {
      case let holder? where holder.job.hasPrefix(ReservedJobName.stored):
        guard try await retire(holder, target, session) else { return .notRetired(token.id) }
      case let holder? where !ReservedJobName.isReserved(holder.job):
        let hint =
          holder.isPredecessor
          ? "it is revoked when its overlap has passed; `tokenrotate rotate --compromised` ends it at once"
          : "`tokenrotate retire` ends it once its row is gone, `rotate --compromised` replaces it at once"
        return .belongsToJob(token.id, holder, hint: hint)
      case _?, nil:
        if let problem = try await changes.revoke(token) { return problem }
      }
      if context.style.format == .json {
        context.output.write(target.forms(.json).one(token, revokedAt: context.clock.now))
      } else if !context.style.isQuiet {
        context.output.write("\(token.id) revoked\n")
      }
      return nil
    }
  }

  /// Looks all tokens up before the first is changed, and goes on with the next when one fails.
  private func change(
    _ command: String, confirm: ([TokenRecord]) -> Bool,
    _ one: (TokenRecord, TokenTarget, TokenSession, ChangeByHand) async throws -> Problem?
  ) async -> ExitCode {
    let target: TokenTarget
    do {
      try context.requireTokenIDs()
      target = try TokenTarget(context)
      if context.invocation.command == .tokenUpdate {
        _ = try TokenArguments(options: context.options).permissions(target.job.policy)
      }
    } catch {
      context.tell(Problem(any: error))
      return .badInput
    }
    defer { target.client.shutdown() }
    let tokens: [TokenRecord]
    do {
      if let problem = try await unknownDatabases(target) {
        context.tell(problem)
        return .badInput
      }
      tokens = try await find(target)
    } catch {
      context.tell(Problem(any: error))
      return (error as? ServiceError)?.code == .credentialRefused ? .credentialRefused : .failed
    }
    guard confirm(tokens) else {
      context.tell(
        Problem(
          code: "not_confirmed", message: "not confirmed: nothing was changed",
          hint: "type yes, or say --force"))
      return .badInput
    }
    // Only from here on a signal must wait for a safe point: while the question stands, it just ends the program.
    context.interruption.install()
    return await TokenSession.run(command, of: target.job, context) { session in
      let changes = ChangeByHand(
        cluster: target.connection.identity, service: target.service, journal: session.journal,
        clock: context.clock)
      var codes: [ExitCode] = [.done]
      for token in tokens {
        if context.interruption.isRequested { throw Stop.interrupted }
        guard let problem = try await one(token, target, session, changes) else { continue }
        context.tell(problem)
        codes.append(
          problem.code == ServiceError.Code.credentialRefused.rawValue ? .credentialRefused : .failed)
      }
      return TokenSession.Ending(code: ExitCode.worst(codes))
    }
  }

  /// What is wrong with the databases that are named, if any are.
  private func unknownDatabases(_ target: TokenTarget) async throws -> Problem? {
    let named = context.options.values(.readDatabase) + context.options.values(.writeDatabase)
    guard named.contains(where: { $0 != Permission.everyDatabase }) else { return nil }
    let known = Set(try await target.service.listDatabases())
    let complaints = named.compactMap { DatabaseComplaint.text(about: $0, known: known) }
    guard !complaints.isEmpty else { return nil }
    return Problem(
      code: Problem.unknownDatabase,
      message: complaints.map { "\(context.invocation.command.rawValue): \($0)" }.joined(separator: "\n"),
      hint: "create the databases, or correct the names; nothing was changed")
  }

  /// Each token once, in the order named. One that is not there is a mistake, before anything was done.
  private func find(_ target: TokenTarget) async throws -> [TokenRecord] {
    var tokens: [TokenRecord] = []
    for id in context.invocation.operands {
      guard let token = try await target.service.token(id: id), token.revokedAt == nil else {
        var problem = Problem.noSuchToken(id)
        if context.invocation.operands.count > 1 {
          problem.message += ": none of the others was changed either"
        }
        throw problem
      }
      if !tokens.contains(where: { $0.id == token.id }) { tokens.append(token) }
    }
    return tokens
  }

  /// A person's yes on standard input, unless `--force` has said it.
  private func confirm(_ tokens: [TokenRecord]) -> Bool {
    guard !context.options.flag(.force) else { return true }
    context.errors.write("These tokens are revoked at once, which cannot be undone:\n")
    for token in tokens {
      context.errors.write("  \(token.id)  \(VisibleText.line(token.description))\n")
    }
    context.errors.write("Revoke \(tokens.count == 1 ? "it" : "all \(tokens.count)")? [y/N] ")
    let answer = readLine()?.lowercased() ?? ""
    return answer == "y" || answer == "yes"
  }

  /// A token that was put away without a job is taken out of its place before it goes.
  private func retire(
    _ holder: TokenHolder, _ target: TokenTarget, _ session: TokenSession
  ) async throws -> Bool {
    let plan = try await session.session.wiring.plan(
      for: target.ownJob(holder.job), specification: NoTokens(), isOneOff: true, journal: session.journal,
      ledger: session.session.ledger)
    let report = await RecordWish(
      .retire(now: true), names: [holder.name], plan: plan,
      ports: session.ports(TroubleReporter(context.tell))
    ).run()
    return report.exitCode == .done
  }
}

/// Who looks after a token.
private struct TokenHolder {
  var job: String
  var name: String
  /// Whether another has taken its place already.
  var isPredecessor: Bool
}

extension TokenSession {
  /// The job and name that a token belongs to, as this ledger knows, whatever its description says: a token that was
  /// made by hand and taken over is one of them. A marker of this installation that the ledger does not know counts,
  /// too.
  fileprivate func holder(of token: TokenRecord) async throws -> TokenHolder? {
    for found in try await session.ledger.lineages(naming: token.id) {
      let machine = try RotationMachine(replaying: found.lineage.events)
      guard let generation = machine.liveGeneration(ofToken: token.id) else { continue }
      return TokenHolder(
        job: found.job, name: found.lineage.name,
        isPredecessor: generation.number == machine.predecessor?.number)
    }
    guard let marker = Marker.split(token.description).marker,
      marker.installation == session.ledger.installation, !ReservedJobName.isReserved(marker.job)
    else { return nil }
    return TokenHolder(job: marker.job, name: marker.name, isPredecessor: false)
  }
}

extension Problem {
  /// A token of a job is not changed by hand: its row and the stores would not know.
  fileprivate static func belongsToJob(_ id: String, _ holder: TokenHolder, hint: String) -> Problem {
    Problem(
      code: "belongs_to_job",
      message: "token \(id) is \(holder.name) of job \(holder.job): it was not changed", hint: hint)
  }

  fileprivate static func notRetired(_ id: String) -> Problem {
    Problem(
      code: "not_revoked", message: "token \(id) is not revoked yet",
      hint: "say the command again; what was begun is on record")
  }
}
