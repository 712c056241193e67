internal import RotationModel
internal import RotationPorts

extension LedgerStore {
  func hasHistory(job: String) throws -> Bool {
    let select = try database.statement(
      """
      SELECT 1 FROM jobs JOIN lineages ON lineages.job = jobs.id
      WHERE jobs.name = ? AND EXISTS (
        SELECT 1 FROM events
        WHERE lineage = lineages.id AND (attempt IS NOT NULL OR token_id IS NOT NULL)) LIMIT 1
      """)
    try select.bind(1, job)
    return try select.first { _ in true } ?? false
  }

  func events(of lineage: LineageID) throws -> [TimedEvent] {
    let select = try database.statement(
      """
      SELECT time_ms, name, generation, attempt, token_id, store, instant_ms, span_ms, place, key, reason,
        permissions, hook
      FROM events WHERE lineage = ? ORDER BY sequence
      """)
    try select.bind(1, lineage.value)
    return try select.all { columns in
      let record = EventRecord(
        name: columns.text(1), generation: columns.optionalInteger(2).map { Int($0) },
        attempt: columns.optionalText(3), tokenID: columns.optionalText(4),
        store: columns.optionalText(5), instant: columns.optionalInteger(6).map(Instant.init(milliseconds:)),
        milliseconds: columns.optionalInteger(7), place: columns.optionalText(8),
        key: columns.optionalText(9), permissions: columns.optionalText(11),
        hook: columns.optionalText(12),
        reason: columns.optionalText(10))
      guard let event = Event(record: record) else {
        throw LedgerError(
          .malformed,
          message: "lineage \(lineage.value) has an event \"\(record.name)\" that cannot be read",
          hint: "run the version of tokenrotate that wrote it, or a newer one")
      }
      return TimedEvent(event, at: Instant(milliseconds: columns.integer(0)))
    }
  }

  func commit(_ transaction: LedgerTransaction, lease: Lease) throws {
    try write(under: lease, durable: true) {
      try rename(transaction.renames)
      try insert(transaction.events)
      let insertLine = try database.statement("INSERT INTO outbox (log, sequence, text) VALUES (?, ?, ?)")
      try insertLine.bind(1, transaction.log)
      for line in transaction.lines {
        try insertLine.bind(2, line.sequence)
        try insertLine.bind(3, line.text)
        try insertLine.run()
      }
      if let head = transaction.head { try setHead("head", of: transaction.log, head) }
      if let acknowledged = transaction.acknowledged {
        try setHead("acknowledged", of: transaction.log, acknowledged)
        let delete = try database.statement("DELETE FROM outbox WHERE log = ? AND sequence <= ?")
        try delete.bind(1, transaction.log)
        try delete.bind(2, acknowledged.sequence)
        try delete.run()
      }
    }
  }

  private func insert(_ events: [(lineage: LineageID, event: TimedEvent)]) throws {
    guard !events.isEmpty else { return }
    var sequence =
      try database.statement("SELECT event_sequence FROM installation").first { $0.integer(0) } ?? 0
    let insert = try database.statement(
      """
      INSERT INTO events (lineage, sequence, time_ms, name, generation, attempt, token_id, store, instant_ms,
        span_ms, place, key, reason, permissions, hook)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """)
    for (lineage, timed) in events {
      sequence += 1
      let record = timed.event.record
      try insert.bind(1, lineage.value)
      try insert.bind(2, sequence)
      try insert.bind(3, timed.time.milliseconds)
      try insert.bind(4, record.name)
      try insert.bind(5, record.generation.map { Int64($0) })
      try insert.bind(6, record.attempt)
      try insert.bind(7, record.tokenID)
      try insert.bind(8, record.store)
      try insert.bind(9, record.instant?.milliseconds)
      try insert.bind(10, record.milliseconds)
      try insert.bind(11, record.place)
      try insert.bind(12, record.key)
      try insert.bind(13, record.reason)
      try insert.bind(14, record.permissions)
      try insert.bind(15, record.hook)
      try insert.run()
    }
    let update = try database.statement("UPDATE installation SET event_sequence = ?")
    try update.bind(1, sequence)
    try update.run()
  }

  private func rename(_ renames: [(lineage: LineageID, name: String)]) throws {
    guard !renames.isEmpty else { return }
    let free = try database.statement(
      """
      DELETE FROM lineages WHERE name = ?1 AND job = (SELECT job FROM lineages WHERE id = ?2) AND id <> ?2
        AND NOT EXISTS (SELECT 1 FROM events WHERE lineage = lineages.id)
      """)
    let update = try database.statement("UPDATE lineages SET name = ?1 WHERE id = ?2")
    let known = try database.statement("SELECT 1 FROM lineages WHERE id = ?")
    for (lineage, name) in renames {
      try known.bind(1, lineage.value)
      guard try known.first({ _ in true }) == true else {
        throw LedgerError(
          .malformed,
          message: "lineage \(lineage.value), which was to be called \(name), is not in the ledger",
          hint: "report this")
      }
      for statement in [free, update] {
        try statement.bind(1, name)
        try statement.bind(2, lineage.value)
        try statement.run()
      }
    }
  }

  private func setHead(_ kind: String, of log: String, _ head: AuditHead) throws {
    let upsert = try database.statement(
      """
      INSERT INTO audit_heads (log, kind, chain, sequence, hash, byte_offset) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (log, kind) DO UPDATE SET chain = excluded.chain, sequence = excluded.sequence,
        hash = excluded.hash, byte_offset = excluded.byte_offset
      """)
    try upsert.bind(1, log)
    try upsert.bind(2, kind)
    try upsert.bind(3, head.chain)
    try upsert.bind(4, head.sequence)
    try upsert.bind(5, head.hash)
    try upsert.bind(6, head.offset)
    try upsert.run()
  }

  func auditState(log: String) throws -> AuditState {
    try database.snapshot {
      let select = try database.statement("SELECT sequence, text FROM outbox WHERE log = ? ORDER BY sequence")
      try select.bind(1, log)
      let lines = try select.all { AuditLine(sequence: $0.integer(0), text: $0.text(1)) }
      let start = AuditState.start(log: log, installation: installation)
      return AuditState(
        acknowledged: try head("acknowledged", of: log) ?? start.acknowledged, outbox: lines,
        head: try head("head", of: log) ?? start.head)
    }
  }

  private func head(_ kind: String, of log: String) throws -> AuditHead? {
    let select = try database.statement(
      "SELECT chain, sequence, hash, byte_offset FROM audit_heads WHERE log = ? AND kind = ?")
    try select.bind(1, log)
    try select.bind(2, kind)
    return try select.first {
      AuditHead(chain: $0.text(0), sequence: $0.integer(1), hash: $0.text(2), offset: $0.integer(3))
    }
  }
}
