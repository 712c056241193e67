import Ledgers
import RotationModel
import RotationPorts
import RotationTestKit
import Testing

/// Random sequences of calls: SQLite and the plain collections must give the same answers, errors included.
@Suite struct LedgerComparisonTests {
  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func bothLedgersAnswerAlike(seed: UInt64) async throws {
    let folder = try TemporaryFolder()
    let sqlite = try Kind.sqliteFile.make(in: folder)
    let plain = try Kind.inMemory.make(in: folder)
    #expect(sqlite.installation == plain.installation)
    var calls = RandomCalls(seed: seed)
    for step in 0..<150 {
      let call = calls.next()
      let expected = await RandomCalls.answer(call, from: plain)
      let actual = await RandomCalls.answer(call, from: sqlite)
      guard actual.text == expected.text else {
        Issue.record("seed \(seed), step \(step), \(call): \(actual.text) instead of \(expected.text)")
        return
      }
      calls.learn(from: expected)
    }
  }
}

enum LedgerCall: Sendable {
  case acquire(RunID)
  case release(Lease)
  case enqueue([QueuedRow], job: String, Lease)
  case claim(job: String, limit: Int, Lease)
  case commit(LedgerTransaction, Lease)
  case bind(job: String, JobBinding, Lease)
  case creations(Int, maximum: Int, job: String, Lease)
  case permits(RequestBudget, wanted: Int, perSecond: Int, uptime: Duration, Lease)
  case read(job: String, after: String?, limit: Int)
  case readOne(String, job: String)
}

struct LedgerAnswer {
  var text: String
  var lease: Lease?
  var claimed: [LineageID] = []
}

struct RandomCalls {
  private let random: SeededRandom
  private var lease = Lease(run: RunID(bits: 0), fence: 0, expiresAt: nil)
  private var olderLease = Lease(run: RunID(bits: 0), fence: 0, expiresAt: nil)
  private var claimed: [LineageID] = []
  private var head = AuditHead.start(chain: "0000000000000000")
  private var sent: [AuditHead] = []
  private var uptime = Duration.zero

  init(seed: UInt64) { random = SeededRandom(seed) }

  mutating func learn(from answer: LedgerAnswer) {
    if let lease = answer.lease {
      olderLease = self.lease
      self.lease = lease
      // Events are for lineages that the current lease has claimed.
      claimed = []
    }
    claimed += answer.claimed
  }

  private func job() -> String { ["plant", "office"][random.below(2)] }

  private func name() -> String { ["a", "b", "B", "c.1", "c-1", "d", "e", "f"][random.below(8)] }

  private func anyLease() -> Lease { random.below(12) == 0 ? olderLease : lease }

  mutating func next() -> LedgerCall {
    switch random.below(22) {
    case 0, 1: return .acquire(RunID(bits: random.next()))
    case 2: return .release(anyLease())
    case 3, 4, 5, 6:
      let isOneOff = random.below(3) == 0
      let rows = (0..<random.below(5)).map { _ in
        QueuedRow(
          name: name(), position: Int64(random.below(6)), byteOffset: Int64(random.below(100)), byteLength: 9,
          digest: "d\(random.below(9))", isOneOff: isOneOff)
      }
      return .enqueue(rows, job: job(), anyLease())
    case 7, 8, 9, 10: return .claim(job: job(), limit: random.below(5), anyLease())
    case 11, 12, 13: return .commit(transaction(), anyLease())
    case 14:
      let stores = (0..<random.below(3)).map { "store \($0)" }
      return .bind(job: job(), JobBinding(cluster: "c\(random.below(3))", stores: stores), anyLease())
    case 15:
      return .creations(random.below(4), maximum: random.below(10), job: job(), anyLease())
    case 16, 17:
      uptime += .milliseconds(random.below(200) - 10)
      let rate = [0, 1, 7, 50, 1000][random.below(5)]
      let budget = RequestBudget.allCases[random.below(2)]
      return .permits(budget, wanted: random.below(30), perSecond: rate, uptime: uptime, anyLease())
    case 18, 19: return .readOne(name(), job: job())
    default:
      return .read(job: job(), after: random.below(2) == 0 ? nil : name(), limit: random.below(5))
    }
  }

  private mutating func transaction() -> LedgerTransaction {
    var lineages = Array(claimed.shuffled(with: random).prefix(random.below(4)))
    if random.below(15) == 0 { lineages.append(LineageID(999)) }
    let events = lineages.map { lineage in
      let event = Event.createRefused(attempt: AttemptID(bits: random.next()), reason: "r")
      return (
        lineage: lineage,
        event: TimedEvent(event, at: Instant(milliseconds: Int64(random.below(1000))))
      )
    }
    var lines: [AuditLine] = []
    for _ in 0..<random.below(4) {
      head.sequence += 1
      head.offset += 10
      lines.append(AuditLine(sequence: head.sequence, text: "line \(head.sequence)"))
    }
    sent.append(head)
    let acknowledged = random.below(2) == 0 ? sent[random.below(sent.count)] : nil
    return LedgerTransaction(
      events: events, renames: renames(), lines: lines, head: lines.isEmpty ? nil : head,
      acknowledged: acknowledged)
  }

  /// Mostly none. Names that are free, in use, or of a lineage without events, and now and then two at once.
  private func renames() -> [(lineage: LineageID, name: String)] {
    guard random.below(3) == 0 else { return [] }
    var lineages = Array(claimed.shuffled(with: random).prefix(1 + random.below(2)))
    if random.below(15) == 0 { lineages.append(LineageID(999)) }
    return lineages.map { (lineage: $0, name: random.below(2) == 0 ? name() : "x\(random.below(3))") }
  }

  static func answer(_ call: LedgerCall, from ledger: any Ledger) async -> LedgerAnswer {
    do {
      return try await perform(call, on: ledger)
    } catch {
      return LedgerAnswer(text: "\((error as? LedgerError)?.code.rawValue ?? "\(error)")")
    }
  }

  private static func perform(_ call: LedgerCall, on ledger: any Ledger) async throws -> LedgerAnswer {
    switch call {
    case .acquire(let run):
      let lease = try await ledger.acquireLease(run: run, now: Instant(milliseconds: 5))
      return LedgerAnswer(text: "\(lease)", lease: lease)
    case .release(let lease):
      try await ledger.releaseLease(lease)
      return LedgerAnswer(text: "released")
    case .enqueue(let rows, let job, let lease):
      try await ledger.enqueue(rows, job: job, lease: lease)
      return LedgerAnswer(text: "queued")
    case .claim(let job, let limit, let lease):
      let claimed = try await ledger.claim(job: job, limit: limit, lease: lease)
      return LedgerAnswer(text: "\(claimed)", claimed: claimed.map(\.id))
    case .commit(let transaction, let lease):
      try await ledger.commit(transaction, lease: lease)
      return LedgerAnswer(text: "\(comparable(try await ledger.auditState(log: AuditState.mainLog)))")
    case .bind(let job, let binding, let lease):
      try await ledger.bind(job: job, to: binding, lease: lease)
      return LedgerAnswer(text: "bound")
    case .creations(let count, let maximum, let job, let lease):
      let isGranted = try await ledger.reserveCreations(count, maximum: maximum, job: job, lease: lease)
      return LedgerAnswer(text: "\(isGranted)")
    case .permits(let budget, let wanted, let perSecond, let uptime, let lease):
      let grant = try await ledger.reservePermits(
        budget, wanted: wanted, perSecond: perSecond, uptime: uptime, lease: lease)
      return LedgerAnswer(text: "\(grant)")
    case .readOne(let name, let job):
      return LedgerAnswer(text: "\(String(describing: try await ledger.lineage(named: name, job: job)))")
    case .read(let job, let after, let limit):
      let page = try await ledger.lineages(job: job, after: after, limit: limit)
      let history = try await ledger.hasHistory(job: job)
      let binding = try await ledger.binding(job: job)
      return LedgerAnswer(text: "\(page) \(history) \(String(describing: binding))")
    }
  }

  private static func comparable(_ state: AuditState) -> String {
    "\(state.acknowledged) \(state.outbox) \(state.head)"
  }
}

extension Array {
  fileprivate func shuffled(with random: SeededRandom) -> [Element] {
    var left = self
    var result: [Element] = []
    while !left.isEmpty { result.append(left.remove(at: random.below(left.count))) }
    return result
  }
}
