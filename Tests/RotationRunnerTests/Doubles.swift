import RotationModel
import RotationPorts
import RotationTestKit

/// How far a process gets before it dies: a number of effects, on either side of each.
final class Life: @unchecked Sendable {
  // Only ever touched by the thread of the deterministic executor.
  private var left: Int?
  /// Before or after what it died; nil while it lives.
  private(set) var end: String?

  func begin(effects: Int?) { (left, end) = (effects, nil) }

  /// Whether the process lives to do this, or to see it done.
  func reaches(_ what: @autoclosure () -> String) -> Bool {
    guard end == nil, let left else { return end == nil }
    if left == 0 { end = what() }
    self.left = left - 1
    return end == nil
  }
}

/// A store of plain dictionaries that fails when it is told to.
final class MemoryStore: SecretStore, @unchecked Sendable {
  // Only ever touched by the thread of the deterministic executor.
  /// Its name within the job, which is that of its place among the job's stores.
  var name: String
  var pending: [String: StoredToken] = [:]
  var current: [String: StoredToken] = [:]
  var previous: [String: StoredToken] = [:]
  var openErrors: [StoreError] = []
  var reserveErrors: [StoreError] = []
  var stageErrors: [StoreError] = []
  var promoteErrors: [StoreError] = []
  var rollBackErrors: [StoreError] = []
  var withdrawErrors: [StoreError] = []
  var relocateErrors: [StoreError] = []
  /// Calls that change the store.
  private(set) var changes = 0
  private(set) var stagings = 0
  /// What room was made for.
  private(set) var planned: [PlannedToken] = []
  private(set) var isOpen = false
  /// Whether it was ever opened, and is still where it was.
  var isThere = false
  var inspectErrors: [StoreError] = []
  /// What looking at a current token shows, by name.
  var flaws: [String: StoreFlaw] = [:]

  var life = Life()

  init(name: String) {
    self.name = name
  }

  /// An effect on the store, with a death on either side of it.
  private func change(_ what: String, _ body: () throws(StoreError) -> Void) throws(StoreError) {
    let dead = StoreError(.misconfigured, message: "the process is dead")
    try requireOpen()
    guard life.reaches("\(what)") else { throw dead }
    changes += 1
    try body()
    guard life.reaches("\(what)'s end") else { throw dead }
  }

  private func requireOpen() throws(StoreError) {
    guard isOpen else { throw StoreError(.unavailable, message: "the store is not open") }
  }

  static func full(_ count: Int) -> [StoreError] {
    Array(repeating: StoreError(.noRoom, message: "the disk is full"), count: count)
  }

  static func away(_ count: Int) -> [StoreError] {
    Array(repeating: StoreError(.unavailable, message: "the store does not answer"), count: count)
  }

  /// Whether its server is out of reach.
  var isAway: () -> Bool = { false }
  /// How many calls have found it away.
  private(set) var callsInVain = 0

  private func fail(from errors: inout [StoreError]) throws(StoreError) {
    if isAway() {
      callsInVain += 1
      throw StoreError(.unreachable, message: "the store's server does not answer")
    }
    if !errors.isEmpty { throw errors.removeFirst() }
  }

  func open() async throws(StoreError) {
    try fail(from: &openErrors)
    guard !isOpen else { throw StoreError(.ownedByAnother, message: "another process has the store open") }
    isThere = true
    isOpen = true
  }

  func requireTaken() async throws(StoreError) {
    guard isThere else { throw StoreError(.missing, message: "the store is not there") }
  }

  func close() async { isOpen = false }

  /// What the store files a name under.
  private func key(_ place: StorePlace) -> String { place.secret ?? place.name }

  func reserve(_ place: StorePlace, for token: PlannedToken) async throws(StoreError) {
    try requireOpen()
    try fail(from: &reserveErrors)
    changes += 1
    planned.append(token)
    if current[key(place)]?.attempt == token.attempt { return }
    guard pending[key(place)].map({ $0.attempt == token.attempt }) ?? true else {
      throw StoreError(.conflict, message: "another attempt is pending")
    }
  }

  func stage(_ token: StoredToken, at place: StorePlace) async throws(StoreError) {
    stagings += 1
    try fail(from: &stageErrors)
    try change("a staging") { () throws(StoreError) in
      if current[key(place)]?.attempt != token.attempt { pending[key(place)] = token }
    }
  }

  func promote(generation: Int, at place: StorePlace) async throws(StoreError) {
    try fail(from: &promoteErrors)
    try change("a promotion") { () throws(StoreError) in
      let key = key(place)
      if current[key]?.generation == generation { return }
      guard let staged = pending[key], staged.generation == generation else {
        throw StoreError(.malformed, message: "generation \(generation) is not pending")
      }
      guard previous[key] == nil || current[key] == nil else {
        throw StoreError(.conflict, message: "nobody has discarded the previous token")
      }
      previous[key] = current[key]
      current[key] = staged
      pending[key] = nil
    }
  }

  func rollBack(from: Int, to: Int, at place: StorePlace) async throws(StoreError) {
    try fail(from: &rollBackErrors)
    try change("a rollback") { () throws(StoreError) in
      let key = key(place)
      let (now, before) = (current[key], previous[key])
      if now?.generation == to, before?.generation == from { return }
      guard now?.generation == from, before?.generation == to else {
        throw StoreError(.conflict, message: "generation \(from) is not current, or \(to) not previous")
      }
      (current[key], previous[key]) = (before, now)
    }
  }

  func withdraw(generation: Int, at place: StorePlace) async throws(StoreError) {
    try fail(from: &withdrawErrors)
    try change("a withdrawal") { () throws(StoreError) in
      let key = key(place)
      guard let now = current[key] else { return }
      guard now.generation == generation, previous[key].map({ $0.attempt == now.attempt }) ?? true else {
        throw StoreError(.conflict, message: "generation \(generation) cannot be withdrawn")
      }
      (current[key], previous[key]) = (nil, now)
    }
  }

  func relocate(from old: StorePlace, to place: StorePlace) async throws(StoreError) {
    try fail(from: &relocateErrors)
    try change("a relocation") { () throws(StoreError) in
      let (from, to) = (key(old), key(place))
      guard from != to else { return }
      for places in [\MemoryStore.pending, \.current, \.previous] {
        guard let token = self[keyPath: places][from] else { continue }
        guard self[keyPath: places][to] == nil else {
          throw StoreError(.ownedByAnother, message: "\(to) is taken")
        }
        self[keyPath: places][to] = token
        self[keyPath: places][from] = nil
      }
    }
  }

  func read(_ which: Event.Place, at place: StorePlace) async throws(StoreError) -> StoredToken? {
    switch which {
    case .pending: pending[key(place)]
    case .current: current[key(place)]
    case .previous: previous[key(place)]
    }
  }

  func inspect(_ place: StorePlace, attempt: AttemptID) async throws(StoreError) -> StoreFlaw? {
    try fail(from: &inspectErrors)
    if let flaw = flaws[key(place)] { return flaw }
    return current[key(place)]?.attempt == attempt ? nil : StoreFlaw("another token", hint: "look")
  }

  func discard(_ which: Event.Place, attempt: AttemptID, at place: StorePlace) async throws(StoreError) {
    let key = key(place)
    if which == .pending, pending[key]?.attempt == attempt { try change("a discard") { pending[key] = nil } }
    if which == .previous, previous[key]?.attempt == attempt {
      try change("a discard") { previous[key] = nil }
    }
  }
}

/// An audit log in memory: a line is its number and what it is about.
final class MemoryAuditLog: AuditLog, @unchecked Sendable {
  // Only ever touched by one thread at a time.
  private(set) var lines: [AuditLine] = []
  private(set) var appends = 0
  private(set) var reservedBytes = 0
  private(set) var isClosed = false
  var reserveError: AuditError?
  var appendError: AuditError?

  func compose(
    _ events: [AuditEvent], after head: AuditHead
  ) throws(AuditError) -> (lines: [AuditLine], head: AuditHead) {
    var head = head
    var lines: [AuditLine] = []
    for event in events {
      head.sequence += 1
      let text =
        "\(head.sequence) \(event.record.name) \(event.token ?? "-") \(event.record.attempt ?? "-") "
        + "\(event.record.tokenID ?? "-") \(event.record.reason ?? "-")"
      head.offset += Int64(text.utf8.count) + 1
      lines.append(AuditLine(sequence: head.sequence, text: text))
    }
    return (lines, head)
  }

  func open(_ state: AuditState) async throws(AuditError) { isClosed = false }

  func reserve(byteCount: Int) async throws(AuditError) {
    if let reserveError { throw reserveError }
    reservedBytes += byteCount
  }

  func append(_ new: [AuditLine], head: AuditHead) async throws(AuditError) {
    if let appendError { throw appendError }
    appends += 1
    lines += new
  }

  func close() async { isClosed = true }
}

/// A CSV that was read: rows in order, one-off or not.
struct ListedSpecification: Specification {
  var rows: [DesiredToken]
  var isOneOff = false
  var error: Problem?

  func enqueueRows(batchSize: Int, _ receive: ([QueuedRow]) async throws -> Void) async throws {
    if let error { throw error }
    try await receive(
      rows.enumerated().map { position, row in
        QueuedRow(
          name: row.name, position: Int64(position), byteOffset: Int64(position), byteLength: 1,
          digest: row.name, isOneOff: isOneOff)
      })
  }

  func row(_ queued: QueuedRow) throws(RowError) -> DesiredToken { rows[Int(queued.position)] }

  func unknownDatabases(
    known: Set<String>, _ receive: ([UnknownDatabase]) async throws -> Bool
  ) async throws {
    var cells: ArraySlice = rows.flatMap { row in
      row.permissions.databases.filter { !known.contains($0) }.map {
        UnknownDatabase(row: row.name, message: "tokens.csv:2:1: \(row.name): no database \($0)")
      }
    }[...]
    while !cells.isEmpty {
      guard try await receive(Array(cells.prefix(100))) else { return }
      cells = cells.dropFirst(100)
    }
  }
}

/// A wish to stop that is voiced at a moment of virtual time.
struct TimedInterruption: Interruption {
  let clock: SimulatedClock
  var at: Duration?

  var isRequested: Bool { at.map { clock.uptime >= $0 } ?? false }

  func requested() async throws {
    while !isRequested { try await clock.sleep(until: at ?? clock.uptime + .seconds(3600)) }
  }
}

/// Keeps what a person would be told.
final class KeepingReporter: Reporter, @unchecked Sendable {
  // Only ever touched by the thread of the deterministic executor.
  private(set) var tokens: [TokenReport] = []
  private(set) var noticed: [Problem] = []
  private(set) var progress: [Progress] = []

  func jobStarted(_ job: String) {}
  func progressed(_ job: String, _ progress: Progress) { self.progress.append(progress) }
  func tokenFinished(_ job: String, _ report: TokenReport) { tokens.append(report) }
  func noticed(_ job: String, _ problem: Problem) { noticed.append(problem) }
  func jobFinished(_ job: String, _ report: JobReport) {}
}
