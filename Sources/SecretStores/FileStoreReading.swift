internal import FileSystem
internal import RotationModel
internal import RotationPorts

/// What is in a place, with the records that say whose it is.
extension FileStoreFiles {
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

  // MARK: Records

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
}
