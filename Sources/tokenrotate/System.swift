import FileSystem
import Glibc
import Locks
import RotationModel
import RotationPorts

/// The clocks of this machine.
struct SystemClock: RotationClock {
  var now: Instant {
    let time = SystemClock.read(CLOCK_REALTIME)
    return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }

  var uptime: Duration {
    let time = SystemClock.read(CLOCK_BOOTTIME)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  func sleep(until deadline: Duration) async throws {
    while true {
      let left = deadline - uptime
      guard left > .zero else { return try Task.checkCancellation() }
      try await Task.sleep(for: left)
    }
  }

  private static func read(_ clock: clockid_t) -> timespec {
    var time = timespec()
    clock_gettime(clock, &time)
    return time
  }
}

/// The kernel's randomness.
struct SystemRandom: RandomSource {
  func next() -> UInt64 {
    var generator = SystemRandomNumberGenerator()
    return generator.next()
  }
}

/// SIGINT and SIGTERM as a wish to stop at a safe point. The second signal ends the process at once, which
/// loses nothing either: the next run recovers.
final class SignalInterruption: Interruption {
  private struct State {
    var signal: Int32?
    var nextID = 0
    var waiting: [Int: CheckedContinuation<Bool, Never>] = [:]
  }

  private let state = Locked(State())

  var isRequested: Bool { signal != nil }

  /// The signal that came first.
  var signal: Int32? { state.withLock { $0.signal } }

  /// The exit code for it.
  var exitCode: ExitCode { signal == SIGTERM ? .terminated : .interrupted }

  /// Takes both signals for the whole process. To be called once.
  ///
  /// Blocking them for a thread that waits would not do: the main thread of an asynchronous program sleeps
  /// in `sigsuspend` with nothing blocked (swift-corelibs-libdispatch, `dispatch_main`), and the default
  /// action would end the process there. So a handler hands them on through a pipe.
  func install() {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    arrivedSignals = ends[1]
    let reader = SignalReader(interruption: self, arrived: ends[0])
    var thread = pthread_t()
    let context = Unmanaged.passRetained(reader).toOpaque()
    guard pthread_create(&thread, nil, signalThreadMain, context) == 0 else { return }
    pthread_detach(thread)
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { signal in
      // Only what a signal handler may do; a reader that waits for the byte misses nothing.
      let previous = errno
      var byte = UInt8(truncatingIfNeeded: signal)
      _ = write(arrivedSignals, &byte, 1)
      errno = previous
    }
    action.sa_flags = SA_RESTART
    for signal in [SIGINT, SIGTERM] {
      var inherited = sigaction()
      sigaction(signal, nil, &inherited)
      // A shell makes its background jobs ignore SIGINT, and nohup means it too.
      if !inherited.isIgnored { sigaction(signal, &action, nil) }
    }
  }

  fileprivate func arrived(_ signal: Int32) {
    let (isFirst, waiting) = state.withLock { state in
      let isFirst = state.signal == nil
      if isFirst { state.signal = signal }
      let waiting = state.waiting.values
      state.waiting = [:]
      return (isFirst, Array(waiting))
    }
    guard isFirst else {
      _exit(signal == SIGTERM ? ExitCode.terminated.rawValue : ExitCode.interrupted.rawValue)
    }
    for continuation in waiting { continuation.resume(returning: true) }
  }

  func requested() async throws {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    let isRequested = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        // Decided under the lock, so that neither a signal nor a cancellation is lost in between.
        let answer = state.withLock { state -> Bool? in
          if state.signal != nil { return true }
          if Task.isCancelled { return false }
          state.waiting[id] = continuation
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(returning: false)
    }
    if !isRequested { throw CancellationError() }
  }
}

extension sigaction {
  fileprivate var isIgnored: Bool {
    // SIG_IGN is the number 1 in the place of a function.
    unsafeBitCast(__sigaction_handler.sa_handler, to: Int.self) == 1
  }
}

/// Where the handler writes the number of each signal; set before the handler is.
private nonisolated(unsafe) var arrivedSignals: Int32 = -1

private final class SignalReader: Sendable {
  let interruption: SignalInterruption
  let arrived: Int32

  init(interruption: SignalInterruption, arrived: Int32) {
    self.interruption = interruption
    self.arrived = arrived
  }
}

private func signalThreadMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context else { return nil }
  let reader = Unmanaged<SignalReader>.fromOpaque(context).takeRetainedValue()
  var signal: UInt8 = 0
  while true {
    let count = read(reader.arrived, &signal, 1)
    if count == 1 { reader.interruption.arrived(Int32(signal)) }
    if count == 0 || count < 0 && errno != EINTR { return nil }
  }
}

/// What the process was started with.
struct ProcessEnvironment {
  let variables: [String: String]

  init() {
    var variables: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
      let pair = String(cString: text)
      if let equals = pair.firstIndex(of: "=") {
        variables[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
      }
      entry += 1
    }
    self.variables = variables
  }

  var isRoot: Bool { geteuid() == 0 }

  var home: String { variables["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "/" }

  /// Who acts, for the audit log: the system user's name, or the number where there is no name.
  var actorName: String {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16 * 1024)
    let user = geteuid()
    guard getpwuid_r(user, &entry, &buffer, buffer.count, &found) == 0, found != nil, let name = entry.pw_name
    else { return "uid:\(user)" }
    return String(cString: name)
  }

  func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    guard getcwd(&buffer, buffer.count) != nil else { return path }
    let folder = buffer.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    return folder == "/" ? "/" + path : folder + "/" + path
  }
}
