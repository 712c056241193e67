internal import Digests
public import FileSystem
public import RotationModel
public import RotationPorts

/// What `audit repair` does with a file that is not what the ledger knows.
///
/// The old file is kept as it is under another name. The new one begins with `audit.repaired`, which goes
/// on from the ledger's last line and says what was found and which file was kept, followed by the lines
/// that the ledger had not seen acknowledged, under new numbers: nothing is dropped, at worst an event is
/// told twice.
public struct AuditRepair: Sendable {
  /// What a repair made of the file.
  public struct Outcome: Equatable, Sendable {
    /// The end of the new file. Commit it as both `head` and `acknowledged`.
    public var head: AuditHead
    /// The new file's lines, `audit.repaired` first. They are on disk: they do not go to the outbox.
    public var lines: [AuditLine]
    /// Where the old file is now; nil when there was none.
    public var keptPath: String?
  }

  private let path: String
  private let files: any FileSystem

  public init(path: String, files: any FileSystem) {
    self.path = path
    self.files = files
  }

  private var newPath: String { path + ".repairing" }

  /// Repairs the file; nil when it is what the ledger knows and its chain holds.
  ///
  /// Call it under the ledger's lease, then commit `LedgerTransaction(events: [], lines: [], head: head,
  /// acknowledged: head)` with the outcome's head, and only then open the log. When the program ends
  /// between the two, the file begins with a repair that the ledger does not know, which `open` refuses;
  /// repairing again recognizes it and returns the same outcome.
  public func repair(
    _ state: AuditState, run: RunID, actor: String, now: Instant
  ) throws(AuditError) -> Outcome? {
    try auditing {
      if let done = try finished(path, state) { return done }
      if try files.statusIfPresent(path) == nil, let written = try finished(newPath, state) {
        try moveIntoPlace()
        return written
      }
      guard let found = try damage(state) else { return nil }
      let keptPath = try freePath(now)
      let details = try details(found, keptPath: keptPath, state)
      let event = AuditEvent(
        time: now, run: run, job: nil, cluster: nil, token: nil, actor: actor,
        record: EventRecord(name: "audit.repaired", reason: found), details: details)
      let (lines, head) = try compose(event, state)
      try write(lines)
      if let keptPath {
        try files.rename(path, to: keptPath, replacing: false)
        try files.syncDirectory(FilePaths.parent(of: path))
      }
      try moveIntoPlace()
      return Outcome(head: head, lines: lines, keptPath: keptPath)
    }
  }

  private func moveIntoPlace() throws {
    try files.rename(newPath, to: path, replacing: true)
    try files.syncDirectory(FilePaths.parent(of: path))
  }

  /// What is wrong with the file, in words; nil when nothing is.
  private func damage(_ state: AuditState) throws -> String? {
    guard let status = try files.statusIfPresent(path) else {
      return state.acknowledged.sequence == 0 ? nil : "the file was missing"
    }
    guard status.kind == .file else { return "not a regular file" }
    let report = try AuditVerifier(files: files).verify(paths: [path], ledger: state)
    if let found = report.firstBreak {
      return "line \(found.line), \(found.kind.rawValue): \(found.message)"
    }
    let file = try files.openFile(path, for: .readOnly)
    defer { file.close() }
    do {
      _ = try AuditTail.compare(file, with: state)
      return nil
    } catch let error as AuditError where error.code == .tampered {
      return error.message
    }
  }

  private func freePath(_ now: Instant) throws -> String? {
    guard try files.statusIfPresent(path) != nil else { return nil }
    let stamp = now.rfc3339Seconds.filter { $0 != "-" && $0 != ":" }
    let base = "\(path).damaged-\(stamp)"
    if try files.statusIfPresent(base) == nil { return base }
    for number in 2...1000 where try files.statusIfPresent("\(base)-\(number)") == nil {
      return "\(base)-\(number)"
    }
    throw AuditError(
      .unwritable, message: "\(path) has a thousand damaged copies of this second beside it",
      hint: "move them away")
  }

  private func details(
    _ found: String, keptPath: String?, _ state: AuditState
  ) throws -> [AuditEvent.Detail] {
    var details: [AuditEvent.Detail] = [
      .init("acknowledged_seq", String(state.acknowledged.sequence)),
      .init("repeated_lines", String(state.outbox.count)),
    ]
    guard let keptPath else { return details }
    details.append(.init("kept_file", FilePaths.lastComponent(of: keptPath)))
    guard try files.status(path).kind == .file else { return details }
    let file = try files.openFile(path, for: .readOnly)
    defer { file.close() }
    let hash = try SHA256()
    var length: Int64 = 0
    while true {
      let chunk = try file.read(at: length, maximumBytes: 256 * 1024)
      if chunk.isEmpty { break }
      try hash.update(chunk)
      length += Int64(chunk.count)
    }
    details.append(.init("kept_sha256", try hash.finish().hex))
    details.append(.init("kept_bytes", String(length)))
    return details
  }

  private func compose(
    _ event: AuditEvent, _ state: AuditState
  ) throws -> (lines: [AuditLine], head: AuditHead) {
    var start = state.head
    start.offset = 0
    let (first, afterFirst) = try AuditLineWriter.line(event, after: start)
    return try followed(first, by: state.outbox, head: afterFirst)
  }

  /// The outbox's lines once more, behind `first`, with the numbers and hashes that belong there.
  private func followed(
    _ first: AuditLine, by outbox: [AuditLine], head: AuditHead
  ) throws -> (lines: [AuditLine], head: AuditHead) {
    var (lines, head) = ([first], head)
    for line in outbox {
      var bytes = Array(line.text.utf8)
      guard let scanned = AuditLineScanner.scan(bytes) else {
        throw AuditError(
          .tampered, message: "line \(line.sequence) in the ledger is not an audit line",
          hint: "restore a backup of the state directory")
      }
      // From the back, so that the first range still holds when the second is replaced.
      bytes.replaceSubrange(scanned.previousRange, with: Array(head.hash.utf8))
      bytes.replaceSubrange(scanned.sequenceRange, with: Array(String(head.sequence + 1).utf8))
      let (repeated, next) = try AuditLineWriter.finish(bytes, after: head)
      lines.append(repeated)
      head = next
    }
    return (lines, head)
  }

  private func write(_ lines: [AuditLine]) throws {
    try files.removeFileIfPresent(newPath)
    let file = try files.openFile(newPath, for: .createNew(mode: 0o600))
    defer { file.close() }
    try file.write(lines.flatMap { Array($0.text.utf8) + [UInt8(ascii: "\n")] }, at: 0)
    try file.sync()
    try files.syncDirectory(FilePaths.parent(of: path))
  }

  /// The outcome of an earlier repair of this very state that came to the point of being in `candidate`
  /// whole; nil when it holds anything else.
  private func finished(_ candidate: String, _ state: AuditState) throws -> Outcome? {
    guard try files.statusIfPresent(candidate)?.kind == .file else { return nil }
    let file = try files.openFile(candidate, for: .readOnly)
    defer { file.close() }
    var reader = AuditFileReader(file)
    guard case .line(let bytes) = try reader.next(), let scanned = AuditLineScanner.scan(bytes),
      scanned.event == "audit.repaired", scanned.chain == state.head.chain,
      scanned.sequence == state.head.sequence + 1, scanned.previous == state.head.hash
    else { return nil }
    var start = state.head
    start.offset = 0
    let (first, afterFirst) = try AuditLineWriter.finish(bytes, after: start)
    let (lines, head) = try followed(first, by: state.outbox, head: afterFirst)
    for line in lines.dropFirst() {
      guard case .line(let bytes) = try reader.next(), bytes.elementsEqual(line.text.utf8) else {
        return nil
      }
    }
    guard try reader.next() == nil else { return nil }
    return Outcome(head: head, lines: lines, keptPath: try keptPath(first))
  }

  /// Where the first line says that the old file was kept, if it is there.
  private func keptPath(_ first: AuditLine) throws -> String? {
    let mark = "\"kept_file\":\""
    guard let start = first.text.firstRange(of: mark)?.upperBound else { return nil }
    let name = String(first.text[start...].prefix { $0 != "\"" })
    let (parent, _) = FilePaths.split(path)
    let kept = parent == "." && !path.hasPrefix("./") ? name : "\(parent == "/" ? "" : parent)/\(name)"
    return try files.statusIfPresent(kept) == nil ? nil : kept
  }
}
