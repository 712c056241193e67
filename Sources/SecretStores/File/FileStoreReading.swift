internal import FileSystem
internal import RotationModel
internal import RotationPorts

/// What is in a place, with the records that say whose it is.
extension FileStoreFiles {
  func read(_ which: Event.Place, at place: StorePlace) throws(StoreError) -> StoredToken? {
    let files = try paths.files(of: place, format: settings.format)
    switch which {
    case .pending:
      guard let found = try record(files.pending, place), found.rolledBackTo == nil else { return nil }
      return try token(of: found, files.pending)
    case .previous:
      // A rollback has happened for its readers once the current file is the other one.
      if let displaced = try halfDoneRollback(files, place),
        try currentString(files) != displaced.accessToken
      {
        return try token(of: displaced, files.pending)
      }
      guard let found = try record(files.previous, place) else { return nil }
      return try token(of: found, files.previous)
    case .current:
      guard let string = try currentString(files) else { return nil }
      guard let found = try currentRecord(string, files, place) else { throw foreignFile(files.current) }
      return found.token(string)
    }
  }

  private func token(
    of record: PlaceRecord, _ entry: FileStorePaths.Files.Record
  ) throws(StoreError) -> StoredToken {
    guard let string = record.accessToken else { throw malformed(entry.path) }
    return record.token(string)
  }

  /// Which token the current file's string is; nil when the store knows nothing about it.
  ///
  /// Between a new current file and its owner record a crash may have happened. The pending record is still
  /// there then, and it is right; in a rollback the file may be the previous token's.
  func currentRecord(
    _ string: Secret, _ files: FileStorePaths.Files, _ place: StorePlace
  ) throws(StoreError) -> PlaceRecord? {
    if let pending = try record(files.pending, place) {
      if pending.accessToken == string { return pending }
      if pending.rolledBackTo != nil, let previous = try record(files.previous, place),
        previous.accessToken == string
      {
        return previous
      }
    }
    return try owner(of: files, place)
  }

  /// The token that a rollback that was not completed takes out of the current place.
  func halfDoneRollback(
    _ files: FileStorePaths.Files, _ place: StorePlace
  ) throws(StoreError) -> PlaceRecord? {
    guard let pending = try record(files.pending, place), pending.rolledBackTo != nil else { return nil }
    return pending
  }

  // MARK: Records

  /// A record of this place, or of the one that it is moved from; `ownedByAnother` when it is somebody else's.
  func record(
    _ entry: FileStorePaths.Files.Record, _ place: StorePlace, movedFrom old: StorePlace? = nil
  ) throws(StoreError) -> PlaceRecord? {
    let content = try StoreError.wrap { () throws(FileSystemError) in
      try fileSystem.readFileIfPresent(entry.path, maximumBytes: PlaceRecord.maximumBytesRead)
    }
    guard var bytes = content else { return nil }
    let found = PlaceRecord(bytes)
    bytes.withUnsafeMutableBytes { Secret.wipe($0) }
    guard let found else { throw malformed(entry.path) }
    let isOurs = [place, old].contains { place in
      place.map { found.belongs(to: $0, of: settings.installation) } ?? false
    }
    guard isOurs else {
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
  ) throws(StoreError) -> PlaceRecord? {
    try record(files.owner, place)
  }

  /// The string that consumers see; nil when there is no file.
  func currentString(_ files: FileStorePaths.Files) throws(StoreError) -> Secret? {
    let content = try StoreError.wrap { () throws(FileSystemError) in
      try fileSystem.readFileIfPresent(files.current, maximumBytes: PlaceRecord.maximumBytesRead)
    }
    guard var bytes = content else { return nil }
    let string = settings.format.accessToken(in: bytes)
    bytes.withUnsafeMutableBytes { Secret.wipe($0) }
    guard let string else { throw foreignFile(files.current) }
    return string
  }
}
