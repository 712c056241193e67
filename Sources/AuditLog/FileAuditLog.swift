public import FileSystem
public import RotationPorts

/// The audit log as a file of JSON Lines, appended to by one process.
///
/// A write that fails may have left half a line, and a failed sync may have dropped pages that the kernel
/// will call written, so the first failure ends the use of the object: what the file lacks is completed
/// from the ledger by the next `open`, in this process or the next.
public actor FileAuditLog: AuditLog {
  private let path: String
  private let files: any FileSystem
  private let commandArguments: String
  private nonisolated let executor: (any TaskExecutor)?
  private var file: (any OpenFile)?
  private var inode: UInt64 = 0
  private var end: Int64 = 0
  private var sequence: Int64 = 0
  private var allocatedEnd: Int64 = 0
  private var failure: AuditError?

  private static let smallReserveBytes: Int64 = 64 * 1024
  private static let reserveBytes: Int64 = 1024 * 1024

  /// Nothing is touched before `open`. Calls block: on a thread of `executor` where one is given.
  /// `commandArguments` is what hints put behind `tokenrotate audit verify`, so that it looks at this file.
  public init(
    path: String, files: any FileSystem, commandArguments: String = "", executor: (any TaskExecutor)? = nil
  ) {
    self.path = path
    self.files = files
    self.commandArguments = commandArguments
    self.executor = executor
  }

  public nonisolated func compose(
    _ events: [AuditEvent], after head: AuditHead
  ) throws(AuditError) -> (lines: [AuditLine], head: AuditHead) {
    var head = head
    var lines: [AuditLine] = []
    lines.reserveCapacity(events.count)
    for event in events {
      do {
        let (line, next) = try AuditLineWriter.line(event, after: head)
        lines.append(line)
        head = next
      } catch {
        throw AuditError(error)
      }
    }
    return (lines, head)
  }

  public nonisolated func open(_ state: AuditState) async throws(AuditError) {
    try await perform { log in try log.openNow(state) }
  }

  public nonisolated func reserve(byteCount: Int) async throws(AuditError) {
    try await perform { log in try log.reserveNow(Int64(max(0, byteCount))) }
  }

  public nonisolated func append(_ lines: [AuditLine], head: AuditHead) async throws(AuditError) {
    try await perform { log in try log.appendNow(lines, head: head) }
  }

  public nonisolated func close() async {
    await withTaskExecutorPreference(executor) { await self.closeNow() }
  }

  private nonisolated func perform(
    _ body: @Sendable (isolated FileAuditLog) throws -> Void
  ) async throws(AuditError) {
    let result = await withTaskExecutorPreference(executor) { await self.isolated(body) }
    try result.get()
  }

  private func isolated(
    _ body: @Sendable (isolated FileAuditLog) throws -> Void
  ) -> Result<Void, AuditError> {
    do throws(AuditError) {
      return .success(try auditing { try body(self) })
    } catch {
      return .failure(error.naming(commandArguments))
    }
  }

  private func openNow(_ state: AuditState) throws {
    closeNow()
    failure = nil
    let file = try openOrCreate(state)
    let tail = try AuditTail.compare(file, with: state)
    if !tail.missing.isEmpty {
      try file.write(tail.missing, at: tail.offset)
      try file.sync()
    }
    self.file = file
    inode = try file.status().inode
    end = state.head.offset
    sequence = state.head.sequence
    allocatedEnd = end
  }

  private func openOrCreate(_ state: AuditState) throws -> any OpenFile {
    if try files.statusIfPresent(path) != nil { return try files.openFile(path, for: .readWrite) }
    guard state.acknowledged.sequence == 0 else {
      throw AuditError.tampered(
        "\(path) is missing, but the ledger saw it reach line \(state.acknowledged.sequence)")
    }
    let file = try files.openFile(path, for: .createNew(mode: 0o600))
    try file.sync()
    try files.syncDirectory(FilePaths.parent(of: path))
    return file
  }

  private func usable() throws -> any OpenFile {
    if let failure { throw failure }
    guard let file else {
      throw AuditError(.unwritable, message: "the audit log \(path) is not open", hint: "report this")
    }
    return file
  }

  private func reserveNow(_ byteCount: Int64) throws {
    let file = try usable()
    guard end + byteCount > allocatedEnd else { return }
    let least = max(byteCount, FileAuditLog.smallReserveBytes)
    do {
      try allocate(file, max(byteCount, FileAuditLog.reserveBytes))
    } catch let error as FileSystemError {
      // A nearly full disk may still have room for what is needed now.
      guard error.isNoRoom else { throw error }
      try allocate(file, least)
    }
  }

  private func allocate(_ file: any OpenFile, _ byteCount: Int64) throws {
    try file.allocate(byteCount: end + byteCount, keepingSize: true)
    allocatedEnd = end + byteCount
  }

  private func appendNow(_ lines: [AuditLine], head: AuditHead) throws {
    let file = try usable()
    guard !lines.isEmpty else { return }
    do {
      try checkPath(file)
      let bytes = lines.flatMap { Array($0.text.utf8) + [UInt8(ascii: "\n")] }
      guard lines.first?.sequence == sequence + 1, head.sequence == sequence + Int64(lines.count),
        head.offset == end + Int64(bytes.count)
      else {
        throw AuditError(
          .unwritable, message: "lines for \(path) do not follow line \(sequence)", hint: "report this")
      }
      try file.write(bytes, at: end)
      try file.sync()
    } catch {
      let failure = AuditError(any: error)
      self.failure = failure
      throw failure
    }
    end = head.offset
    sequence = head.sequence
  }

  /// A file that was moved away or replaced would take our lines without anybody seeing them, and a second
  /// writer would be written over.
  private func checkPath(_ file: any OpenFile) throws {
    guard let status = try files.statusIfPresent(path) else {
      throw AuditError.tampered("\(path) was removed while it was being written")
    }
    guard status.kind == .file, status.inode == inode else {
      throw AuditError.tampered("\(path) was replaced by something else while it was being written")
    }
    guard status.sizeBytes == end else {
      throw AuditError.tampered(
        "\(path) is \(status.sizeBytes) bytes long instead of \(end): something else writes to it")
    }
  }

  private func closeNow() {
    // Gives back the room that was reserved; leaving it reserved would only waste it.
    if let file, failure == nil, allocatedEnd > end { try? file.truncate(to: end) }
    file?.close()
    file = nil
  }
}
