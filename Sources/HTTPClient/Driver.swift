internal import CCurl
internal import Glibc
internal import Locks

/// The thread that runs every transfer of a client through one multi handle.
///
/// `@unchecked Sendable`: `shared` has its lock; `running`, `idleHandles` and, but for the wake-up, `multi`
/// belong to the thread.
final class Driver: @unchecked Sendable {
  private struct Shared {
    var line: WaitingLine
    /// Running transfers whose task was cancelled since the thread last looked.
    var cancelled: [Transfer] = []
    var isStopping = false
    /// The multi handle is gone or about to go: no wake-up any more.
    var isClosed = false
    var isWakeUpPending = false
    /// Taken by the one who joins.
    var thread: pthread_t?
  }

  /// What one look at `shared` gives the thread to do.
  private struct Work {
    var expired: [Transfer] = []
    var cancelled: [Transfer] = []
    var starting: [Transfer] = []
    var isStopping = false
  }

  private let configuration: HTTPClientConfiguration
  private let multi: UnsafeMutableRawPointer
  private let limit: Int
  private let shared: Locked<Shared>
  private var running: [UnsafeMutableRawPointer: (transfer: Transfer, handle: EasyHandle)] = [:]
  private var idleHandles: [EasyHandle] = []

  /// Nil when the system has no memory or thread left.
  init?(_ configuration: HTTPClientConfiguration) {
    guard let multi = curl_multi_init() else { return nil }
    self.configuration = configuration
    self.multi = multi
    limit = max(1, configuration.maximumTransfersInFlight)
    shared = Locked(Shared(line: WaitingLine(maximumCount: configuration.maximumWaitingRequests)))
    // Without a number libcurl keeps four connections for each transfer that runs just now, so none between
    // two bursts.
    _ = ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, limit)
    _ = ccurl_multi_set_long(
      multi, CURLMOPT_MAX_HOST_CONNECTIONS, max(1, configuration.maximumConnectionsPerHost))
    guard startThread() else {
      curl_multi_cleanup(multi)
      return nil
    }
  }

  /// The thread takes no signals: they are for the threads that expect them, and a SIGPIPE must not end the
  /// process.
  private func startThread() -> Bool {
    var every = sigset_t()
    var before = sigset_t()
    sigfillset(&every)
    pthread_sigmask(SIG_SETMASK, &every, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    let driver = Unmanaged.passRetained(self)
    let failure = pthread_create(
      &thread, nil,
      { context in
        if let context { Unmanaged<Driver>.fromOpaque(context).takeRetainedValue().run() }
        return nil
      }, driver.toOpaque())
    guard failure == 0 else {
      driver.release()
      return false
    }
    shared.withLock { $0.thread = thread }
    return true
  }

  // MARK: Called from any thread

  /// Queues `transfer`; `continuation` is resumed exactly once.
  func submit(_ transfer: Transfer, _ continuation: CheckedContinuation<Transfer.Outcome, Never>) {
    let refusal: (HTTPError.Code, String)? = shared.withLock { shared in
      // The cancel may have come first: whoever takes the lock second must see what the first one did.
      guard case .new = transfer.phase else { return (.cancelled, "the request was cancelled") }
      transfer.phase = .finished
      guard !shared.isStopping else { return (.shutDown, "the client was shut down") }
      guard shared.line.append(transfer) else { return (.queueFull, "too many requests wait already") }
      transfer.phase = .waiting(continuation)
      wakeUp(&shared)
      return nil
    }
    guard let (code, message) = refusal else { return }
    continuation.resume(
      returning: .failure(
        HTTPError(code, message, operation: transfer.operation, started: transfer.started)))
  }

  /// Ends `transfer` because its task was cancelled, wherever it is.
  func cancel(_ transfer: Transfer) {
    let waiting: CheckedContinuation<Transfer.Outcome, Never>? = shared.withLock { shared in
      switch transfer.phase {
      case .new:
        transfer.phase = .finished
        return nil
      case .waiting(let continuation):
        transfer.phase = .finished
        return continuation
      case .running:
        if !shared.isClosed { shared.cancelled.append(transfer) }
        wakeUp(&shared)
        return nil
      case .finished:
        return nil
      }
    }
    waiting?.resume(
      returning: .failure(
        HTTPError(
          .cancelled, "the request was cancelled while it waited for its turn",
          operation: transfer.operation, started: transfer.started)))
  }

  /// Ends every request with ``HTTPError/Code/shutDown`` and the thread with them. Returns when the thread
  /// is gone, unless another caller waits for it already or this is the thread itself.
  func stop() {
    let thread = shared.withLock { shared in
      shared.isStopping = true
      wakeUp(&shared)
      let thread = shared.thread
      shared.thread = nil
      return thread
    }
    guard let thread else { return }
    if pthread_equal(thread, pthread_self()) != 0 {
      pthread_detach(thread)
    } else {
      pthread_join(thread, nil)
    }
  }

  /// With the lock held, so that the multi handle cannot go in between; once for any number of changes.
  private func wakeUp(_ shared: inout Shared) {
    guard !shared.isClosed, !shared.isWakeUpPending else { return }
    shared.isWakeUpPending = true
    curl_multi_wakeup(multi)
  }

  // MARK: The thread

  private func run() {
    var isWorking = true
    while isWorking {
      let work = takeWork()
      for transfer in work.expired { refuse(transfer, .timeout) }
      for transfer in work.cancelled { abort(transfer, .cancelled) }
      for transfer in work.starting { start(transfer) }
      if work.isStopping { break }
      isWorking = turn()
    }
    close()
  }

  private func takeWork() -> Work {
    shared.withLock { shared in
      var work = Work()
      shared.isWakeUpPending = false
      work.isStopping = shared.isStopping
      swap(&work.cancelled, &shared.cancelled)
      work.expired = shared.line.popExpired(at: .now)
      while !work.isStopping, running.count + work.starting.count < limit,
        let transfer = shared.line.popFirst()
      {
        guard case .waiting(let continuation) = transfer.phase else { continue }
        transfer.phase = .running(continuation)
        work.starting.append(transfer)
      }
      return work
    }
  }

  /// Lets libcurl work, takes what is finished, and waits unless there is room for more. False when libcurl
  /// itself is broken.
  private func turn() -> Bool {
    var runningCount: Int32 = 0
    guard curl_multi_perform(multi, &runningCount) == CURLM_OK else { return false }
    var result = CURLE_OK
    while let pointer = ccurl_next_finished(multi, &result) { complete(pointer, result) }
    if running.count < limit, shared.withLock({ !$0.line.isEmpty }) { return true }
    return curl_multi_poll(multi, nil, 0, pollMilliseconds(), nil) == CURLM_OK
  }

  /// Until the first deadline of a waiting request; libcurl shortens it to its own timers.
  private func pollMilliseconds() -> Int32 {
    let longest = 60_000.0
    guard let deadline = shared.withLock({ $0.line.nearestDeadline }) else { return Int32(longest) }
    let left = (deadline - ContinuousClock.now) / .milliseconds(1)
    return Int32(min(max(left.rounded(.up), 0), longest))
  }

  private func start(_ transfer: Transfer) {
    let remaining = transfer.deadline - ContinuousClock.now
    guard remaining > .zero else { return refuse(transfer, .timeout) }
    guard let handle = idleHandles.popLast() ?? EasyHandle() else {
      return refuse(transfer, .unknown)
    }
    do throws(EasyHandle.Refused) {
      try handle.prepare(for: transfer, configuration, remaining: remaining)
    } catch {
      let failure = HTTPError(transfer, handle: handle, result: error.code, ended: .configuration)
      handle.release(transfer)
      return finish(transfer, .failure(failure))
    }
    running[handle.pointer] = (transfer, handle)
    if curl_multi_add_handle(multi, handle.pointer) != CURLM_OK { abort(transfer, .unknown) }
  }

  private func complete(_ pointer: UnsafeMutableRawPointer, _ result: CURLcode) {
    curl_multi_remove_handle(multi, pointer)
    guard let (transfer, handle) = running.removeValue(forKey: pointer) else { return }
    let outcome: Transfer.Outcome =
      if result == CURLE_OK, transfer.hasHeaderBlockEnded {
        .success(transfer.response(status: handle.number(CURLINFO_RESPONSE_CODE)))
      } else {
        .failure(
          HTTPError(transfer, handle: handle, result: result == CURLE_OK ? CURLE_PARTIAL_FILE : result))
      }
    recycle(handle, transfer)
    finish(transfer, outcome)
  }

  /// Ends a running transfer before libcurl does. Does nothing when it has ended meanwhile.
  private func abort(_ transfer: Transfer, _ code: HTTPError.Code) {
    guard let (pointer, entry) = running.first(where: { $0.value.transfer === transfer }) else { return }
    running.removeValue(forKey: pointer)
    curl_multi_remove_handle(multi, pointer)
    let failure = HTTPError(transfer, handle: entry.handle, result: CURLE_OK, ended: code)
    recycle(entry.handle, transfer)
    finish(transfer, .failure(failure))
  }

  /// Ends a transfer that libcurl has not seen.
  private func refuse(_ transfer: Transfer, _ code: HTTPError.Code) {
    let message =
      switch code {
      case .timeout: "no place became free within \(transfer.request.timeout)"
      case .shutDown: "the client was shut down"
      default: "the system has no memory left for another transfer"
      }
    finish(
      transfer,
      .failure(HTTPError(code, message, operation: transfer.operation, started: transfer.started)))
  }

  private func recycle(_ handle: EasyHandle, _ transfer: Transfer) {
    handle.release(transfer)
    if idleHandles.count < limit { idleHandles.append(handle) }
  }

  private func finish(_ transfer: Transfer, _ outcome: Transfer.Outcome) {
    let continuation: CheckedContinuation<Transfer.Outcome, Never>? = shared.withLock { _ in
      defer { transfer.phase = .finished }
      switch transfer.phase {
      case .waiting(let continuation), .running(let continuation): return continuation
      case .new, .finished: return nil
      }
    }
    continuation?.resume(returning: outcome)
  }

  /// The thread's last act. Nothing can be queued any more once `isStopping` is set.
  private func close() {
    shared.withLock { $0.isStopping = true }
    for entry in Array(running.values) { abort(entry.transfer, .shutDown) }
    while let transfer = shared.withLock({ $0.line.popFirst() }) { refuse(transfer, .shutDown) }
    shared.withLock { shared in
      shared.isClosed = true
      shared.cancelled.removeAll()
    }
    idleHandles.removeAll()
    curl_multi_cleanup(multi)
  }
}
