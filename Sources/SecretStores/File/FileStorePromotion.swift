internal import FileSystem
internal import RotationPorts

/// Promotion: a row of durable steps, each of which may be repeated, in an order that never leaves a reader
/// without a token or the store without a string.
extension FileStoreFiles {
  func promote(_ generation: Int, at place: StorePlace) throws(StoreError) {
    let files = try filesOfOpenStore(place)
    if try halfDoneRollback(files, place) != nil { throw halfRolledBack(place) }
    let owner = try owner(of: files, place)
    if let owner, owner.generation > generation {
      throw StoreError.conflict(
        "generation \(owner.generation) of \(place.name) is current in \(settings.directory), which is newer "
          + "than generation \(generation)")
    }
    guard let pending = try record(files.pending, place), pending.generation == generation else {
      return try requireCurrent(generation, owner, files, place)
    }
    guard let string = pending.accessToken else { throw malformed(files.pending.path) }
    if let owner, owner.generation == generation, owner.attempt != pending.attempt {
      throw StoreError.conflict(
        "generation \(generation) of \(place.name) is current in \(settings.directory) from another attempt")
    }
    let current = try currentString(files)
    if current != string {
      if let current {
        guard var old = owner else { throw foreignFile(files.current) }
        old.accessToken = current
        try requirePreviousFree(for: old, files, place)
        try writeRecord(old, includingToken: true, to: files.previous)
      }
      try writeCurrent(pending.token(string), files, place)
    }
    try StoreError.wrap { () throws(FileSystemError) in
      // Again, even when the file was there: whoever renamed it may have been cut off before this.
      try fileSystem.syncDirectory(files.directory)
    }
    try writeRecord(pending, includingToken: false, to: files.owner)
    try StoreError.wrap { () throws(FileSystemError) in
      try fileSystem.removeFile(files.pending.path)
      try fileSystem.syncDirectory(files.pending.folder)
    }
  }

  /// With nothing to promote, the generation has to be current already.
  private func requireCurrent(
    _ generation: Int, _ owner: PlaceRecord?, _ files: FileStorePaths.Files, _ place: StorePlace
  ) throws(StoreError) {
    guard let owner, owner.generation == generation else {
      throw StoreError.conflict(
        "generation \(generation) of \(place.name) is not pending in \(settings.directory)")
    }
    guard try currentString(files) != nil else {
      throw StoreError(
        .malformed, message: "\(files.current) was removed by somebody else",
        hint: "Put the store's files of this name back from a backup.")
    }
    try StoreError.wrap { () throws(FileSystemError) in
      // Whoever emptied the pending place may have been cut off before this.
      try fileSystem.syncDirectory(files.pending.folder)
    }
  }

  /// The previous place may hold the only copy of a string that is in use: only the same token's record is
  /// written over.
  func requirePreviousFree(
    for token: PlaceRecord, _ files: FileStorePaths.Files, _ place: StorePlace
  ) throws(StoreError) {
    guard let previous = try record(files.previous, place), previous.attempt != token.attempt else { return }
    throw StoreError.conflict(
      "generation \(previous.generation) of \(place.name) is still the previous one in \(settings.directory), so "
        + "generation \(token.generation) cannot take its place",
      hint: "A run retires it first, and discards its string then.")
  }

  /// Replaces the file that consumers read, complete with its owner and mode, in one step.
  func writeCurrent(
    _ token: StoredToken, _ files: FileStorePaths.Files, _ place: StorePlace
  ) throws(StoreError) {
    let content = settings.format.encoded(token)
    let ownership = ownership(of: place)
    let mode = place.mode ?? settings.mode
    try StoreError.wrap { () throws(FileSystemError) in
      try replace(files.current, through: files.newCurrent, with: content) { file throws(FileSystemError) in
        // The mode comes last: until then nobody but us can read the file.
        try file.setOwner(user: ownership.owner, group: ownership.group)
        try file.setMode(mode)
      }
    }
  }

  func writeRecord(
    _ record: PlaceRecord, includingToken: Bool, to entry: FileStorePaths.Files.Record
  ) throws(StoreError) {
    let content = record.encoded(includingToken: includingToken)
    try StoreError.wrap { () throws(FileSystemError) in
      try replace(entry.path, through: entry.temporary, with: content) { _ throws(FileSystemError) in }
      try fileSystem.syncDirectory(entry.folder)
    }
  }

  /// Writes a new file, makes it durable and gives it the name. The name is durable when its folder is synced.
  func replace(
    _ path: String, through temporary: String, with content: SecretBuffer,
    _ prepare: (any OpenFile) throws(FileSystemError) -> Void
  ) throws(FileSystemError) {
    try fileSystem.removeFileIfPresent(temporary)
    let file = try fileSystem.openFile(temporary, for: .createNew(mode: 0o600))
    defer { file.close() }
    do {
      try content.withBytes { span throws(FileSystemError) in try file.write(span, at: 0) }
      try prepare(file)
      try file.sync()
      try fileSystem.rename(temporary, to: path, replacing: true)
    } catch {
      try? fileSystem.removeFile(temporary)
      throw error
    }
  }
}
