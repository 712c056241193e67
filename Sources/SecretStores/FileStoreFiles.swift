internal import FileSystem
internal import Locks
internal import RotationModel
internal import RotationPorts

/// The file store without tasks: what its calls do to files. See `FileStore` for the layout.
final class FileStoreFiles: Sendable {
  /// Room for a record with a token of 4096 bytes and a hundred databases.
  static let reservedBytes: Int64 = 16 * 1024

  let settings: FileStoreSettings
  let fileSystem: any FileSystem
  let paths: FileStorePaths
  let state = Locked(State())

  struct State {
    var lock: (any FileLock)?
    /// Owners that a file was given to since `open`, so that each is tried out only once.
    var triedOwners: Set<Ownership> = []
  }

  /// Who gets a current file.
  struct Ownership: Hashable {
    var owner: String?
    var group: String?
  }

  init(settings: FileStoreSettings, fileSystem: any FileSystem) {
    self.settings = settings
    self.fileSystem = fileSystem
    paths = FileStorePaths(directory: settings.directory)
  }

  func close() {
    state.withLock { $0.lock.take() }?.release()
  }

  // MARK: Pending

  func reserve(_ place: StorePlace, attempt: AttemptID) throws(StoreError) {
    let files = try filesOfOpenStore(place)
    _ = try owner(of: files, place)
    if let pending = try record(files.pending, place) {
      guard pending.attempt == attempt else { throw pendingConflict(pending, place) }
      return
    }
    try requireOwnCurrentFile(files, place)
    try StoreError.wrap { () throws(FileSystemError) in
      try tryOwnership(ownership(of: place), files)
      try fileSystem.removeFileIfPresent(files.reserved)
      let file = try fileSystem.openFile(files.reserved, for: .createNew(mode: 0o600))
      defer { file.close() }
      do throws(FileSystemError) {
        try file.allocate(byteCount: FileStoreFiles.reservedBytes, keepingSize: true)
      } catch {
        try? fileSystem.removeFile(files.reserved)
        throw error
      }
    }
  }

  func stage(_ token: StoredToken, at place: StorePlace) throws(StoreError) {
    let files = try filesOfOpenStore(place)
    try requireUsable(token, place)
    let owner = try owner(of: files, place)
    if let pending = try record(files.pending, place) {
      guard pending.attempt == token.attempt, pending.accessToken == token.accessToken else {
        throw pendingConflict(pending, place)
      }
      // An earlier call may have been cut off before this.
      return try StoreError.wrap { () throws(FileSystemError) in
        try fileSystem.syncDirectory(files.pending.folder)
      }
    }
    if let owner, owner.generation >= token.generation {
      if owner.attempt == token.attempt, try currentString(files) == token.accessToken { return }
      throw StoreError.conflict(
        "generation \(owner.generation) of \(place.name) is current in \(settings.directory), so generation "
          + "\(token.generation) cannot be staged")
    }
    let bytes = FileStoreRecord(token, at: place, installation: settings.installation)
      .encoded(includingToken: true)
    guard bytes.count <= FileStoreRecord.maximumBytes else {
      throw StoreError(
        .malformed, message: "the record of \(place.name) would be longer than a record may be",
        hint: "Give the token fewer databases.")
    }
    try StoreError.wrap { () throws(FileSystemError) in try fill(files, with: bytes) }
  }

  /// Turns the reserved room into the pending record. Without a reservation it takes room now.
  private func fill(
    _ files: FileStorePaths.Files, with bytes: SecretBuffer
  ) throws(FileSystemError) {
    let file: any OpenFile
    if try fileSystem.statusIfPresent(files.reserved) != nil {
      file = try fileSystem.openFile(files.reserved, for: .readWrite)
    } else {
      file = try fileSystem.openFile(files.reserved, for: .createNew(mode: 0o600))
    }
    defer { file.close() }
    try bytes.withBytes { span throws(FileSystemError) in try file.write(span, at: 0) }
    // A longer record that an earlier call left half written.
    if try file.status().sizeBytes > Int64(bytes.count) { try file.truncate(to: Int64(bytes.count)) }
    try file.sync()
    try fileSystem.rename(files.reserved, to: files.pending.path, replacing: true)
    try fileSystem.syncDirectory(files.pending.folder)
  }

  func discard(
    _ which: Event.Place, attempt: AttemptID, at place: StorePlace
  ) throws(StoreError) {
    let files = try filesOfOpenStore(place)
    let entry: FileStorePaths.Files.Record
    switch which {
    case .current:
      throw StoreError.conflict("the current token of \(place.name) cannot be discarded")
    case .pending: entry = files.pending
    case .previous: entry = files.previous
    }
    let isWanted = try record(entry, place)?.attempt == attempt
    try StoreError.wrap { () throws(FileSystemError) in
      if which == .pending { try fileSystem.removeFileIfPresent(files.reserved) }
      if isWanted { try fileSystem.removeFileIfPresent(entry.path) }
      // Also when nothing was there: an earlier call may have been cut off before this.
      try fileSystem.syncDirectory(entry.folder)
    }
  }

  // MARK: Reading

  func read(_ which: Event.Place, at place: StorePlace) throws(StoreError) -> StoredToken? {
    let files = try paths.files(of: place, format: settings.format)
    switch which {
    case .pending: return try storedToken(files.pending, place)
    case .previous: return try storedToken(files.previous, place)
    case .current:
      guard let string = try currentString(files) else { return nil }
      // Between a new current file and its owner record a crash may have happened; the pending record is
      // still there then, and it is right.
      if let pending = try record(files.pending, place), pending.accessToken == string {
        return pending.token(string)
      }
      guard let owner = try owner(of: files, place) else { throw foreignFile(files.current) }
      return owner.token(string)
    }
  }

  private func storedToken(
    _ entry: FileStorePaths.Files.Record, _ place: StorePlace
  ) throws(StoreError) -> StoredToken? {
    guard let found = try record(entry, place) else { return nil }
    guard let string = found.accessToken else { throw malformed(entry.path) }
    return found.token(string)
  }
}

extension FileStoreFiles {
  // MARK: What is there

  func filesOfOpenStore(_ place: StorePlace) throws(StoreError) -> FileStorePaths.Files {
    guard state.withLock({ $0.lock != nil }) else {
      throw StoreError(.unavailable, message: "the store \(settings.directory) is not open")
    }
    return try paths.files(of: place, format: settings.format)
  }

  /// A record of this place; `ownedByAnother` when it is somebody else's.
  func record(
    _ entry: FileStorePaths.Files.Record, _ place: StorePlace
  ) throws(StoreError) -> FileStoreRecord? {
    let content = try StoreError.wrap { () throws(FileSystemError) in
      try fileSystem.readFileIfPresent(entry.path, maximumBytes: FileStoreRecord.maximumBytes)
    }
    guard var bytes = content else { return nil }
    let found = FileStoreRecord(bytes)
    bytes.withUnsafeMutableBytes { Secret.wipe($0) }
    guard let found else { throw malformed(entry.path) }
    guard found.belongs(to: place, of: settings.installation) else {
      throw StoreError(
        .ownedByAnother,
        message: "\(entry.path) belongs to \(found.job)/\(found.name) of installation \(found.installation), "
          + "not to \(place.job)/\(place.name) of \(settings.installation)",
        hint: "Give the row another secret, or the job another directory.")
    }
    return found
  }

  func owner(
    of files: FileStorePaths.Files, _ place: StorePlace
  ) throws(StoreError) -> FileStoreRecord? {
    try record(files.owner, place)
  }

  /// The string that consumers see; nil when there is no file.
  func currentString(_ files: FileStorePaths.Files) throws(StoreError) -> Secret? {
    let content = try StoreError.wrap { () throws(FileSystemError) in
      try fileSystem.readFileIfPresent(files.current, maximumBytes: FileStoreRecord.maximumBytes)
    }
    guard var bytes = content else { return nil }
    let string = settings.format.accessToken(in: bytes)
    bytes.withUnsafeMutableBytes { Secret.wipe($0) }
    guard let string else { throw foreignFile(files.current) }
    return string
  }

  func ownership(of place: StorePlace) -> Ownership {
    Ownership(owner: place.owner ?? settings.owner, group: place.group ?? settings.group)
  }

  // MARK: Checks

  /// A file that was there before us is somebody's: it is never replaced.
  private func requireOwnCurrentFile(
    _ files: FileStorePaths.Files, _ place: StorePlace
  ) throws(StoreError) {
    let status = try StoreError.wrap { () throws(FileSystemError) in
      try fileSystem.statusIfPresent(files.current)
    }
    guard let status else { return }
    guard status.kind == .file else {
      throw StoreError(
        FileSystemError(.openFile, path: files.current, code: .wrongKind, reason: "it is not a regular file"))
    }
    guard try owner(of: files, place) != nil else { throw foreignFile(files.current) }
  }

  /// Finds out, before a token is made, that a file can be given to whom it is for.
  private func tryOwnership(
    _ ownership: Ownership, _ files: FileStorePaths.Files
  ) throws(FileSystemError) {
    guard ownership.owner != nil || ownership.group != nil,
      !state.withLock({ $0.triedOwners.contains(ownership) })
    else { return }
    try fileSystem.removeFileIfPresent(files.newCurrent)
    let file = try fileSystem.openFile(files.newCurrent, for: .createNew(mode: 0o600))
    defer {
      file.close()
      try? fileSystem.removeFile(files.newCurrent)
    }
    try file.setOwner(user: ownership.owner, group: ownership.group)
    state.withLock { _ = $0.triedOwners.insert(ownership) }
  }

  private func requireUsable(_ token: StoredToken, _ place: StorePlace) throws(StoreError) {
    guard TokenText.isUsable(token.accessToken) else {
      throw StoreError(
        .malformed, message: "the string of \(place.name) has characters that no token has",
        hint: "Nothing was stored. Ask the cluster's operator what it gives out.")
    }
    guard settings.format.canHold(token) else {
      throw StoreError(
        .malformed,
        message: "the host or the database of \(place.name) cannot stand in a file of the format "
          + settings.format.rawValue,
        hint: "Choose the format json.")
    }
  }

  // MARK: Errors

  private func pendingConflict(_ pending: FileStoreRecord, _ place: StorePlace) -> StoreError {
    StoreError.conflict(
      "attempt \(pending.attempt) (generation \(pending.generation)) of \(place.name) is pending in "
        + settings.directory,
      hint: "Promote or discard it first; `tokenrotate run` does so.")
  }

  func foreignFile(_ path: String) -> StoreError {
    StoreError(
      .ownedByAnother, message: "\(path) was not written by tokenrotate and is left alone",
      hint: "Move it away, or give the row another secret.")
  }

  func malformed(_ path: String) -> StoreError {
    StoreError(
      .malformed, message: "\(path) is not a record of this version of tokenrotate",
      hint: "A newer version or somebody else wrote it. Restore it from a backup, or move it away.")
  }
}
