/// A point in wall-clock time, in whole milliseconds since 1970-01-01T00:00:00Z.
///
/// The model never asks what time it is; it is told. Milliseconds are what the audit log shows, so
/// nothing is lost between memory, ledger and log.
public struct Instant: Hashable, Comparable, Sendable {
  /// Milliseconds since the Unix epoch, negative before it.
  public var milliseconds: Int64

  public init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  public static func < (left: Instant, right: Instant) -> Bool {
    left.milliseconds < right.milliseconds
  }

  public static func + (instant: Instant, span: Duration) -> Instant {
    Instant(milliseconds: instant.milliseconds + span.milliseconds)
  }

  public static func - (instant: Instant, span: Duration) -> Instant {
    Instant(milliseconds: instant.milliseconds - span.milliseconds)
  }

  /// The span from `earlier` to `later`, negative when they are the other way round.
  public static func - (later: Instant, earlier: Instant) -> Duration {
    .milliseconds(later.milliseconds - earlier.milliseconds)
  }
}

extension Duration {
  /// The span in whole milliseconds, rounded towards zero.
  public var milliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }

  /// The span in seconds with fractions.
  public var seconds: Double {
    Double(milliseconds) / 1000
  }
}
