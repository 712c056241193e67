import Digests
import FileSystem
import Foundation
import RotationModel
import RotationPorts
import RotationTestKit
import Testing

@testable import SecretStores

/// Stores behind programs: a script that keeps files, with and without places of its own, and real tools.
@Suite struct CommandStoreTests {
  /// What the programs can do.
  enum Kind: String, CaseIterable, Sendable {
    case ownPlaces, readsBack, sealed, writesOnly
  }

  private static let key = Secret(Array(String(repeating: "0123456789abcdef", count: 4).utf8))

  /// A folder with the tool and what it keeps, gone with the object.
  final class Folder: Sendable {
    let path: String
    init() throws {
      path = NSTemporaryDirectory() + "command-store-" + UUID().uuidString
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try Data(Folder.script.utf8).write(to: URL(fileURLWithPath: path + "/tool"))
      chmod(path + "/tool", 0o755)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func text(_ name: String) -> String {
      String(decoding: FileManager.default.contents(atPath: "\(path)/\(name)") ?? Data(), as: UTF8.self)
    }

    /// Keeps each place in a folder; notes how it was called; fails at one call, before its effect or after it.
    private static let script = """
      #!/bin/sh
      set -eu
      cd "$(dirname "$0")"
      tr '\\0' ' ' < /proc/$$/cmdline >> calls; tr '\\0' ' ' < /proc/$$/environ >> calls; echo >> calls
      count=$(($(cat count 2>/dev/null || echo 0) + 1)); echo "$count" > count
      before=$(cat fail-before 2>/dev/null || echo 0); after=$(cat fail-after 2>/dev/null || echo 0)
      [ "$count" != "$before" ] || exit 1
      place="$TOKENROTATE_PLACE"; [ "$1" != promote ] || place=current
      mkdir -p "kept/$place"; file="kept/$place/$2"
      case $1 in
        promote|stage) cat > "$file.new"; mv "$file.new" "$file" ;;
        read) [ ! -e "$file" ] || cat "$file" ;;
        discard) rm -f "$file" ;;
      esac
      [ "$count" != "$after" ] || exit 1
      """
  }

  private static func store(
    _ kind: Kind, in folder: Folder, _ installation: InstallationID = SecretStoreContract.installation
  ) -> any SecretStore {
    func command(_ what: String) -> [String] { [folder.path + "/tool", what, "{name}"] }
    let readsBack = kind != .writesOnly
    var settings = CommandStoreSettings(
      name: "tool",
      commands: CommandStoreSettings.Commands(
        promote: command("promote"), stage: kind == .ownPlaces ? command("stage") : nil,
        read: readsBack ? command("read") : nil, discard: command("discard")),
      workingDirectory: folder.path, environment: ["PATH": "/usr/bin:/bin", "HOME": "/root", "SECRET": "x"],
      timeout: .seconds(10), directory: folder.path + "/records", installation: installation)
    if kind == .sealed { settings.pendingKey = { () async throws(StoreError) in key } }
    return CommandStore.make(settings, fileSystem: POSIXFileSystem())
  }

  @Test(arguments: SecretStoreContract.Rule.allCases, [Kind.ownPlaces, .sealed, .writesOnly])
  func keepsTheContract(_ rule: SecretStoreContract.Rule, _ kind: Kind) async throws {
    let folder = try Folder()
    try await SecretStoreContract { Self.store(kind, in: folder, $0) }.check(rule)
    // Where the string went: to its standard input, and nowhere else that a program has.
    #expect(!folder.text("calls").contains("generation-") && !folder.text("calls").contains("SECRET=x"))
  }

  @Test(
    arguments: [
      SecretStoreContract.Rule.promotesAndKeepsThePrevious, .rollsBack, .withdraws, .goesOnAfterARollback,
    ], ["fail-before", "fail-after"])
  func keepsTheContractWhileProgramsFail(_ rule: SecretStoreContract.Rule, _ moment: String) async throws {
    for kind in [Kind.ownPlaces, .readsBack] {
      var position = 2
      while true {
        let folder = try Folder()
        try Data("\(position)".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/\(moment)"))
        try await SecretStoreContract {
          RepeatingStore(Self.store(kind, in: folder, $0), attempts: 4)
        }.check(rule)
        guard (Int(folder.text("count").trimmingCharacters(in: .newlines)) ?? 0) >= position else { break }
        position += 37
      }
    }
  }

  @Test func stringsInRecordsAreSealed() async throws {
    for (kind, isReadable) in [(Kind.sealed, false), (.readsBack, true)] {
      let folder = try Folder()
      let store = Self.store(kind, in: folder)
      try await store.open()
      let token = SecretStoreContract.token(1)
      try await store.stage(token, at: SecretStoreContract.place)
      let record = FileManager.default.contents(atPath: "\(folder.path)/records/pending/line-1") ?? Data()
      #expect(record.count > 100)
      #expect((record.range(of: Data("generation-1000".utf8)) != nil) == isReadable)
      var status = stat()
      #expect(stat("\(folder.path)/records/pending/line-1", &status) == 0 && status.st_mode & 0o777 == 0o600)
      // Found again by another process, and gone once it is promoted.
      await store.close()
      let again = Self.store(kind, in: folder)
      try await again.open()
      #expect(try await again.read(.pending, at: SecretStoreContract.place) == token)
      try await again.promote(generation: 1, at: SecretStoreContract.place)
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/records/pending") == [])
      let current = folder.text("records/current/line-1")
      #expect(!current.isEmpty && !current.contains("generation-1000"))
      // Moved under another name, a sealed record does not open.
      if kind == .sealed {
        try await again.stage(SecretStoreContract.token(2), at: SecretStoreContract.place)
        try FileManager.default.moveItem(
          atPath: "\(folder.path)/records/pending/line-1", toPath: "\(folder.path)/records/pending/line-2")
        await expect(.malformed, "does not open") {
          _ = try await again.read(.pending, at: StorePlace(job: "plant", name: "line-2"))
        }
      }
    }
  }

  // MARK: Programs that fail

  @Test(arguments: [
    ("exit 1", StoreError.Code.unavailable, "failed (exit 1): no luck"), ("exit 75", .unreachable, "exit 75"),
    ("exit 78", .misconfigured, "exit 78"), ("kill -9 $$", .unavailable, "signal 9"),
    ("sleep 60", .unreachable, "ended by its time limit"),
  ])
  func failuresAreToldApart(_ end: String, _ code: StoreError.Code, _ words: String) async throws {
    try await failing(["/bin/sh", "-c", "cat > /dev/null; echo no luck >&2; \(end)"], code, words)
  }

  @Test func aProgramThatIsNotThereIsTold() async throws {
    try await failing(["/no/such/program"], .misconfigured, "cannot start /no/such/program")
  }

  @Test(arguments: ["cat >&2", "base64 -w0 >&2", "od -An -tx1 -v | tr -d ' \\n' >&2"])
  func aProgramThatSaysTheStringIsNotQuoted(_ leak: String) async throws {
    let error = try await failing(
      ["/bin/sh", "-c", "\(leak); exit 1"], .unavailable, "its words are not shown")
    #expect(!"\(error.map { "\($0)" } ?? "")".contains("generation-1000"))
  }

  @discardableResult
  private func failing(_ promote: [String], _ code: StoreError.Code, _ words: String) async throws
    -> StoreError?
  {
    let folder = try Folder()
    let settings = CommandStoreSettings(
      name: "tool", commands: CommandStoreSettings.Commands(promote: promote), workingDirectory: folder.path,
      environment: ["PATH": "/usr/bin:/bin"], timeout: .seconds(1), directory: folder.path + "/records",
      installation: SecretStoreContract.installation)
    let store = CommandStore.make(settings, fileSystem: POSIXFileSystem())
    try await store.open()
    try await store.stage(SecretStoreContract.token(1), at: SecretStoreContract.place)
    return await expect(code, words) { try await store.promote(generation: 1, at: SecretStoreContract.place) }
  }

  @Test func withoutDiscardATokenCannotBeTakenAway() async throws {
    let folder = try Folder()
    let settings = CommandStoreSettings(
      name: "tool",
      commands: CommandStoreSettings.Commands(promote: [folder.path + "/tool", "promote", "{name}"]),
      workingDirectory: folder.path, environment: ["PATH": "/usr/bin:/bin"],
      directory: folder.path + "/records", installation: SecretStoreContract.installation)
    let store = CommandStore.make(settings, fileSystem: POSIXFileSystem())
    try await store.open()
    try await SecretStoreContract { _ in store }.put(SecretStoreContract.token(1), into: store)
    await expect(.misconfigured, "no `discard` command") {
      try await store.withdraw(generation: 1, at: SecretStoreContract.place)
    }
  }

  @discardableResult
  private func expect(
    _ code: StoreError.Code, _ words: String, _ body: () async throws -> Void,
    _ location: SourceLocation = #_sourceLocation
  ) async -> StoreError? {
    do {
      try await body()
      Issue.record("it succeeded", sourceLocation: location)
    } catch let error as StoreError {
      #expect(
        error.code == code && error.message.contains(words), "\(error.message)", sourceLocation: location)
      return error
    } catch { Issue.record(error, sourceLocation: location) }
    return nil
  }
}

@Suite struct SealingKeyTests {
  @Test func whatIsSealedOpensUnderTheSameKeyAndContextOnly() throws {
    let key = try #require(SealingKey([UInt8](0..<32)))
    let other = try #require(SealingKey([UInt8](1..<33)))
    #expect(SealingKey([1, 2, 3]) == nil)
    for text in [[], [7], [UInt8](repeating: 9, count: 70_000)] {
      let sealed = try key.seal(text, context: [1, 2])
      #expect(try key.open(sealed, context: [1, 2]) == text)
      #expect(try key.open(sealed, context: [1, 3]) == nil)
      #expect(try other.open(sealed, context: [1, 2]) == nil)
      #expect(try key.open(Array(sealed.dropLast()), context: [1, 2]) == nil)
      var changed = sealed
      changed[sealed.count - 17] ^= 1
      #expect(try key.open(changed, context: [1, 2]) == nil)
      // The same text twice does not look the same.
      #expect(try key.seal(text, context: [1, 2]) != sealed)
    }
  }
}
