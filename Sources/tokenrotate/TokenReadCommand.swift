import Arguments
import RotationPorts
import RotationRunner

/// `token list` and `token get`: what the cluster knows. Needs no state directory.
struct TokenReadCommand {
  let context: CommandContext

  func list() async -> ExitCode {
    await read { target in
      let showsRevoked = context.options.flag(.includeRevoked)
      var tokens = try await target.service.listTokens { showsRevoked || $0.revokedAt == nil }.tokens
      let byDescription = context.options.value(.sort) == "description"
      tokens.sort { left, right in
        byDescription
          ? (left.description, left.id) < (right.description, right.id) : left.id < right.id
      }
      return target.forms(context.style.format).list(tokens)
    }
  }

  func get() async -> ExitCode {
    let id = context.invocation.operands[0]
    return await read { target in
      guard let token = try await target.service.token(id: id),
        token.revokedAt == nil || context.options.flag(.includeRevoked)
      else { throw Problem.noSuchToken(id) }
      return target.forms(context.style.format).one(token)
    }
  }

  private func read(_ text: (TokenTarget) async throws -> String) async -> ExitCode {
    let target: TokenTarget
    do {
      if context.invocation.command == .tokenGet { try context.requireTokenIDs() }
      target = try TokenTarget(context)
    } catch {
      context.tell(Problem(any: error))
      return .badInput
    }
    defer { target.client.shutdown() }
    do {
      context.output.write(try await text(target))
      return .done
    } catch {
      context.tell(Problem(any: error))
      return (error as? ServiceError)?.code == .credentialRefused ? .credentialRefused : .failed
    }
  }
}
