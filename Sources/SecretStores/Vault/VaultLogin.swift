internal import HTTPClient
internal import JSONText
internal import Locks
internal import RotationModel
internal import RotationPorts

/// The token that requests carry: read from where it is kept, or logged in for and kept until most of its lease has
/// passed. One login at a time; whoever comes meanwhile waits for it.
actor VaultLogin {
  private let settings: VaultSettings
  private let clock: any RotationClock
  private let send: @Sendable (HTTPRequest) async throws(HTTPError) -> HTTPResponse
  private var lease: Lease?
  private var underWay: Task<Result<Lease, StoreError>, Never>?

  private struct Lease: Sendable {
    var token: Secret
    /// By uptime; nil: until it is refused.
    var endsAt: Duration?
  }

  init(
    settings: VaultSettings, clock: any RotationClock,
    send: @escaping @Sendable (HTTPRequest) async throws(HTTPError) -> HTTPResponse
  ) {
    self.settings = settings
    self.clock = clock
    self.send = send
  }

  /// nil: none is needed. `refused`: one that was given out before and is not to be had again, unless nothing else can be.
  func token(refused: Secret?) async throws(StoreError) -> Secret? {
    if case .agent = settings.authentication { return nil }
    if let lease, lease.token != refused, lease.endsAt.map({ clock.uptime < $0 }) ?? true {
      return lease.token
    }
    let task =
      underWay
      ?? Task { [settings, clock, send] in
        do throws(StoreError) {
          return .success(try await VaultLogin.logIn(settings, clock, send))
        } catch { return .failure(error) }
      }
    underWay = task
    let result = await task.value
    if underWay == task { underWay = nil }
    lease = try? result.get()
    return try result.get().token
  }

  private static func logIn(
    _ settings: VaultSettings, _ clock: any RotationClock,
    _ send: @Sendable (HTTPRequest) async throws(HTTPError) -> HTTPResponse
  ) async throws(StoreError) -> Lease {
    let body = SecretBuffer()
    let path: String
    switch settings.authentication {
    case .agent: throw StoreError(.misconfigured, message: "an agent needs no login")
    case .token(let source): return Lease(token: try await source(), endsAt: nil)
    case .appRole(let mount, let roleID, let secretID):
      path = "auth/\(VaultPath.encoded(mount))/login"
      body.append("{\"role_id\":")
      body.append(json: roleID)
      body.append(",\"secret_id\":")
      body.append(json: try await secretID())
    case .kubernetes(let mount, let role, let token):
      path = "auth/\(VaultPath.encoded(mount))/login"
      body.append("{\"role\":")
      body.append(json: role)
      body.append(",\"jwt\":")
      body.append(json: try await token())
    }
    body.append("}")
    var request = settings.request(.post, path)
    request.headers.append(HTTPHeader("Content-Type", "application/json"))
    request.body = body.copied()
    let failure = VaultFailure(settings: settings, path: path, isLogin: true)
    let answer: HTTPResponse
    do throws(HTTPError) { answer = try await send(request) } catch { throw failure.error(error) }
    guard answer.status == 200 else { throw failure.error(answer) }
    guard let (token, seconds) = VaultAnswer.login(answer.body) else { throw failure.notVault }
    // Time enough for what was begun with it, and never none at all.
    let end = seconds > 0 ? clock.uptime + .seconds(max(1, seconds * 2 / 3)) : nil
    return Lease(token: token, endsAt: end)
  }
}
