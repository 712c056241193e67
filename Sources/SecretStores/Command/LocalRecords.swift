internal import Digests
internal import FileSystem
internal import Locks
internal import RotationModel
internal import RotationPorts

/// Records of places as files of a folder that is ours alone: written aside, synced and renamed, sealed if there is a
/// key.
final class LocalRecords: Sendable {
  private let directory: String
  private let installation: InstallationID
  private let fileSystem: any FileSystem
  private let lock = Locked<(any FileLock)?>(nil)

  private static let suffix = ".new"
  /// Mark, nonce and tag of a sealed record beside the record.
  private static let sealBytes = 64
  private static let maximumNames = 10_000_000

  init(settings: CommandStoreSettings, fileSystem: any FileSystem) {
    directory = settings.directory
    installation = settings.installation
    self.fileSystem = fileSystem
  }

  static func key(of place: StorePlace) throws(StoreError) -> String {
    let key = place.secret ?? place.name
    guard !key.isEmpty, key.utf8.count <= FileStorePaths.maximumKeyBytes, !key.hasPrefix("."),
      !key.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 < 0x20 })
    else {
      throw StoreError(
        .misconfigured, message: "a secret cannot be called \(key.debugDescription)",
        hint: "Use one path component that does not begin with a dot.")
    }
    return key
  }

  private static let folders = [Event.Place.pending, .current, .previous].map(\.rawValue)
  private var installationPath: String { directory + "/.installation" }

  // MARK: The folder

  func open() throws(StoreError) {
    if lock.withLock({ $0 != nil }) { return }
    let taken = try StoreError.wrap { () throws(FileSystemError) -> any FileLock in
      try fileSystem.createDirectories(directory, mode: 0o700)
      return try fileSystem.lock(directory + "/.lock", mode: 0o600)
    }
    do throws(StoreError) {
      try takeOwnership()
      try StoreError.wrap { () throws(FileSystemError) in try prepareFolders() }
    } catch {
      taken.release()
      throw error
    }
    lock.withLock { $0 = taken }
  }

  func close() { lock.withLock { $0.take() }?.release() }

  func requireTaken() throws(StoreError) {
    guard LocalRecords.installation(of: directory, fileSystem: fileSystem) == nil else { return }
    throw StoreError(
      .missing, message: "\(directory), the records of this job's store, is not there: nothing was changed",
      hint: "Restore the state directory from a backup.")
  }

  static func installation(of directory: String, fileSystem: any FileSystem) -> InstallationID? {
    guard let content = try? fileSystem.readFileIfPresent(directory + "/.installation", maximumBytes: 4096)
    else { return nil }
    return FlatJSONReader(content)?.text("installation").flatMap { InstallationID($0) }
  }

  private func takeOwnership() throws(StoreError) {
    let isThere = try StoreError.wrap { () throws(FileSystemError) in
      try fileSystem.statusIfPresent(installationPath) != nil
    }
    guard isThere else {
      let json = FlatJSONWriter()
      json.field("installation", installation.text)
      let content = json.finish().copied()
      return try StoreError.wrap { () throws(FileSystemError) in
        try replace(installationPath, with: content)
        try fileSystem.syncDirectory(directory)
      }
    }
    let owner = LocalRecords.installation(of: directory, fileSystem: fileSystem)
    guard owner == installation else {
      throw StoreError(
        .ownedByAnother,
        message:
          "\(directory) belongs to installation \(owner.map { "\($0)" } ?? "?"), this one is \(installation)",
        hint: "Use that installation's state directory.")
    }
  }

  private func prepareFolders() throws(FileSystemError) {
    for folder in LocalRecords.folders.map({ "\(directory)/\($0)" }) {
      if try fileSystem.statusIfPresent(folder) == nil { try fileSystem.createDirectory(folder, mode: 0o700) }
      // What a crash left before it got its name.
      for name in try fileSystem.list(folder, maximumCount: LocalRecords.maximumNames)
      where name.hasPrefix(".") {
        try fileSystem.removeFileIfPresent("\(folder)/\(name)")
      }
    }
    try fileSystem.syncDirectory(directory)
  }

  // MARK: Records

  func read(
    _ which: Event.Place, at place: StorePlace, _ key: SealingKey?
  ) throws(StoreError) -> PlaceRecord? {
    let path = try path(which, place)
    let content = try StoreError.wrap { () throws(FileSystemError) in
      try fileSystem.readFileIfPresent(
        path, maximumBytes: PlaceRecord.maximumBytesRead + LocalRecords.sealBytes)
    }
    guard var bytes = content else { return nil }
    if bytes.starts(with: SealingKey.mark) {
      guard let key else { throw unreadable(path, "is sealed, and the store has no pending_key") }
      let opened: [UInt8]?
      do throws(DigestError) {
        opened = try key.open(bytes, context: context(path))
      } catch { throw StoreError(.unavailable, message: error.message, hint: error.hint) }
      guard let opened else { throw unreadable(path, "does not open with this pending_key") }
      bytes = opened
    }
    let record = PlaceRecord(bytes)
    bytes.withUnsafeMutableBytes { Secret.wipe($0) }
    guard let record else { throw unreadable(path, "is no record of this version of tokenrotate") }
    return record
  }

  func write(
    _ record: PlaceRecord, includingString: Bool, to which: Event.Place, at place: StorePlace,
    _ key: SealingKey?
  ) throws(StoreError) {
    guard lock.withLock({ $0 != nil }) else {
      throw StoreError(.unavailable, message: "the records \(directory) are not open")
    }
    let path = try path(which, place)
    var content = record.encoded(includingToken: includingString).copied()
    defer { content.withUnsafeMutableBytes { Secret.wipe($0) } }
    if let key, includingString {
      do throws(DigestError) {
        content = try key.seal(content, context: context(path))
      } catch { throw StoreError(.unavailable, message: error.message, hint: error.hint) }
    }
    let bytes = content
    try StoreError.wrap { () throws(FileSystemError) in
      try replace(path, with: bytes)
      try fileSystem.syncDirectory(folder(which))
    }
  }

  func remove(_ which: Event.Place, at place: StorePlace) throws(StoreError) {
    let path = try path(which, place)
    try StoreError.wrap { () throws(FileSystemError) in
      try fileSystem.removeFileIfPresent(path)
      try fileSystem.syncDirectory(folder(which))
    }
  }

  private func folder(_ which: Event.Place) -> String { "\(directory)/\(which.rawValue)" }
  private func path(_ which: Event.Place, _ place: StorePlace) throws(StoreError) -> String {
    "\(folder(which))/\(try LocalRecords.key(of: place))"
  }

  /// A record that was moved to another place does not open there.
  private func context(_ path: String) -> [UInt8] {
    Array("\(installation.text) \(path.dropFirst(directory.count))".utf8)
  }

  private func replace(_ path: String, with content: [UInt8]) throws(FileSystemError) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let temporary = parts.dropLast().joined(separator: "/") + "/.\(parts.last ?? "")\(LocalRecords.suffix)"
    try fileSystem.removeFileIfPresent(temporary)
    let file = try fileSystem.openFile(temporary, for: .createNew(mode: 0o600))
    defer { file.close() }
    do throws(FileSystemError) {
      try file.write(content.span.bytes, at: 0)
      try file.sync()
      try fileSystem.rename(temporary, to: path, replacing: true)
    } catch {
      try? fileSystem.removeFile(temporary)
      throw error
    }
  }

  private func unreadable(_ path: String, _ what: String) -> StoreError {
    StoreError(
      .malformed, message: "\(path) \(what)",
      hint: "Put the file, or the key it was sealed with, back from a backup; nothing was changed.")
  }
}
