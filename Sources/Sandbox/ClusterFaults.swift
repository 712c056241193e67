public import RotationModel

/// Calls with the fault plan in their way.
extension SimulatedCluster {
  /// Late effects beyond this many are dropped as if the request had been lost.
  private static let maximumPendingEffects = 100_000

  /// Carries out one call as a client of node `node` (from 0) experiences it.
  public mutating func perform(_ call: ClusterCall, node: Int, at now: Instant) -> ClusterAnswer {
    land(upTo: now)
    if case .create(let request) = call { countPost(request.description) }
    guard !faults.isEmpty else { return ClusterAnswer(reply(to: call, node: node, at: now)) }
    let description = faults.looksAtDescriptions ? description(of: call) : nil
    let drawn = faults.draw(for: call.operation, node: node, description: description)
    var answer = answer(to: call, under: drawn.effect, node: node, at: now)
    answer.delay = drawn.delay
    return answer
  }

  private mutating func answer(
    to call: ClusterCall, under effect: Fault.Effect?, node: Int, at now: Instant
  ) -> ClusterAnswer {
    switch effect {
    case nil, .slow:
      return ClusterAnswer(reply(to: call, node: node, at: now))
    case .answerLost:
      _ = reply(to: call, node: node, at: now)
      return ClusterAnswer(nil)
    case .requestLost:
      return ClusterAnswer(nil)
    case .lateEffect(let delay, let status):
      if call.operation.changesTokens, pendingEffects < Self.maximumPendingEffects {
        postpone(call, until: now + delay)
      }
      return ClusterAnswer(status.map { .fault($0) })
    case .errorBefore(let status):
      return ClusterAnswer(.fault(status))
    case .errorAfter(let status):
      _ = reply(to: call, node: node, at: now)
      return ClusterAnswer(.fault(status))
    case .throttle(let status, let retryAfterSeconds):
      return ClusterAnswer(.fault(status, retryAfterSeconds: retryAfterSeconds))
    case .malformed(let malformation):
      return ClusterAnswer(reply(to: call, node: node, at: now), malformation: malformation)
    case .duplicate:
      _ = reply(to: call, node: node, at: now)
      return ClusterAnswer(reply(to: call, node: node, at: now))
    case .wrongExpiry:
      return ClusterAnswer(reply(to: call.withWrongExpiry(at: now), node: node, at: now))
    }
  }

  /// Carries out one call without any fault.
  mutating func reply(to call: ClusterCall, node: Int, at now: Instant) -> ClusterReply {
    switch call {
    case .create(let request):
      if let created = insert(request, at: now) { return .created(created) }
      return .refused(status: 409, message: "the sandbox holds no more tokens", retryAfterSeconds: nil)
    case .list: return .tokens(listTokens(at: now))
    case .get(let id): return token(id, at: now).map { .token($0) } ?? .notFound
    case .update(let id, let change): return apply(change, to: id, at: now).map { .token($0) } ?? .notFound
    case .revoke(let id): return markRevoked(id, at: now) ? .revoked : .notFound
    case .databases: return .databases(configuration.databases)
    case .query(let accessToken, let database):
      return .access(access(.read, node: node, accessToken: accessToken, database: database, at: now))
    case .write(let accessToken, let database):
      return .access(access(.write, node: node, accessToken: accessToken, database: database, at: now))
    }
  }

  /// What a fault's `match` is compared with.
  private func description(of call: ClusterCall) -> String? {
    switch call {
    case .create(let request): request.description
    case .get(let id), .update(let id, _), .revoke(let id): slot(id: id)?.record.description
    case .query(let accessToken, _), .write(let accessToken, _):
      slot(accessToken: accessToken)?.record.description
    case .list, .databases: nil
    }
  }
}

extension ClusterReply {
  static func fault(_ status: Int, retryAfterSeconds: Int? = nil) -> ClusterReply {
    .refused(
      status: status, message: StatusText.message(status), retryAfterSeconds: retryAfterSeconds)
  }
}

extension ClusterCall {
  /// A day later than asked for, or a day from now where no expiry was asked for.
  fileprivate func withWrongExpiry(at now: Instant) -> ClusterCall {
    guard case .create(var request) = self else { return self }
    request.expiresAt = (request.expiresAt ?? now) + .seconds(86_400)
    return .create(request)
  }
}
