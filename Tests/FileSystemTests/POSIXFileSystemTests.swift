import Foundation
import Testing

@testable import FileSystem

@Suite struct POSIXFileSystemTests {
  let files = POSIXFileSystem()

  @Test func doesNotHangOnAPipeNorFollowALink() throws {
    try withTemporaryFolder { folder in
      #expect(mkfifo(folder + "/pipe", 0o600) == 0)
      #expect(code { _ = try files.readFile(folder + "/pipe", maximumBytes: 9) } == .wrongKind)
      #expect(code { _ = try files.openFile(folder + "/pipe", for: .append) } == .wrongKind)
      try Data("x".utf8).write(to: URL(fileURLWithPath: folder + "/target"))
      #expect(symlink(folder + "/target", folder + "/link") == 0)
      #expect(code { _ = try files.readFile(folder + "/link", maximumBytes: 9) } == .isLink)
      #expect(code { _ = try files.lock(folder + "/link", mode: 0o600) } == .isLink)
      #expect(try files.status(folder + "/link").kind == .link)
      #expect(symlink("/nowhere", folder + "/dangling") == 0)
      let dangling = folder + "/dangling"
      #expect(code { _ = try files.openFile(dangling, for: .createNew(mode: 0o600)) } == .exists)
      #expect(symlink(folder, folder + "/loop") == 0)
      #expect(code { try files.syncDirectory(folder + "/loop") } == .notDirectory)
      #expect(code { _ = try files.list(folder + "/loop", maximumCount: 9) } == .notDirectory)
    }
  }

  @Test func namesTheOperationThePathAndTheReason() throws {
    let error = try #require(throws: FileSystemError.self) {
      try files.removeFile("/no-such-folder/x")
    }
    #expect(error.number == ENOENT)
    #expect(error.isMissing)
    #expect(error.message == "cannot remove /no-such-folder/x: No such file or directory")
  }

  @Test func aFullDiskAndAFullQuotaAreNoRoom() {
    #expect(FileSystemError(.write, path: "/x", number: ENOSPC).isNoRoom)
    #expect(FileSystemError(.write, path: "/x", number: EDQUOT).isNoRoom)
    #expect(!FileSystemError(.write, path: "/x", number: EIO).isNoRoom)
  }

  /// Where the kernel takes no room, only what a file is to grow by must be free.
  @Test func theRoomThatAFileHasIsNotAskedForAgain() {
    func hasRoom(from sizeBytes: Int64, to byteCount: Int64, freeBlocks: UInt64) -> Bool {
      POSIXFile.hasRoom(toGrowFrom: sizeBytes, to: byteCount, freeBlocks: freeBlocks, blockBytes: 4096)
    }
    #expect(hasRoom(from: 1 << 30, to: 1 << 30 + 4096, freeBlocks: 1))
    #expect(!hasRoom(from: 1 << 30, to: 1 << 30 + 4097, freeBlocks: 1))
    #expect(hasRoom(from: 1 << 30, to: 1 << 20, freeBlocks: 0))
    #expect(hasRoom(from: 0, to: .max, freeBlocks: .max))
  }

  @Test func readingStopsAtTheEnd() throws {
    try withTemporaryFolder { folder in
      let file = try files.openFile(folder + "/a", for: .createNew(mode: 0o600))
      #expect(try file.read(at: 10, maximumBytes: 10).isEmpty)
      try file.write([UInt8](repeating: 7, count: 300_000), at: 0)
      #expect(try file.read(at: 299_999, maximumBytes: 10) == [7])
    }
  }

  @Test func keepsTheOwnerThatItHas() throws {
    try withTemporaryFolder { folder in
      let file = try files.openFile(folder + "/a", for: .createNew(mode: 0o600))
      let name = NSUserName()
      try file.setOwner(user: name, group: nil)
      #expect(try file.status().user == files.effectiveUser)
    }
  }
}
