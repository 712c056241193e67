import RotationModel
import RotationPorts

extension Performer {
  /// Records events of one lineage durably and lets its machine follow.
  ///
  /// The machine judges first: an event that it calls impossible is never written down.
  func record(
    _ events: [Event], for work: inout TokenWork, details: [AuditEvent.Detail] = []
  ) async throws(Stop) {
    let now = ports.clock.now
    var machine = work.machine
    var entries: [JournalEntry] = []
    for event in events {
      do throws(IllegalEvent) {
        try machine.apply(TimedEvent(event, at: now))
      } catch { throw Stop.illegal(error, name: work.name) }
      entries.append(
        JournalEntry(
          time: now, job: plan.name, cluster: plan.binding.cluster, token: work.name,
          event: (work.lineage, event), record: machine.auditRecord(of: event), details: details))
    }
    try await plan.journal.append(entries)
    work.machine = machine
  }
}

extension RotationMachine {
  /// The event's fields with what an auditor would otherwise have to look up: each line names generation,
  /// attempt and token id wherever they are known.
  func auditRecord(of event: Event) -> EventRecord {
    var record = event.record
    if let id = record.attempt.flatMap({ AttemptID($0) }),
      let attempt = attempts.last(where: { $0.id == id })
    {
      record.generation = record.generation ?? attempt.generation
    }
    if let number = record.generation,
      let generation = generations.last(where: { $0.number == number }),
      record.attempt == nil || record.attempt == generation.attempt?.text
    {
      record.attempt = generation.attempt?.text
      record.tokenID = record.tokenID ?? generation.tokenID
    }
    return record
  }
}

extension Stop {
  static func illegal(_ error: IllegalEvent, name: String) -> Stop {
    .lineage(
      Problem(
        code: "ledger_inconsistent",
        message:
          "\(name): event \(error.event) cannot follow what the ledger holds (status \(error.status.rawValue))",
        hint: "the ledger is damaged, or this is a fault of tokenrotate: keep a copy of the state directory"))
  }
}
