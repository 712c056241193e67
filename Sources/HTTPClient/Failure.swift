internal import CCurl

extension HTTPError {
  /// A request that libcurl was never asked to send.
  init(_ code: Code, _ message: String, operation: String, started: ContinuousClock.Instant) {
    self.init(
      code: code, curlCode: 0, operation: operation, message: message, nothingWasSent: true,
      elapsed: ContinuousClock.now - started)
  }

  /// A request that was given to libcurl and ended with `result`, or for a reason of ours, `ended`.
  init(_ transfer: Transfer, handle: EasyHandle, result: CURLcode, ended: Code? = nil) {
    let code = ended ?? Code(result, transfer)
    let hasNotStarted =
      transfer.startCount == 0 && !transfer.wasBodyRead && handle.number(CURLINFO_REQUEST_SIZE) == 0
    self.init(
      code: code, curlCode: Int32(bitPattern: result.rawValue), operation: transfer.operation,
      message: code.message(for: transfer, result: result, detail: handle.errorDetail),
      nothingWasSent: hasNotStarted && code.canPrecedeTheRequest,
      elapsed: ContinuousClock.now - transfer.started)
  }
}

extension HTTPError.Code {
  init(_ result: CURLcode, _ transfer: Transfer) {
    if transfer.isResendRefused {
      self = .resendRefused
      return
    }
    if transfer.isTooLarge {
      self = .responseTooLarge
      return
    }
    switch result {
    case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: self = .badURL
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: self = .resolve
    case CURLE_COULDNT_CONNECT: self = .connect
    case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CIPHER, CURLE_USE_SSL_FAILED, CURLE_SSL_ENGINE_INITFAILED:
      self = .tls
    case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE,
      CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS,
      CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_CLIENTCERT:
      self = .certificate
    case CURLE_OPERATION_TIMEDOUT: self = .timeout
    case CURLE_FILESIZE_EXCEEDED: self = .responseTooLarge
    case CURLE_SEND_FAIL_REWIND: self = .resendRefused
    case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, CURLE_HTTP2_STREAM,
      CURLE_HTTP2:
      self = .connectionLost
    case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING: self = .badAnswer
    default: self = .unknown
    }
  }

  /// Failures that can come before the first byte. Any other is never taken as proof that nothing was sent,
  /// whatever the counters say.
  var canPrecedeTheRequest: Bool {
    switch self {
    case .badURL, .insecureURL, .badHeader, .configuration, .queueFull, .resolve, .connect, .tls,
      .certificate, .timeout, .cancelled, .shutDown:
      true
    case .responseTooLarge, .resendRefused, .connectionLost, .badAnswer, .unknown: false
    }
  }

  /// libcurl's own words are taken only where they are about reaching the server, because elsewhere they
  /// may quote what was sent or received.
  func message(for transfer: Transfer, result: CURLcode, detail: String) -> String {
    let words = detail.isEmpty ? String(cString: curl_easy_strerror(result)) : detail
    switch self {
    case .resolve: return "the host's name was not found: \(words)"
    case .connect: return "no connection: \(words)"
    case .tls: return "the TLS handshake failed: \(words)"
    case .certificate: return "a certificate was not accepted: \(words)"
    case .timeout: return "no complete answer within \(transfer.request.timeout)"
    case .cancelled: return "the request was cancelled"
    case .shutDown: return "the client was shut down"
    case .responseTooLarge:
      return "the answer is longer than \(transfer.request.maximumResponseBytes) bytes, or its headers are"
    case .resendRefused:
      return "the connection was lost before an answer came, and the request must not be sent twice"
    case .connectionLost, .badAnswer, .badURL, .insecureURL, .badHeader, .configuration, .queueFull,
      .unknown:
      return "libcurl says: \(String(cString: curl_easy_strerror(result)))"
    }
  }
}
