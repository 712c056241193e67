internal import HTTPClient
internal import JSONText
internal import RotationModel
internal import RotationPorts

/// Requests to a Vault server, each with a token that is logged in for when it is needed, and answers told apart.
struct VaultClient: Sendable {
  let settings: VaultSettings
  let send: @Sendable (HTTPRequest) async throws(HTTPError) -> HTTPResponse
  private let login: VaultLogin

  init(
    settings: VaultSettings, clock: any RotationClock,
    send: @escaping @Sendable (HTTPRequest) async throws(HTTPError) -> HTTPResponse
  ) {
    self.settings = settings
    self.send = send
    login = VaultLogin(settings: settings, clock: clock, send: send)
  }

  /// A success, or that there is nothing: 200, 204 and 404 come back, all else is thrown.
  ///
  /// - Parameter needs: the capabilities that a policy has to give for the path, for the hint after a refusal.
  func call(
    _ method: HTTPRequest.Method, _ path: String, body: SecretBuffer? = nil, needs capabilities: String,
    contentType: String = "application/json"
  ) async throws(StoreError) -> HTTPResponse {
    var (answer, token) = try await attempt(method, path, body: body, contentType, refused: nil)
    // A token may have ended before its time: revoked, used up, or replaced in its file.
    if answer.status == 403, settings.authentication.canRenew {
      (answer, token) = try await attempt(method, path, body: body, contentType, refused: token)
    }
    if [200, 204, 404].contains(answer.status) { return answer }
    throw VaultFailure(settings: settings, path: path, capabilities: capabilities).error(answer)
  }

  private func attempt(
    _ method: HTTPRequest.Method, _ path: String, body: SecretBuffer?, _ contentType: String, refused: Secret?
  ) async throws(StoreError) -> (HTTPResponse, token: Secret?) {
    let token = try await login.token(refused: refused)
    var request = settings.request(method, path)
    if let body {
      request.body = body.copied()
      request.headers.append(HTTPHeader("Content-Type", contentType))
    }
    if let token { request.authorization = .header(name: "X-Vault-Token", token) }
    do throws(HTTPError) {
      return (try await send(request), token)
    } catch { throw VaultFailure(settings: settings, path: path).error(error) }
  }
}

extension VaultSettings {
  /// A request to a path below `/v1/`, whose components are encoded already.
  func request(_ method: HTTPRequest.Method, _ path: String) -> HTTPRequest {
    // Any answer of a server that was not asked through an agent has this header: the agent wants it, against requests
    // that a browser was talked into (VaultProject, "Vault Agent: require_request_header").
    var headers = [HTTPHeader("X-Vault-Request", "true")]
    if let namespace { headers.append(HTTPHeader("X-Vault-Namespace", namespace)) }
    var request = HTTPRequest(
      method, "\(address)/v1/\(path)", headers: headers, timeout: timeout, maximumResponseBytes: 2 << 20,
      neverResend: method != .get)
    request.unixSocket = unixSocket
    return request
  }
}

extension VaultSettings.Authentication {
  fileprivate var canRenew: Bool {
    switch self {
    case .token, .appRole, .kubernetes: true
    case .agent: false
    }
  }
}
