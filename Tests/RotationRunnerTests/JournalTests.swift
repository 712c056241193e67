import RotationModel
import RotationPorts
import RotationRunner
import RotationTestKit
import Testing

struct JournalTests {
  /// A journal on a slow disk, and what it wrote.
  private final class Desk: @unchecked Sendable {
    // Only ever touched by the thread of the deterministic executor.
    let clock = SimulatedClock()
    let ledger: SlowLedger
    let audit = MemoryAuditLog()
    var lineages: [LineageID] = []

    init() {
      ledger = SlowLedger(base: InMemoryLedger(random: SeededRandom(seed: 1)), clock: clock)
    }

    func run<Result: Sendable>(
      seed: UInt64 = 1, _ body: @escaping @Sendable (Journal, Desk) async -> Result
    ) -> Result? {
      DeterministicExecutor(seed: seed, clock: clock).run { () async -> Result? in
        guard let journal = try? await self.open() else { return nil }
        return await body(journal, self)
      } ?? nil
    }

    private func open() async throws -> Journal {
      let lease = try await ledger.acquireLease(run: RunID(bits: 1), now: clock.now)
      let rows = (0..<200).map {
        QueuedRow(
          name: "t\($0)", position: Int64($0), byteOffset: 0, byteLength: 1, digest: "", isOneOff: false)
      }
      try await ledger.enqueue(rows, job: "job", lease: lease)
      lineages = try await ledger.claim(job: "job", limit: 200, lease: lease).map(\.id)
      let state = try await ledger.auditState(log: AuditState.mainLog)
      return Journal(ledger: ledger, auditLog: audit, state: state, lease: lease, actorName: "test")
    }

    /// `count` entries about one token, told apart by their attempts.
    func entries(_ token: Int, _ count: Int = 2) -> [JournalEntry] {
      (0..<count).map { index in
        let event = Event.createRefused(attempt: AttemptID(bits: UInt64(token * 1000 + index)), reason: "-")
        return JournalEntry(
          time: clock.now, job: "job", cluster: "c", token: "t\(token)", event: (lineages[token], event),
          record: event.record)
      }
    }

    /// What each of `count` callers at once was told; nil is success.
    func appendAll(_ journal: Journal, _ count: Int) async -> [Stop?] {
      await withTaskGroup(of: Stop?.self) { group in
        for token in 0..<count {
          let entries = entries(token)
          group.addTask {
            do throws(Stop) { try await journal.append(entries) } catch { return error }
            return nil
          }
        }
        return await group.reduce(into: []) { $0.append($1) }
      }
    }
  }

  @Test(arguments: UInt64(1)...5)
  func manyCallersShareFewCommits(seed: UInt64) throws {
    let desk = Desk()
    let outcomes = try #require(desk.run(seed: seed) { await $1.appendAll($0, 100) })
    #expect(outcomes.count == 100 && outcomes.allSatisfy { $0 == nil })
    #expect(desk.ledger.commits.count <= 4, "\(desk.ledger.commits.count) commits")
    #expect(desk.audit.appends == desk.ledger.commits.count)
    #expect(desk.audit.lines.map(\.sequence) == Array(1...200))
    // Ledger and audit log tell the same story, and each caller's entries stay together.
    let events = desk.ledger.commits.flatMap(\.events)
    #expect(desk.audit.lines.map(\.text) == desk.ledger.commits.flatMap(\.lines).map(\.text))
    for index in stride(from: 0, to: 200, by: 2) {
      #expect(events[index].lineage == events[index + 1].lineage)
      #expect(
        (events[index].event.event.record.attempt ?? "")
          < (events[index + 1].event.event.record.attempt ?? ""))
      #expect(desk.audit.lines[index].text.contains(events[index].event.event.record.attempt ?? "?"))
    }
  }

  @Test func aCommitIsBounded() throws {
    let desk = Desk()
    let outcomes = try #require(
      desk.run { journal, desk in
        async let first: Void? = try? journal.append(desk.entries(0, 300))
        let others = await desk.appendAll(journal, 199)
        return (await first != nil, others)
      })
    #expect(outcomes.0 && outcomes.1.allSatisfy { $0 == nil })
    #expect(desk.ledger.commits.allSatisfy { $0.events.count <= 300 })
    #expect(desk.ledger.commits.count { $0.events.count > 256 } <= 1)
    #expect(desk.ledger.commits.flatMap(\.events).count == 698)
  }

  @Test func appendReturnsOnlyWhenBothHoldTheEvents() throws {
    let desk = Desk()
    let counts = desk.run { journal, desk in
      var counts: [[Int]] = []
      for token in 0..<3 {
        try? await journal.append(desk.entries(token))
        counts.append([desk.ledger.commits.count, desk.audit.lines.count])
      }
      return counts
    }
    #expect(counts == [[1, 2], [2, 4], [3, 6]])
  }

  @Test func aLedgerThatFailsIsFinalForEveryWaiter() throws {
    let desk = Desk()
    let outcomes = try #require(
      desk.run { journal, desk in
        await desk.ledger.base.failNext(LedgerError(.noRoom, message: "disk full"))
        let outcomes = await desk.appendAll(journal, 100)
        return outcomes + (await desk.appendAll(journal, 2))
      })
    #expect(outcomes.count == 102 && outcomes.allSatisfy { $0?.problem?.code == "ledger_no_room" })
    #expect(outcomes.allSatisfy { $0?.exitCode == .failed })
    #expect(desk.ledger.commits.isEmpty && desk.audit.lines.isEmpty)
  }

  @Test func anAuditLogThatFailsIsFinalForEveryWaiter() throws {
    let desk = Desk()
    desk.audit.appendError = AuditError(.unwritable, message: "read-only")
    let outcomes = try #require(
      desk.run { journal, desk in
        let outcomes = await desk.appendAll(journal, 100)
        desk.audit.appendError = nil
        return outcomes + (await desk.appendAll(journal, 2))
      })
    #expect(outcomes.allSatisfy { $0?.problem?.code == "audit_unwritable" && $0?.exitCode == .auditBroken })
    // The first commit was made before the file failed; its lines wait in the outbox for the next start.
    #expect(desk.ledger.commits.count == 1 && desk.audit.lines.isEmpty)
    let state = desk.run { try? await $1.ledger.auditState(log: AuditState.mainLog).outbox.count }
    #expect(state == desk.ledger.commits.first?.lines.count)
  }

  @Test func roomIsTakenForWhatIsWritten() throws {
    let desk = Desk()
    let reason = String(repeating: "r", count: 9000)
    let event = Event.createRefused(attempt: AttemptID(bits: 1), reason: reason)
    _ = desk.run { journal, desk in
      try? await journal.append([
        JournalEntry(
          time: desk.clock.now, job: "job", cluster: "c", token: "t0", event: (desk.lineages[0], event),
          record: event.record)
      ])
      return try? await journal.append(desk.entries(1))
    }
    #expect(desk.audit.lines.count == 3)
    #expect(desk.audit.reservedBytes == desk.audit.lines.reduce(0) { $0 + $1.text.utf8.count + 1 })
  }

  @Test func withoutRoomForTheLineNothingIsRecorded() throws {
    let desk = Desk()
    desk.audit.reserveError = AuditError(.noRoom, message: "disk full")
    let outcomes = try #require(desk.run { await $1.appendAll($0, 10) })
    #expect(outcomes.allSatisfy { $0?.problem?.code == "audit_no_room" })
    #expect(desk.ledger.commits.isEmpty && desk.audit.lines.isEmpty)
  }

  @Test func closingTellsTheLedgerHowFarTheFileReaches() throws {
    let desk = Desk()
    let state = desk.run { journal, desk in
      try? await journal.append(desk.entries(0))
      try? await journal.close()
      return try? await desk.ledger.auditState(log: AuditState.mainLog)
    }
    #expect(state??.outbox.isEmpty == true && state??.acknowledged.sequence == 2)
    #expect(desk.audit.isClosed)
  }

  @Test func aJournalThatFailedSaysSoWhenItIsClosed() throws {
    let desk = Desk()
    desk.audit.appendError = AuditError(.unwritable, message: "read-only")
    let code = desk.run { journal, desk in
      _ = await desk.appendAll(journal, 1)
      do throws(Stop) { try await journal.close() } catch { return error.exitCode }
      return ExitCode.done
    }
    #expect(code == .auditBroken && desk.audit.isClosed)
  }
}
