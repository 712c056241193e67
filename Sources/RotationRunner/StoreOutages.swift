import RotationModel
import RotationPorts

/// What all tokens of a job learn from each other about stores whose server is out of reach.
///
/// A store is waited for as long as an activation is, from its first failure without a success since: then nobody waits
/// for it any more in this run, which holds the lock that all runs share.
actor StoreOutages {
  /// From the first failure of a call to the last one that is made.
  private let patience: Duration
  private var since: [String: Duration] = [:]

  /// So soon after it is back a store is noticed, at the latest.
  private static let schedule = RetrySchedule(
    attempts: .max, firstDelay: .milliseconds(500), longestDelay: .seconds(5))

  init(patience: Duration) {
    self.patience = patience
  }

  func ended(_ store: String) { since[store] = nil }

  /// The pause after a token's `failure`-th failure (from 1) at `uptime`; nil: the store is not waited for any more.
  /// `isNew`: nobody knew of the outage before.
  func met(
    _ store: String, failure: Int, at uptime: Duration, jitter: Double
  ) -> (pause: Duration?, isNew: Bool) {
    let begun = since[store]
    since[store] = begun ?? uptime
    guard uptime - (begun ?? uptime) < patience else { return (nil, false) }
    let pause = StoreOutages.schedule.delay(afterFailure: failure, retryAfter: nil, jitter: jitter)
    return (pause, begun == nil)
  }
}

extension Performer {
  /// The pause before a store that has failed is asked again, after the `failure`-th failure of this call (from 1); nil:
  /// not in this run.
  func pause(
    for store: any SecretStore, after error: StoreError, failure: Int,
    otherwise schedule: RetrySchedule = .reading
  ) async -> Duration? {
    let jitter = ports.random.fraction()
    switch error.code {
    case .unreachable:
      let (pause, isNew) = await outages.met(
        store.name, failure: failure, at: ports.clock.uptime, jitter: jitter)
      if isNew {
        ports.reporter.waits(plan.name, for: .unreachable(store.name, error, plan.activation.timeout))
      }
      return pause
    case .unavailable, .noRoom:
      return schedule.delay(afterFailure: failure, retryAfter: nil, jitter: jitter)
    case .ownedByAnother, .conflict, .missing, .misconfigured, .malformed: return nil
    }
  }
}

extension Problem {
  fileprivate static func unreachable(_ store: String, _ error: StoreError, _ patience: Duration) -> Problem {
    Problem(
      code: "store_unreachable", message: "store \(store): \(error.message)",
      hint:
        "what needs it waits, for up to \(DurationText.format(patience)) ([activation] timeout); all else goes on"
    )
  }
}
