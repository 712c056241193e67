import RotationModel
import RotationPorts

// Lineages by their names: reading one, its newest row, and giving it another name.
extension LedgerContract {
  static let oneByName: Check = { ledger in
    let lease = try await ledger.acquireLease(run: run(1), now: now)
    try await ledger.enqueue([row("a", 0), row("B", 1, oneOff: true)], job: "j", lease: lease)
    let claimed = try await ledger.claim(job: "j", limit: 9, lease: lease)
    try await ledger.commit(transaction([(claimed[0].id, refused(1))]), lease: lease)
    let expected = ClaimedLineage(
      id: claimed[0].id, name: "a", row: row("a", 0), isOneOff: false,
      events: [TimedEvent(refused(1), at: now)])
    for time in ["first", "again"] {
      let found = try await ledger.lineage(named: "a", job: "j")
      guard found == expected else { return "\(time): found \(String(describing: found))" }
    }
    guard try await ledger.lineage(named: "B", job: "j")?.isOneOff == true else { return "one-off" }
    for (name, job) in [("b", "j"), ("a", "k"), ("", "j"), ("A", "j")] {
      guard try await ledger.lineage(named: name, job: job) == nil else { return "found \(name) of \(job)" }
    }
    return nil
  }

  static let byToken: Check = { ledger in
    let lease = try await ledger.acquireLease(run: run(1), now: now)
    for job in ["j", "k"] {
      try await ledger.enqueue([row("a", 0), row("b", 1)], job: job, lease: lease)
      let claimed = try await ledger.claim(job: job, limit: 9, lease: lease)
      let takeover = Event.tokenTakenOver(tokenID: "T", expiresAt: nil)
      let other = Event.tokenTakenOver(tokenID: "other-\(job)", expiresAt: nil)
      try await ledger.commit(transaction([(claimed[0].id, takeover), (claimed[1].id, other)]), lease: lease)
    }
    let found = try await ledger.lineages(naming: "T")
    guard found.map(\.job) == ["j", "k"],
      found.allSatisfy({ $0.lineage.name == "a" && $0.lineage.row == nil }),
      found.allSatisfy({ $0.lineage.events.map(\.event) == [.tokenTakenOver(tokenID: "T", expiresAt: nil)] })
    else { return "found \(found)" }
    let one = try await ledger.lineages(naming: "other-k")
    guard one.map(\.job) == ["k"], one.map(\.lineage.name) == ["b"] else { return "found \(one)" }
    return try await ledger.lineages(naming: "t").isEmpty ? nil : "found another's"
  }

  static let newestRow: Check = { ledger in
    func rows() async throws -> [QueuedRow?] {
      let page = try await ledger.lineages(job: "j", after: nil, limit: 9)
      for lineage in page {
        let found = try await ledger.lineage(named: lineage.name, job: "j")
        guard found == lineage else { return [] }
      }
      return page.map(\.row)
    }
    var lease = try await ledger.acquireLease(run: run(1), now: now)
    try await ledger.enqueue([row("a", 0), row("b", 1)], job: "j", lease: lease)
    guard try await rows() == [row("a", 0), row("b", 1)] else { return "rows that wait" }
    let claimed = try await ledger.claim(job: "j", limit: 1, lease: lease)
    guard claimed.map(\.name) == ["a"], try await rows() == [row("a", 0), row("b", 1)] else {
      return "rows that were claimed"
    }
    try await ledger.releaseLease(lease)
    guard try await rows() == [row("a", 0), row("b", 1)] else { return "rows of the run that has just ended" }
    lease = try await ledger.acquireLease(run: run(2), now: now)
    guard try await rows() == [nil, nil] else { return "rows of an older run" }
    try await ledger.enqueue([row("b", 7)], job: "j", lease: lease)
    return try await rows() == [nil, row("b", 7)] ? nil : "the newest row"
  }

  private static func renaming(
    _ renames: [(LineageID, String)], _ events: [(LineageID, Event)] = []
  ) -> LedgerTransaction {
    var transaction = transaction(events)
    transaction.renames = renames.map { (lineage: $0.0, name: $0.1) }
    return transaction
  }

  static let renames: Check = { ledger in
    let first = try await ledger.acquireLease(run: run(1), now: now)
    try await ledger.enqueue([row("old", 0), row("other", 1)], job: "j", lease: first)
    try await ledger.enqueue([row("new", 0)], job: "k", lease: first)
    let claimed = try await ledger.claim(job: "j", limit: 9, lease: first)
    let old = claimed[0].id
    try await ledger.commit(transaction([(old, refused(1)), (claimed[1].id, refused(2))]), lease: first)

    // The row is called "new" from now on, which makes a lineage that was never worked on.
    let lease = try await ledger.acquireLease(run: run(2), now: now)
    try await ledger.enqueue([row("new", 0), row("other", 1)], job: "j", lease: lease)
    let renamed = Event.lineageRenamed(from: "old")
    try await ledger.commit(renaming([(old, "new")], [(old, renamed)]), lease: lease)
    guard let found = try await ledger.lineage(named: "new", job: "j") else { return "the name is lost" }
    guard found.id == old, found.events.map(\.event) == [refused(1), renamed] else { return "got \(found)" }
    guard found.row == nil else { return "the row of the lineage that gave its name away" }
    guard try await ledger.lineage(named: "old", job: "j") == nil else {
      return "the old name is still there"
    }
    let names = try await ledger.lineages(job: "j", after: nil, limit: 9).map(\.name)
    guard names == ["new", "other"] else { return "the job has \(names)" }
    guard try await ledger.lineage(named: "new", job: "k") != nil else {
      return "another job's name was taken"
    }

    try await ledger.enqueue([row("new", 5)], job: "j", lease: lease)
    let queued = try await ledger.claim(job: "j", limit: 9, lease: lease)
    guard queued.map(\.name) == ["other", "new"], queued[1].id == old, queued[1].row == row("new", 5),
      queued[1].events.count == 2
    else { return "then claimed \(queued)" }
    // The old name is free for a lineage of its own.
    try await ledger.enqueue([row("old", 6)], job: "j", lease: lease)
    let another = try await ledger.claim(job: "j", limit: 9, lease: lease)
    return another.map(\.name) == ["old"] && another[0].id != old && another[0].events.isEmpty
      ? nil : "the old name brought \(another)"
  }

  static let refusedRenames: Check = { ledger in
    let lease = try await ledger.acquireLease(run: run(1), now: now)
    try await ledger.enqueue([row("a", 0), row("b", 1), row("c", 2)], job: "j", lease: lease)
    let claimed = try await ledger.claim(job: "j", limit: 9, lease: lease)
    let (a, b, c) = (claimed[0].id, claimed[1].id, claimed[2].id)
    try await ledger.commit(transaction([(a, refused(1)), (b, refused(2))]), lease: lease)
    let before = try await ledger.lineages(job: "j", after: nil, limit: 9)
    let wrong: [(String, LedgerTransaction)] = [
      ("a name that is in use", renaming([(a, "b")], [(a, refused(3))])),
      ("two names exchanged", renaming([(a, "b"), (b, "a")])),
      ("the second of two", renaming([(a, "x"), (b, "x")], [(a, refused(3))])),
      ("a lineage that there is not", renaming([(LineageID(999), "x")])),
      ("an event of the lineage that gave its name away", renaming([(a, "c")], [(c, refused(3))])),
    ]
    for (name, transaction) in wrong {
      guard await code({ try await ledger.commit(transaction, lease: lease) }) == .malformed else {
        return "\(name) was accepted"
      }
      guard try await ledger.lineages(job: "j", after: nil, limit: 9) == before else {
        return "\(name) left something behind"
      }
    }
    // A name that a lineage has already is no news, whether it was worked on or not.
    try await ledger.commit(renaming([(a, "a"), (c, "c")]), lease: lease)
    return try await ledger.lineages(job: "j", after: nil, limit: 9) == before ? nil : "its own name"
  }

  static let wishesAreNoHistory: Check = { ledger in
    let lease = try await ledger.acquireLease(run: run(1), now: now)
    try await ledger.enqueue([row("a", 0)], job: "j", lease: lease)
    let id = try await ledger.claim(job: "j", limit: 9, lease: lease)[0].id
    let wishes: [Event] = [
      .lineageHeld, .lineageReleased, .lineageRenamed(from: "b"), .retirementRequested(now: true),
      .rotationRequested(generation: 1, compromised: true), .relocationDone(key: nil),
    ]
    try await ledger.commit(transaction(wishes.map { (id, $0) }), lease: lease)
    guard try await !ledger.hasHistory(job: "j") else { return "what people ask for is no history" }
    try await ledger.commit(transaction([(id, .tokenTakenOver(tokenID: "T", expiresAt: nil))]), lease: lease)
    return try await ledger.hasHistory(job: "j") ? nil : "a token that was taken over is history"
  }

  static let lostTokens: Check = { ledger in
    let lease = try await ledger.acquireLease(run: run(1), now: now)
    try await ledger.enqueue([row("a", 0), row("b", 1)], job: "j", lease: lease)
    let claimed = try await ledger.claim(job: "j", limit: 9, lease: lease)
    let (a, b) = (claimed[0].id, claimed[1].id)
    func staged(_ generation: Int) -> Event {
      .storeStaged(generation: generation, attempt: AttemptID(bits: 7), store: "file")
    }
    func left() async throws -> Int { try await ledger.rowsWithoutToken(job: "j", lease: lease) }
    try await ledger.commit(
      transaction([(a, staged(1)), (a, staged(2)), (b, staged(1))]), lease: lease)
    guard try await left() == 0 else { return "all have tokens" }
    try await ledger.commit(transaction([(a, .tokenGone(generation: 2, reason: "404"))]), lease: lease)
    guard try await left() == 0 else { return "the token before the one that is gone still counts" }
    try await ledger.commit(transaction([(a, .revokeDone(generation: 1))]), lease: lease)
    guard try await left() == 1 else { return "a token that is gone does not count" }
    try await ledger.commit(transaction([(b, .clusterChanged(from: "a/c"))]), lease: lease)
    guard try await left() == 2 else { return "tokens of another cluster do not count" }
    let names = try await ledger.rowsWithoutToken(among: ["a", "b"], job: "j", lease: lease)
    guard names == ["a", "b"] else { return "among the names are \(names)" }
    try await ledger.commit(transaction([(b, staged(2))]), lease: lease)
    return try await left() == 1 ? nil : "the first token on the new cluster counts"
  }
}
