import RotationModel

/// The cluster's time, told from the `Date` of one answer and from the monotonic clock since.
///
/// What decides about the end of tokens is measured by one clock, the cluster's: this machine's may be wrong,
/// and may be set while a run is under way. `Date` has whole seconds and was written somewhere between request
/// and answer, so the time is known as a span: its ends are taken so that an overlap is never cut short.
struct ServiceTime: Sendable, Equatable {
  /// nil: the service did not tell; then this machine's clock at the request stands for it.
  let serviceTime: Instant?
  let wallAtRequest: Instant
  /// By the monotonic clock.
  let requestedAt: Duration
  let answeredAt: Duration

  /// Clocks that are further apart than this are not relied on.
  static let tolerance: Duration = .seconds(300)

  /// The cluster's time at this uptime, or a little before it.
  func earliest(at uptime: Duration) -> Instant {
    serviceTime.map { $0 + (uptime - answeredAt) } ?? wallAtRequest + (uptime - requestedAt)
  }

  /// The cluster's time at this uptime, or a little after it.
  func latest(at uptime: Duration) -> Instant {
    serviceTime.map { $0 + .seconds(1) + (uptime - requestedAt) } ?? wallAtRequest + (uptime - requestedAt)
  }

  /// How far this machine's clock and the service's are apart; nil when the service did not tell.
  var skew: Duration? {
    serviceTime.map { .milliseconds(abs((wallAtRequest - $0).milliseconds)) }
  }

  var clocksAgree: Bool { skew.map { $0 <= ServiceTime.tolerance } ?? true }
}
