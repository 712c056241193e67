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

  enum Request: Equatable {
    case create(name: String, attempt: AttemptID)
    case list
    case get(String)
    case revoke(String)
    case databases
    case update(String)
  }

  let clock: SimulatedClock
  var requests: [(request: Request, at: Duration)] = []
  /// What the next creations of a name do; when used up, they succeed.
  var creations: [String: [Creation]] = [:]
  var databases = ["air", "water"]
  var listError: ServiceError?
  var revocations: [ChangeAnswer] = []
  /// The cluster's clock less ours.
  var skew: Duration = .zero
  var answerToProbe: (ProbeTarget, Duration) -> ProbeAnswer = { _, _ in .accepted }
  var probes: [(target: ProbeTarget, at: Duration)] = []
  private var tokens: [(record: TokenRecord, visibleFrom: Duration)] = []
  private var number = 0

  let address = "https://console.example"
  let requestTimeout: Duration = .seconds(5)

  init(clock: SimulatedClock) {
    self.clock = clock
  }

  /// Puts a token there, as somebody else would.
  func plant(id: String, description: String, permissions: PermissionSet = Bench.permissions) {
    tokens.append((TokenRecord(id: id, description: description, permissions: permissions), .zero))
  }

  func remove(id: String) { tokens.removeAll { $0.record.id == id } }

  func change(id: String, permissions: PermissionSet) {
    for index in tokens.indices where tokens[index].record.id == id {
      tokens[index].record.permissions = permissions
    }
  }

  var live: [TokenRecord] { tokens.filter { $0.visibleFrom <= clock.uptime }.map(\.record) }
  var posts: [(name: String, attempt: AttemptID, at: Duration)] {
    requests.compactMap { entry in
      if case .create(let name, let attempt) = entry.request { (name, attempt, entry.at) } else { nil }
    }
  }
  var revoked: [String] {
    requests.compactMap { if case .revoke(let id) = $0.request { id } else { nil } }
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
    try? await clock.sleep(for: .milliseconds(100))
  }

  func createToken(_ request: TokenRequest) async -> CreateAnswer {
    guard let marker = Marker.split(request.description).marker else {
      return .refused(ServiceError(.badRequest, message: "no marker"))
    }
    let step =
      creations[marker.name]?.isEmpty == false ? creations[marker.name]?.removeFirst() : nil
    await receive(.create(name: marker.name, attempt: marker.attempt))
    switch step ?? .succeed {
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
    return CreatedToken(id: id, accessToken: Secret(Array(string.utf8)), expiresAt: expiresAt)
  }

  func listTokens(
    keeping isWanted: @Sendable (TokenRecord) -> Bool
  ) async throws(ServiceError) -> TokenListing {
    await receive(.list)
    if let listError { throw listError }
    return TokenListing(tokens: live.filter(isWanted), serviceTime: clock.now + skew)
  }

  func token(id: String) async throws(ServiceError) -> TokenRecord? {
    await receive(.get(id))
    return live.first { $0.id == id }
  }

  func updateToken(id: String, description: String?, permissions: PermissionSet?) async -> ChangeAnswer {
    await receive(.update(id))
    return .refused(ServiceError(.badRequest, message: "nothing here updates"))
  }

  func revokeToken(id: String) async -> ChangeAnswer {
    await receive(.revoke(id))
    let answer = revocations.isEmpty ? ChangeAnswer.done : revocations.removeFirst()
    if case .done = answer { remove(id: id) }
    return answer
  }

  func listDatabases() async throws(ServiceError) -> [String] {
    await receive(.databases)
    return databases
  }

  func probe(_ target: ProbeTarget, accessToken: Secret) async -> ProbeAnswer {
    probes.append((target, clock.uptime))
    try? await clock.sleep(for: .milliseconds(20))
    return answerToProbe(target, clock.uptime)
  }
}
