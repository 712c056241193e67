internal import CMicroHTTPD
internal import Glibc
internal import Locks
internal import RotationModel

/// libmicrohttpd with one internal thread. Its callbacks are plain functions: they run on a thread that
/// belongs to no actor.
final class HTTPDaemon: Sendable {
  private static let maximumConnections: UInt32 = 8192
  private static let idleSeconds: UInt32 = 300

  let service: SandboxService
  let clock: @Sendable () -> Instant
  let timer = ResumeTimer()
  private let lock = Lock()
  /// Guarded by `lock`.
  private nonisolated(unsafe) var daemon: OpaquePointer?
  /// Used on the server's thread only.
  private nonisolated(unsafe) var date = (second: Int64.min, text: "")

  init(service: SandboxService, clock: @escaping @Sendable () -> Instant) {
    self.service = service
    self.clock = clock
  }

  /// Returns the port. The caller keeps this object alive until `stop` has returned.
  func start(on address: LoopbackAddress, port: UInt16) throws(SandboxError) -> UInt16 {
    guard timer.start() else {
      throw SandboxError(.cannotListen, "no thread could be started", hint: "see 'ulimit -u'")
    }
    errno = 0
    let started = address.withSocketAddress { socketAddress in
      sandbox_start(
        socketAddress, address.isIPv6 ? 1 : 0, Self.maximumConnections, Self.idleSeconds,
        Unmanaged.passUnretained(self).toOpaque(), accessRequest, completeRequest, changeConnection)
    }
    guard let started else {
      let reason = errno == 0 ? "" : ": \(String(cString: strerror(errno)))"
      timer.stop()
      throw SandboxError(
        .cannotListen, "the sandbox cannot listen on \(address.host) port \(port)\(reason)",
        hint: "another process may have the port; port 0 takes a free one")
    }
    lock.withLock { daemon = started }
    return sandbox_port(started)
  }

  /// libmicrohttpd wants no connection suspended when it stops, so what waits is woken up first.
  func stop() {
    let stopping = lock.withLock {
      defer { daemon = nil }
      return daemon
    }
    guard let stopping else { return }
    timer.stop()
    MHD_stop_daemon(stopping)
  }

  /// The `Date` header's value, made once a second.
  func dateText(_ now: Instant) -> String {
    let second = now.milliseconds / 1000
    if second != date.second { date = (second, HTTPDate.format(now)) }
    return date.text
  }
}

/// One request on its way through libmicrohttpd's calls.
private final class RequestInProgress {
  let path: String
  let node: Int
  var request: HTTPRequest
  /// Set once the request was read in full.
  var outcome: SandboxService.Outcome?
  var date = ""

  init(request: HTTPRequest, node: Int) {
    self.request = request
    self.node = node
    path = request.path
  }
}

/// Called when the head has arrived, for each part of the body, at the end of it, and after a wait.
private func accessRequest(
  _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ url: UnsafePointer<CChar>?,
  _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?, _ upload: UnsafePointer<CChar>?,
  _ uploadSize: UnsafeMutablePointer<Int>?, _ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
  guard let context, let connection, let url, let method, let uploadSize, let slot else {
    return sandbox_no()
  }
  let daemon = Unmanaged<HTTPDaemon>.fromOpaque(context).takeUnretainedValue()
  guard let held = slot.pointee else {
    let progress = RequestInProgress(
      request: readHead(connection, url: url, method: method), node: nodeOf(connection))
    daemon.service.requestStarted(progress.path)
    slot.pointee = Unmanaged.passRetained(progress).toOpaque()
    return sandbox_yes()
  }
  let progress = Unmanaged<RequestInProgress>.fromOpaque(held).takeUnretainedValue()
  if uploadSize.pointee > 0 {
    append(upload, uploadSize.pointee, to: progress)
    uploadSize.pointee = 0
    return sandbox_yes()
  }
  if let outcome = progress.outcome { return send(outcome, progress, connection) }
  let now = daemon.clock()
  let outcome = daemon.service.respond(to: progress.request, node: progress.node, at: now)
  progress.outcome = outcome
  progress.date = daemon.dateText(now)
  guard outcome.delay > .zero else { return send(outcome, progress, connection) }
  MHD_suspend_connection(connection)
  let waiting = WaitingConnection(pointer: connection)
  daemon.timer.schedule(after: outcome.delay) { MHD_resume_connection(waiting.pointer) }
  return sandbox_yes()
}

/// A suspended connection stays valid until it is resumed, which happens exactly once.
private struct WaitingConnection: @unchecked Sendable {
  let pointer: OpaquePointer
}

private func send(
  _ outcome: SandboxService.Outcome, _ progress: RequestInProgress, _ connection: OpaquePointer
) -> MHD_Result {
  // Refusing the request makes libmicrohttpd close the connection, which is what a lost answer looks like.
  guard let answer = outcome.answer else { return sandbox_no() }
  return answer.body.withUnsafeBytes { body in
    sandbox_answer(
      connection, UInt32(answer.status), body.baseAddress, body.count, answer.contentType, progress.date,
      answer.retryAfterSeconds.map { String($0) })
  }
}

private func append(_ upload: UnsafePointer<CChar>?, _ count: Int, to progress: RequestInProgress) {
  guard progress.request.body.count + count <= HTTPRequest.maximumBodyBytes, let upload else {
    progress.request.bodyIsTooLong = true
    return
  }
  progress.request.body.append(contentsOf: UnsafeRawBufferPointer(start: upload, count: count))
}

private func completeRequest(
  _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
  _ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ code: MHD_RequestTerminationCode
) {
  guard let context, let slot, let held = slot.pointee else { return }
  slot.pointee = nil
  let progress = Unmanaged<RequestInProgress>.fromOpaque(held).takeRetainedValue()
  Unmanaged<HTTPDaemon>.fromOpaque(context).takeUnretainedValue().service.requestEnded(progress.path)
}

/// A connection's node is kept, plus 1, in the place that libmicrohttpd has for a pointer.
private func changeConnection(
  _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
  _ slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ code: MHD_ConnectionNotificationCode
) {
  guard let context, let slot, sandbox_is_started(code) != 0 else { return }
  let service = Unmanaged<HTTPDaemon>.fromOpaque(context).takeUnretainedValue().service
  slot.pointee = UnsafeMutableRawPointer(bitPattern: service.connectionOpened() + 1)
}

private func nodeOf(_ connection: OpaquePointer) -> Int {
  max(0, Int(bitPattern: sandbox_socket_context(connection)) - 1)
}

// MARK: The head

private func readHead(
  _ connection: OpaquePointer, url: UnsafePointer<CChar>, method: UnsafePointer<CChar>
) -> HTTPRequest {
  var request = HTTPRequest(method: String(cString: method), path: String(cString: url))
  withUnsafeMutablePointer(to: &request) { request in
    sandbox_each_header(connection, readHeader, request)
    sandbox_each_parameter(connection, readParameter, request)
  }
  return request
}

private func readHeader(
  _ context: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ name: UnsafePointer<CChar>?,
  _ value: UnsafePointer<CChar>?
) -> MHD_Result {
  guard let request = context?.assumingMemoryBound(to: HTTPRequest.self), let name, let value else {
    return sandbox_yes()
  }
  if strcasecmp(name, "authorization") == 0 {
    request.pointee.authorization.append(String(cString: value))
  } else if strcasecmp(name, "content-type") == 0 {
    request.pointee.contentType = String(cString: value)
  } else if strcasecmp(name, "expect") == 0 {
    request.pointee.expects = true
  }
  return sandbox_yes()
}

private func readParameter(
  _ context: UnsafeMutableRawPointer?, _ kind: MHD_ValueKind, _ name: UnsafePointer<CChar>?,
  _ value: UnsafePointer<CChar>?
) -> MHD_Result {
  guard let request = context?.assumingMemoryBound(to: HTTPRequest.self), let name else {
    return sandbox_yes()
  }
  request.pointee.query.append((String(cString: name), value.map { String(cString: $0) }))
  return sandbox_yes()
}
