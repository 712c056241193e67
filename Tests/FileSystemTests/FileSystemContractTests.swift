import FileSystem
import Foundation
import RotationTestKit
import Testing

/// What both file systems must do alike, so that what is tested on the simulated one holds on the real one.
@Suite struct FileSystemContractTests {
  /// A file system and a folder of one's own on it, removed at the end.
  private func withEach(_ body: (any FileSystem, String) throws -> Void) throws {
    let simulated = SimulatedDisk()
    simulated.plant(.directory, at: "/work")
    try body(simulated, "/work")
    try withTemporaryFolder { try body(POSIXFileSystem(), $0) }
  }

  @Test func writesReadsAndShortens() throws {
    try withEach { files, folder in
      let file = try files.openFile(folder + "/a", for: .createNew(mode: 0o600))
      try file.write(Array("hello".utf8), at: 0)
      try file.write(Array("J".utf8), at: 0)
      try file.append(Array(" world".utf8))
      #expect(try file.read(at: 1, maximumBytes: 4) == Array("ello".utf8))
      try file.truncate(to: 5)
      try file.sync()
      file.close()
      #expect(try files.readFile(folder + "/a", maximumBytes: 5) == Array("Jello".utf8))
      let appended = try files.openFile(folder + "/a", for: .append)
      try appended.write(Array("!".utf8), at: 0)
      #expect(try files.readFile(folder + "/a", maximumBytes: 100) == Array("Jello!".utf8))
      #expect(throws: FileSystemError.self) { try files.readFile(folder + "/a", maximumBytes: 5) }
      #expect(code { try file.sync() } == .other, "a closed file does nothing")
    }
  }

  @Test func refusesWhatIsThereAlready() throws {
    try withEach { files, folder in
      try files.createDirectory(folder + "/d", mode: 0o711)
      #expect(try files.status(folder + "/d").mode == 0o711)
      #expect(code { try files.createDirectory(folder + "/d", mode: 0o700) } == .exists)
      _ = try files.openFile(folder + "/a", for: .createNew(mode: 0o600))
      #expect(code { _ = try files.openFile(folder + "/a", for: .createNew(mode: 0o600)) } == .exists)
      _ = try files.openFile(folder + "/b", for: .createNew(mode: 0o600))
      #expect(code { try files.rename(folder + "/a", to: folder + "/b", replacing: false) } == .exists)
      try files.rename(folder + "/a", to: folder + "/b", replacing: true)
      #expect(try files.list(folder, maximumCount: 9) == ["b", "d"])
      #expect(code { _ = try files.list(folder, maximumCount: 1) } == .tooLarge)
      try files.removeFile(folder + "/b")
      #expect(code { try files.removeFile(folder + "/b") } == .missing)
      #expect(try files.statusIfPresent(folder + "/b") == nil)
      try files.syncDirectory(folder)
    }
  }

  @Test func tellsErrorsApart() throws {
    try withEach { files, folder in
      #expect(code { _ = try files.readFile(folder + "/none", maximumBytes: 1) } == .missing)
      #expect(code { _ = try files.readFile(folder, maximumBytes: 1) } == .isDirectory)
      #expect(code { _ = try files.openFile(folder, for: .readWrite) } == .isDirectory)
      _ = try files.openFile(folder + "/f", for: .createNew(mode: 0o600))
      #expect(code { _ = try files.list(folder + "/f", maximumCount: 1) } == .notDirectory)
      #expect(code { _ = try files.status(folder + "/f/x") } == .notDirectory)
      #expect(code { _ = try files.openFile(folder + "/no/x", for: .createNew(mode: 0o600)) } == .missing)
    }
  }

  @Test func locksOnce() throws {
    try withEach { files, folder in
      let lock = try files.lock(folder + "/lock", mode: 0o600)
      #expect(code { _ = try files.lock(folder + "/lock", mode: 0o600) } == .busy)
      lock.release()
      lock.release()
      let again = try files.lock(folder + "/lock", mode: 0o600)
      #expect(code { _ = try files.lock(folder + "/lock", mode: 0o600) } == .busy)
      withExtendedLifetime(again) {}
    }
  }

  @Test func setsModeAndRefusesUnknownAccounts() throws {
    try withEach { files, folder in
      (files as? SimulatedDisk)?.unknownAccounts = ["no-such-account-anywhere"]
      let file = try files.openFile(folder + "/a", for: .createNew(mode: 0o600))
      try file.setMode(0o640)
      #expect(try file.status().mode == 0o640)
      #expect(code { try file.setOwner(user: "no-such-account-anywhere", group: nil) } == .unknownUser)
      #expect(code { try file.setOwner(user: nil, group: "no-such-account-anywhere") } == .unknownGroup)
      try file.setOwner(user: nil, group: nil)
    }
  }

  @Test func reservesRoomWithoutChangingTheSize() throws {
    try withEach { files, folder in
      let file = try files.openFile(folder + "/a", for: .createNew(mode: 0o600))
      try file.allocate(byteCount: 8192, keepingSize: true)
      #expect(try file.status().sizeBytes == 0)
      try file.allocate(byteCount: 100, keepingSize: false)
      #expect(try file.status().sizeBytes == 100)
    }
  }

  @Test func makesMissingFolders() throws {
    try withEach { files, folder in
      try files.createDirectories(folder + "/x/y/z", mode: 0o755)
      try files.createDirectories(folder + "/x/y/z", mode: 0o755)
      #expect(try files.status(folder + "/x/y/z").kind == .directory)
    }
  }

  @Test(arguments: [
    ("/a/b", "/a", "b"), ("/a", "/", "a"), ("a", ".", "a"), ("a/b//", "a", "b"), ("/a//b", "/a", "b"),
    ("/", "/", ""),
  ])
  func splitsPaths(_ path: String, _ parent: String, _ name: String) {
    #expect(FilePaths.split(path) == (parent, name))
  }
}

/// The code that an operation fails with; nil when it succeeds.
func code(_ body: () throws -> Void) -> FileSystemError.Code? {
  do {
    try body()
    return nil
  } catch {
    return (error as? FileSystemError)?.code
  }
}

/// Runs with a new folder of the machine and removes it.
func withTemporaryFolder(_ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try body(folder.path)
}
