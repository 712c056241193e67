/// The requests that wait for a place, first come, first served.
///
/// A cancelled request stays in the line, finished, until its turn comes or the line is full, so that a
/// cancel does not have to look for it.
struct WaitingLine {
  private let maximumCount: Int
  private var transfers: [Transfer] = []
  private var head = 0
  /// No request in the line is due before this instant.
  private(set) var nearestDeadline: ContinuousClock.Instant?

  init(maximumCount: Int) {
    self.maximumCount = max(0, maximumCount)
  }

  var isEmpty: Bool { head == transfers.count }

  /// False when the line is full.
  mutating func append(_ transfer: Transfer) -> Bool {
    if transfers.count - head >= maximumCount { dropFinished() }
    guard transfers.count - head < maximumCount else { return false }
    transfers.append(transfer)
    nearestDeadline = min(nearestDeadline ?? transfer.deadline, transfer.deadline)
    return true
  }

  mutating func popFirst() -> Transfer? {
    guard head < transfers.count else { return nil }
    let first = transfers[head]
    head += 1
    if head == transfers.count {
      transfers.removeAll(keepingCapacity: true)
      head = 0
      nearestDeadline = nil
    } else if head >= 1024, head * 2 >= transfers.count {
      transfers.removeFirst(head)
      head = 0
    }
    return first
  }

  /// Takes out the requests whose deadline is `now` or earlier. Looks through the line only when there may
  /// be one.
  mutating func popExpired(at now: ContinuousClock.Instant) -> [Transfer] {
    guard let nearest = nearestDeadline, nearest <= now else { return [] }
    dropFinished()
    let expired = transfers.filter { $0.deadline <= now }
    transfers.removeAll { $0.deadline <= now }
    nearestDeadline = transfers.lazy.map(\.deadline).min()
    return expired
  }

  private mutating func dropFinished() {
    transfers.removeFirst(head)
    head = 0
    transfers.removeAll { if case .finished = $0.phase { true } else { false } }
  }
}
