internal import JSONText
internal import RotationModel

/// The endpoints under `/sandbox/`, which exist for tests and need no credential.
extension SandboxService {
  func administer(_ request: HTTPRequest, at now: Instant) -> HTTPAnswer {
    let parts = request.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst(2).map {
      String($0)
    }
    switch (request.method, parts.first, parts.count) {
    case ("GET", "state", 1): return stateAnswer(at: now)
    case ("GET", "statistics", 1): return statisticsAnswer()
    case ("GET", "nodes", 1): return nodesAnswer(request, at: now)
    case ("POST", "faults", 1): return setFaults(request)
    case ("POST", "activate", 1):
      withState { $0.cluster.activateAll(at: now) }
      return HTTPAnswer(status: 204)
    case ("POST", "reset", 1):
      reset()
      return HTTPAnswer(status: 204)
    case ("POST", "tokens", 3) where parts[2] == "revoke":
      let revoked = withState { $0.cluster.revokeToken(parts[1].lowercased(), at: now) }
      return revoked ? HTTPAnswer(status: 204) : .error(404, "no live token has this id", isData: false)
    default:
      return .error(404, "no such admin endpoint; see docs/sandbox.md", isData: false)
    }
  }

  private func stateAnswer(at now: Instant) -> HTTPAnswer {
    let (tokens, posts) = withState { ($0.cluster.liveTokens(at: now), $0.cluster.postsByDescription) }
    return .json(200) { writer in
      writer.object { writer in
        writer.member("time", now.rfc3339)
        writer.key("tokens")
        writer.array { writer in
          for token in tokens {
            writer.object { writer in
              token.writeMembers(to: &writer)
              writer.member("posts", posts[token.description] ?? 0)
            }
          }
        }
      }
    }
  }

  private func statisticsAnswer() -> HTTPAnswer {
    let (cluster, statistics) = withState { ($0.cluster, $0.statistics) }
    return .json(200) { writer in
      writer.object { writer in
        statistics.write(to: &writer)
        writer.key("postsByDescription")
        writer.object { writer in
          for (description, posts) in cluster.postsByDescription.sorted(by: { $0.key < $1.key }) {
            writer.member(description, posts)
          }
        }
        writer.key("faults")
        writer.array { writer in
          for entry in cluster.faults.entries {
            writer.object { writer in
              writer.member("fault", entry.fault.text)
              writer.member("seen", entry.seen)
              writer.member("fired", entry.fired)
            }
          }
        }
        writer.member("pendingEffects", cluster.pendingEffects)
        writer.member("seed", String(seed))
      }
    }
  }

  private func nodesAnswer(_ request: HTTPRequest, at now: Instant) -> HTTPAnswer {
    guard let id = request.query.first(where: { $0.name == "token_id" })?.value else {
      return .error(400, "the query parameter 'token_id' is missing", isData: false)
    }
    guard let known = withState({ $0.cluster.nodesKnowing(id.lowercased(), at: now) }) else {
      return .error(404, "no token has this id", isData: false)
    }
    return .json(200) { writer in
      writer.object { writer in
        writer.key("nodes")
        writer.array { writer in
          for isKnown in known { writer.bool(isKnown) }
        }
      }
    }
  }

  private func setFaults(_ request: HTTPRequest) -> HTTPAnswer {
    guard !request.bodyIsTooLong, let text = String(validating: request.body, as: UTF8.self) else {
      return .error(400, "the body is not a text of one fault a line", isData: false)
    }
    do {
      let faults = try Fault.parseList(text)
      withState { $0.cluster.faults.replace(with: faults) }
      return HTTPAnswer(status: 204)
    } catch {
      return .error(400, error.description, isData: false)
    }
  }

  /// Back to what it was at the start, seed and faults included; open requests stay counted.
  private func reset() {
    withState { state in
      let fresh = State(options, seed: seed)
      state.cluster = fresh.cluster
      state.nodeGenerator = fresh.nodeGenerator
      state.nextNode = 0
      state.statistics.reset()
    }
  }
}
