import FileSystem
import Foundation
import RotationModel
import RotationPorts
import RotationTestKit
import SecretStores
import Testing

@Suite struct FileStoreTests {
  private static let place = SecretStoreContract.place

  private func settings(
    _ directory: String, _ format: FileStoreFormat = .raw, owner: String? = nil, group: String? = nil,
    mode: UInt32 = 0o600
  ) -> FileStoreSettings {
    FileStoreSettings(
      name: "files", directory: directory, format: format, owner: owner, group: group, mode: mode,
      installation: SecretStoreContract.installation)
  }

  private func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    chmod(folder, 0o755)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
  }

  private func put(_ token: StoredToken, _ settings: FileStoreSettings, _ files: any FileSystem) async throws
  {
    let store = FileStore(settings: settings, fileSystem: files)
    try await store.open()
    try await store.reserve(Self.place, for: token.planned)
    try await store.stage(token, at: Self.place)
    try await store.promote(generation: token.generation, at: Self.place)
    await store.close()
  }

  /// What an operation of a new, opened store fails with.
  private func failure(
    _ settings: FileStoreSettings, _ files: any FileSystem,
    _ body: (FileStore) async throws -> Void
  ) async -> StoreError? {
    let store = FileStore(settings: settings, fileSystem: files)
    defer { withExtendedLifetime(store) {} }
    do {
      try await store.open()
      try await body(store)
      await store.close()
      return nil
    } catch {
      await store.close()
      return error as? StoreError
    }
  }

  @Test func writesEachFormat() async throws {
    let text = "apiv1_token/string+of.generation-1000=="
    let wanted: [(FileStoreFormat, String, String)] = [
      (.raw, "line-1", text),
      (.env, "line-1.env", "INFLUX_TOKEN=\(text)\nINFLUX_HOST=https://cluster.example:8086\n"),
      (
        .json, "line-1.json",
        "{\"token\":\"\(text)\",\"host\":\"https://cluster.example:8086\",\"databases\":[\"plant_a\",\"db/rp\"],"
          + "\"token_id\":\"id-1000\",\"expires_at\":\"2030-03-17T17:46:40.123Z\"}\n"
      ),
    ]
    for (format, name, content) in wanted {
      try await withFolder { folder in
        try await put(SecretStoreContract.token(1), settings(folder + "/t", format), POSIXFileSystem())
        #expect(try String(contentsOfFile: "\(folder)/t/\(name)", encoding: .utf8) == content)
      }
    }
  }

  @Test(arguments: [(["plant"], true), (["*"], false), ([], false), (["a", "b"], false)])
  func namesTheDatabaseOnlyWhenThereIsExactlyOne(_ databases: [String], _ isNamed: Bool) async throws {
    let disk = SimulatedDisk()
    var token = SecretStoreContract.token(1)
    token.databases = databases
    try await put(token, settings("/t", .env), disk)
    let content = String(decoding: try #require(disk.content(of: "/t/line-1.env")), as: UTF8.self)
    #expect(content.contains("INFLUX_DATABASE=") == isNamed)
    #expect(!isNamed || content.hasSuffix("INFLUX_DATABASE=plant\n"))
  }

  @Test func anEnvFileNeverNeedsQuoting() async throws {
    var token = SecretStoreContract.token(1)
    token.host = "https://host/$(id)"
    let odd = token
    for body in [
      { (store: FileStore) in try await store.reserve(Self.place, for: odd.planned) },
      { store in try await store.stage(odd, at: Self.place) },
    ] {
      #expect(await failure(settings("/t", .env), SimulatedDisk(), body)?.code == .malformed)
    }
  }

  /// After the POST it would be too late.
  @Test func aRecordThatGetsTooLongIsFoundBeforeATokenIsMade() async throws {
    var token = SecretStoreContract.token(1)
    token.databases = (1000..<2000).map { "\($0)" + String(repeating: "x", count: 60) }
    let wide = token
    let error = await failure(settings("/t"), SimulatedDisk()) { store in
      try await store.reserve(Self.place, for: wide.planned)
    }
    #expect(error?.code == .malformed)
    #expect(error?.hint?.contains("fewer databases") == true)
  }

  @Test func recordsEscapeWhatNeedsIt() async throws {
    let disk = SimulatedDisk()
    let store = FileStore(settings: settings("/t", .json), fileSystem: disk)
    try await store.open()
    var token = SecretStoreContract.token(1)
    token.databases = ["a\"b", "c\\d", "tab\there", "grün", ""]
    token.tokenID = "\u{1}\n"
    try await store.stage(token, at: Self.place)
    #expect(try await store.read(.pending, at: Self.place) == token)
    try await store.promote(generation: 1, at: Self.place)
    #expect(try await store.read(.current, at: Self.place) == token)
  }

  @Test func keepsFilesToTheirOwners() async throws {
    try await withFolder { folder in
      let directory = folder + "/t"
      try await put(SecretStoreContract.token(1), settings(directory), POSIXFileSystem())
      try await put(SecretStoreContract.token(2), settings(directory, mode: 0o640), POSIXFileSystem())
      let files = POSIXFileSystem()
      #expect(try files.status(directory).mode == 0o711)
      #expect(try files.status(directory + "/line-1").mode == 0o640)
      for name in [".pending", ".previous", ".owner"] {
        #expect(try files.status(directory + "/" + name).mode == 0o700)
      }
      #expect(try files.status(directory + "/.previous/line-1").mode == 0o600)
      let owner = try String(contentsOfFile: directory + "/.owner/line-1", encoding: .utf8)
      #expect(owner.contains("id-2000"))
      #expect(!owner.contains("apiv1_"), "the owner record is without the string")
    }
  }

  @Test func givesTheFileAway() async throws {
    let disk = SimulatedDisk()
    let store = FileStore(settings: settings("/t", owner: "telegraf", group: "telegraf"), fileSystem: disk)
    try await store.open()
    let rowed = StorePlace(job: "plant", name: "line-2", owner: "grafana", mode: 0o640)
    for place in [Self.place, rowed] {
      try await store.stage(SecretStoreContract.token(1), at: place)
      try await store.promote(generation: 1, at: place)
    }
    let first = try disk.status("/t/line-1")
    let second = try disk.status("/t/line-2")
    #expect(first.user == first.group)
    #expect(first.user != 0)
    #expect(first.mode == 0o600)
    #expect(second.user != first.user)
    #expect(second.group == first.group)
    #expect(second.mode == 0o640)
  }

  @Test(.enabled(if: POSIXFileSystem().effectiveUser == 0, "only root may give files away"))
  func givesTheFileAwayForReal() async throws {
    try await withFolder { folder in
      let wanted = settings(folder + "/t", owner: "nobody", mode: 0o640)
      try await put(SecretStoreContract.token(1), wanted, POSIXFileSystem())
      let status = try POSIXFileSystem().status(folder + "/t/line-1")
      #expect(status.user == getpwnam("nobody")?.pointee.pw_uid)
      #expect(status.mode == 0o640)
    }
  }

  @Test func aMissingAccountIsFoundBeforeATokenIsMade() async throws {
    let unknown = "no-such-account-anywhere"
    try await withFolder { folder in
      for wanted in [settings(folder + "/t", owner: unknown), settings(folder + "/t", group: unknown)] {
        let error = await failure(wanted, POSIXFileSystem()) { store in
          try await store.reserve(Self.place, for: SecretStoreContract.token(1).planned)
        }
        #expect(error?.code == .misconfigured)
        #expect(error?.message.contains(unknown) == true)
      }
      let names = try POSIXFileSystem().list(folder + "/t", maximumCount: 9)
      #expect(names == [".installation", ".lock", ".owner", ".pending", ".previous"])
    }
  }

  @Test func lackOfPrivilegeIsFoundBeforeATokenIsMade() async throws {
    let disk = SimulatedDisk()
    disk.effectiveUser = 1000
    let error = await failure(settings("/t", owner: "telegraf"), disk) { store in
      try await store.reserve(Self.place, for: SecretStoreContract.token(1).planned)
    }
    #expect(error?.code == .misconfigured)
    #expect(error?.hint?.contains("CAP_CHOWN") == true)
  }

  @Test func leavesForeignFilesAlone() async throws {
    let disk = SimulatedDisk()
    disk.plant(.directory, at: "/t")
    disk.plant(.file, at: "/t/line-1", content: Array("somebody_elses".utf8))
    let reserved = await failure(settings("/t"), disk) { store in
      try await store.reserve(Self.place, for: SecretStoreContract.token(1).planned)
    }
    #expect(reserved?.code == .ownedByAnother)
    for _ in 0..<2 {
      let promoted = await failure(settings("/t"), disk) { store in
        try await store.stage(SecretStoreContract.token(1), at: Self.place)
        try await store.promote(generation: 1, at: Self.place)
      }
      #expect(promoted?.code == .ownedByAnother)
    }
    #expect(disk.content(of: "/t/line-1") == Array("somebody_elses".utf8))
  }

  @Test func movesOntoNoForeignFileAndTakesNoneAlong() async throws {
    let new = StorePlace(job: "plant", name: "line-9")
    let disk = SimulatedDisk()
    try await put(SecretStoreContract.token(1), settings("/t"), disk)
    disk.plant(.file, at: "/t/line-9", content: Array("somebody_elses".utf8))
    let refused = await failure(settings("/t"), disk) { store in
      try await store.relocate(from: Self.place, to: new)
    }
    #expect(refused?.code == .ownedByAnother)
    #expect(disk.content(of: "/t/line-9") == Array("somebody_elses".utf8))
    #expect(disk.content(of: "/t/.owner/line-9") == nil && disk.content(of: "/t/line-1") != nil)

    let bare = SimulatedDisk()
    bare.plant(.directory, at: "/t")
    bare.plant(.file, at: "/t/line-1", content: Array("somebody_elses".utf8))
    #expect(
      await failure(settings("/t"), bare) { store in
        try await store.relocate(from: Self.place, to: new)
      } == nil)
    #expect(bare.content(of: "/t/line-1") == Array("somebody_elses".utf8))
  }

  @Test(arguments: ["line-1", ".pending/line-1", ".owner/line-1", ".installation", ".lock"])
  func followsNoLinks(_ name: String) async throws {
    try await withFolder { folder in
      let directory = folder + "/t"
      try await put(SecretStoreContract.token(1), settings(directory), POSIXFileSystem())
      let path = directory + "/" + name
      try? FileManager.default.removeItem(atPath: path)
      let target = folder + "/target"
      try Data("untouched".utf8).write(to: URL(fileURLWithPath: target))
      #expect(symlink(target, path) == 0)
      let error = await failure(settings(directory), POSIXFileSystem()) { store in
        let token = SecretStoreContract.token(2)
        try await store.reserve(Self.place, for: token.planned)
        try await store.stage(token, at: Self.place)
        try await store.promote(generation: 2, at: Self.place)
      }
      #expect(error?.code == .misconfigured)
      #expect(try String(contentsOfFile: target, encoding: .utf8) == "untouched")
    }
  }

  @Test func refusesFoldersThatOthersCanWrite() async throws {
    for (path, mode) in [("/t", UInt32(0o777)), ("/t", 0o775), ("/t/.pending", 0o755)] {
      let disk = SimulatedDisk()
      disk.plant(.directory, at: path, mode: mode)
      let error = await failure(settings("/t"), disk) { _ in }
      #expect(error?.code == .misconfigured, "\(path)")
      #expect(error?.hint?.hasPrefix("chmod ") == true)
    }
    let disk = SimulatedDisk()
    disk.plant(.directory, at: "/t", mode: 0o755, user: 1000)
    #expect(await failure(settings("/t"), disk) { _ in }?.code == .misconfigured)
    let linked = SimulatedDisk()
    linked.plant(.link, at: "/t")
    #expect(await failure(settings("/t"), linked) { _ in }?.code == .misconfigured)
  }

  /// An empty folder in place of the volume that had the tokens.
  @Test func aStoreThatNobodyTookIsToldAndNotMade() async throws {
    try await withFolder { folder in
      let files = POSIXFileSystem()
      for directory in [folder, folder + "/deeper/tokens"] {
        let store = FileStore(settings: settings(directory), fileSystem: files)
        do throws(StoreError) {
          try await store.requireTaken()
          Issue.record("it is said to be taken")
        } catch { #expect(error.code == .missing && error.message.contains(directory)) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
      }
      try await put(SecretStoreContract.token(1), settings(folder), files)
      let store = FileStore(settings: settings(folder), fileSystem: files)
      try await store.requireTaken()
    }
  }

  @Test func whatIsWrongWithADeliveredTokenIsSaid() async throws {
    try await withFolder { folder in
      let files = POSIXFileSystem()
      let token = SecretStoreContract.token(1)
      try await put(token, settings(folder), files)
      let store = FileStore(settings: settings(folder), fileSystem: files)
      let path = folder + "/" + Self.place.name
      func flaw(_ attempt: AttemptID = token.attempt) async throws -> StoreFlaw? {
        try await store.inspect(Self.place, attempt: attempt)
      }
      #expect(try await flaw() == nil)
      #expect(try await flaw(AttemptID(bits: 77))?.message.contains(token.tokenID) == true)
      chmod(path, 0o644)
      #expect(try await flaw()?.hint.hasPrefix("chmod 0600 \(path)") == true)
      // A narrower mode is the owner's business.
      chmod(path, 0o400)
      #expect(try await flaw() == nil)
      try FileManager.default.moveItem(atPath: path, toPath: folder + "/moved")
      #expect(try await flaw()?.message == "\(path) is gone")
      symlink("moved", path)
      #expect(try await flaw()?.message == "\(path) is no regular file")
      unlink(path)
      try FileManager.default.moveItem(atPath: folder + "/moved", toPath: path)
      try FileManager.default.removeItem(atPath: folder + "/.owner/" + Self.place.name)
      #expect(try await flaw()?.message == "what the store knows about \(path) is gone")
    }
  }

  @Test func oneProcessAtATime() async throws {
    let disk = SimulatedDisk()
    let first = FileStore(settings: settings("/t"), fileSystem: disk)
    try await first.open()
    #expect(await failure(settings("/t"), disk) { _ in }?.code == .ownedByAnother)
    await first.close()
    #expect(await failure(settings("/t"), disk) { _ in } == nil)
    await #expect(throws: StoreError.self) {
      try await first.reserve(Self.place, for: SecretStoreContract.token(1).planned)
    }
  }

  @Test func refusesNamesThatAreNoComponent() async throws {
    let disk = SimulatedDisk()
    for secret in ["", ".hidden", "..", "a/b", "a\nb", String(repeating: "x", count: 256)] {
      let error = await failure(settings("/t"), disk) { store in
        _ = try await store.read(.current, at: StorePlace(job: "plant", name: "x", secret: secret))
      }
      #expect(error?.code == .misconfigured)
    }
  }

  @Test func damagedRecordsAreSaidAndNotOverwritten() async throws {
    for damage in ["", "{", "[]", "{\"version\":2}", "{\"version\":1,\"token\":\"secret_text_here\"}"] {
      let disk = SimulatedDisk()
      try await put(SecretStoreContract.token(1), settings("/t"), disk)
      disk.plant(.file, at: "/t/.pending/line-1", content: Array(damage.utf8), mode: 0o600)
      let error = await failure(settings("/t"), disk) { store in
        try await store.reserve(Self.place, for: SecretStoreContract.token(2).planned)
      }
      #expect(error?.code == .malformed)
      #expect(error?.message.contains("secret_text") == false)
      #expect(disk.content(of: "/t/.pending/line-1") == Array(damage.utf8))
    }
  }

  @Test func openingAgainChangesNothing() async throws {
    let disk = SimulatedDisk()
    try await put(SecretStoreContract.token(1), settings("/t"), disk)
    disk.isFull = true
    disk.beforeOperation = { operation throws(FileSystemError) in
      let changes: [FileSystemError.Operation] = [.createDirectory, .write, .rename, .removeFile, .setMode]
      guard !changes.contains(operation.kind) else {
        throw FileSystemError(operation.kind, path: operation.path, code: .readOnly, reason: "a change")
      }
    }
    #expect(
      await failure(settings("/t"), disk) { store in
        _ = try await store.read(.current, at: Self.place)
        try await store.promote(generation: 1, at: Self.place)
      } == nil)
  }
}
