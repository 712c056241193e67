public import RotationModel
import RotationPorts

extension LedgerContract {
  /// One of each kind of event, with and without its optional fields.
  public static var everyEvent: [Event] {
    let attempt = AttemptID(bits: 0xfeed)
    let reason = "say \"no\"\n\u{2028}ünïcode\u{0}end"
    return [
      .createIntended(generation: 1, attempt: attempt, deadline: now + .seconds(30)),
      .createIntended(generation: 1, attempt: attempt, deadline: now, key: "k"),
      .createDone(attempt: attempt, tokenID: "id-1", expiresAt: nil),
      .createDone(attempt: attempt, tokenID: "id-1", expiresAt: now),
      .createRefused(attempt: attempt, reason: reason),
      .createUnknown(attempt: attempt, reason: ""),
      .createWatchEnded(attempt: attempt),
      .storeStaged(generation: 1, attempt: attempt, store: "file"),
      .storeStaged(generation: 1, attempt: attempt, store: "file", key: "k"),
      .tokenAdopted(generation: 2, attempt: attempt, tokenID: "id", place: .previous, expiresAt: now),
      .orphanFound(attempt: attempt, tokenID: "id", reason: reason),
      .orphanRevokeIntended(attempt: attempt, tokenID: "id"),
      .orphanRevoked(attempt: attempt, tokenID: "id"),
      .orphanRevokeRefused(attempt: attempt, tokenID: "id", reason: reason),
      .orphanRevokeUnknown(attempt: attempt, tokenID: "id", reason: reason),
      .activationConfirmed(generation: 1, after: .milliseconds(3210)),
      .activationTimedOut(generation: 1, refusedSince: nil, reason: reason),
      .activationTimedOut(generation: 1, refusedSince: now, reason: reason),
      .activationAccepted(generation: 1),
      .secretShown(generation: 1),
      .storePromoted(generation: 1, store: "file"),
      .deliveryFailed(generation: 1, store: "file", reason: reason),
      .deliveryDone(generation: 1, at: now),
      .revokeIntended(generation: 1, reason: reason),
      .revokeDone(generation: 1),
      .revokeRefused(generation: 1, reason: reason),
      .revokeUnknown(generation: 1, reason: reason),
      .revokeConfirmed(generation: 1),
    ] + everyChange(reason) + everyWish(reason)
  }

  private static func everyChange(_ reason: String) -> [Event] {
    let permissions = PermissionSet([Permission(.write, "b/rp"), Permission(.read, "*")])
    return [
      .tokenTakenOver(tokenID: "id", expiresAt: nil),
      .tokenTakenOver(tokenID: "id", expiresAt: now),
      .tokenGone(generation: 1, reason: reason),
      .updateIntended(generation: 1),
      .updateDone(generation: 1),
      .updateRefused(generation: 1, reason: reason),
      .updateUnknown(generation: 1, reason: reason),
      .disableIntended(generation: 1, permissions: permissions, at: now),
      .disableIntended(generation: 1, permissions: PermissionSet([]), at: now),
      .disableDone(generation: 1, at: now),
      .disableRefused(generation: 1, reason: reason),
      .disableUnknown(generation: 1, reason: reason),
      .enableIntended(generation: 1),
      .enableDone(generation: 1),
      .enableRefused(generation: 1, reason: reason),
      .enableUnknown(generation: 1, reason: reason),
    ]
  }

  private static func everyWish(_ reason: String) -> [Event] {
    [
      .rotationRequested(generation: 1, compromised: false),
      .rotationRequested(generation: 1, compromised: true),
      .lineageHeld,
      .lineageReleased,
      .rollbackRequested(generation: 1),
      .storeRolledBack(generation: 1, store: "file"),
      .rollbackDone(generation: 1, at: now),
      .rollbackRefused(generation: 1, reason: reason),
      .retirementRequested(now: false),
      .retirementRequested(now: true),
      .storeWithdrawn(generation: 1, store: "file", at: now),
      .lineageRenamed(from: "old"),
      .relocationIntended(key: nil),
      .relocationIntended(key: "k"),
      .relocationRefused(reason: reason),
      .storeRelocated(store: "file"),
      .relocationDone(key: nil),
      .relocationDone(key: "k"),
      .clusterChanged(from: "account/cluster"),
      .hookDone(generation: 1, hook: "reload-1"),
      .hookFailed(generation: 1, hook: "reload-1", reason: "exit 1"),
      .hooksOwed(generation: 1), .hooksSettled(generation: 1),
      .tokenForgotten(generation: 1),
    ]
  }

  static let events: Check = { ledger in
    let lease = try await ledger.acquireLease(run: run(1), now: now)
    try await ledger.enqueue([row("a", 0), row("b", 1)], job: "j", lease: lease)
    guard try await !ledger.hasHistory(job: "j") else { return "queueing is not history" }
    let claimed = try await ledger.claim(job: "j", limit: 9, lease: lease)
    let (a, b) = (claimed[0].id, claimed[1].id)
    // Several commits, two lineages mixed, times that do not rise.
    var expected: [TimedEvent] = []
    for (index, event) in everyEvent.enumerated() {
      let timed = TimedEvent(event, at: now - .seconds(index))
      expected.append(timed)
      try await ledger.commit(
        LedgerTransaction(
          events: [(lineage: a, event: timed), (lineage: b, event: timed)], lines: [], head: nil,
          acknowledged: nil),
        lease: lease)
    }
    guard try await ledger.hasHistory(job: "j") else { return "the history is not seen" }
    guard try await !ledger.hasHistory(job: "k") else { return "another job's history" }
    let next = try await ledger.acquireLease(run: run(2), now: now)
    for lineage in try await ledger.claim(job: "j", limit: 9, lease: next) where lineage.events != expected {
      return "\(lineage.name) came back as \(lineage.events)"
    }
    return nil
  }

  static let atomicity: Check = { ledger in
    let lease = try await ledger.acquireLease(run: run(1), now: now)
    try await ledger.enqueue([row("a", 0)], job: "j", lease: lease)
    let id = try await ledger.claim(job: "j", limit: 9, lease: lease)[0].id
    var head = try await ledger.auditState(log: AuditState.mainLog).head
    head.sequence = 1
    let failing = LedgerTransaction(
      events: [
        (lineage: id, event: TimedEvent(refused(1), at: now)),
        (lineage: LineageID(id.value + 99), event: TimedEvent(refused(2), at: now)),
      ],
      lines: [AuditLine(sequence: 1, text: "one")], head: head, acknowledged: nil)
    guard await code({ try await ledger.commit(failing, lease: lease) }) == .malformed else {
      return "an unknown lineage was accepted"
    }
    let state = try await ledger.auditState(log: AuditState.mainLog)
    guard state.outbox.isEmpty, state.head.sequence == 0 else { return "half a commit is in the outbox" }
    return try await ledger.hasHistory(job: "j") ? "half a commit is in the journal" : nil
  }

  static let outbox: Check = { ledger in
    let lease = try await ledger.acquireLease(run: run(1), now: now)
    let start = try await ledger.auditState(log: AuditState.mainLog)
    guard start.acknowledged == start.head, start.head == .start(chain: start.head.chain),
      start.head.chain.utf8.count == 16, start.outbox.isEmpty
    else { return "a new ledger's audit state is \(start)" }
    let lines = (1...5).map { AuditLine(sequence: Int64($0), text: "line \($0) ü") }
    func head(_ sequence: Int64) -> AuditHead {
      AuditHead(
        chain: start.head.chain, sequence: sequence, hash: "h\(sequence)", offset: sequence * 10)
    }
    try await ledger.commit(
      LedgerTransaction(events: [], lines: Array(lines[..<3]), head: head(3), acknowledged: nil),
      lease: lease)
    var expected = AuditState(acknowledged: start.head, outbox: Array(lines[..<3]), head: head(3))
    guard try await ledger.auditState(log: AuditState.mainLog) == expected else { return "after three lines" }
    try await ledger.commit(
      LedgerTransaction(events: [], lines: Array(lines[3...]), head: head(5), acknowledged: head(2)),
      lease: lease)
    expected = AuditState(acknowledged: head(2), outbox: Array(lines[2...]), head: head(5))
    guard try await ledger.auditState(log: AuditState.mainLog) == expected else {
      return "after an acknowledgement"
    }
    try await ledger.commit(
      LedgerTransaction(events: [], lines: [], head: nil, acknowledged: head(5)), lease: lease)
    expected = AuditState(acknowledged: head(5), outbox: [], head: head(5))
    return try await ledger.auditState(log: AuditState.mainLog) == expected
      ? nil : "after all was acknowledged"
  }

  static let creations: Check = { ledger in
    let lease = try await ledger.acquireLease(run: run(1), now: now)
    func take(_ count: Int, of maximum: Int, job: String = "j", lease: Lease) async throws -> Bool {
      try await ledger.reserveCreations(count, maximum: maximum, job: job, lease: lease)
    }
    guard try await take(3, of: 5, lease: lease) else { return "3 of 5" }
    guard try await !take(3, of: 5, lease: lease) else { return "6 of 5" }
    guard try await take(2, of: 5, lease: lease) else { return "a refusal must take nothing" }
    guard try await !take(1, of: 5, lease: lease) else { return "one more than 5" }
    guard try await take(0, of: 5, lease: lease) else { return "nothing is always there" }
    guard try await take(5, of: 5, job: "k", lease: lease) else { return "each job has its own" }
    let next = try await ledger.acquireLease(run: run(2), now: now)
    return try await take(5, of: 5, lease: next) ? nil : "each run has its own"
  }

  static let permits: Check = { ledger in
    let lease = try await ledger.acquireLease(run: run(1), now: now)
    func take(_ wanted: Int, at milliseconds: Int) async throws -> PermitGrant {
      try await ledger.reservePermits(
        .management, wanted: wanted, perSecond: 50, uptime: .milliseconds(milliseconds), lease: lease)
    }
    let answers = [
      (try await take(3, at: 1000), PermitGrant(count: 3, nextAt: .milliseconds(1000))),
      (try await take(9, at: 1000), PermitGrant(count: 2, nextAt: .milliseconds(1020))),
      (try await take(1, at: 1019), PermitGrant(count: 0, nextAt: .milliseconds(1020))),
      (try await take(1, at: 1020), PermitGrant(count: 1, nextAt: .milliseconds(1040))),
      (try await take(0, at: 1030), PermitGrant(count: 0, nextAt: .milliseconds(1040))),
      (try await take(99, at: 9000), PermitGrant(count: 5, nextAt: .milliseconds(9020))),
    ]
    for (index, (answer, expected)) in answers.enumerated() where answer != expected {
      return "answer \(index) is \(answer), not \(expected)"
    }
    let other = try await ledger.reservePermits(
      .probes, wanted: 2, perSecond: 3, uptime: .seconds(9), lease: lease)
    return other.count == 1 ? nil : "a slow budget holds one permit, gave \(other.count)"
  }

  static let paging: Check = { ledger in
    let lease = try await ledger.acquireLease(run: run(1), now: now)
    try await ledger.enqueue(
      [row("b", 0), row("B", 1), row("a.1", 2), row("a-1", 3, oneOff: true)], job: "j", lease: lease)
    try await ledger.enqueue([row("c", 0)], job: "k", lease: lease)
    let claimed = try await ledger.claim(job: "j", limit: 1, lease: lease)
    try await ledger.commit(transaction([(claimed[0].id, refused(1))]), lease: lease)
    var names: [String] = []
    var after: String?
    for _ in 0..<4 {
      let page = try await ledger.lineages(job: "j", after: after, limit: 3)
      guard page.allSatisfy({ $0.row?.name == $0.name }) else { return "rows \(page.map(\.row))" }
      guard page.allSatisfy({ ($0.name == "b") == !$0.events.isEmpty }) else { return "wrong events" }
      guard page.allSatisfy({ ($0.name == "a-1") == $0.isOneOff }) else { return "wrong one-off flags" }
      names += page.map(\.name)
      after = page.last?.name ?? after
    }
    return names == ["B", "a-1", "a.1", "b"] ? nil : "paged through \(names)"
  }
}
