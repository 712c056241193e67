import RotationModel
public import RotationPorts

/// What every ledger promises. Each function takes a fresh ledger and gives the first promise that it
/// breaks as words, nil when it keeps them all, so that any test target can run it.
public enum LedgerContract {
  public typealias Check = @Sendable (any Ledger) async throws -> String?

  /// Every part of the contract under the name it is reported by.
  public static let checks: [(name: String, check: Check)] = [
    ("a newer lease ends the older", fencing),
    ("a released lease is ended", release),
    ("bindings are kept and replaced", bindings),
    ("rows are claimed once, in the order of the CSV", order),
    ("lineages without a row come last", withoutRow),
    ("one-off lineages", oneOffs),
    ("events come back whole", events),
    ("a commit is all or nothing", atomicity),
    ("the outbox", outbox),
    ("creations are counted for each run", creations),
    ("permits refill steadily", permits),
    ("paging by name", paging),
    ("rows without a token are counted", rowsWithoutToken),
    ("tokens that are gone or left behind do not count", lostTokens),
    ("one lineage by its name", oneByName),
    ("lineages by a token's id", byToken),
    ("a lineage has the newest run's row", newestRow),
    ("a lineage gets another name", renames),
    ("names that may not be taken", refusedRenames),
    ("wishes are no history", wishesAreNoHistory),
  ]

  static func row(_ name: String, _ position: Int64, oneOff: Bool = false) -> QueuedRow {
    QueuedRow(
      name: name, position: position, byteOffset: position * 40, byteLength: 39,
      digest: String(position, radix: 16), isOneOff: oneOff)
  }

  static func run(_ number: UInt64) -> RunID { RunID(bits: number) }

  static let now = Instant(milliseconds: 1_800_000_000_000)

  /// The code that `body` fails with; nil when it does not fail.
  static func code(_ body: () async throws -> Void) async -> LedgerError.Code? {
    do {
      try await body()
      return nil
    } catch {
      return (error as? LedgerError)?.code
    }
  }

  static func transaction(_ events: [(LineageID, Event)] = []) -> LedgerTransaction {
    LedgerTransaction(
      events: events.map { (lineage: $0.0, event: TimedEvent($0.1, at: now)) }, lines: [], head: nil,
      acknowledged: nil)
  }

  static func refused(_ number: UInt64) -> Event {
    .createRefused(attempt: AttemptID(bits: number), reason: "for \(number)")
  }
}

extension LedgerContract {
  private static let fencing: Check = { ledger in
    let first = try await ledger.acquireLease(run: run(1), now: now)
    let second = try await ledger.acquireLease(run: run(2), now: now)
    guard second.fence > first.fence else { return "fences must grow" }
    let calls: [(String, () async throws -> Void)] = [
      ("enqueue", { try await ledger.enqueue([row("a", 0)], job: "j", lease: first) }),
      ("claim", { _ = try await ledger.claim(job: "j", limit: 1, lease: first) }),
      ("commit", { try await ledger.commit(transaction(), lease: first) }),
      ("bind", { try await ledger.bind(job: "j", to: JobBinding(cluster: "c", stores: []), lease: first) }),
      (
        "creations",
        { _ = try await ledger.reserveCreations(1, maximum: 9, job: "j", lease: first) }
      ),
      (
        "permits",
        {
          _ = try await ledger.reservePermits(
            .probes, wanted: 1, perSecond: 1, uptime: .zero, lease: first)
        }
      ),
      ("release", { try await ledger.releaseLease(first) }),
    ]
    for (name, call) in calls where await code(call) != .leaseEnded {
      return "\(name) was allowed under an ended lease"
    }
    try await ledger.enqueue([row("b", 0)], job: "j", lease: second)
    let names = try await ledger.claim(job: "j", limit: 9, lease: second).map(\.name)
    return names == ["b"] ? nil : "the older lease left \(names)"
  }

  private static let release: Check = { ledger in
    let first = try await ledger.acquireLease(run: run(1), now: now)
    try await ledger.enqueue([row("a", 0)], job: "j", lease: first)
    try await ledger.releaseLease(first)
    let after = await code { _ = try await ledger.claim(job: "j", limit: 1, lease: first) }
    guard after == .leaseEnded else { return "a released lease still claims" }
    let second = try await ledger.acquireLease(run: run(1), now: now)
    guard second.fence == first.fence + 1 else { return "the fence must be the last one plus one" }
    let left = try await ledger.claim(job: "j", limit: 1, lease: second)
    return left.isEmpty ? nil : "a row queued by an older run was claimed"
  }

  private static let bindings: Check = { ledger in
    guard try await ledger.binding(job: "j") == nil else { return "a binding out of nothing" }
    let lease = try await ledger.acquireLease(run: run(1), now: now)
    try await ledger.enqueue([row("a", 0)], job: "j", lease: lease)
    guard try await ledger.binding(job: "j") == nil else { return "queueing is not binding" }
    for stores in [["file:/a", "vault:b", "file:/a"], [], ["x"]] {
      let binding = JobBinding(cluster: "account/\(stores.count)", stores: stores)
      try await ledger.bind(job: "j", to: binding, lease: lease)
      guard try await ledger.binding(job: "j") == binding else { return "lost \(binding)" }
    }
    return try await ledger.binding(job: "k") == nil ? nil : "another job's binding"
  }

  private static let order: Check = { ledger in
    let lease = try await ledger.acquireLease(run: run(1), now: now)
    let rows = [row("z", 0), row("a", 1), row("m", 2), row("b", 3)]
    try await ledger.enqueue(Array(rows[2...]), job: "j", lease: lease)
    try await ledger.enqueue(Array(rows[..<2]), job: "j", lease: lease)
    try await ledger.enqueue(rows, job: "j", lease: lease)
    try await ledger.enqueue([row("z", 0)], job: "other", lease: lease)
    let first = try await ledger.claim(job: "j", limit: 3, lease: lease)
    guard first.map(\.row) == rows[..<3].map(Optional.some) else { return "claimed \(first.map(\.row))" }
    guard try await ledger.claim(job: "j", limit: 0, lease: lease).isEmpty else { return "limit 0" }
    try await ledger.enqueue(rows, job: "j", lease: lease)
    let second = try await ledger.claim(job: "j", limit: 3, lease: lease)
    guard second.map(\.name) == ["b"] else { return "then claimed \(second.map(\.name))" }
    guard try await ledger.claim(job: "j", limit: 3, lease: lease).isEmpty else { return "claimed twice" }
    let next = try await ledger.acquireLease(run: run(2), now: now)
    try await ledger.enqueue([row("b", 0), row("z", 1)], job: "j", lease: next)
    let again = try await ledger.claim(job: "j", limit: 9, lease: next)
    guard again.map(\.name) == ["b", "z"] else { return "the next run claimed \(again.map(\.name))" }
    return again.map(\.id) == [second[0].id, first[0].id] ? nil : "a lineage changed its id"
  }

  private static let withoutRow: Check = { ledger in
    let lease = try await ledger.acquireLease(run: run(1), now: now)
    try await ledger.enqueue(
      [row("c", 0), row("b", 1), row("a", 2)], job: "j", lease: lease)
    let all = try await ledger.claim(job: "j", limit: 9, lease: lease)
    // "b" has no events: nothing was ever done for it, so it needs nobody when its row is gone.
    try await ledger.commit(
      transaction([(all[0].id, refused(1)), (all[2].id, refused(2))]), lease: lease)
    let next = try await ledger.acquireLease(run: run(2), now: now)
    try await ledger.enqueue([row("d", 0)], job: "j", lease: next)
    var names: [String] = []
    for _ in 0..<5 {
      let batch = try await ledger.claim(job: "j", limit: 2, lease: next)
      names += batch.map { $0.row == nil ? "\($0.name) without row" : $0.name }
    }
    return names == ["d", "c without row", "a without row"] ? nil : "claimed \(names)"
  }

  private static let oneOffs: Check = { ledger in
    let lease = try await ledger.acquireLease(run: run(1), now: now)
    let rows = [row("x", 0, oneOff: true), row("y", 1, oneOff: true)]
    try await ledger.enqueue(rows, job: "j", lease: lease)
    let all = try await ledger.claim(job: "j", limit: 9, lease: lease)
    guard all.allSatisfy(\.isOneOff) else { return "the flag was lost" }
    try await ledger.commit(
      transaction([(all[0].id, refused(1)), (all[1].id, refused(2))]), lease: lease)

    let second = try await ledger.acquireLease(run: run(2), now: now)
    try await ledger.enqueue([row("p", 0), row("y", 1)], job: "j", lease: second)
    let taken = try await ledger.claim(job: "j", limit: 9, lease: second)
    guard taken.map(\.name) == ["p", "y", "x"], taken.map(\.isOneOff) == [false, false, true],
      taken[2].row == nil
    else { return "a run claimed \(taken.map(\.name)), one-off \(taken.map(\.isOneOff))" }
    try await ledger.commit(transaction([(taken[0].id, refused(3))]), lease: second)

    let third = try await ledger.acquireLease(run: run(3), now: now)
    try await ledger.enqueue([row("y", 0, oneOff: true)], job: "j", lease: third)
    let last = try await ledger.claim(job: "j", limit: 9, lease: third)
    guard last.map(\.name) == ["y", "p", "x"] else { return "then \(last.map(\.name))" }
    return last.map(\.isOneOff) == [false, false, true] ? nil : "a name taken by the job was given back"
  }
}

extension LedgerContract {
  private static let rowsWithoutToken: Check = { ledger in
    var lease = try await ledger.acquireLease(run: run(1), now: now)
    try await ledger.enqueue([row("a", 0), row("b", 1), row("c", 2)], job: "j", lease: lease)
    guard try await ledger.rowsWithoutToken(job: "j", lease: lease) == 3 else { return "three new rows" }
    let claimed = try await ledger.claim(job: "j", limit: 2, lease: lease)
    let attempt = AttemptID(bits: 7)
    try await ledger.commit(
      transaction([
        (claimed[0].id, .storeStaged(generation: 1, attempt: attempt, store: "file")),
        (claimed[1].id, .createUnknown(attempt: attempt, reason: "lost")),
      ]), lease: lease)
    guard try await ledger.rowsWithoutToken(job: "j", lease: lease) == 2 else {
      return "a staged token counts, an unknown attempt does not"
    }
    let second = AttemptID(bits: 8)
    try await ledger.commit(
      transaction([(claimed[0].id, .revokeIntended(generation: 1, reason: "refused"))]), lease: lease)
    guard try await ledger.rowsWithoutToken(job: "j", lease: lease) == 2 else {
      return "a token that is to be revoked still counts"
    }
    try await ledger.commit(
      transaction([
        (claimed[0].id, .revokeDone(generation: 1)),
        (
          claimed[1].id,
          .tokenAdopted(generation: 3, attempt: attempt, tokenID: "T", place: .current, expiresAt: nil)
        ),
      ]), lease: lease)
    guard try await ledger.rowsWithoutToken(job: "j", lease: lease) == 2 else {
      return "a token that was revoked does not count, an adopted one does"
    }
    try await ledger.commit(
      transaction([(claimed[0].id, .storeStaged(generation: 2, attempt: second, store: "file"))]),
      lease: lease)
    guard try await ledger.rowsWithoutToken(job: "j", lease: lease) == 1 else {
      return "the token that follows a revoked one counts"
    }
    lease = try await ledger.acquireLease(run: run(2), now: now)
    try await ledger.enqueue([row("a", 0), row("c", 1)], job: "j", lease: lease)
    guard try await ledger.rowsWithoutToken(job: "j", lease: lease) == 1 else {
      return "only rows queued in this run count"
    }
    let names = try await ledger.rowsWithoutToken(among: ["c", "b", "a", "x", "c"], job: "j", lease: lease)
    guard names == ["c"] else { return "among the names, only c is a row without a token, not \(names)" }
    guard try await ledger.rowsWithoutToken(among: ["c"], job: "other", lease: lease).isEmpty else {
      return "a name of another job"
    }
    guard try await ledger.rowsWithoutToken(job: "other", lease: lease) == 0 else {
      return "a job without rows has none"
    }
    return nil
  }
}
