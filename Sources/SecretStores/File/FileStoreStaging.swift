internal import FileSystem
internal import RotationModel
internal import RotationPorts

/// The pending place: room is made before a token is, so that its string can be put away whatever the disk does.
extension FileStoreFiles {
  func reserve(_ place: StorePlace, for token: PlannedToken) throws(StoreError) {
    let files = try filesOfOpenStore(place)
    if let pending = try record(files.pending, place) {
      guard pending.rolledBackTo == nil else { throw halfRolledBack(place) }
      guard pending.attempt == token.attempt else { throw pendingConflict(pending, place) }
      return
    }
    if try isCurrent(token, files, place) { return }
    try requireFitting(token, place)
    let byteCount = PlaceRecord.longestBytes(of: token, at: place, installation: settings.installation)
    try requireRecord(of: byteCount, place)
    try requireOwnCurrentFile(files, place)
    try StoreError.wrap { () throws(FileSystemError) in
      try tryOwnership(ownership(of: place), files)
      try fileSystem.removeFileIfPresent(files.reserved)
      let file = try fileSystem.openFile(files.reserved, for: .createNew(mode: 0o600))
      defer { file.close() }
      do throws(FileSystemError) {
        try file.allocate(byteCount: Int64(byteCount), keepingSize: true)
      } catch {
        try? fileSystem.removeFile(files.reserved)
        throw error
      }
    }
  }

  func stage(_ token: StoredToken, at place: StorePlace) throws(StoreError) {
    let files = try filesOfOpenStore(place)
    try requireUsable(token.accessToken, place)
    try requireFitting(token.planned, place)
    if let pending = try record(files.pending, place) {
      guard pending.rolledBackTo == nil else { throw halfRolledBack(place) }
      guard pending.attempt == token.attempt, pending.accessToken == token.accessToken else {
        throw pendingConflict(pending, place)
      }
      // An earlier call may have been cut off before this.
      return try StoreError.wrap { () throws(FileSystemError) in
        try fileSystem.syncDirectory(files.pending.folder)
      }
    }
    if try isCurrent(token.planned, files, place) {
      guard try currentString(files) == token.accessToken else {
        throw StoreError.conflict(
          "\(files.current) holds another string than generation \(token.generation) of \(place.name)",
          hint: "Look who changed it, and put the newest file back.")
      }
      return
    }
    let bytes = PlaceRecord(token, at: place, installation: settings.installation)
      .encoded(includingToken: true)
    try requireRecord(of: bytes.count, place)
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
    let rollback = try halfDoneRollback(files, place)
    if which == .previous, let rollback {
      // One of them is the previous token by now, and which it is may have to be told by its record.
      let kept = [rollback.attempt, try record(files.previous, place)?.attempt]
      guard !kept.contains(attempt) else { throw halfRolledBack(place) }
    }
    // To its readers a rollback leaves the pending place empty.
    let isKept = which == .pending && rollback != nil
    let isWanted = try record(entry, place)?.attempt == attempt && !isKept
    try StoreError.wrap { () throws(FileSystemError) in
      if which == .pending { try fileSystem.removeFileIfPresent(files.reserved) }
      if isWanted { try fileSystem.removeFileIfPresent(entry.path) }
      // Also when nothing was there: an earlier call may have been cut off before this.
      try fileSystem.syncDirectory(entry.folder)
    }
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

  /// Whether the token is current already. A generation as new as it from another attempt is a conflict, and
  /// so is one that was current before: numbers only grow, also when the current one was taken back.
  private func isCurrent(
    _ token: PlannedToken, _ files: FileStorePaths.Files, _ place: StorePlace
  ) throws(StoreError) -> Bool {
    let owner = try owner(of: files, place)
    if let owner, owner.generation >= token.generation, owner.attempt == token.attempt { return true }
    for (known, word) in [(owner, "current"), (try record(files.previous, place), "previous")] {
      guard let known, known.generation >= token.generation else { continue }
      throw StoreError.conflict(
        "generation \(known.generation) of \(place.name) is \(word) in \(settings.directory), so generation "
          + "\(token.generation) cannot be staged")
    }
    return false
  }

  private func requireUsable(_ accessToken: Secret, _ place: StorePlace) throws(StoreError) {
    guard TokenText.isUsable(accessToken) else {
      throw StoreError(
        .malformed, message: "the string of \(place.name) has characters that no token has",
        hint: "Nothing was stored. Ask the cluster's operator what it gives out.")
    }
  }

  private func requireFitting(_ token: PlannedToken, _ place: StorePlace) throws(StoreError) {
    guard settings.format.canHold(host: token.host, databases: token.databases) else {
      throw StoreError(
        .malformed,
        message: "the host or the database of \(place.name) cannot stand in a file of the format "
          + settings.format.rawValue,
        hint: "Choose the format json.")
    }
  }

  private func requireRecord(of byteCount: Int, _ place: StorePlace) throws(StoreError) {
    guard byteCount <= PlaceRecord.maximumBytes else {
      throw StoreError(
        .malformed,
        message: "the record of \(place.name) would have \(byteCount) bytes, and "
          + "\(PlaceRecord.maximumBytes) are possible",
        hint: "Give the token fewer databases, or \"*\".")
    }
  }
}
