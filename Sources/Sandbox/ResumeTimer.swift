internal import Glibc
internal import RotationModel

/// One thread that calls back at a time on the monotonic clock, for answers that wait.
///
/// The waiting are bounded by the server's limit of connections: each has at most one answer.
final class ResumeTimer: Sendable {
  typealias Action = @Sendable () -> Void

  private struct Waiting {
    var dueMilliseconds: Int64
    var action: Action
  }

  private nonisolated(unsafe) let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private nonisolated(unsafe) let changed: UnsafeMutablePointer<pthread_cond_t>
  /// Guarded by `mutex`, as are the next two.
  private nonisolated(unsafe) var waiting: [Waiting] = []
  private nonisolated(unsafe) var isStopped = false
  private nonisolated(unsafe) var thread = pthread_t()

  init() {
    mutex = .allocate(capacity: 1)
    changed = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(changed, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
  }

  /// Starts the thread; false when the system gave none.
  func start() -> Bool {
    let context = Unmanaged.passRetained(self)
    let status = pthread_create(&thread, nil, resumeTimerThread, context.toOpaque())
    if status != 0 { context.release() }
    return status == 0
  }

  /// Calls `action` after `delay` on the timer's thread, or at once on the caller's after `stop`.
  func schedule(after delay: Duration, _ action: @escaping Action) {
    pthread_mutex_lock(mutex)
    let isStopped = isStopped
    if !isStopped {
      let due = Self.nowMilliseconds() + delay.milliseconds
      let place = waiting.firstIndex { $0.dueMilliseconds > due } ?? waiting.endIndex
      waiting.insert(Waiting(dueMilliseconds: due, action: action), at: place)
      pthread_cond_signal(changed)
    }
    pthread_mutex_unlock(mutex)
    if isStopped { action() }
  }

  /// Calls everything that waits and ends the thread.
  func stop() {
    pthread_mutex_lock(mutex)
    isStopped = true
    pthread_cond_signal(changed)
    pthread_mutex_unlock(mutex)
    pthread_join(thread, nil)
  }

  fileprivate func run() {
    pthread_mutex_lock(mutex)
    while !isStopped || !waiting.isEmpty {
      let due = takeDue()
      if !due.isEmpty {
        pthread_mutex_unlock(mutex)
        for action in due { action() }
        pthread_mutex_lock(mutex)
      } else if let next = waiting.first {
        var until = timespec(
          tv_sec: Int(next.dueMilliseconds / 1000), tv_nsec: Int(next.dueMilliseconds % 1000) * 1_000_000)
        pthread_cond_timedwait(changed, mutex, &until)
      } else {
        pthread_cond_wait(changed, mutex)
      }
    }
    pthread_mutex_unlock(mutex)
  }

  private func takeDue() -> [Action] {
    let now = Self.nowMilliseconds()
    let count = isStopped ? waiting.count : waiting.prefix { $0.dueMilliseconds <= now }.count
    defer { waiting.removeFirst(count) }
    return waiting.prefix(count).map(\.action)
  }

  private static func nowMilliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}

private func resumeTimerThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context else { return nil }
  Unmanaged<ResumeTimer>.fromOpaque(context).takeRetainedValue().run()
  return nil
}
