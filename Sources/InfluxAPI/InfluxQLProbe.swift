public import HTTPClient
public import RotationPorts

/// Asks a cluster's query and write endpoints whether a token works: reading with
/// `SHOW MEASUREMENTS LIMIT 1`, writing with a write that holds no points.
///
/// A database named `db/rp` is asked about under its whole name, because a token is bound to that name.
public struct InfluxQLProbe: ActivationProbe {
  private let base: String
  private let address: String
  private let client: HTTPClient
  private let timeout: Duration

  /// - Parameters:
  ///   - host: scheme, host and port of the data endpoint.
  ///   - timeout: the longest that one question takes.
  /// - Throws: `badRequest` when `host` is no such URL.
  public init(
    host: String, client: HTTPClient, timeout: Duration = .seconds(10)
  ) throws(ServiceError) {
    guard let address = URLText.address(of: host) else {
      throw ServiceError(
        .badRequest, message: "the cluster's host is no URL",
        hint: "Write host in [cluster] as https://cluster-id.a.influxdb.io")
    }
    self.base = URLText.withoutSlashAtEnd(host)
    self.address = address
    self.client = client
    self.timeout = timeout
  }

  public func probe(_ target: ProbeTarget, accessToken: Secret) async -> ProbeAnswer {
    let answers = ProbeAnswers(address: address, target: target, accessToken: accessToken)
    let database = URLText.percentEncoded(target.database)
    switch target.action {
    case .read:
      let url = "\(base)/query?db=\(database)&q=\(URLText.percentEncoded("SHOW MEASUREMENTS LIMIT 1"))"
      return answers.judge(await send(.get, url, accessToken))
    case .write:
      let url = "\(base)/api/v2/write?bucket=\(database)&precision=ns"
      return answers.judge(await send(.post, url, accessToken))
    }
  }

  /// A fresh connection, because one that is kept would go on asking the same node.
  private func send(
    _ method: HTTPRequest.Method, _ url: String, _ accessToken: Secret
  ) async -> Result<HTTPResponse, HTTPError> {
    var headers = [HTTPHeader("Accept", "application/json")]
    if method == .post { headers.append(HTTPHeader("Content-Type", "text/plain; charset=utf-8")) }
    let request = HTTPRequest(
      method, url, headers: headers, authorization: .bearer(accessToken), body: method == .post ? [] : nil,
      timeout: timeout, freshConnection: true)
    do throws(HTTPError) {
      return .success(try await client.send(request))
    } catch {
      return .failure(error)
    }
  }
}
