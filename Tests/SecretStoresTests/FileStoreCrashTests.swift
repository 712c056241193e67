import FileSystem
import RotationModel
import RotationPorts
import RotationTestKit
import SecretStores
import Testing

/// Interrupts the life of a place at every operation, and looks at what readers and the next process find.
@Suite struct FileStoreCrashTests {
  private static let directory = "/srv/tokens"
  private static let place = SecretStoreContract.place
  private static let generations = 1...3

  /// What the process knew to be done when it ended.
  private struct Progress {
    var staged = 0
    var promoted = 0
  }

  private func store(_ disk: SimulatedDisk, _ format: FileStoreFormat) -> FileStore {
    FileStore(
      settings: FileStoreSettings(
        name: "files", directory: Self.directory, format: format, owner: "telegraf", mode: 0o640,
        installation: SecretStoreContract.installation),
      fileSystem: disk)
  }

  /// Everything from the first opening to the third generation, repeating what may have been done already.
  private func live(
    _ disk: SimulatedDisk, _ format: FileStoreFormat, _ progress: inout Progress
  ) async throws {
    let store = store(disk, format)
    try await store.open()
    for generation in Self.generations where generation > progress.promoted {
      let token = SecretStoreContract.token(generation)
      if progress.staged < generation {
        try await store.reserve(Self.place, for: token.planned)
        try await store.stage(token, at: Self.place)
        progress.staged = generation
      }
      if generation > 2 {
        let retired = SecretStoreContract.token(generation - 2)
        try await store.discard(.previous, attempt: retired.attempt, at: Self.place)
      }
      try await store.promote(generation: generation, at: Self.place)
      progress.promoted = generation
    }
    await store.close()
  }

  private func content(_ generation: Int, _ format: FileStoreFormat) async throws -> [UInt8] {
    let disk = SimulatedDisk()
    let store = store(disk, format)
    try await store.open()
    try await store.stage(SecretStoreContract.token(generation), at: Self.place)
    try await store.promote(generation: generation, at: Self.place)
    return try #require(disk.content(of: current(format)))
  }

  private func current(_ format: FileStoreFormat) -> String {
    Self.directory + "/line-1" + (format == .raw ? "" : "." + format.rawValue)
  }

  @Test(arguments: FileStoreFormat.allCases)
  func aPowerCutAnywhereLosesNothing(_ format: FileStoreFormat) async throws {
    var contents: [[UInt8]] = []
    for generation in Self.generations { contents.append(try await content(generation, format)) }
    let whole = SimulatedDisk()
    var done = Progress()
    try await live(whole, format, &done)
    let seeds: UInt64 = format == .raw ? 8 : 2
    for index in 0..<whole.operationCount {
      for seed in 0..<seeds {
        let disk = SimulatedDisk()
        disk.plan(.powerCut, atOperation: index)
        var progress = Progress()
        try? await live(disk, format, &progress)
        var generator = SimulatedDisk.Generator(seed: seed)
        let survivor = disk.crash(using: &generator)
        let label = "operation \(index), seed \(seed)"

        // What a consumer reads, before anybody has cleaned up.
        let seen = survivor.content(of: current(format))
        let generation = seen.flatMap { contents.firstIndex(of: $0) }.map { $0 + 1 }
        #expect(seen == nil || generation != nil, "a whole token or none: \(label)")
        #expect((generation ?? 0) >= progress.promoted, "\(label)")
        #expect((generation ?? 0) <= progress.promoted + 1, "\(label)")

        // What the next process finds: no string is lost, and it says rightly which is which.
        let next = store(survivor, format)
        try await next.open()
        let pending = try await next.read(.pending, at: Self.place)
        let read = try await next.read(.current, at: Self.place)
        #expect(read?.generation == generation, "\(label)")
        if let read { #expect(read == SecretStoreContract.token(read.generation), "\(label)") }
        let newest = max(pending?.generation ?? 0, read?.generation ?? 0)
        #expect(newest >= progress.staged, "the staged string is there: \(label)")
        if let read, read.generation > 1, pending == nil {
          let previous = try await next.read(.previous, at: Self.place)
          #expect(previous == SecretStoreContract.token(read.generation - 1), "\(label)")
        }
        await next.close()

        // The calls are repeated and everything comes to its end.
        if progress.staged < newest { progress.staged = newest }
        try await live(survivor, format, &progress)
        try await expectFinished(survivor, format, label)
      }
    }
  }

  @Test func anErrorAnywhereIsMendedByRepeating() async throws {
    let whole = SimulatedDisk()
    var done = Progress()
    try await live(whole, .raw, &done)
    for code in [FileSystemError.Code.inputOutput, .noRoom] {
      for index in 0..<whole.operationCount {
        let disk = SimulatedDisk()
        disk.plan(.error(code), atOperation: index)
        var progress = Progress()
        do {
          try await live(disk, .raw, &progress)
        } catch let error as StoreError {
          #expect(error.isPassing, "\(error)")
          #expect(error.hint != nil)
          #expect(!error.message.contains("apiv1"))
        }
        try await live(disk, .raw, &progress)
        try await expectFinished(disk, .raw, "\(code) at operation \(index)")
      }
    }
  }

  /// A promotion ends by making the emptied pending place durable; what is repeated is that, too.
  @Test func aRepeatedPromotionIsDurable() async throws {
    let whole = SimulatedDisk()
    var done = Progress()
    try await live(whole, .raw, &done)
    for seed in 0..<8 as Range<UInt64> {
      let disk = SimulatedDisk()
      disk.plan(.error(.inputOutput), atOperation: whole.operationCount - 1)
      var progress = Progress()
      try? await live(disk, .raw, &progress)
      #expect(progress.promoted == 2)
      try await live(disk, .raw, &progress)
      var generator = SimulatedDisk.Generator(seed: seed)
      try await expectFinished(disk.crash(using: &generator), .raw, "seed \(seed)")
    }
  }

  @Test func aDiskThatFillsUpAfterTheReservationStillTakesTheToken() async throws {
    for generation in [1, 2] {
      for delay in 0..<40 {
        let disk = SimulatedDisk()
        var progress = Progress()
        let store = store(disk, .raw)
        try await store.open()
        if generation == 2 {
          try await store.stage(SecretStoreContract.token(1), at: Self.place)
          try await store.promote(generation: 1, at: Self.place)
        }
        let token = SecretStoreContract.token(generation)
        try await store.reserve(Self.place, for: token.planned)
        disk.plan(.full, atOperation: disk.operationCount + delay)
        try await store.stage(token, at: Self.place)
        try? await store.promote(generation: generation, at: Self.place)
        #expect(try await newestGeneration(store) == generation)
        await store.close()
        progress.staged = generation
        progress.promoted = generation - 1
        disk.forgetFaults()
        disk.isFull = false
        try await live(disk, .raw, &progress)
        try await expectFinished(disk, .raw, "full \(delay) operations after the reservation")
      }
    }
  }

  @Test func theLongestTokenFindsItsRoomToo() async throws {
    var token = SecretStoreContract.token(1)
    token.databases = (1000..<1890).map { "\($0)" + String(repeating: "x", count: 60) }
    token.accessToken = Secret(repeatElement(UInt8(ascii: "x"), count: 4096))
    token.tokenID = "01234567-89ab-cdef-0123-456789abcdef"
    let disk = SimulatedDisk()
    let store = store(disk, .raw)
    try await store.open()
    try await store.reserve(Self.place, for: token.planned)
    disk.isFull = true
    try await store.stage(token, at: Self.place)
    #expect(try await store.read(.pending, at: Self.place) == token)
  }

  @Test func aFullDiskRefusesTheReservation() async throws {
    let disk = SimulatedDisk()
    let store = store(disk, .raw)
    try await store.open()
    disk.isFull = true
    let error = await #expect(throws: StoreError.self) {
      try await store.reserve(Self.place, for: SecretStoreContract.token(1).planned)
    }
    #expect(error?.code == .noRoom)
  }

  private func newestGeneration(_ store: FileStore) async throws -> Int {
    let pending = try await store.read(.pending, at: Self.place)
    let current = try await store.read(.current, at: Self.place)
    return max(pending?.generation ?? 0, current?.generation ?? 0)
  }

  private func expectFinished(
    _ disk: SimulatedDisk, _ format: FileStoreFormat, _ label: String
  ) async throws {
    let store = store(disk, format)
    try await store.open()
    #expect(try await store.read(.pending, at: Self.place) == nil, "\(label)")
    #expect(try await store.read(.current, at: Self.place) == SecretStoreContract.token(3), "\(label)")
    #expect(try await store.read(.previous, at: Self.place) == SecretStoreContract.token(2), "\(label)")
    await store.close()
    #expect(try disk.status(current(format)).mode == 0o640, "\(label)")
    let names = try disk.list(Self.directory, maximumCount: 99)
    #expect(names.filter { !$0.hasPrefix(".") }.count == 1, "\(label)")
    let own = [".installation", ".lock", ".owner", ".pending", ".previous"]
    #expect(names.filter { $0.hasPrefix(".") } == own, "nothing is left over: \(label)")
    for folder in [".pending", ".previous", ".owner"] {
      let records = try disk.list(Self.directory + "/" + folder, maximumCount: 99)
      #expect(records == (folder == ".pending" ? [] : ["line-1"]), "nothing is left over: \(label)")
    }
  }
}
