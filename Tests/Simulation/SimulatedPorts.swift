import RotationModel
import RotationPorts
import RotationTestKit
import Sandbox

/// The cluster's administration as the runner meets it, with the world's faults in between.
struct SimulatedTokenService: TokenService {
  let world: World

  var address: String { "https://console.example" }
  var requestTimeout: Duration { World.requestTimeout }

  private func travel() async {
    let milliseconds = Int64(1 + world.draw.next() % 400)
    try? await world.clock.sleep(for: .milliseconds(milliseconds))
  }

  private static let dead = ServiceError(.noAnswer, message: "the process is dead")

  func createToken(_ request: RotationPorts.TokenRequest) async -> CreateAnswer {
    world.step("before POST")
    guard !world.isDead, let marker = Marker.split(request.description).marker else {
      return .unknown(Self.dead)
    }
    Invariants.checkPost(world, marker)
    let index = world.posts.count
    world.posts.append(
      World.Post(
        marker: marker, sentAt: world.clock.uptime, deadline: world.clock.uptime + requestTimeout,
        answer: .pending))
    await travel()
    let answer = world.cluster.perform(
      .create(
        Sandbox.TokenRequest(
          description: request.description, permissions: request.permissions, expiresAt: request.expiresAt)),
      node: 0, at: world.now)
    world.rememberStrings()
    world.step("after POST")
    if answer.delay >= requestTimeout { try? await world.clock.sleep(for: requestTimeout) }
    await travel()
    guard !world.isDead else { return .unknown(Self.dead) }
    let judged = judge(answer)
    world.posts[index].answer = judged.1
    return judged.0
  }

  /// As ARCHITECTURE's invariant 5 tells refusal and unknown apart.
  private func judge(_ answer: ClusterAnswer) -> (CreateAnswer, World.Post.Answer) {
    guard answer.delay < requestTimeout else {
      return (.unknown(ServiceError(.noAnswer, message: "no answer in time")), .unknown)
    }
    switch answer.reply {
    case .created(let token):
      switch answer.malformation {
      case .missing, .truncated, .empty, .html:
        return (.unknown(ServiceError(.malformed, status: 200, message: "unreadable")), .unknown)
      case .newline: return created(token, string: token.accessToken + "\n")
      case .short: return created(token, string: "apiv1_x")
      case nil: return created(token, string: token.accessToken)
      }
    case .refused(let status, let message, let retryAfter):
      let error = ServiceError(
        status == 429 ? .throttled : .unavailable, status: status, message: message,
        retryAfter: retryAfter.map { .seconds($0) })
      return [400, 401, 403, 404, 413, 422, 429].contains(status)
        ? (.refused(error), .refused) : (.unknown(error), .unknown)
    case nil:
      return (.unknown(ServiceError(.noAnswer, message: "connection closed")), .unknown)
    case .tokens, .token, .revoked, .databases, .access, .notFound:
      return (.unknown(ServiceError(.malformed, message: "another answer")), .unknown)
    }
  }

  private func created(
    _ token: Sandbox.CreatedToken, string: String
  ) -> (CreateAnswer, World.Post.Answer) {
    (
      .created(
        RotationPorts.CreatedToken(
          id: token.record.id, accessToken: Secret(Array(string.utf8)), expiresAt: token.record.expiresAt)),
      .created
    )
  }

  func listTokens(
    keeping isWanted: @Sendable (RotationPorts.TokenRecord) -> Bool
  ) async throws(ServiceError) -> TokenListing {
    let index = world.listings.count
    world.listings.append(World.Listing(begunAt: world.clock.uptime, wasAnswered: false))
    world.listingsOfProcess += 1
    let skew = Duration.milliseconds(abs((world.clock.now - world.now).milliseconds))
    if world.listingsOfProcess == 2 { world.acted("search") }
    let reply = try await ask(.list)
    guard case .tokens(let tokens) = reply else { throw Self.dead }
    world.listings[index].wasAnswered = true
    world.skewOfProcess = world.skewOfProcess ?? skew
    // The header has whole seconds.
    let date = Instant(milliseconds: world.now.milliseconds / 1000 * 1000)
    return TokenListing(tokens: tokens.map(\.asPort).filter(isWanted), serviceTime: date)
  }

  func token(id: String) async throws(ServiceError) -> RotationPorts.TokenRecord? {
    switch try await ask(.get(id: id)) {
    case .token(let token):
      // A replica that has not heard of the token yet.
      return world.now - token.createdAt < world.replicaLag ? nil : token.asPort
    case .notFound: return nil
    default: throw Self.dead
    }
  }

  func listDatabases() async throws(ServiceError) -> [String] {
    guard case .databases(let names) = try await ask(.databases) else { throw Self.dead }
    return names
  }

  func updateToken(id: String, description: String?, permissions: PermissionSet?) async -> ChangeAnswer {
    world.step("before PATCH")
    guard !world.isDead else { return .unknown(Self.dead) }
    Invariants.checkChange(world, id, description: description, permissions: permissions)
    world.changes += 1
    await travel()
    let change = TokenChange(description: description, permissions: permissions)
    let answer = world.cluster.perform(.update(id: id, change), node: 0, at: world.now)
    world.step("after PATCH")
    return judgeChange(answer)
  }

  private func judgeChange(_ answer: ClusterAnswer) -> ChangeAnswer {
    guard !world.isDead else { return .unknown(Self.dead) }
    switch answer.reply {
    case .revoked, .token: return .done
    case .notFound: return .notFound
    case .refused(let status, let message, _):
      let error = ServiceError(status == 429 ? .throttled : .unavailable, status: status, message: message)
      return status == 429 ? .refused(error) : .unknown(error)
    default: return .unknown(ServiceError(.noAnswer, message: "connection closed"))
    }
  }

  func revokeToken(id: String) async -> ChangeAnswer {
    world.step("before DELETE")
    guard !world.isDead else { return .unknown(Self.dead) }
    Invariants.checkRevocation(world, id)
    world.deletes += 1
    await travel()
    let answer = world.cluster.perform(.revoke(id: id), node: 0, at: world.now)
    world.step("after DELETE")
    return judgeChange(answer)
  }

  private func ask(_ call: ClusterCall) async throws(ServiceError) -> ClusterReply {
    world.step("before \(call.operation)")
    guard !world.isDead else { throw Self.dead }
    await travel()
    let answer = world.cluster.perform(call, node: 0, at: world.now)
    await travel()
    guard !world.isDead else { throw Self.dead }
    switch answer.reply {
    case nil: throw ServiceError(.noAnswer, message: "connection closed")
    case .refused(let status, let message, let retryAfter):
      throw ServiceError(
        status == 429 ? .throttled : .unavailable, status: status, message: message,
        retryAfter: retryAfter.map { .seconds($0) })
    case .some(let reply): return reply
    }
  }
}

extension World {
  /// Remembers what the cluster said to a token's string.
  fileprivate func answered(aboutString string: String, with reply: ClusterReply?) {
    guard let id = ids[string] else { return }
    guard case .access(.permitted) = reply else {
      acceptances[id] = nil
      if case .access = reply, !cluster.liveTokens(at: now).contains(where: { $0.id == id }) {
        refusedAfterwards.insert(id)
      }
      return
    }
    var seen = acceptances[id] ?? Acceptances(first: clock.uptime)
    seen.count += 1
    seen.last = clock.uptime
    acceptances[id] = seen
  }
}

extension Sandbox.TokenRecord {
  fileprivate var asPort: RotationPorts.TokenRecord {
    RotationPorts.TokenRecord(
      id: id, description: description, permissions: permissions, createdAt: createdAt, expiresAt: expiresAt,
      revokedAt: revokedAt)
  }
}

/// The data endpoint: every question reaches a node at random.
struct SimulatedProbe: ActivationProbe {
  let world: World

  func probe(_ target: ProbeTarget, accessToken: Secret) async -> ProbeAnswer {
    guard !world.isDead else { return .unavailable(ServiceError(.noAnswer, message: "the process is dead")) }
    let string = accessToken.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    try? await world.clock.sleep(for: .milliseconds(Int64(1 + world.draw.next() % 50)))
    world.acted("activate")
    let call: ClusterCall =
      target.action == .read
      ? .query(accessToken: string, database: target.database)
      : .write(accessToken: string, database: target.database)
    let node = Int(world.draw.next() % 3)
    let reply = world.cluster.perform(call, node: node, at: world.now).reply
    world.answered(aboutString: string, with: reply)
    switch reply {
    case .access(.permitted): return .accepted
    case .access(.unknownToken): return .refused(status: 401, message: "unauthorized")
    case .access: return .refused(status: 403, message: "forbidden")
    default: return .unavailable(ServiceError(.unavailable, status: 503, message: "unavailable"))
    }
  }
}

/// The CSV: the world's rows, by position.
struct SimulatedSpecification: Specification {
  let world: World

  func enqueueRows(batchSize: Int, _ receive: ([QueuedRow]) async throws -> Void) async throws {
    try await receive(
      world.wanted.enumerated().map { position, row in
        QueuedRow(
          name: row.name, position: Int64(position), byteOffset: Int64(position), byteLength: 1,
          digest: row.name, isOneOff: false)
      })
  }

  func row(_ queued: QueuedRow) throws(RowError) -> DesiredToken { world.wanted[Int(queued.position)] }

  func unknownDatabases(
    known: Set<String>, _ receive: ([UnknownDatabase]) async throws -> Bool
  ) async throws {}
}

/// A wish to stop, voiced at the time that the world has drawn.
struct SimulatedInterruption: Interruption {
  let world: World

  var isRequested: Bool {
    world.isDead || world.trouble.interruptAt.map { $0 <= world.clock.uptime } ?? false
  }

  func requested() async throws {
    guard let moment = world.trouble.interruptAt else {
      while true { try await world.clock.sleep(for: .seconds(3600)) }
    }
    try await world.clock.sleep(until: moment)
  }
}

/// Keeps every text that a person would see, to be searched for secrets.
struct RecordingReporter: Reporter {
  let world: World

  func jobStarted(_ job: String) {}
  func progressed(_ job: String, _ progress: Progress) {}
  func tokenFinished(_ job: String, _ report: TokenReport) {
    world.reports.append("\(report)")
    world.tell(
      "report \(report.name) \(report.outcome.rawValue) \(report.problem.map { "\($0.code): \($0.message)" } ?? "")"
    )
    if report.outcome == .unchanged { world.acted("none") }
    if report.outcome == .pending { world.acted("wait") }
  }
  func noticed(_ job: String, _ problem: Problem) { world.reports.append("\(problem)") }
  func jobFinished(_ job: String, _ report: JobReport) {
    world.reports.append("\(report)")
    world.tell("finished with \(report.exitCode) \(report.problem?.message ?? "")")
  }
}
