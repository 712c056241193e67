internal import FileSystem
internal import RotationModel
internal import RotationPorts

/// Taking the directory: folders, lock, owner, and what a crash left behind.
extension FileStoreFiles {
  private static let maximumNames = 10_000_000

  func open() throws(StoreError) {
    if state.withLock({ $0.lock != nil }) { return }
    try StoreError.wrap { () throws(FileSystemError) in try makeDirectory() }
    try requireSafeFolder(settings.directory, closed: false)
    let lock = try takeLock()
    do {
      try takeOwnership()
      for folder in paths.folders { try prepareFolder(folder) }
      try StoreError.wrap { () throws(FileSystemError) in
        try fileSystem.syncDirectory(settings.directory)
        try removeLeftovers()
      }
    } catch {
      lock.release()
      throw error
    }
    state.withLock { state in
      state.lock = lock
      state.triedOwners = []
    }
  }

  /// Throws when nobody has taken the directory yet; changes nothing.
  func requireTaken() throws(StoreError) {
    let status = try StoreError.wrap { () throws(FileSystemError) in
      try fileSystem.statusIfPresent(paths.installation)
    }
    guard status == nil else { return }
    throw StoreError(
      .missing,
      message:
        "the store \(settings.directory), which has this job's tokens, is not there or empty: nothing was changed",
      hint:
        "mount it, or restore it from a backup. If it is lost and the job has another store, take it out of the job, "
        + "say `tokenrotate move`, put it back and say that again. If it was the only one, its strings are lost: give the "
        + "job another name, and revoke its old tokens by hand")
  }

  private func makeDirectory() throws(FileSystemError) {
    if try fileSystem.statusIfPresent(settings.directory) != nil { return }
    let parent = FilePaths.parent(of: settings.directory)
    try fileSystem.createDirectories(parent, mode: 0o755)
    try fileSystem.createDirectory(settings.directory, mode: settings.directoryMode)
    try fileSystem.syncDirectory(parent)
  }

  private func prepareFolder(_ path: String) throws(StoreError) {
    try StoreError.wrap { () throws(FileSystemError) in
      if try fileSystem.statusIfPresent(path) == nil {
        try fileSystem.createDirectory(path, mode: 0o700)
      }
    }
    try requireSafeFolder(path, closed: true)
  }

  /// A folder that others can write could be swapped under our hands; one that is ours alone cannot.
  private func requireSafeFolder(_ path: String, closed: Bool) throws(StoreError) {
    let status = try StoreError.wrap { () throws(FileSystemError) in try fileSystem.status(path) }
    guard status.kind == .directory else {
      throw StoreError(
        FileSystemError(.openFile, path: path, code: .notDirectory, reason: "it is not a directory"))
    }
    let user = fileSystem.effectiveUser
    guard status.user == user || status.user == 0 else {
      throw StoreError(
        .misconfigured, message: "\(path) belongs to user \(status.user), who could replace what is in it",
        hint: "chown \(user) \(path)")
    }
    // As root nobody else may write there; as a user, the user's own group is the user's business.
    let forbidden: UInt32 = closed ? 0o077 : (user == 0 ? 0o022 : 0o002)
    guard status.mode & forbidden == 0 else {
      throw StoreError(
        .misconfigured,
        message: "\(path) has mode 0\(String(status.mode, radix: 8)), which lets others "
          + (closed ? "in" : "replace tokens"),
        hint: closed ? "chmod 0700 \(path)" : "chmod \(user == 0 ? "go-w" : "o-w") \(path)")
    }
  }

  private func takeLock() throws(StoreError) -> any FileLock {
    do {
      return try fileSystem.lock(paths.lock, mode: 0o600)
    } catch {
      guard error.code == .busy else { throw StoreError(error) }
      throw StoreError(
        .ownedByAnother, message: "another process has the store \(settings.directory) open",
        hint: "Wait until it has ended, or give each job a directory of its own.")
    }
  }

  /// Says who owns the directory, once and for all.
  private func takeOwnership() throws(StoreError) {
    let content = try StoreError.wrap { () throws(FileSystemError) in
      try fileSystem.readFileIfPresent(paths.installation, maximumBytes: 4096)
    }
    guard let content else {
      let json = FlatJSONWriter()
      json.field("version", PlaceRecord.version)
      json.field("installation", settings.installation.text)
      return try StoreError.wrap { () throws(FileSystemError) in
        try replace(
          paths.installation, through: settings.directory + "/" + FileStorePaths.newPrefix + "installation",
          with: json.finish()
        ) { _ throws(FileSystemError) in }
        try fileSystem.syncDirectory(settings.directory)
      }
    }
    guard let json = FlatJSONReader(content), json.number("version") == PlaceRecord.version,
      let installation = json.text("installation").flatMap({ InstallationID($0) })
    else { throw malformed(paths.installation) }
    guard installation == settings.installation else {
      throw StoreError(
        .ownedByAnother,
        message: "the store \(settings.directory) belongs to installation \(installation), "
          + "this one is \(settings.installation)",
        hint: "Use that installation's state directory, or another directory for the store.")
    }
  }

  /// Files that a crash left before they got their names. Reservations go too: a token that was being made
  /// for one can no longer arrive.
  private func removeLeftovers() throws(FileSystemError) {
    for name in try fileSystem.list(settings.directory, maximumCount: FileStoreFiles.maximumNames)
    where name.hasPrefix(FileStorePaths.newPrefix) {
      try fileSystem.removeFileIfPresent(settings.directory + "/" + name)
    }
    for folder in paths.folders {
      for name in try fileSystem.list(folder, maximumCount: FileStoreFiles.maximumNames)
      where name.hasPrefix(".") {
        try fileSystem.removeFileIfPresent(folder + "/" + name)
      }
    }
  }
}
