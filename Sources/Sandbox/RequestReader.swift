/// The strict eye: tells a request of the published API from anything else, without any state.
struct RequestReader {
  private let product: SandboxOptions.Product
  /// In lower case.
  let accountID: String
  let clusterID: String
  private let clusterPath: String

  init(product: SandboxOptions.Product, accountID: String, clusterID: String) {
    self.product = product
    self.accountID = accountID.lowercased()
    self.clusterID = clusterID.lowercased()
    clusterPath =
      switch product {
      case .dedicated: "/api/v0/accounts/\(self.accountID)/clusters/\(self.clusterID)/"
      case .clustered: "/api/v0/"
      }
  }

  /// What `read` found: the call, and the credential that came with it.
  struct Reading: Equatable {
    var call: ClusterCall
    /// The management token for management calls, the access token for data calls.
    var credential: String
  }

  /// Reads a request, or throws the first rule that it breaks.
  func read(_ request: HTTPRequest) throws(Violation) -> Reading {
    try refuseTokensInURL(request)
    let target = try target(request)
    do {
      return try read(request, target)
    } catch {
      var violation = error
      violation.operation = target.operation
      throw violation
    }
  }

  private struct Target {
    var operation: ClusterOperation
    var tokenID = ""
  }

  private func read(_ request: HTTPRequest, _ target: Target) throws(Violation) -> Reading {
    guard !request.expects else {
      throw Violation(
        .expect, "an Expect header was sent; send an empty 'Expect:' so that none is", status: 417)
    }
    let credential = try credential(request, isData: target.operation.isData)
    if !target.operation.isData { try refuseParameters(request) }
    let call: ClusterCall
    switch target.operation {
    case .create: call = .create(try RequestBody(of: request).tokenRequest())
    case .update: call = .update(id: target.tokenID, try RequestBody(of: request).tokenChange())
    case .list: call = try bodiless(request, .list)
    case .get: call = try bodiless(request, .get(id: target.tokenID))
    case .revoke: call = try bodiless(request, .revoke(id: target.tokenID))
    case .databases: call = try bodiless(request, .databases)
    case .query: call = try bodiless(request, try query(request, credential))
    case .write: call = try write(request, credential)
    }
    return Reading(call: call, credential: credential)
  }

  private func bodiless(_ request: HTTPRequest, _ call: ClusterCall) throws(Violation) -> ClusterCall {
    guard request.body.isEmpty, !request.bodyIsTooLong else {
      throw Violation(.unwantedBody, "\(request.method) was sent with a body")
    }
    return call
  }

  // MARK: The path

  private func target(_ request: HTTPRequest) throws(Violation) -> Target {
    switch request.path {
    case "/query": return try target(request, ("GET", .query))
    case "/api/v2/write": return try target(request, ("POST", .write))
    default: break
    }
    // Bytes and not characters: finding the borders of characters would cost more than all the rest.
    let path = request.path
    let rest =
      path.hasPrefix(clusterPath)
      ? Substring(path.utf8.dropFirst(clusterPath.utf8.count)) : try afterCluster(request)
    if rest == "tokens" { return try target(request, ("GET", .list), ("POST", .create)) }
    if rest == "databases" { return try target(request, ("GET", .databases)) }
    let tokenID = Substring(rest.utf8.dropFirst("tokens/".utf8.count))
    guard rest.hasPrefix("tokens/"), !tokenID.utf8.contains(UInt8(ascii: "/")) else {
      throw unknownPath(request)
    }
    guard TokenText.isUUIDv4(tokenID) else {
      throw Violation(.tokenID, "the token id in the path is not a version 4 UUID")
    }
    var target = try target(request, ("GET", .get), ("PATCH", .update), ("DELETE", .revoke))
    target.tokenID = tokenID.lowercased()
    return target
  }

  private func target(
    _ request: HTTPRequest, _ methods: (String, ClusterOperation)...
  ) throws(Violation) -> Target {
    for (method, operation) in methods where method == request.method { return Target(operation: operation) }
    let known = methods.map(\.0).joined(separator: ", ")
    throw Violation(
      .wrongMethod, "\(request.method.prefix(16)) \(request.path.prefix(200)); it takes \(known)", status: 405
    )
  }

  /// The slow way, which says what is wrong with the account or cluster.
  private func afterCluster(_ request: HTTPRequest) throws(Violation) -> Substring {
    guard product == .dedicated else { throw unknownPath(request) }
    let parts = request.path.split(separator: "/", maxSplits: 7, omittingEmptySubsequences: false)
    guard parts.count == 8, parts[0...3] == ["", "api", "v0", "accounts"], parts[5] == "clusters" else {
      throw unknownPath(request)
    }
    for (part, expected, rule) in [
      (parts[4], accountID, Violation.Rule.account), (parts[6], clusterID, .cluster),
    ] {
      guard TokenText.isUUIDv4(part) else {
        throw Violation(rule, "the \(rule.rawValue) id in the path is not a version 4 UUID")
      }
      guard part.lowercased() == expected else {
        throw Violation(rule, "the \(rule.rawValue) id in the path is not the sandbox's", status: 404)
      }
    }
    return parts[7]
  }

  private func unknownPath(_ request: HTTPRequest) -> Violation {
    guard !looksLikeToken(request.path) else { return tokenInURL }
    return Violation(
      .unknownPath, "\(request.method.prefix(16)) \(request.path.prefix(200)) is not served", status: 404)
  }

  private func looksLikeToken(_ text: String) -> Bool {
    TextSearch.contains(text, TokenText.prefix) || TextSearch.contains(text, "M.V1.")
  }

  private var tokenInURL: Violation {
    Violation(.tokenInURL, "a credential was sent in the URL, where logs and proxies keep it")
  }

  /// The query endpoint's `u` and `p` are published, but a token may not be in a URL of ours.
  private func refuseTokensInURL(_ request: HTTPRequest) throws(Violation) {
    for (name, value) in request.query
    where name == "u" || name == "p" || looksLikeToken(name) || looksLikeToken(value ?? "") {
      throw tokenInURL
    }
  }

  // MARK: Headers and parameters

  /// Bearer everywhere; the data endpoints take `Token` too (their OpenAPI, `TokenAuthentication`).
  private func credential(_ request: HTTPRequest, isData: Bool) throws(Violation) -> String {
    guard request.authorization.count == 1 else {
      let count = request.authorization.count
      throw Violation(.authorization, "\(count) Authorization headers were sent instead of 1", status: 401)
    }
    let header = request.authorization[0]
    let scheme = isData && header.hasPrefix("Token ") ? "Token " : "Bearer "
    let credential = header.utf8.dropFirst(scheme.utf8.count)
    guard header.hasPrefix(scheme), !credential.isEmpty, !credential.contains(0x20) else {
      throw Violation(.authorization, "the Authorization header is not 'Bearer' and a token", status: 401)
    }
    return String(Substring(credential))
  }

  private func refuseParameters(_ request: HTTPRequest) throws(Violation) {
    guard request.query.isEmpty else {
      throw Violation(.queryParameter, "the Management API takes no query parameters")
    }
  }

  private func parameters(
    _ request: HTTPRequest, known: [String]
  ) throws(Violation) -> [String: String] {
    var values: [String: String] = [:]
    for (name, value) in request.query {
      guard known.contains(name) else {
        throw Violation(.queryParameter, "the query parameter '\(name.prefix(64))' is not specified")
      }
      guard values.updateValue(value ?? "", forKey: name) == nil else {
        throw Violation(.queryParameter, "the query parameter '\(name)' was sent twice")
      }
    }
    return values
  }

  private func required(_ name: String, of values: [String: String]) throws(Violation) -> String {
    guard let value = values[name], !value.isEmpty else {
      throw Violation(.queryParameter, "the query parameter '\(name)' is missing or empty")
    }
    return value
  }

  private func query(_ request: HTTPRequest, _ credential: String) throws(Violation) -> ClusterCall {
    let values = try parameters(request, known: ["db", "rp", "q", "epoch"])
    let statement = try required("q", of: values).uppercased()
    guard statement.hasPrefix("SHOW MEASUREMENTS") || statement.hasPrefix("SELECT ") else {
      throw Violation(
        .unsupportedQuery, "q is neither SHOW MEASUREMENTS nor SELECT; SHOW DATABASES is not supported")
    }
    return .query(accessToken: credential, database: try required("db", of: values))
  }

  /// A wrong precision answers 400 before authorisation, as on the real endpoint.
  private func write(_ request: HTTPRequest, _ credential: String) throws(Violation) -> ClusterCall {
    let values = try parameters(request, known: ["bucket", "precision", "org", "orgID"])
    if let precision = values["precision"], !["ns", "us", "ms", "s"].contains(precision) {
      throw Violation(.queryParameter, "the precision is none of ns, us, ms, s")
    }
    guard request.body.isEmpty, !request.bodyIsTooLong else {
      throw Violation(.points, "points were sent; a probe writes nothing")
    }
    return .write(accessToken: credential, database: try required("bucket", of: values))
  }
}
