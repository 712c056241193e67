internal import RotationPorts

/// A budget of requests that refills steadily and holds a tenth of a second's worth at most (at least one),
/// so that a rate is kept within every second and not only on average.
///
/// Its whole state is the moment at which it was empty: what it holds is the time since then.
struct PermitBucket {
  private var emptyAt: Duration?

  /// Takes up to `wanted` permits at `uptime`.
  mutating func take(_ wanted: Int, perSecond: Int, uptime: Duration) -> PermitGrant {
    let rate = max(1, perSecond)
    let interval = Duration.seconds(1) / rate
    let burst = max(1, rate / 10)
    let fullSince = uptime - interval * burst
    var emptyAt = max(self.emptyAt ?? fullSince, fullSince)
    // Only a clock that went back leaves the mark in the future.
    if emptyAt > uptime { emptyAt = uptime }
    let held = min(burst, Int((uptime - emptyAt) / interval))
    let count = max(0, min(wanted, held))
    emptyAt += interval * count
    self.emptyAt = emptyAt
    return PermitGrant(count: count, nextAt: max(uptime, emptyAt + interval))
  }
}
