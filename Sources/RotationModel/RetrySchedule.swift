/// Back-off with jitter, bounded in number and length.
public struct RetrySchedule: Equatable, Sendable {
  /// How often the request is sent in all.
  public var attempts: Int
  public var firstDelay: Duration
  public var longestDelay: Duration

  public init(attempts: Int, firstDelay: Duration, longestDelay: Duration) {
    self.attempts = attempts
    self.firstDelay = firstDelay
    self.longestDelay = longestDelay
  }

  /// The longest that a service's wish is followed: a run that holds the lock does not sleep for hours.
  public static let longestRetryAfter: Duration = .seconds(60)

  /// For reads and repeatable changes of the Management API: the pauses are 8 to 16 seconds in all, unless the
  /// service wishes for longer ones.
  public static let reading = RetrySchedule(
    attempts: 6, firstDelay: .milliseconds(500), longestDelay: .seconds(10))

  /// The pause after the `failure`-th failure (from 1), or nil when enough were sent. `jitter` in 0..<1
  /// takes up to half of it away; `retryAfter` is the service's own wish and is never undercut: nil too when
  /// it is longer than a run waits.
  public func delay(afterFailure failure: Int, retryAfter: Duration?, jitter: Double) -> Duration? {
    guard failure < attempts, retryAfter ?? .zero <= RetrySchedule.longestRetryAfter else { return nil }
    var delay = firstDelay
    for _ in 1..<max(1, min(failure, 30)) { delay = min(longestDelay, delay * 2) }
    let jittered = delay * (1 - jitter / 2)
    return max(jittered, retryAfter ?? .zero)
  }
}
