import FileSystem
import RotationTestKit
import Testing

@Suite struct SimulatedDiskTests {
  private func disk() -> SimulatedDisk {
    let disk = SimulatedDisk()
    disk.plant(.directory, at: "/d")
    disk.plant(.directory, at: "/e")
    return disk
  }

  /// What crashes with many seeds leave of one preparation.
  private func outcomes(
    _ prepare: (SimulatedDisk) throws -> Void, _ look: (SimulatedDisk) -> String
  ) throws -> Set<String> {
    var seen: Set<String> = []
    for seed in 0..<200 {
      let disk = disk()
      try prepare(disk)
      var generator = SimulatedDisk.Generator(seed: UInt64(seed))
      seen.insert(look(disk.crash(using: &generator)))
    }
    return seen
  }

  private func text(_ disk: SimulatedDisk, _ path: String) -> String {
    disk.content(of: path).map { String(decoding: $0, as: UTF8.self) } ?? "-"
  }

  @Test func anUnsyncedWriteIsThereInFullInPartOrNotAtAll() throws {
    let seen = try outcomes({ disk in
      let file = try disk.openFile("/d/a", for: .createNew(mode: 0o600))
      try disk.syncDirectory("/d")
      try file.write(Array("ab".utf8), at: 0)
    }) { text($0, "/d/a") }
    #expect(seen == ["", "a", "ab"])
  }

  @Test func whatIsSyncedStays() throws {
    let seen = try outcomes({ disk in
      let file = try disk.openFile("/d/a", for: .createNew(mode: 0o600))
      try file.write(Array("ab".utf8), at: 0)
      try file.setMode(0o640)
      try file.sync()
      try disk.syncDirectory("/d")
    }) { "\(text($0, "/d/a")) \((try? $0.status("/d/a"))?.mode ?? 0)" }
    #expect(seen == ["ab \(0o640)"])
  }

  @Test func namesNeedTheirDirectorySynced() throws {
    let seen = try outcomes({ disk in
      for name in ["1", "2"] {
        let file = try disk.openFile("/d/" + name, for: .createNew(mode: 0o600))
        try file.sync()
      }
    }) { disk in ["1", "2"].map { text(disk, "/d/" + $0) }.joined() }
    #expect(seen == ["--", "-", ""], "in order: the second never without the first")
  }

  @Test func aRenameBetweenDirectoriesIsInBothOrInNeither() throws {
    let seen = try outcomes({ disk in
      let file = try disk.openFile("/d/a", for: .createNew(mode: 0o600))
      try file.write(Array("x".utf8), at: 0)
      try file.sync()
      try disk.syncDirectory("/d")
      try disk.rename("/d/a", to: "/e/a", replacing: true)
    }) { text($0, "/d/a") + text($0, "/e/a") }
    #expect(seen == ["x-", "-x"])
  }

  @Test func syncingOneDirectoryKeepsWhatTheRenameHangsOn() throws {
    let seen = try outcomes({ disk in
      let file = try disk.openFile("/d/a", for: .createNew(mode: 0o600))
      try file.sync()
      try disk.rename("/d/a", to: "/e/a", replacing: true)
      try disk.syncDirectory("/e")
    }) { text($0, "/d/a") + text($0, "/e/a") }
    #expect(seen == ["-"])
  }

  @Test func aSeedRepeatsItself() throws {
    for seed in 0..<50 {
      let runs = try (0..<2).map { _ -> String in
        let disk = disk()
        for name in ["1", "2", "3"] {
          let file = try disk.openFile("/d/" + name, for: .createNew(mode: 0o600))
          try file.write(Array("content".utf8), at: 0)
        }
        var generator = SimulatedDisk.Generator(seed: UInt64(seed))
        let survivor = disk.crash(using: &generator)
        return ["1", "2", "3"].map { text(survivor, "/d/" + $0) }.joined(separator: "|")
      }
      #expect(runs[0] == runs[1])
    }
  }

  @Test func faultsHappenWhereTheyArePlanned() throws {
    let disk = disk()
    disk.plan(.error(.inputOutput), atOperation: 1)
    disk.plan(.powerCut, atOperation: 3)
    let file = try disk.openFile("/d/a", for: .createNew(mode: 0o600))
    #expect(code { try file.sync() } == .inputOutput)
    try file.sync()
    #expect(code { try file.sync() } == .inputOutput)
    #expect(code { _ = try disk.status("/d") } == .inputOutput, "nothing works after a power cut")
    #expect(disk.operationCount == 5)
  }

  @Test func theHookMayRefuse() throws {
    let disk = disk()
    disk.beforeOperation = { operation throws(FileSystemError) in
      guard operation.kind != .sync else {
        throw FileSystemError(.sync, path: operation.path, number: FileSystemError.Code.readOnly.number)
      }
    }
    let file = try disk.openFile("/d/a", for: .createNew(mode: 0o600))
    #expect(code { try file.sync() } == .readOnly)
  }

  @Test func aFullDiskTakesOnlyWhatHasRoom() throws {
    let disk = disk()
    let file = try disk.openFile("/d/a", for: .createNew(mode: 0o600))
    try file.allocate(byteCount: 8192, keepingSize: true)
    disk.isFull = true
    #expect(code { _ = try disk.openFile("/d/b", for: .createNew(mode: 0o600)) } == .noRoom)
    try file.write([UInt8](repeating: 1, count: 8192), at: 0)
    #expect(code { try file.append([1]) } == .noRoom)
    try disk.rename("/d/a", to: "/d/b", replacing: false)
    try file.truncate(to: 0)
    #expect(code { try file.allocate(byteCount: 8192, keepingSize: true) } == .noRoom)
  }

  @Test func locksEndWithTheProcess() throws {
    let disk = disk()
    let lock = try disk.lock("/d/lock", mode: 0o600)
    try disk.syncDirectory("/d")
    var generator = SimulatedDisk.Generator(seed: 1)
    let next = disk.crash(using: &generator)
    let again = try next.lock("/d/lock", mode: 0o600)
    lock.release()
    #expect(code { _ = try next.lock("/d/lock", mode: 0o600) } == .busy)
    again.release()
  }
}
