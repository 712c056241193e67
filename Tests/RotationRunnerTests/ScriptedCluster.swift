import RotationModel
import RotationPorts
import RotationTestKit

/// A cluster of plain collections: it answers as its script says, and else as a healthy one. Every request
/// is kept, with the virtual time at which it was sent.
final class ScriptedCluster: TokenService, ActivationProbe, @unchecked Sendable {
  // Only ever touched by the thread of the deterministic executor.
  enum Creation {
    case succeed
    case refuse(ServiceError)
    /// No answer; the token comes to exist after this long, or never.
    case vanish(effectAfter: Duration?)
    /// A success whose string is this one.
    case answer(String)
    /// A success whose expiry is one day later than asked.
    case wrongExpiry
  }

  enum Update {
    case succeed
    case refuse(ServiceError)
    /// No answer; the change comes to be after this long, or never.
    case vanish(effectAfter: Duration?)
  }

  enum Request: Equatable {
    case create(name: String, attempt: AttemptID)
    case list
    case get(String)
    case revoke(String)
    case databases
    case update(String, description: String?, permissions: PermissionSet?)
  }

  let clock: SimulatedClock
  var requests: [(request: Request, at: Duration)] = []
  /// What the next creations of a name do; when used up, they succeed.
  var creations: [String: [Creation]] = [:]
  var databases = ["air", "water"]
  var listError: ServiceError?
  var revocations: [ChangeAnswer] = []
  /// What the next updates do; when used up, they succeed.
  var updates: [Update] = []
  /// Tokens that live and that a listing leaves out.
  var unlisted: Set<String> = []
  /// Whether revoked tokens are still shown, as such.
  var showsRevoked = false
  /// Tokens whose strings every node still knows, whatever became of them.
  var stillAccepted: Set<String> = []
  /// Told of every request before it takes any time.
  var onRequest: (Request) -> Void = { _ in }
  var life = Life()
  private static let dead = ServiceError(.noAnswer, message: "the process is dead")
  /// The cluster's clock less ours.
  var skew: Duration = .zero
  /// Whether its answers say what time it is there.
  var tellsTime = true
  var answerToProbe: (ProbeTarget, Duration) -> ProbeAnswer = { _, _ in .accepted }
  var probes: [(target: ProbeTarget, at: Duration)] = []
  private var tokens: [(record: TokenRecord, visibleFrom: Duration)] = []
  private var late: [(update: @Sendable (inout TokenRecord) -> Void, id: String, at: Duration)] = []
  /// Whose string it is.
  private var strings: [String: String] = [:]
  private var number = 0
  /// A wall clock of its own, which no jump of ours moves.
  private let wallAtStart: Instant

  let address = "https://console.example"
  let requestTimeout: Duration = .seconds(5)

  init(clock: SimulatedClock) {
    self.clock = clock
    wallAtStart = clock.wallAtStart
  }

  var now: Instant { wallAtStart + clock.uptime + skew }

  /// Puts a token there, as somebody else would.
  func plant(
    id: String, description: String, permissions: PermissionSet = Bench.permissions, expiresAt: Instant? = nil
  ) {
    tokens.append(
      (
        TokenRecord(id: id, description: description, permissions: permissions, expiresAt: expiresAt), .zero
      ))
  }

  func remove(id: String) { tokens.removeAll { $0.record.id == id } }

  /// Ends a token, as somebody else would.
  func revokeElsewhere(id: String) {
    guard showsRevoked else { return remove(id: id) }
    apply({ [now] in $0.revokedAt = now }, to: id)
  }

  func change(id: String, permissions: PermissionSet) {
    apply({ $0.permissions = permissions }, to: id)
  }

  func describe(id: String, _ description: String) {
    apply({ $0.description = description }, to: id)
  }

  private func apply(_ update: (inout TokenRecord) -> Void, to id: String) {
    for index in tokens.indices where tokens[index].record.id == id { update(&tokens[index].record) }
  }

  /// What has come to be by now, revoked tokens included.
  private var shown: [TokenRecord] {
    for change in late where change.at <= clock.uptime { apply(change.update, to: change.id) }
    late.removeAll { $0.at <= clock.uptime }
    return tokens.filter { $0.visibleFrom <= clock.uptime }.map(\.record)
  }

  var live: [TokenRecord] { shown.filter { $0.revokedAt == nil } }
  func token(_ id: String) -> TokenRecord? { live.first { $0.id == id } }
  var posts: [(name: String, attempt: AttemptID, at: Duration)] {
    requests.compactMap { entry in
      if case .create(let name, let attempt) = entry.request { (name, attempt, entry.at) } else { nil }
    }
  }
  var revoked: [String] {
    requests.compactMap { if case .revoke(let id) = $0.request { id } else { nil } }
  }
  /// The updates of one token that take all its permissions away.
  func disables(of id: String) -> Int {
    requests.count { $0.request == .update(id, description: nil, permissions: PermissionSet([])) }
  }
  var updatesSent: [(id: String, description: String?, permissions: PermissionSet?)] {
    requests.compactMap { entry in
      if case .update(let id, let description, let permissions) = entry.request {
        (id, description, permissions)
      } else {
        nil
      }
    }
  }
  var changes: Int {
    requests.count { entry in
      switch entry.request {
      case .create, .revoke, .update: true
      case .list, .get, .databases: false
      }
    }
  }

  private func receive(_ request: Request) async {
    requests.append((request, clock.uptime))
    onRequest(request)
    try? await clock.sleep(for: .milliseconds(100))
  }

  func createToken(_ request: TokenRequest) async -> CreateAnswer {
    guard let marker = Marker.split(request.description).marker else {
      return .refused(ServiceError(.badRequest, message: "no marker"))
    }
    let step =
      creations[marker.name]?.isEmpty == false ? creations[marker.name]?.removeFirst() : nil
    guard life.reaches("a creation") else { return .unknown(ScriptedCluster.dead) }
    await receive(.create(name: marker.name, attempt: marker.attempt))
    let answer = await answer(step ?? .succeed, to: request)
    return life.reaches("a creation's answer") ? answer : .unknown(ScriptedCluster.dead)
  }

  private func answer(_ step: Creation, to request: TokenRequest) async -> CreateAnswer {
    switch step {
    case .refuse(let error): return .refused(error)
    case .vanish(let delay):
      if let delay { _ = make(request, expiresAt: request.expiresAt, visibleAfter: delay) }
      try? await clock.sleep(for: requestTimeout - .milliseconds(100))
      return .unknown(ServiceError(.noAnswer, message: "no answer in time"))
    case .succeed: return .created(make(request, expiresAt: request.expiresAt))
    case .answer(let string): return .created(make(request, expiresAt: request.expiresAt, string: string))
    case .wrongExpiry:
      let later = request.expiresAt ?? Instant(milliseconds: 1_900_000_000_000)
      return .created(make(request, expiresAt: later + .seconds(86_400)))
    }
  }

  private func make(
    _ request: TokenRequest, expiresAt: Instant?, visibleAfter delay: Duration = .zero, string: String? = nil
  ) -> CreatedToken {
    number += 1
    let id = "id-\(number)"
    tokens.append(
      (
        TokenRecord(
          id: id, description: request.description, permissions: request.permissions, createdAt: clock.now,
          expiresAt: expiresAt), clock.uptime + delay
      ))
    let string = string ?? "apiv1_string-of-\(id)-0123456789"
    strings[string] = id
    return CreatedToken(id: id, accessToken: Secret(Array(string.utf8)), expiresAt: expiresAt)
  }

  func listTokens(
    keeping isWanted: @Sendable (TokenRecord) -> Bool
  ) async throws(ServiceError) -> TokenListing {
    await receive(.list)
    if let listError { throw listError }
    let listed = shown.filter { isWanted($0) && !unlisted.contains($0.id) }
    let time = Instant(milliseconds: now.milliseconds / 1000 * 1000)
    return TokenListing(tokens: listed, serviceTime: tellsTime ? time : nil)
  }

  func token(id: String) async throws(ServiceError) -> TokenRecord? {
    await receive(.get(id))
    return shown.first { $0.id == id }
  }

  func updateToken(id: String, description: String?, permissions: PermissionSet?) async -> ChangeAnswer {
    guard life.reaches("an update") else { return .unknown(ScriptedCluster.dead) }
    await receive(.update(id, description: description, permissions: permissions))
    let answer = await answer(id, description, permissions)
    return life.reaches("an update's answer") ? answer : .unknown(ScriptedCluster.dead)
  }

  private func answer(
    _ id: String, _ description: String?, _ permissions: PermissionSet?
  ) async -> ChangeAnswer {
    guard token(id) != nil else { return .notFound }
    let update: @Sendable (inout TokenRecord) -> Void = { record in
      record.description = description ?? record.description
      record.permissions = permissions ?? record.permissions
    }
    switch updates.isEmpty ? .succeed : updates.removeFirst() {
    case .succeed:
      apply(update, to: id)
      return .done
    case .refuse(let error): return .refused(error)
    case .vanish(let delay):
      if let delay { late.append((update, id, clock.uptime + delay)) }
      try? await clock.sleep(for: requestTimeout - .milliseconds(100))
      return .unknown(ServiceError(.noAnswer, message: "no answer in time"))
    }
  }

  func revokeToken(id: String) async -> ChangeAnswer {
    guard life.reaches("a revocation") else { return .unknown(ScriptedCluster.dead) }
    await receive(.revoke(id))
    let answer = revocations.isEmpty ? token(id) == nil ? .notFound : .done : revocations.removeFirst()
    if case .done = answer { revokeElsewhere(id: id) }
    return life.reaches("a revocation's answer") ? answer : .unknown(ScriptedCluster.dead)
  }

  func listDatabases() async throws(ServiceError) -> [String] {
    await receive(.databases)
    return databases
  }

  func probe(_ target: ProbeTarget, accessToken: Secret) async -> ProbeAnswer {
    probes.append((target, clock.uptime))
    try? await clock.sleep(for: .milliseconds(20))
    let string = accessToken.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    if let id = strings[string], !stillAccepted.contains(id) {
      let granted = token(id)?.permissions.permissions ?? []
      guard granted.contains(where: { $0.action == target.action && $0.covers(target.database) }) else {
        return .refused(status: 401, message: "unauthorized")
      }
    }
    return answerToProbe(target, clock.uptime)
  }
}

extension Permission {
  fileprivate func covers(_ database: String) -> Bool { isWildcard || self.database == database }
}
