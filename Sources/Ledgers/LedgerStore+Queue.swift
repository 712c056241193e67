internal import RotationModel
internal import RotationPorts

/// Where the claiming of lineages without a row stands.
struct RestCursor {
  /// Lineages of one-off CSVs come last.
  var isAtOneOffs = false
  /// The last lineage looked at.
  var after: Int64 = 0
}

extension LedgerStore {
  func enqueue(_ rows: [QueuedRow], job: String, lease: Lease) throws {
    try write(under: lease, durable: false) {
      let id = try jobID(job)
      let upsert = try database.statement(
        """
        INSERT INTO lineages (job, name, is_one_off, is_queued, row_fence, row_position, row_offset,
          row_length, row_digest, row_is_one_off)
        VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?3)
        ON CONFLICT (job, name) DO UPDATE SET
          is_one_off = is_one_off AND excluded.is_one_off,
          is_queued = claim_fence <> excluded.row_fence,
          row_fence = excluded.row_fence, row_position = excluded.row_position,
          row_offset = excluded.row_offset, row_length = excluded.row_length,
          row_digest = excluded.row_digest, row_is_one_off = excluded.row_is_one_off
        """)
      try upsert.bind(1, id)
      try upsert.bind(4, lease.fence)
      for row in rows {
        try upsert.bind(2, row.name)
        try upsert.bind(3, row.isOneOff ? 1 : 0)
        try upsert.bind(5, row.position)
        try upsert.bind(6, row.byteOffset)
        try upsert.bind(7, row.byteLength)
        try upsert.bind(8, row.digest)
        try upsert.run()
      }
    }
  }

  func rowsWithoutToken(job: String, lease: Lease) throws -> Int {
    try database.snapshot {
      try require(lease)
      guard let id = try knownJobID(job) else { return 0 }
      let select = try database.statement(
        """
        SELECT COUNT(*) FROM lineages
        WHERE job = ?1 AND row_fence = ?2 AND \(LedgerStore.hasNoToken)
        """)
      try select.bind(1, id)
      try select.bind(2, lease.fence)
      return try select.first { Int($0.integer(0)) } ?? 0
    }
  }

  func rowsWithoutToken(among names: [String], job: String, lease: Lease) throws -> Set<String> {
    try database.snapshot {
      try require(lease)
      guard let id = try knownJobID(job) else { return [] }
      let select = try database.statement(
        """
        SELECT 1 FROM lineages
        WHERE job = ?1 AND row_fence = ?2 AND name = ?3 AND \(LedgerStore.hasNoToken)
        """)
      try select.bind(1, id)
      try select.bind(2, lease.fence)
      var found: Set<String> = []
      for name in names where !found.contains(name) {
        try select.bind(3, name)
        if try select.first({ _ in true }) == true { found.insert(name) }
      }
      return found
    }
  }

  /// Of a lineage: no generation was staged or adopted that was not revoked, gone or left behind later.
  private static let hasNoToken = """
    NOT EXISTS (
      SELECT 1 FROM events AS made
      WHERE made.lineage = lineages.id AND made.name IN ('store.staged', 'token.adopted') AND NOT EXISTS (
        SELECT 1 FROM events AS ended
        WHERE ended.lineage = made.lineage AND ended.sequence > made.sequence
          AND (ended.name = 'lineage.moved'
            OR ended.name IN ('revoke.done', 'token.gone') AND ended.generation = made.generation)))
    """

  func claim(job: String, limit: Int, lease: Lease) throws -> [ClaimedLineage] {
    // The cursor moves on only with the transaction.
    var cursor = restCursors[job] ?? RestCursor()
    let claimed = try write(under: lease, durable: false) { () -> [ClaimedLineage] in
      guard let id = try knownJobID(job), limit > 0 else { return [] }
      var claimed = try queued(job: id, limit: limit)
      while claimed.count < limit {
        let rest = try rest(job: id, cursor: cursor, limit: limit - claimed.count, lease: lease)
        claimed += rest
        if let last = rest.last {
          cursor.after = last.id.value
        } else if cursor.isAtOneOffs {
          break
        } else {
          cursor = RestCursor(isAtOneOffs: true)
        }
      }
      let update = try database.statement(
        "UPDATE lineages SET is_queued = 0, claim_fence = ? WHERE id = ?")
      try update.bind(1, lease.fence)
      for index in claimed.indices {
        try update.bind(2, claimed[index].id.value)
        try update.run()
        claimed[index].events = try events(of: claimed[index].id)
      }
      return claimed
    }
    restCursors[job] = cursor
    return claimed
  }

  /// Lineages with a row that waits, in the order of the CSV, without their events.
  private func queued(job: Int64, limit: Int) throws -> [ClaimedLineage] {
    let select = try database.statement(
      """
      SELECT id, name, is_one_off, row_position, row_offset, row_length, row_digest, row_is_one_off
      FROM lineages WHERE job = ? AND is_queued = 1 ORDER BY row_position, id LIMIT ?
      """)
    try select.bind(1, job)
    try select.bind(2, Int64(limit))
    return try select.all { columns in
      var lineage = LedgerStore.withoutRow(columns)
      lineage.row = LedgerStore.row(columns, named: lineage.name)
      return lineage
    }
  }

  /// Lineages with events and without a row, without their events. Walks the table by id, which reads it
  /// once from end to end for a whole run.
  private func rest(job: Int64, cursor: RestCursor, limit: Int, lease: Lease) throws -> [ClaimedLineage] {
    let select = try database.statement(
      """
      SELECT id, name, is_one_off FROM lineages NOT INDEXED
      WHERE id > ?1 AND job = ?2 AND is_one_off = ?3 AND claim_fence <> ?4 AND row_fence <> ?4
        AND EXISTS (SELECT 1 FROM events WHERE lineage = lineages.id)
      ORDER BY id LIMIT ?5
      """)
    try select.bind(1, cursor.after)
    try select.bind(2, job)
    try select.bind(3, cursor.isAtOneOffs ? 1 : 0)
    try select.bind(4, lease.fence)
    try select.bind(5, Int64(limit))
    return try select.all(LedgerStore.withoutRow)
  }

  func lineages(job: String, after: String?, limit: Int) throws -> [ClaimedLineage] {
    try database.snapshot {
      guard let id = try knownJobID(job), limit > 0 else { return [] }
      let select = try database.statement(
        """
        SELECT \(LedgerStore.columnsWithRow) FROM lineages
        WHERE job = ? AND name > ? ORDER BY name LIMIT ?
        """)
      try select.bind(1, id)
      // No name is empty, so that every name follows "".
      try select.bind(2, after ?? "")
      try select.bind(3, Int64(limit))
      var page = try select.all(LedgerStore.withNewestRow)
      for index in page.indices { page[index].events = try events(of: page[index].id) }
      return page
    }
  }

  func lineage(named name: String, job: String) throws -> ClaimedLineage? {
    try database.snapshot {
      guard let id = try knownJobID(job) else { return nil }
      let select = try database.statement(
        "SELECT \(LedgerStore.columnsWithRow) FROM lineages WHERE job = ? AND name = ?")
      try select.bind(1, id)
      try select.bind(2, name)
      guard var found = try select.first(LedgerStore.withNewestRow) else { return nil }
      found.events = try events(of: found.id)
      return found
    }
  }

  /// Goes through all events: a person asks it of one token, and not a run of each.
  func lineages(naming tokenID: String) throws -> [NamedLineage] {
    try database.snapshot {
      let select = try database.statement(
        """
        SELECT lineages.id, lineages.name, is_one_off, jobs.name FROM lineages JOIN jobs ON jobs.id = lineages.job
        WHERE lineages.id IN (SELECT lineage FROM events WHERE token_id = ?) ORDER BY lineages.id
        """)
      try select.bind(1, tokenID)
      var found = try select.all { NamedLineage(job: $0.text(3), lineage: LedgerStore.withoutRow($0)) }
      for index in found.indices { found[index].lineage.events = try events(of: found[index].lineage.id) }
      return found
    }
  }

  private static let columnsWithRow =
    "id, name, is_one_off, row_position, row_offset, row_length, row_digest, row_is_one_off,"
    + " row_fence = (SELECT max(fence) FROM leases)"

  /// With the row that the newest run has queued for it, if it has.
  private static func withNewestRow(_ columns: Statement) -> ClaimedLineage {
    var lineage = withoutRow(columns)
    if columns.integer(8) != 0 { lineage.row = row(columns, named: lineage.name) }
    return lineage
  }

  private static func row(_ columns: Statement, named name: String) -> QueuedRow {
    QueuedRow(
      name: name, position: columns.integer(3), byteOffset: columns.integer(4),
      byteLength: columns.integer(5), digest: columns.text(6), isOneOff: columns.integer(7) != 0)
  }

  private static func withoutRow(_ columns: Statement) -> ClaimedLineage {
    ClaimedLineage(
      id: LineageID(columns.integer(0)), name: columns.text(1), row: nil, isOneOff: columns.integer(2) != 0,
      events: [])
  }
}
