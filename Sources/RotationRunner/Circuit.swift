import RotationPorts

/// What all creations of a job learn from each other.
///
/// It stops creating when many in a row have failed: a cluster that answers nothing should be left alone, and
/// every unanswered attempt is one more to be searched for. And when the service asks one
/// request to come later, all others hold back as well.
actor Circuit {
  private let limit: Int
  /// No creation is sent before this uptime.
  private(set) var throttledUntil: Duration = .zero
  private var failures = 0
  private var lastError: ServiceError?

  init(limit: Int) {
    self.limit = limit
  }

  func succeeded() {
    failures = 0
  }

  func failed(_ error: ServiceError) {
    failures += 1
    lastError = error
  }

  func throttled(until uptime: Duration) {
    throttledUntil = max(throttledUntil, uptime)
  }

  /// nil while creations may go on.
  var problem: Problem? {
    guard failures >= limit, let lastError else { return nil }
    return Problem(
      code: "circuit_open",
      message:
        "not tried: the last \(failures) creations all failed, the last one with: \(lastError.message)",
      hint: "run again when the cluster answers; nothing is lost")
  }
}
