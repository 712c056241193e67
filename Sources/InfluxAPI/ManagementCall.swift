internal import HTTPClient
internal import RotationPorts

/// One request to a Management API in words: what turns its answer or its failure into an error that
/// says what was being done, where, why it failed and what to do next.
struct ManagementCall: Sendable {
  /// As in `creating a token`.
  let doing: String
  /// Scheme, host and port.
  let address: String
  /// What an edition advises beside the general hints.
  let advice: Advice
  /// Never to be seen in an error, whatever the server answers.
  let secrets: [Secret]

  struct Advice: Sendable {
    /// For 401 and 403.
    let credential: String
    /// For a 404 that is not about one token.
    let place: String
  }

  /// An answer of another status than success.
  func error(_ response: HTTPResponse) -> ServiceError {
    let words = ServerMessage.text(of: response.body, hiding: secrets).map { ": \($0)" } ?? ""
    return ServiceError(
      ServiceError.Code(status: response.status), status: response.status,
      message: "\(doing) at \(address): HTTP \(response.status)\(words)", hint: hint(for: response.status),
      retryAfter: RetryAfter.read(response))
  }

  /// No whole answer.
  func error(_ failure: HTTPError) -> ServiceError {
    ServiceError(
      ServiceError.Code(failure), message: "\(doing) at \(address): \(failure.message)", hint: failure.hint)
  }

  /// A success that cannot be read. `what` must not quote the answer.
  func malformed(_ what: String, status: Int) -> ServiceError {
    ServiceError(
      .malformed, status: status,
      message: "\(doing) at \(address): the answer (HTTP \(status)) cannot be used: \(what)",
      hint: "Check that the management URL belongs to the API and that no proxy is in between")
  }

  /// A request that is not sent, because of what it would hold.
  func unsendable(_ what: String, hint: String) -> ServiceError {
    ServiceError(.badRequest, message: "\(doing) at \(address): not sent, because \(what)", hint: hint)
  }

  private func hint(for status: Int) -> String? {
    switch status {
    case 401, 403: advice.credential
    case 404: advice.place
    case 300..<400: "Write the management URL that the redirect leads to: redirects are not followed"
    case 400, 413, 422: "Check description, databases and expiry of the token"
    case 409: "Look at the cluster's tokens and databases: what 409 means is not documented"
    case 429: "Lower requests_per_second in [limits], or wait"
    case 500...: "The service has trouble; run again later"
    default: "Check that the management URL belongs to the API and that no proxy is in between"
    }
  }
}

extension ServiceError.Code {
  init(status: Int) {
    switch status {
    case 401, 403: self = .credentialRefused
    case 404: self = .notFound
    case 400, 413, 422: self = .badRequest
    case 409: self = .conflict
    case 429: self = .throttled
    default: self = .unavailable
    }
  }

  init(_ failure: HTTPError) {
    switch failure.code {
    case .cancelled, .shutDown: self = .cancelled
    // Sent again, such a request would fail in the same way.
    case .badURL, .insecureURL, .badHeader, .configuration: self = .badRequest
    case .responseTooLarge, .badAnswer: self = .malformed
    case .queueFull, .resolve, .connect, .tls, .certificate, .timeout, .resendRefused, .connectionLost,
      .unknown:
      self = failure.nothingWasSent ? .unreachable : .noAnswer
    }
  }
}
