internal import HTTPClient
internal import RotationPorts

/// Judges what a data endpoint answers to a probe. Pure.
///
/// What is not documented is decided so that nothing but a clear word of the cluster's counts as accepted:
/// a token that is wrongly called active would replace one that works.
struct ProbeAnswers {
  /// Scheme, host and port.
  let address: String
  let target: ProbeTarget
  /// The probed token's string, never to be seen in a message.
  let accessToken: Secret

  func judge(_ answer: Result<HTTPResponse, HTTPError>) -> ProbeAnswer {
    switch (answer, target.action) {
    case (.success(let response), .read): judgeQuery(response)
    case (.success(let response), .write): judgeWrite(response)
    case (.failure(let failure), _): judge(failure)
    }
  }

  // MARK: Reading

  /// `GET /query`. A 200 is no proof: other editions put `insufficient permissions` inside, either into a
  /// result or at the top.
  private func judgeQuery(_ response: HTTPResponse) -> ProbeAnswer {
    guard response.status == 200 || response.status == 400 else { return common(response) }
    let body = QueryBody.read(response.body)
    if let words = body?.error ?? (response.status == 400 ? ServerMessage.words(of: response.body) : nil) {
      return judged(words, response)
    }
    if response.status == 400 { return impossible(response, nil) }
    guard body?.hasResults == true else {
      return .unavailable(
        error(.malformed, response, nil, hint: "Check that host in [cluster] is the cluster's query endpoint")
      )
    }
    return .accepted
  }

  /// An error inside a 200, or that of a 400.
  private func judged(_ words: String, _ response: HTTPResponse) -> ProbeAnswer {
    switch ProbeWords.meaning(of: words) {
    case .notPermitted: .refused(status: 403, message: message(response, words))
    case .noDatabase: noDatabase(response, words)
    case .nothingToWrite, nil:
      response.status == 400
        ? impossible(response, words)
        : .unavailable(error(.unavailable, response, words, hint: "The cluster has trouble; run again later"))
    }
  }

  // MARK: Writing

  /// `POST /api/v2/write` without points: authorisation runs before the body is read, so that 204, or a 400
  /// about the missing points, comes to a permitted token only (public source of InfluxDB 3). Any other 400
  /// says that the endpoint does not understand the question, which the next probe would not change.
  private func judgeWrite(_ response: HTTPResponse) -> ProbeAnswer {
    switch response.status {
    case 204: return .accepted
    case 400:
      let words = ServerMessage.words(of: response.body) ?? ""
      if ProbeWords.meaning(of: words) == .nothingToWrite { return .accepted }
      return judged(words, response)
    case 200..<300:
      return .unavailable(
        error(.malformed, response, nil, hint: "Check that host in [cluster] is the cluster's write endpoint")
      )
    default: return common(response)
    }
  }

  // MARK: Both

  private func common(_ response: HTTPResponse) -> ProbeAnswer {
    let words = ServerMessage.words(of: response.body)
    switch response.status {
    case 401, 403: return .refused(status: response.status, message: message(response, words))
    case 404:
      let inside = QueryBody.read(response.body)?.error ?? words
      return inside.flatMap(ProbeWords.meaning) == .noDatabase
        ? noDatabase(response, inside) : impossible(response, inside)
    case 300..<400, 405, 410, 414, 415, 501: return impossible(response, words)
    case 429:
      return .unavailable(error(.throttled, response, words, hint: "Lower probes_per_second in [limits]"))
    default:
      return .unavailable(
        error(.unavailable, response, words, hint: "The cluster has trouble; run again later"))
    }
  }

  private func judge(_ failure: HTTPError) -> ProbeAnswer {
    let error = ServiceError(
      ServiceError.Code(failure), message: "\(doing): \(failure.message)", hint: failure.hint)
    return error.code == .badRequest ? .impossible(error) : .unavailable(error)
  }

  private func noDatabase(_ response: HTTPResponse, _ words: String?) -> ProbeAnswer {
    .impossible(
      error(
        .notFound, response, words,
        hint:
          "Create the database \(target.database), or name another one in the CSV or as [activation] database"
      ))
  }

  private func impossible(_ response: HTTPResponse, _ words: String?) -> ProbeAnswer {
    .impossible(
      error(
        response.status == 404 ? .notFound : .badRequest, response, words,
        hint: "Check that host in [cluster] is the cluster's query and write endpoint,"
          + " and that the database \(target.database) exists"))
  }

  private func error(
    _ code: ServiceError.Code, _ response: HTTPResponse, _ words: String?, hint: String
  ) -> ServiceError {
    ServiceError(
      code, status: response.status, message: message(response, words), hint: hint,
      retryAfter: RetryAfter.read(response))
  }

  private var doing: String {
    "asking whether the token may \(target.action.rawValue) \(target.database) at \(address)"
  }

  private func message(_ response: HTTPResponse, _ words: String?) -> String {
    let said = words.flatMap { ServerMessage.sanitized($0, hiding: [accessToken]) }.map { ": \($0)" } ?? ""
    return "\(doing): HTTP \(response.status)\(said)"
  }
}

/// What a data endpoint's words mean, in so far as it is certain.
enum ProbeWords {
  case notPermitted
  case noDatabase
  case nothingToWrite

  private static let refusals = [
    "insufficient permission", "not authorized", "not authorised", "unauthorized", "unauthorised",
    "permission denied", "access denied", "forbidden",
  ]

  /// As InfluxDB's versions word an empty write; `requires points` is that of OSS v2.
  private static let emptyWrites = [
    "requires points", "no points", "no lines", "no line protocol", "no data", "empty write", "empty body",
    "empty request body", "empty payload", "empty batch", "body is empty", "write is empty",
    "payload is empty", "batch is empty",
  ]

  /// Words that make an empty something else than the body.
  private static let otherMatters = ["token", "authoriz", "precision", "bucket", "organization"]

  static func meaning(of words: String) -> ProbeWords? {
    let words = words.lowercased()
    // The name of a missing database could itself hold any word.
    if words.hasPrefix("database not found") { return .noDatabase }
    if refusals.contains(where: { words.contains($0) }) { return .notPermitted }
    if words.contains("database not found") { return .noDatabase }
    guard emptyWrites.contains(where: { words.contains($0) }),
      !otherMatters.contains(where: { words.contains($0) })
    else { return nil }
    return .nothingToWrite
  }
}
