public import HTTPClient
public import RotationModel
public import RotationPorts

/// The database tokens of one cluster of InfluxDB Cloud Dedicated or InfluxDB Clustered, over its Management API
/// (the `management-openapi` files of both, which differ in their paths and in nothing else that matters here).
///
/// Each call is one request with the management token as a Bearer credential.
public struct ManagementTokenService: TokenService {
  /// Which cluster, and how to ask it.
  public struct Configuration: Sendable {
    /// The API's base, without a slash at its end.
    public var managementURL: String
    public var cluster: ManagedCluster
    public var managementToken: Secret
    /// The longest that one request takes, waiting for a free connection included.
    public var requestTimeout: Duration
    /// A longer list is refused. 100,000 tokens with descriptions of 100 characters are 38 MB.
    public var maximumListBytes: Int

    public init(
      managementURL: String, cluster: ManagedCluster, managementToken: Secret,
      requestTimeout: Duration = .seconds(30), maximumListBytes: Int = 256 << 20
    ) {
      self.managementURL = managementURL
      self.cluster = cluster
      self.managementToken = managementToken
      self.requestTimeout = requestTimeout
      self.maximumListBytes = maximumListBytes
    }
  }

  private let configuration: Configuration
  private let endpoint: ManagementEndpoint
  private let client: HTTPClient

  public var address: String { endpoint.address }
  public var requestTimeout: Duration { configuration.requestTimeout }

  /// - Throws: `badRequest` when the URL or an id cannot be used. Nothing is sent.
  public init(_ configuration: Configuration, client: HTTPClient) throws(ServiceError) {
    guard
      let endpoint = ManagementEndpoint(
        managementURL: configuration.managementURL, cluster: configuration.cluster)
    else {
      throw ServiceError(
        .badRequest, message: "the management URL, account_id or cluster_id cannot be part of a URL",
        hint: "Check management_url (https://, without user and query), account_id and cluster_id")
    }
    self.configuration = configuration
    self.endpoint = endpoint
    self.client = client
  }

  public func createToken(_ request: TokenRequest) async -> CreateAnswer {
    let call = call("creating a token")
    guard !UnknownAction.isContained(in: request.permissions) else {
      return .refused(unknownAction(call))
    }
    let answer = await send(.post, endpoint.tokens, body: ManagementBody.creation(request))
    // The body holds the token's string, and is not needed again once the string is a `Secret`.
    defer { ManagementBytes.wipe(answer) }
    return ManagementAnswer.judgeCreation(answer, of: call)
  }

  public func listTokens(
    keeping isWanted: @Sendable (TokenRecord) -> Bool
  ) async throws(ServiceError) -> TokenListing {
    let call = call("listing the tokens")
    let answer = await send(.get, endpoint.tokens, maximumResponseBytes: configuration.maximumListBytes)
    let response = try ManagementAnswer.success(answer, of: call)
    return TokenListing(
      tokens: try ListedToken.all(response, of: call, keeping: isWanted),
      serviceTime: response.header("Date").flatMap { Instant(httpDate: $0) })
  }

  public func token(id: String) async throws(ServiceError) -> TokenRecord? {
    let call = call("looking up a token")
    guard let url = endpoint.token(id) else { throw badID(call) }
    let answer = await send(.get, url)
    if case .success(let response) = answer, response.status == 404 { return nil }
    return try ManagementAnswer.judgeToken(
      ManagementAnswer.success(answer, of: call), of: call, id: id)
  }

  public func updateToken(
    id: String, description: String?, permissions: PermissionSet?
  ) async -> ChangeAnswer {
    let call = call("changing a token")
    guard let url = endpoint.token(id) else { return .refused(badID(call)) }
    guard description != nil || permissions != nil else {
      return .refused(call.unsendable("it would change nothing", hint: "Name a description or permissions"))
    }
    if let permissions, UnknownAction.isContained(in: permissions) { return .refused(unknownAction(call)) }
    let body = ManagementBody.change(description: description, permissions: permissions)
    let answer = await send(.patch, url, body: body)
    return ManagementAnswer.judgeUpdate(answer, of: call, id: id, permissions: permissions)
  }

  public func revokeToken(id: String) async -> ChangeAnswer {
    let call = call("revoking a token")
    guard let url = endpoint.token(id) else { return .refused(badID(call)) }
    return ManagementAnswer.judgeRevocation(await send(.delete, url), of: call)
  }

  public func listDatabases() async throws(ServiceError) -> [String] {
    let call = call("listing the databases")
    let answer = await send(.get, endpoint.databases, maximumResponseBytes: configuration.maximumListBytes)
    return try ListedToken.databases(ManagementAnswer.success(answer, of: call), of: call)
  }

  // MARK: One request

  private func send(
    _ method: HTTPRequest.Method, _ url: String, body: [UInt8]? = nil, maximumResponseBytes: Int = 1 << 20
  ) async -> ManagementAnswer.Answer {
    var headers = [HTTPHeader("Accept", "application/json")]
    if body != nil { headers.append(HTTPHeader("Content-Type", "application/json")) }
    // What changes something leaves once: a creation that is sent twice makes two tokens, and of a disable that is
    // sent twice the second copy may land after the permissions were given back.
    let request = HTTPRequest(
      method, url, headers: headers, authorization: .bearer(configuration.managementToken), body: body,
      timeout: configuration.requestTimeout, maximumResponseBytes: maximumResponseBytes,
      neverResend: method != .get)
    do throws(HTTPError) {
      return .success(try await client.send(request))
    } catch {
      return .failure(error)
    }
  }

  private func call(_ doing: String) -> ManagementCall {
    ManagementCall(
      doing: doing, address: address, advice: configuration.cluster.advice,
      secrets: [configuration.managementToken])
  }

  private func badID(_ call: ManagementCall) -> ServiceError {
    call.unsendable("the token's id cannot be part of a URL", hint: "Check the id; it is a UUID")
  }

  private func unknownAction(_ call: ManagementCall) -> ServiceError {
    call.unsendable(
      "a permission has an action that this version does not know",
      hint: "Name the token's permissions in the CSV instead of taking them from the cluster")
  }
}

/// What tells a cluster of one edition from others of its Management API.
public enum ManagedCluster: Equatable, Sendable {
  /// Cloud Dedicated: two UUIDs. The API is at `https://console.influxdata.com/api/v0` for all clusters.
  case dedicated(accountID: String, clusterID: String)
  /// Clustered: the API, at `/api/v0` of the cluster's own host, is about this one.
  case clustered

  var advice: ManagementCall.Advice {
    switch self {
    case .dedicated:
      ManagementCall.Advice(
        credential:
          "Check the management token: it starts with M.V1., may have expired, and must belong to the"
          + " account; make one with `influxctl management create` or in the Admin UI",
        place: "Check account_id and cluster_id, and that the management URL ends in /api/v0")
    case .clustered:
      ManagementCall.Advice(
        credential: "Check the management token: it may have expired, and must belong to this cluster",
        place: "Check that the host is the cluster's, and that the management URL ends in /api/v0")
    }
  }
}

/// Bodies that hold a token's string.
enum ManagementBytes {
  /// Overwrites a body where it lies. Written through the array's own pointer, because an ordinary change
  /// would wipe a fresh copy while the client's reference keeps the original.
  static func wipe(_ answer: ManagementAnswer.Answer) {
    guard case .success(let response) = answer else { return }
    response.body.withUnsafeBytes { Secret.wipe(UnsafeMutableRawBufferPointer(mutating: $0)) }
  }
}
