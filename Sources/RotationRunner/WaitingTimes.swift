import RotationModel
import RotationPorts

/// Since when the tokens wait that are waiting for activation: the longest wait at any time, whatever their number.
struct WaitingTimes {
  private struct Token: Hashable {
    var lineage: LineageID
    var generation: Int
  }

  private var waiting: Set<Token> = []
  /// Where each token stands in the queue, which may be longer than it waits: a token between two questions comes and
  /// goes, and keeps its place.
  private var queued: [Token: Instant] = [:]
  private var queue = Heap<(since: Instant, token: Token)> { $0.since < $1.since }

  mutating func begin(_ work: TokenWork, now: Instant) {
    guard let generation = work.machine.probed else { return }
    let token = Token(lineage: work.lineage, generation: generation.number)
    waiting.insert(token)
    guard queued[token] == nil else { return }
    // One that is to be current again was stored long ago, and waits only now.
    let since = generation.phase == .staged ? generation.stagedAt : now
    queued[token] = since
    queue.insert((since, token))
  }

  mutating func end(_ work: TokenWork) {
    guard let generation = work.machine.probed else { return }
    waiting.remove(Token(lineage: work.lineage, generation: generation.number))
  }

  /// nil: nothing waits.
  mutating func oldest() -> Instant? {
    while let first = queue.first, !waiting.contains(first.token), let gone = queue.removeFirst() {
      queued[gone.token] = nil
    }
    return queue.first?.since
  }
}
