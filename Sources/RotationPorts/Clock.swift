public import RotationModel

/// Time as the runner sees it: what the wall says, and a monotonic clock to wait by.
///
/// The wall clock stamps events and may jump; every wait and every time limit of one run is measured by
/// `uptime`, which cannot.
public protocol RotationClock: Sendable {
  /// The wall clock, UTC.
  var now: Instant { get }
  /// A monotonic clock since an arbitrary start, suspended time included where the system offers it.
  var uptime: Duration { get }
  /// Returns when `uptime` has reached `deadline`; throws `CancellationError` when the task is cancelled.
  func sleep(until deadline: Duration) async throws
}

extension RotationClock {
  /// Returns after `span`; throws `CancellationError` when the task is cancelled.
  public func sleep(for span: Duration) async throws {
    try await sleep(until: uptime + span)
  }
}

/// Randomness for ids and jitter, injected so that a simulation's seed decides it.
public protocol RandomSource: Sendable {
  /// 64 uniformly random bits, unpredictable to others outside simulations.
  func next() -> UInt64
}

extension RandomSource {
  /// A uniformly random fraction in `0..<1`.
  public func fraction() -> Double {
    Double(next() >> 11) / 9_007_199_254_740_992
  }
}
