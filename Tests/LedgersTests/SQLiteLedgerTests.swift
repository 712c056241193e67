import Foundation
import RotationModel
import RotationPorts
import RotationTestKit
import Testing

@testable import Ledgers

@Suite struct SQLiteLedgerTests {
  private let folder: TemporaryFolder
  /// A name that a URI may not hold as it is.
  private var path: String { folder.path + "/ledger ü?%.sqlite" }
  private let now = Instant(milliseconds: 1_800_000_000_000)

  init() throws { folder = try TemporaryFolder() }

  private func row(_ name: String, _ position: Int64) -> QueuedRow {
    QueuedRow(
      name: name, position: position, byteOffset: 0, byteLength: 1, digest: "d", isOneOff: false)
  }

  private func fill(_ ledger: SQLiteLedger) async throws -> Lease {
    let lease = try await ledger.acquireLease(run: RunID(bits: 1), now: now)
    try await ledger.enqueue([row("a", 0)], job: "j", lease: lease)
    let claimed = try await ledger.claim(job: "j", limit: 1, lease: lease)
    let event = TimedEvent(.createRefused(attempt: AttemptID(bits: 1), reason: "no"), at: now)
    try await ledger.commit(
      LedgerTransaction(
        events: [(lineage: claimed[0].id, event: event)], lines: [], head: nil, acknowledged: nil),
      lease: lease)
    return lease
  }

  private func code(_ body: () throws -> Void) -> LedgerError.Code? {
    do {
      try body()
      return nil
    } catch {
      return (error as? LedgerError)?.code
    }
  }

  @Test func everythingIsThereAfterReopening() async throws {
    let installation: InstallationID
    do {
      let ledger = try SQLiteLedger.open(path: path, random: SeededRandom(1))
      installation = ledger.installation
      _ = try await fill(ledger)
    }
    let again = try SQLiteLedger.open(path: path, random: SeededRandom(2))
    #expect(again.installation == installation)
    let lease = try await again.acquireLease(run: RunID(bits: 2), now: now)
    #expect(lease.fence == 2)
    let claimed = try await again.claim(job: "j", limit: 9, lease: lease)
    #expect(claimed.map(\.name) == ["a"])
    #expect(claimed.first?.events.count == 1)
  }

  @Test func theFilesAreTheOwnersAlone() async throws {
    let before = umask(0)
    defer { umask(before) }
    let ledger = try SQLiteLedger.open(path: path, random: SeededRandom(1))
    _ = try await fill(ledger)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(names == ["", "-shm", "-wal"].map { "ledger ü?%.sqlite" + $0 })
    for name in names {
      let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/" + name)
      #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
    }
    withExtendedLifetime(ledger) {}
  }

  @Test func anotherConnectionsLeaseEndsThisOne() async throws {
    let first = try SQLiteLedger.open(path: path, random: SeededRandom(1))
    let lease = try await fill(first)
    let second = try SQLiteLedger.open(path: path, random: SeededRandom(1))
    _ = try await second.acquireLease(run: RunID(bits: 2), now: now)
    let error = await #expect(throws: LedgerError.self) {
      try await first.enqueue([row("b", 1)], job: "j", lease: lease)
    }
    #expect(error?.code == .leaseEnded)
  }

  /// A ledger as the first version left it, without what a token was allowed.
  private func makeFirstVersion() throws {
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    let database = try SQLiteDatabase(path: path, access: .readWrite)
    try database.execute(LedgerSchema.migrations[0])
    try database.execute(
      """
      PRAGMA application_id = \(LedgerSchema.applicationID);
      PRAGMA user_version = 1;
      INSERT INTO installation VALUES (1, '00000000000000aa', 2);
      INSERT INTO leases VALUES (7, '00000000000000bb', 0, 0);
      INSERT INTO jobs VALUES (1, 'j', 'a/c');
      INSERT INTO lineages VALUES (1, 1, 'a', 0, 0, 7, 7, 0, 0, 1, 'd', 0);
      INSERT INTO events VALUES
        (1, 1, 5, 'create.intended', 1, '000000000000000a', NULL, NULL, 9, NULL, NULL, NULL, NULL),
        (1, 2, 6, 'create.refused', NULL, '000000000000000a', NULL, NULL, NULL, NULL, NULL, NULL, 'no');
      """)
  }

  private static let firstEvents = [
    TimedEvent(
      .createIntended(generation: 1, attempt: AttemptID(bits: 10), deadline: Instant(milliseconds: 9)),
      at: Instant(milliseconds: 5)),
    TimedEvent(
      .createRefused(attempt: AttemptID(bits: 10), reason: "no"), at: Instant(milliseconds: 6)),
  ]

  @Test func aLedgerOfTheFirstVersionKeepsItsEventsAndTakesNewOnes() async throws {
    try makeFirstVersion()
    let event = TimedEvent(
      .disableIntended(generation: 1, permissions: PermissionSet(text: "read:a,write:b"), at: now), at: now)
    do {
      let ledger = try SQLiteLedger.open(path: path, random: SeededRandom(1))
      #expect(ledger.installation.text == "00000000000000aa")
      let lease = try await ledger.acquireLease(run: RunID(bits: 1), now: now)
      #expect(lease.fence == 8)
      let claimed = try await ledger.claim(job: "j", limit: 9, lease: lease)
      #expect(claimed.map(\.name) == ["a"] && claimed.map(\.events) == [Self.firstEvents])
      try await ledger.commit(
        LedgerTransaction(
          events: [(lineage: claimed[0].id, event: event)], lines: [], head: nil, acknowledged: nil),
        lease: lease)
    }
    #expect(
      try LedgerSchema.userVersion(SQLiteDatabase(path: path, access: .readOnly)) == LedgerSchema.version)
    let again = try SQLiteLedger.open(path: path, random: SeededRandom(1))
    #expect(try await again.lineage(named: "a", job: "j")?.events == Self.firstEvents + [event])
  }

  @Test func aPlanReadsALedgerOfTheFirstVersionAndLeavesItAlone() async throws {
    try makeFirstVersion()
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    let copy = try SQLiteLedger.temporaryCopy(of: path, random: SeededRandom(1))
    #expect(try await copy.lineage(named: "a", job: "j")?.events == Self.firstEvents)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
  }

  @Test func aNewerSchemaIsRefused() throws {
    _ = try SQLiteLedger.open(path: path, random: SeededRandom(1))
    try SQLiteDatabase(path: path, access: .readWrite).execute("PRAGMA user_version = 99")
    let error = #expect(throws: LedgerError.self) {
      try SQLiteLedger.open(path: path, random: SeededRandom(1))
    }
    #expect(error?.code == .malformed)
    #expect(error?.message.contains("newer tokenrotate") == true)
    #expect(code { _ = try SQLiteLedger.temporaryCopy(of: path, random: SeededRandom(1)) } == .malformed)
  }

  @Test func anotherProgramsDatabaseIsRefused() throws {
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    try SQLiteDatabase(path: path, access: .readWrite).execute("CREATE TABLE theirs (x)")
    #expect(code { _ = try SQLiteLedger.open(path: path, random: SeededRandom(1)) } == .malformed)
  }

  @Test func garbageIsMalformed() throws {
    try Data(repeating: 0x41, count: 9000).write(to: URL(fileURLWithPath: path))
    #expect(code { _ = try SQLiteLedger.open(path: path, random: SeededRandom(1)) } == .malformed)
  }

  @Test func aLinkIsRefusedAndAFolderBehindALinkIsNot() throws {
    let files = FileManager.default
    let link = folder.path + "/link"
    try files.createSymbolicLink(atPath: link, withDestinationPath: path)
    #expect(code { _ = try SQLiteLedger.open(path: link, random: SeededRandom(1)) } == .unavailable)
    let real = folder.path + "/real"
    try files.createDirectory(atPath: real, withIntermediateDirectories: false)
    try files.createSymbolicLink(atPath: folder.path + "/state", withDestinationPath: real)
    _ = try SQLiteLedger.open(path: folder.path + "/state/ledger.sqlite", random: SeededRandom(1))
    #expect(files.fileExists(atPath: real + "/ledger.sqlite"))
    #expect(code { _ = try SQLiteLedger.open(path: real, random: SeededRandom(1)) } == .unavailable)
  }

  @Test func aFullDiskIsNoRoomAndRecordsNothing() async throws {
    let database = try SQLiteDatabase(path: ":memory:", access: .readWrite)
    try LedgerSchema.migrate(database, random: SeededRandom(1))
    try database.execute("PRAGMA max_page_count = 30")
    let ledger = SQLiteLedger(store: try LedgerStore(database: database), place: "here", executor: nil)
    let lease = try await fill(ledger)
    let lines = [AuditLine(sequence: 1, text: String(repeating: "x", count: 500_000))]
    let error = await #expect(throws: LedgerError.self) {
      try await ledger.commit(
        LedgerTransaction(events: [], lines: lines, head: nil, acknowledged: nil), lease: lease)
    }
    #expect(error?.code == .noRoom)
    #expect(try await ledger.auditState(log: AuditState.mainLog).outbox.isEmpty)
    #expect(try await ledger.claim(job: "j", limit: 1, lease: lease).isEmpty)
  }

  @Test func aCopyIsWrittenToWithoutTouchingTheLedger() async throws {
    let ledger = try SQLiteLedger.open(path: path, random: SeededRandom(1))
    _ = try await fill(ledger)
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    let copy = try SQLiteLedger.temporaryCopy(of: path, random: SeededRandom(5))
    #expect(copy.installation == ledger.installation)
    let lease = try await copy.acquireLease(run: RunID(bits: 9), now: now)
    try await copy.enqueue([row("b", 0)], job: "j", lease: lease)
    #expect(try await copy.claim(job: "j", limit: 9, lease: lease).map(\.name) == ["b", "a"])
    #expect(try await ledger.lineages(job: "j", after: nil, limit: 9).map(\.name) == ["a"])
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
  }

  @Test func aCopyOfAClosedLedgerAndOfNone() async throws {
    do { _ = try await fill(try SQLiteLedger.open(path: path, random: SeededRandom(1))) }
    let copy = try SQLiteLedger.temporaryCopy(of: path, random: SeededRandom(5))
    #expect(try await copy.hasHistory(job: "j"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["ledger ü?%.sqlite"])
    let missing = folder.path + "/no/such/ledger.sqlite"
    let empty = try SQLiteLedger.temporaryCopy(of: missing, random: SeededRandom(5))
    #expect(try await empty.hasHistory(job: "j") == false)
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/no"))
  }

  @Test func aFailedCallSaysWhichStatementFailed() throws {
    let database = try SQLiteDatabase(path: ":memory:", access: .readWrite)
    let error = #expect(throws: SQLiteError.self) { try database.execute("SELEKT 1") }
    #expect(error?.call == "sqlite3_exec")
    #expect(error?.sql == "SELEKT 1")
    #expect(error?.code == 1)
    #expect(error?.message.contains("SELEKT") == true)
  }

  /// The plans that keep claiming and replaying proportional to the batch.
  @Test(arguments: [
    (
      "SELECT id FROM lineages WHERE job = 1 AND is_queued = 1 ORDER BY row_position, id LIMIT 9",
      "USING INDEX lineages_queued"
    ),
    ("SELECT time_ms FROM events WHERE lineage = 1 ORDER BY sequence", "USING PRIMARY KEY (lineage=?)"),
    ("UPDATE lineages SET is_queued = 0 WHERE is_queued = 1", "USING INDEX lineages_queued"),
  ])
  func plans(sql: String, expected: String) throws {
    let database = try SQLiteDatabase(path: ":memory:", access: .readWrite)
    try LedgerSchema.migrate(database, random: SeededRandom(1))
    let plan = try database.statement("EXPLAIN QUERY PLAN " + sql).all { $0.text(3) }.joined(separator: "; ")
    #expect(plan.contains(expected), "\(plan)")
    #expect(!plan.contains("TEMP B-TREE"), "\(plan)")
  }
}
