import RotationModel
import RotationPorts

/// What all creations of a job learn from each other.
///
/// It stops creating when many in a row have failed: a cluster that answers nothing should be left alone, and
/// every unanswered attempt is one more to be searched for. When the service asks one request to come later,
/// all others hold back as well; and when it does nothing else for long, the job is given up for this run,
/// which holds the lock that all runs share.
actor Circuit {
  /// How long throttling may go on without a success, from the first answer that asked for patience.
  static let throttledTime: Duration = .seconds(600)
  /// So many answers must have asked for it: one long `Retry-After` alone says nothing about what follows it.
  static let throttledAnswers = 3

  private let limit: Int
  /// No creation is sent before this uptime.
  private(set) var throttledUntil: Duration = .zero
  private var failures = 0
  private var lastError: ServiceError?
  /// The answers since the last success that asked for patience, and the first and the newest of them.
  private var throttles = 0
  private var throttledSince: Duration = .zero
  private var lastThrottle: (error: ServiceError, at: Duration)?

  init(limit: Int) {
    self.limit = limit
  }

  func succeeded() {
    failures = 0
    throttles = 0
    lastThrottle = nil
  }

  func failed(_ error: ServiceError) {
    failures += 1
    lastError = error
  }

  /// The service answered a creation at `uptime` that it wants none before `until`.
  func throttled(_ error: ServiceError, at uptime: Duration, until: Duration) {
    throttledUntil = max(throttledUntil, until)
    if throttles == 0 { throttledSince = uptime }
    throttles += 1
    lastThrottle = (error, uptime)
  }

  /// nil while creations may go on.
  var problem: Problem? { throttlingProblem ?? failureProblem }

  private var throttlingProblem: Problem? {
    guard throttles >= Circuit.throttledAnswers, let lastThrottle,
      lastThrottle.at - throttledSince >= Circuit.throttledTime
    else { return nil }
    let minutes = (lastThrottle.at - throttledSince).milliseconds / 60_000
    return Problem(
      code: "circuit_open",
      message:
        "not tried: for \(minutes) minutes the cluster has only asked for patience, the last time with: \(lastThrottle.error.message)",
      hint: "run again later, perhaps with a smaller requests_per_second under [limits]; nothing is lost")
  }

  private var failureProblem: Problem? {
    guard failures >= limit, let lastError else { return nil }
    return Problem(
      code: "circuit_open",
      message:
        "not tried: the last \(failures) creations all failed, the last one with: \(lastError.message)",
      hint: "run again when the cluster answers; nothing is lost")
  }
}
