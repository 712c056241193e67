import FileSystem
import RotationModel
import RotationPorts
import RotationTestKit
import SecretStores
import Testing

/// Interrupts what changes delivered tokens at every operation, and repeats it.
@Suite struct FileStoreChangeCrashTests {
  enum Change: String, CaseIterable, Sendable {
    case rollBack
    case withdraw
    case relocate
    case relocateGivingAway
    case renameInPlace

    /// Where the token is to be in the end.
    var destination: StorePlace {
      switch self {
      case .rollBack, .withdraw: SecretStoreContract.place
      case .relocate: StorePlace(job: "plant", name: "line-9")
      case .relocateGivingAway: StorePlace(job: "plant", name: "line-9", owner: "telegraf", mode: 0o640)
      case .renameInPlace:
        StorePlace(job: "plant", name: "line-9", secret: "line-1", owner: "telegraf", mode: 0o640)
      }
    }
  }

  /// What each place of a name holds: generations, or nothing.
  private struct Contents: Equatable {
    var pending: Int?
    var current: Int?
    var previous: Int?
  }

  private static let directory = "/srv/tokens"
  private static let place = SecretStoreContract.place
  /// What a change of place moves.
  private static let moved = Contents(pending: 3, current: 2, previous: 1)

  private func store(_ disk: SimulatedDisk) -> FileStore {
    FileStore(
      settings: FileStoreSettings(
        name: "files", directory: Self.directory, installation: SecretStoreContract.installation),
      fileSystem: disk)
  }

  /// Generation 2 current, and 1 previous where it may be.
  private func prepared(_ change: Change) async throws -> SimulatedDisk {
    let disk = SimulatedDisk()
    let store = store(disk)
    try await store.open()
    for generation in 1...2 {
      try await store.stage(SecretStoreContract.token(generation), at: Self.place)
      try await store.promote(generation: generation, at: Self.place)
    }
    if change == .withdraw {
      let first = SecretStoreContract.token(1).attempt
      try await store.discard(.previous, attempt: first, at: Self.place)
    } else if change != .rollBack {
      try await store.stage(SecretStoreContract.token(3), at: Self.place)
    }
    await store.close()
    return disk
  }

  private func apply(_ change: Change, _ store: FileStore) async throws {
    switch change {
    case .rollBack: try await store.rollBack(from: 2, to: 1, at: Self.place)
    case .withdraw: try await store.withdraw(generation: 2, at: Self.place)
    case .relocate, .relocateGivingAway, .renameInPlace:
      try await store.relocate(from: Self.place, to: change.destination)
    }
  }

  private func contents(_ store: FileStore, at place: StorePlace = place) async throws -> Contents {
    var found: [Event.Place: Int] = [:]
    for which in [Event.Place.pending, .current, .previous] {
      guard let token = try await store.read(which, at: place) else { continue }
      #expect(token == SecretStoreContract.token(token.generation))
      found[which] = token.generation
    }
    return Contents(pending: found[.pending], current: found[.current], previous: found[.previous])
  }

  /// Everything that is on the disk, as one text.
  private func everything(_ disk: SimulatedDisk) throws -> String {
    var text = ""
    for folder in ["", "/.pending", "/.previous", "/.owner"] {
      for name in try disk.list(Self.directory + folder, maximumCount: 99) {
        text += "\(folder)/\(name): "
        text += String(decoding: disk.content(of: "\(Self.directory)\(folder)/\(name)") ?? [], as: UTF8.self)
      }
    }
    return text
  }

  private func text(_ generation: Int) -> String {
    SecretStoreContract.token(generation).accessToken.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  /// What a consumer finds: the generation, or 0 for nothing, or -1 for what is no whole token.
  private func seen(_ disk: SimulatedDisk, _ name: String = place.name) -> Int {
    guard let content = disk.content(of: "\(Self.directory)/\(name)") else { return 0 }
    return (1...3).first { text($0) == String(decoding: content, as: UTF8.self) } ?? -1
  }

  /// What may be found by somebody who looks in the middle of it.
  private func expectMiddle(_ change: Change, _ disk: SimulatedDisk, _ label: String) async throws {
    let everything = try everything(disk)
    switch change {
    case .rollBack:
      #expect(everything.contains(text(1)) && everything.contains(text(2)), "no string is lost: \(label)")
      let store = store(disk)
      let found = try await contents(store)
      #expect(
        [Contents(current: 2, previous: 1), Contents(current: 1, previous: 2)].contains(found), "\(label)")
      #expect(seen(disk) == found.current, "\(label)")
    case .withdraw:
      #expect(everything.contains(text(2)), "no string is lost: \(label)")
      let found = try await contents(store(disk))
      #expect(
        [Contents(current: 2), Contents(current: 2, previous: 2), Contents(previous: 2)].contains(found),
        "\(label)")
      #expect(seen(disk) == found.current ?? 0, "\(label)")
    case .relocate, .relocateGivingAway:
      #expect((1...3).allSatisfy { everything.contains(text($0)) }, "no string is lost: \(label)")
      let store = store(disk)
      let places = [Self.place, change.destination]
      let isThere = seen(disk, "line-9") == 2
      #expect(isThere ? seen(disk) == 0 : seen(disk) == 2, "\(label)")
      #expect(try await contents(store, at: places[isThere ? 1 : 0]) == Self.moved, "\(label)")
      #expect(try await contents(store, at: places[isThere ? 0 : 1]).current == nil, "\(label)")
      let status = try disk.statusIfPresent(Self.directory + "/line-9")
      #expect(status == nil || status?.mode == (change.destination.mode ?? 0o600), "\(label)")
    case .renameInPlace:
      #expect((1...3).allSatisfy { everything.contains(text($0)) }, "no string is lost: \(label)")
      #expect(seen(disk) == 2, "\(label)")
    }
  }

  /// What is found in the end, with nothing left over.
  private func expectEnd(_ change: Change, _ disk: SimulatedDisk, _ label: String) async throws {
    let store = store(disk)
    try await store.open()
    switch change {
    case .rollBack:
      #expect(try await contents(store) == Contents(current: 1, previous: 2), "\(label)")
      #expect(seen(disk) == 1, "\(label)")
      #expect(try names(disk) == ["/line-1", "/.previous/line-1", "/.owner/line-1"], "\(label)")
    case .withdraw:
      #expect(try await contents(store) == Contents(previous: 2), "\(label)")
      #expect(try names(disk) == ["/.previous/line-1"], "\(label)")
    case .relocate, .relocateGivingAway, .renameInPlace:
      let place = change.destination
      let key = place.secret ?? place.name
      #expect(try await contents(store, at: place) == Self.moved, "\(label)")
      if key != "line-1" { #expect(try await contents(store) == Contents(), "\(label)") }
      #expect(
        try names(disk) == ["/\(key)", "/.pending/\(key)", "/.previous/\(key)", "/.owner/\(key)"], "\(label)")
      let status = try disk.status(Self.directory + "/" + key)
      #expect(status.mode == (place.mode ?? 0o600), "\(label)")
      #expect((status.user == 0) == (place.owner == nil), "\(label)")
    }
    await store.close()
  }

  private func names(_ disk: SimulatedDisk) throws -> [String] {
    try ["", "/.pending", "/.previous", "/.owner"].flatMap { folder throws(FileSystemError) in
      try disk.list(Self.directory + folder, maximumCount: 99)
        .filter { !folder.isEmpty || !$0.hasPrefix(".") || $0.hasPrefix(".new") }.map { "\(folder)/\($0)" }
    }
  }

  /// The operations of the change, from the first to the last one's successor.
  private func operations(of change: Change) async throws -> Range<Int> {
    let disk = try await prepared(change)
    let store = store(disk)
    try await store.open()
    let first = disk.operationCount
    try await apply(change, store)
    return first..<disk.operationCount
  }

  @Test(arguments: Change.allCases)
  func aPowerCutAnywhereLosesNothing(_ change: Change) async throws {
    for index in try await operations(of: change) {
      for seed in 0..<8 as Range<UInt64> {
        let label = "\(change) cut at operation \(index), seed \(seed)"
        let disk = try await prepared(change)
        let store = store(disk)
        try await store.open()
        disk.plan(.powerCut, atOperation: index)
        await #expect(throws: StoreError.self) { try await apply(change, store) }
        var generator = SimulatedDisk.Generator(seed: seed)
        let survivor = disk.crash(using: &generator)
        try await expectMiddle(change, survivor, label)
        let next = self.store(survivor)
        try await next.open()
        try await expectMiddle(change, survivor, "opened again, " + label)
        try await apply(change, next)
        try await apply(change, next)
        await next.close()
        try await expectEnd(change, survivor, label)
      }
    }
  }

  /// What a call that succeeds says is durable, also when an earlier one was stopped by an error.
  @Test(arguments: Change.allCases)
  func anErrorAnywhereIsMendedForGood(_ change: Change) async throws {
    for index in try await operations(of: change) {
      for code in [FileSystemError.Code.inputOutput, .noRoom] {
        for seed in 0..<4 as Range<UInt64> {
          let label = "\(change) failed at operation \(index) with \(code), seed \(seed)"
          let disk = try await prepared(change)
          let store = store(disk)
          try await store.open()
          disk.plan(.error(code), atOperation: index)
          do throws(StoreError) {
            try await applyTyped(change, store)
          } catch {
            #expect(error.isPassing && error.hint != nil && !error.message.contains("apiv1"), "\(label)")
            try await expectMiddle(change, disk, label)
            try await apply(change, store)
          }
          var generator = SimulatedDisk.Generator(seed: seed)
          try await expectEnd(change, disk.crash(using: &generator), label)
        }
      }
    }
  }

  private func applyTyped(_ change: Change, _ store: FileStore) async throws(StoreError) {
    do {
      try await apply(change, store)
    } catch let error as StoreError {
      throw error
    } catch {
      Issue.record(error)
    }
  }

  /// A reader who looks at any moment finds a whole token.
  @Test(arguments: Change.allCases)
  func aReaderSeesAWholeTokenAtEveryMoment(_ change: Change) async throws {
    let disk = try await prepared(change)
    let store = store(disk)
    try await store.open()
    let views = Views()
    disk.beforeOperation = { operation throws(FileSystemError) in
      views.all.append(["line-1", "line-9"].map { seen(disk, $0) })
    }
    try await apply(change, store)
    switch change {
    case .rollBack: #expect(Set(views.all) == [[2, 0], [1, 0]])
    case .withdraw: #expect(Set(views.all) == [[2, 0], [0, 0]])
    case .relocate, .relocateGivingAway: #expect(Set(views.all) == [[2, 0], [0, 2]])
    case .renameInPlace: #expect(Set(views.all) == [[2, 0]])
    }
  }

  private final class Views: @unchecked Sendable {
    // Only ever touched by the thread that runs the test.
    var all: [[Int]] = []
  }

  /// Nothing else is done in a place whose rollback is half done.
  @Test func aHalfDoneRollbackIsCompletedFirst() async throws {
    for index in try await operations(of: .rollBack) {
      let disk = try await prepared(.rollBack)
      let store = store(disk)
      try await store.open()
      disk.plan(.error(.inputOutput), atOperation: index)
      try? await store.rollBack(from: 2, to: 1, at: Self.place)
      let isHalfDone = disk.content(of: Self.directory + "/.pending/line-1") != nil
      let next = SecretStoreContract.token(3)
      let attempts: [@Sendable () async throws -> Void] = [
        { try await store.reserve(Self.place, for: next.planned) },
        { try await store.stage(next, at: Self.place) },
        { try await store.promote(generation: 2, at: Self.place) },
        { try await store.withdraw(generation: 1, at: Self.place) },
        { try await store.relocate(from: Self.place, to: Change.relocate.destination) },
        { try await store.rollBack(from: 1, to: 2, at: Self.place) },
        {
          for generation in 1...2 {
            let attempt = SecretStoreContract.token(generation).attempt
            try await store.discard(.previous, attempt: attempt, at: Self.place)
          }
        },
      ]
      if isHalfDone {
        for attempt in attempts {
          let error = await #expect(throws: StoreError.self) { try await attempt() }
          #expect(error?.code == .conflict)
        }
        try await store.discard(.pending, attempt: SecretStoreContract.token(2).attempt, at: Self.place)
      }
      try await store.rollBack(from: 2, to: 1, at: Self.place)
      await store.close()
      try await expectEnd(.rollBack, disk, "after operation \(index)")
    }
  }
}
