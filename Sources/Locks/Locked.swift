internal import Glibc

/// A value behind a pthread mutex: Thread Sanitizer understands this lock, and reports races that do not
/// exist with `Synchronization.Mutex`.
///
/// `@unchecked Sendable`: the value is reached through the calls below only, so by one thread at a time.
package final class Locked<Value>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var value: Value

  package init(_ value: Value) {
    self.value = value
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    condition.initialize(to: pthread_cond_t())
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// Calls of `body` exclude each other. Keep it short: resume no continuation, call no foreign code and do
  /// not ask for the same lock again in it.
  package func withLock<Result, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return try body(&value)
  }

  /// Waits, without holding the lock, until `body` gives an answer; it is asked again after each wake-up.
  package func waitUntil<Result>(_ body: (inout Value) -> Result?) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(&value) { return result }
      pthread_cond_wait(condition, mutex)
    }
  }

  /// Wakes one thread that waits.
  package func signal() {
    pthread_cond_signal(condition)
  }

  /// Wakes every thread that waits.
  package func broadcast() {
    pthread_cond_broadcast(condition)
  }
}
