internal import CCurl
internal import RotationPorts

/// One request on its way, and what libcurl calls back with.
///
/// `@unchecked Sendable`: `phase` is read and written under the driver's lock only, everything else after
/// `init` on the driver's thread only, which also runs libcurl's callbacks.
final class Transfer: @unchecked Sendable {
  typealias Outcome = Result<HTTPResponse, HTTPError>

  enum Phase {
    /// Leaves to: waiting, finished (cancelled before it was queued).
    case new
    /// Leaves to: running, finished.
    case waiting(CheckedContinuation<Outcome, Never>)
    /// Leaves to: finished.
    case running(CheckedContinuation<Outcome, Never>)
    case finished
  }

  static let maximumHeaderBytes = 65_536
  static let maximumHeaderLines = 256

  var phase = Phase.new

  let request: HTTPRequest
  let operation: String
  let started: ContinuousClock.Instant
  let deadline: ContinuousClock.Instant

  /// libcurl keeps the pointer until the transfer ends; wiped and freed then.
  var headerList: UnsafeMutablePointer<curl_slist>?

  /// How often libcurl was about to put this request on a connection. 0 proves that no byte of it was sent.
  private(set) var startCount = 0
  private(set) var wasBodyRead = false
  private(set) var isResendRefused = false
  private(set) var isTooLarge = false
  private var bodyOffset = 0
  private(set) var responseBody: ResponseBody
  private var headerLines: [UInt8] = []
  private var headerByteCount = 0
  private var headerLineCount = 0
  /// libcurl takes an answer that is cut off inside its headers for a whole one.
  private(set) var hasHeaderBlockEnded = false

  init(_ request: HTTPRequest, operation: String, started: ContinuousClock.Instant) {
    self.request = request
    self.operation = operation
    self.started = started
    deadline = started + request.timeout
    responseBody = ResponseBody(isSecret: request.neverResend)
  }

  /// The part of an answer that was cut off may hold a string as well.
  deinit { responseBody.wipe() }

  /// Hands the answer over: its body is in no other place from now on.
  func response(status: Int) -> HTTPResponse {
    HTTPResponse(status: status, headerLines: headerLines, body: responseBody.take())
  }

  // MARK: What libcurl calls

  /// Called each time a connection is ready for the request, before its first byte. The one place that
  /// sees every way in which libcurl would send a request again: a reused connection that died, an HTTP/2
  /// stream that was refused, a GOAWAY, a server that demands HTTP/1.1.
  func mayStart() -> Bool {
    startCount += 1
    guard startCount > 1, request.neverResend else { return true }
    isResendRefused = true
    return false
  }

  /// Hands the next part of the body to libcurl; 0 is the end.
  func readBody(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    wasBodyRead = true
    guard let body = request.body else { return 0 }
    let count = min(buffer.count, body.count - bodyOffset)
    guard count > 0 else { return 0 }
    buffer.copyBytes(from: body[bodyOffset..<bodyOffset + count])
    bodyOffset += count
    return count
  }

  /// libcurl rewinds a body for one reason only: to send it again.
  func rewindBody(to offset: Int) -> Bool {
    guard !request.neverResend, offset >= 0, offset <= request.body?.count ?? 0 else {
      isResendRefused = request.neverResend
      return false
    }
    bodyOffset = offset
    return true
  }

  func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count <= request.maximumResponseBytes - responseBody.count else {
      isTooLarge = true
      return false
    }
    responseBody.append(bytes)
    return true
  }

  /// One line at a time: status line, headers, empty line; then again for the answer after a 1xx or a
  /// repeated request. Trailers come last and are not kept.
  func receiveHeader(_ line: UnsafeRawBufferPointer) -> Bool {
    headerByteCount += line.count
    headerLineCount += 1
    guard headerByteCount <= Transfer.maximumHeaderBytes, headerLineCount <= Transfer.maximumHeaderLines
    else {
      isTooLarge = true
      return false
    }
    if line.starts(with: "HTTP/".utf8) {
      headerLines.removeAll(keepingCapacity: true)
      hasHeaderBlockEnded = false
    } else if line.allSatisfy({ $0 == 0x0D || $0 == 0x0A }) {
      hasHeaderBlockEnded = true
    } else if !hasHeaderBlockEnded {
      headerLines.append(contentsOf: line)
    }
    return true
  }
}

extension HTTPRequest {
  var isSigned: Bool {
    if case .awsSignature = authorization { true } else { false }
  }
}

extension HTTPRequest.Authorization {
  var secret: Secret {
    switch self {
    case .bearer(let secret), .token(let secret), .header(_, let secret), .awsSignature(_, _, _, let secret):
      secret
    }
  }

  var headerName: String {
    switch self {
    case .bearer, .token, .awsSignature: "Authorization"
    case .header(let name, _): name
    }
  }

  var valuePrefix: String {
    switch self {
    case .bearer: "Bearer "
    case .token: "Token "
    case .header, .awsSignature: ""
    }
  }
}
