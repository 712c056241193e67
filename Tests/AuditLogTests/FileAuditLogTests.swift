import AuditLog
import FileSystem
import Foundation
import RotationModel
import RotationPorts
import RotationTestKit
import Testing

@Suite struct FileAuditLogTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/audit.jsonl" }

  init() throws { folder = try TemporaryFolder() }

  private func log() -> FileAuditLog { FileAuditLog(path: path, files: POSIXFileSystem()) }

  private func write(_ bytes: some Collection<UInt8>) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }

  private func read() throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }

  @Test func aNewFileIsMadeAndAppendedTo() async throws {
    let log = log()
    try await log.open(AuditState(acknowledged: Sample.start, outbox: [], head: Sample.start))
    try await log.reserve(byteCount: 5000)
    let first = try log.compose(Sample.events(1...3), after: Sample.start)
    try await log.append(first.lines, head: first.head)
    let second = try log.compose(Sample.events(4...4), after: first.head)
    try await log.append(second.lines, head: second.head)
    #expect(try read() == Sample.bytes(first.lines + second.lines))
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    await log.close()
    #expect(try read() == Sample.bytes(first.lines + second.lines))
    let error = await Sample.failure { try await log.append(first.lines, head: first.head) }
    #expect(error?.code == .unwritable)
  }

  @Test func theOutboxIsCompletedWhereverTheFileWasCut() async throws {
    for acknowledged in [0, 2] {
      let (state, lines) = try Sample.state(acknowledged: acknowledged, waiting: 2)
      let whole = Sample.bytes(lines)
      for length in Int(state.acknowledged.offset)...whole.count {
        try write(whole[..<length])
        let log = log()
        try await log.open(state)
        #expect(try read() == whole, "cut at \(length)")
        await log.close()
      }
    }
  }

  @Test func zerosThatALossOfPowerLeftAreReplaced() async throws {
    let (state, lines) = try Sample.state(acknowledged: 1, waiting: 3)
    let whole = Sample.bytes(lines)
    var torn = whole
    for index in Int(state.acknowledged.offset) + 100..<Int(state.acknowledged.offset) + 400 {
      torn[index] = 0
    }
    try write(torn)
    try await log().open(state)
    #expect(try read() == whole)
  }

  @Test func everyShorterFileIsTampering() async throws {
    let (state, lines) = try Sample.state(acknowledged: 2, waiting: 1)
    for length in 0..<Int(state.acknowledged.offset) where length % 7 == 0 {
      try write(Sample.bytes(lines)[..<length])
      let error = await Sample.failure { try await log().open(state) }
      #expect(error?.code == .tampered)
      #expect(error?.hint?.contains("audit repair") == true)
      #expect(try read().count == length)
    }
    try FileManager.default.removeItem(atPath: path)
    let error = await Sample.failure { try await log().open(state) }
    #expect(error?.code == .tampered)
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func everyChangeBehindTheAcknowledgedLineButOneIsTampering() async throws {
    let (state, lines) = try Sample.state(acknowledged: 2, waiting: 2)
    let whole = Sample.bytes(lines)
    // The last acknowledged line and all after it are compared byte for byte.
    let from = lines[0].text.utf8.count + 1
    for index in stride(from: from, to: whole.count, by: 3) {
      var changed = whole
      changed[index] ^= 1
      try write(changed)
      let error = await Sample.failure { try await log().open(state) }
      #expect(error?.code == .tampered, "byte \(index)")
      #expect(try read() == changed)
    }
    try write(whole + [10])
    #expect(await Sample.failure { try await log().open(state) }?.code == .tampered)
  }

  @Test func aLinkAPipeAndAFolderAreRefused() async throws {
    let files = FileManager.default
    let state = AuditState(acknowledged: Sample.start, outbox: [], head: Sample.start)
    try write([])
    try files.createSymbolicLink(atPath: folder.path + "/link", withDestinationPath: path)
    #expect(mkfifo(folder.path + "/pipe", 0o600) == 0)
    try files.createDirectory(atPath: folder.path + "/folder", withIntermediateDirectories: false)
    for name in ["link", "pipe", "folder"] {
      let log = FileAuditLog(path: folder.path + "/" + name, files: POSIXFileSystem())
      #expect(await Sample.failure { try await log.open(state) }?.code == .unwritable, "\(name)")
    }
  }

  @Test(arguments: ["removed", "replaced", "written to"])
  func aFileThatChangesUnderUsIsTampering(how: String) async throws {
    let log = log()
    try await log.open(AuditState(acknowledged: Sample.start, outbox: [], head: Sample.start))
    let first = try log.compose(Sample.events(1...1), after: Sample.start)
    try await log.append(first.lines, head: first.head)
    switch how {
    case "removed": try FileManager.default.removeItem(atPath: path)
    case "replaced":
      try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
      try write(Sample.bytes(first.lines))
    default:
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try handle.seekToEnd()
      try handle.write(contentsOf: Data([10]))
      try handle.close()
    }
    let second = try log.compose(Sample.events(2...2), after: first.head)
    let error = await Sample.failure { try await log.append(second.lines, head: second.head) }
    #expect(error?.code == .tampered)
    #expect(await Sample.failure { try await log.reserve(byteCount: 1) } == error)
  }

  @Test func aFullDiskIsFoundByReservingAndReservedRoomIsKept() async throws {
    let disk = SimulatedDisk()
    let log = FileAuditLog(path: "/audit.jsonl", files: disk)
    try await log.open(AuditState(acknowledged: Sample.start, outbox: [], head: Sample.start))
    try await log.reserve(byteCount: 100)
    disk.isFull = true
    let first = try log.compose(Sample.events(1...20), after: Sample.start)
    try await log.append(first.lines, head: first.head)
    #expect(disk.content(of: "/audit.jsonl") == Sample.bytes(first.lines))
    let error = await Sample.failure { try await log.reserve(byteCount: 3_000_000) }
    #expect(error?.code == .noRoom)
    // Being told that there is no room breaks nothing.
    let second = try log.compose(Sample.events(21...21), after: first.head)
    try await log.append(second.lines, head: second.head)
  }

  @Test(arguments: [FileSystemError.Operation.write, .sync])
  func aFailedAppendEndsTheUseOfTheFile(operation: FileSystemError.Operation) async throws {
    let disk = SimulatedDisk()
    let log = FileAuditLog(path: "/audit.jsonl", files: disk)
    let state = AuditState(acknowledged: Sample.start, outbox: [], head: Sample.start)
    try await log.open(state)
    disk.beforeOperation = { (step) throws(FileSystemError) in
      if step.kind == operation { throw FileSystemError(operation, path: step.path, number: EIO) }
    }
    let first = try log.compose(Sample.events(1...1), after: Sample.start)
    #expect(await Sample.failure { try await log.append(first.lines, head: first.head) } != nil)
    disk.beforeOperation = nil
    #expect(await Sample.failure { try await log.append(first.lines, head: first.head) } != nil)
    #expect(await Sample.failure { try await log.reserve(byteCount: 1) } != nil)
    try await log.open(AuditState(acknowledged: Sample.start, outbox: first.lines, head: first.head))
    #expect(disk.content(of: "/audit.jsonl") == Sample.bytes(first.lines))
  }
}
