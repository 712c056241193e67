internal import FileSystem
internal import RotationPorts

/// Taking a token from its consumers: its string is durable in the previous place before the file goes.
extension FileStoreFiles {
  func withdraw(_ generation: Int, at place: StorePlace) throws(StoreError) {
    let files = try filesOfOpenStore(place)
    if try halfDoneRollback(files, place) != nil { throw halfRolledBack(place) }
    if let string = try currentString(files) {
      var current = try currentToken(generation, string, files, place)
      try requirePreviousFree(for: current, files, place)
      current.accessToken = string
      try writeRecord(current, includingToken: true, to: files.previous)
      try StoreError.wrap { () throws(FileSystemError) in try fileSystem.removeFile(files.current) }
    }
    let owner = try owner(of: files, place)
    try StoreError.wrap { () throws(FileSystemError) in
      // Also when nothing was there: an earlier call may have been cut off before this.
      try fileSystem.syncDirectory(files.directory)
      if owner != nil { try fileSystem.removeFileIfPresent(files.owner.path) }
      try fileSystem.syncDirectory(files.owner.folder)
    }
  }

  private func currentToken(
    _ generation: Int, _ string: Secret, _ files: FileStorePaths.Files, _ place: StorePlace
  ) throws(StoreError) -> PlaceRecord {
    guard let current = try currentRecord(string, files, place) else { throw foreignFile(files.current) }
    guard current.generation == generation else {
      throw StoreError.conflict(
        "generation \(current.generation) of \(place.name) is current in \(settings.directory), not "
          + "generation \(generation)")
    }
    // Its promotion is half done, and repeating that would bring it back.
    if let pending = try record(files.pending, place), pending.attempt == current.attempt {
      throw pendingConflict(pending, place)
    }
    return current
  }
}
