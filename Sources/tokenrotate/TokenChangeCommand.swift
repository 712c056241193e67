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
      if let problem = session.refusal(of: token, hint: "change the row's permissions, and let `run` do it") {
        return problem
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
      let marker = Marker.split(token.description).marker
      if let marker, marker.installation == session.session.ledger.installation,
        !target.isOfJob, marker.job == target.storedJob.name
      {
        guard try await retire(marker.name, target, session) else { return .notRetired(token.id) }
      } else {
        let hint =
          "`tokenrotate retire` ends it once its row is gone, `rotate --compromised` replaces it at once"
        if let problem = session.refusal(of: token, hint: hint) { return problem }
        if let problem = try await changes.revoke(token) { return problem }
      }
      if context.style.format == .table, !context.style.isQuiet {
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
      target = try TokenTarget(context)
      if context.invocation.command == .tokenUpdate {
        _ = try TokenArguments(options: context.options).permissions(target.job.policy)
      }
    } catch {
      context.tell(Problem(any: error))
      return .badInput
    }
    let tokens: [TokenRecord]
    do { tokens = try await find(target) } catch {
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
      return ExitCode.worst(codes)
    }
  }

  /// Each token once, in the order named. One that is not there is a mistake, before anything was done.
  private func find(_ target: TokenTarget) async throws -> [TokenRecord] {
    var tokens: [TokenRecord] = []
    for id in context.invocation.operands {
      guard let token = try await target.service.token(id: id), token.revokedAt == nil else {
        throw Problem.noSuchToken(id)
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
  private func retire(_ name: String, _ target: TokenTarget, _ session: TokenSession) async throws -> Bool {
    let job = target.storedJob
    let plan = try session.session.wiring.plan(
      for: job, specification: NoTokens(), isOneOff: true, journal: session.journal,
      installation: session.session.ledger.installation)
    let report = await RecordWish(
      .retire(now: true), names: [name], plan: plan, ports: session.ports(TroubleReporter(context.tell))
    ).run()
    return report.exitCode == .done
  }
}

extension TokenSession {
  /// Why a token of a job of this installation is not changed by hand: its row and the stores would not know.
  fileprivate func refusal(of token: TokenRecord, hint: String) -> Problem? {
    guard let marker = Marker.split(token.description).marker,
      marker.installation == session.ledger.installation, !ReservedJobName.isReserved(marker.job)
    else { return nil }
    return Problem(
      code: "belongs_to_job",
      message: "token \(token.id) is \(marker.name) of job \(marker.job): it was not changed",
      hint: hint)
  }
}

extension Problem {
  fileprivate static func notRetired(_ id: String) -> Problem {
    Problem(
      code: "not_revoked", message: "token \(id) is not revoked yet",
      hint: "say the command again; what was begun is on record")
  }
}
