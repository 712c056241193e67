internal import FileSystem
internal import RotationPorts

/// Going back to the previous token: durable steps, each of which may be repeated. The pending place keeps the
/// displaced token from the first step to the last, marked, so that a rollback is never taken for a promotion.
extension FileStoreFiles {
  func rollBack(from: Int, to: Int, at place: StorePlace) throws(StoreError) {
    let files = try filesOfOpenStore(place)
    if let displaced = try halfDoneRollback(files, place) {
      guard displaced.generation == from, displaced.rolledBackTo == to else { throw halfRolledBack(place) }
      return try complete(displaced, to, files, place)
    }
    if try isRolledBack(from, to, files, place) {
      return try StoreError.wrap { () throws(FileSystemError) in
        // Whoever emptied the pending place may have been cut off before this.
        try fileSystem.syncDirectory(files.pending.folder)
      }
    }
    let displaced = try displacedToken(from, to, files, place)
    try writeRecord(displaced, includingToken: true, to: files.pending)
    try complete(displaced, to, files, place)
  }

  private func isRolledBack(
    _ from: Int, _ to: Int, _ files: FileStorePaths.Files, _ place: StorePlace
  ) throws(StoreError) -> Bool {
    guard let string = try currentString(files),
      try currentRecord(string, files, place)?.generation == to
    else { return false }
    return try record(files.previous, place)?.generation == from
  }

  /// The current token with its string and the mark; throws when the places do not hold what is expected.
  private func displacedToken(
    _ from: Int, _ to: Int, _ files: FileStorePaths.Files, _ place: StorePlace
  ) throws(StoreError) -> PlaceRecord {
    guard let string = try currentString(files), var current = try currentRecord(string, files, place),
      current.generation == from
    else {
      throw StoreError.conflict(
        "generation \(from) of \(place.name) is not current in \(settings.directory)")
    }
    if let pending = try record(files.pending, place), pending.attempt != current.attempt {
      throw pendingConflict(pending, place)
    }
    guard let previous = try record(files.previous, place), previous.generation == to else {
      throw StoreError.conflict(
        "generation \(to) of \(place.name) is not the previous one in \(settings.directory)",
        hint: "It was discarded, or never replaced: create another token instead.")
    }
    guard previous.accessToken != nil else { throw malformed(files.previous.path) }
    current.accessToken = string
    current.rolledBackTo = to
    return current
  }

  private func complete(
    _ displaced: PlaceRecord, _ to: Int, _ files: FileStorePaths.Files, _ place: StorePlace
  ) throws(StoreError) {
    guard displaced.accessToken != nil else { throw malformed(files.pending.path) }
    // With the displaced token in the previous place, file and owner record are right and durable.
    if let previous = try record(files.previous, place), previous.attempt != displaced.attempt {
      guard previous.generation == to, let string = previous.accessToken else {
        throw malformed(files.previous.path)
      }
      let current = try currentString(files)
      if current != string {
        guard current == nil || current == displaced.accessToken else { throw foreignFile(files.current) }
        try writeCurrent(previous.token(string), files, place)
      }
      try StoreError.wrap { () throws(FileSystemError) in
        // Again, even when the file was there: whoever renamed it may have been cut off before this.
        try fileSystem.syncDirectory(files.directory)
      }
      try writeRecord(previous, includingToken: false, to: files.owner)
    }
    var old = displaced
    old.rolledBackTo = nil
    // Also when it is there: its name may not be durable yet, and the pending record is about to go.
    try writeRecord(old, includingToken: true, to: files.previous)
    try StoreError.wrap { () throws(FileSystemError) in
      try fileSystem.removeFile(files.pending.path)
      try fileSystem.syncDirectory(files.pending.folder)
    }
  }
}
