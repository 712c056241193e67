internal import Digests
internal import HTTPClient
internal import JSONText
internal import RotationModel
internal import RotationPorts

/// Requests of Secrets Manager's JSON protocol, signed, and its answers told apart.
struct AWSClient: Sendable {
  let settings: AWSSecretsManagerSettings
  let send: @Sendable (HTTPRequest) async throws(HTTPError) -> HTTPResponse

  /// What an answer was that is no success.
  struct Refusal: Error {
    var error: StoreError
    /// AWS's name for it; empty when it was none of its answers.
    var kind = ""
  }

  /// The body of the answer. `secret`: the name of the secret it is about, for messages.
  func call(_ operation: String, _ body: SecretBuffer, on secret: String) async throws(Refusal) -> [UInt8] {
    let request: HTTPRequest
    do throws(StoreError) { request = try await signed(operation, body) } catch {
      throw Refusal(error: error)
    }
    let answer: HTTPResponse
    do throws(HTTPError) { answer = try await send(request) } catch { throw Refusal(error: of(error)) }
    guard answer.header("x-amzn-RequestId") != nil || answer.header("x-amz-request-id") != nil,
      answer.body.first == UInt8(ascii: "{")
    else { throw Refusal(error: notSecretsManager(answer.status)) }
    if answer.status == 200 { return answer.body }
    let kind = AWSAnswer.kind(answer.body)
    throw Refusal(error: error(operation, kind, answer.status, on: secret), kind: kind)
  }

  private func signed(_ operation: String, _ body: SecretBuffer) async throws(StoreError) -> HTTPRequest {
    let credentials = try await settings.credentials()
    let bytes = body.copied()
    let digest: Digest
    do throws(DigestError) { digest = try SHA256.digest(of: bytes) } catch {
      throw StoreError(.unavailable, message: error.message, hint: error.hint)
    }
    var request = HTTPRequest(
      .post, settings.endpoint + "/",
      headers: [
        HTTPHeader("Content-Type", "application/x-amz-json-1.1"),
        HTTPHeader("X-Amz-Content-Sha256", digest.hex),
        HTTPHeader("X-Amz-Target", "secretsmanager.\(operation)"),
      ],
      authorization: .awsSignature(
        region: settings.region, service: "secretsmanager", keyID: credentials.keyID, credentials.secretKey),
      body: bytes, timeout: settings.timeout, maximumResponseBytes: 1 << 20)
    if let token = credentials.sessionToken {
      // A header that is signed has to be one of libcurl's list, which copies it.
      let text = token.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
      request.headers.append(HTTPHeader("X-Amz-Security-Token", text))
    }
    return request
  }

  // MARK: What went wrong

  private func of(_ error: HTTPError) -> StoreError {
    switch error.code {
    case .badURL, .insecureURL, .badHeader, .configuration, .certificate:
      StoreError(.misconfigured, message: "\(settings.endpoint): \(error.message)", hint: "\(error.hint).")
    case .queueFull, .resolve, .connect, .tls, .timeout, .cancelled, .shutDown, .responseTooLarge,
      .resendRefused,
      .connectionLost, .badAnswer, .unknown:
      StoreError(
        .unreachable, message: "\(settings.endpoint) does not answer: \(error.message)",
        hint: "Look whether it can be reached from here; the next run goes on.")
    }
  }

  private func notSecretsManager(_ status: Int) -> StoreError {
    StoreError(
      status >= 500 ? .unreachable : .misconfigured,
      message: "\(settings.endpoint) does not answer like AWS Secrets Manager (\(status))",
      hint: "Check region and endpoint; maybe a proxy or another service is there.")
  }

  private func error(_ operation: String, _ kind: String, _ status: Int, on secret: String) -> StoreError {
    let what = "\(operation) of \(secret) in \(settings.region)"
    switch kind {
    case "ThrottlingException", "Throttling", "TooManyRequestsException":
      return StoreError(
        .unreachable, message: "AWS throttles \(what)", hint: "Lower [limits] concurrency; it is asked again."
      )
    case _ where status >= 500:
      return StoreError(
        .unreachable, message: "\(what) failed at AWS (\(status) \(kind))", hint: "It is asked again.")
    case "AccessDeniedException":
      return StoreError(
        .misconfigured, message: "AWS denies us \(what)",
        hint:
          "Allow secretsmanager:\(operation) on this secret's ARN in the role's policy, and the use of its KMS key."
      )
    case "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException",
      "ExpiredTokenException",
      "IncompleteSignatureException", "MissingAuthenticationToken":
      return StoreError(
        .misconfigured, message: "AWS does not take our credentials (\(kind))",
        hint: "Are key and secret right and not expired, is the region right, and this machine's clock?")
    case "EncryptionFailure", "DecryptionFailure", "KMSAccessDeniedException":
      return StoreError(
        .misconfigured, message: "AWS cannot use the KMS key for \(what) (\(kind))",
        hint: "Is kms_key enabled, and may the role use it?")
    case "ResourceExistsException":
      return StoreError.conflict(
        "somebody else wrote \(secret) at the same time", hint: "The next run looks at it anew.")
    case "ResourceNotFoundException":
      return StoreError.conflict(
        "\(secret) is gone from \(settings.region)", hint: "The next run looks at it anew.")
    case "InvalidRequestException" where operation == "CreateSecret":
      return StoreError(
        .unreachable, message: "\(secret) is being deleted at AWS",
        hint: "Wait until that is done, or restore it: aws secretsmanager restore-secret")
    case "LimitExceededException":
      return StoreError(
        .noRoom, message: "\(what): a limit of the account is reached", hint: "Raise the quota.")
    default:
      return StoreError(
        .conflict, message: "AWS refuses \(what) (\(kind.isEmpty ? "\(status)" : kind))",
        hint: "Somebody else may have changed it; the next run looks at it anew.")
    }
  }
}
