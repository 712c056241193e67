internal import FileSystem
internal import RotationPorts

/// Moving a name to another place. The records are written there under the new name, then the current file
/// moves in one step, and the old records go last: at every step one of the places has it all.
extension FileStoreFiles {
  func relocate(from old: StorePlace, to place: StorePlace) throws(StoreError) {
    guard old.job == place.job else {
      throw StoreError.conflict("\(old.name) of job \(old.job) cannot be moved to job \(place.job)")
    }
    let source = try filesOfOpenStore(old)
    let target = try filesOfOpenStore(place)
    guard source.current != target.current else { return try rename(target, old, place) }
    let there = try records(target, place)
    let here: PlaceRecords
    do throws(StoreError) {
      here = try records(source, old)
    } catch {
      // The old place was left, and somebody else has it by now.
      guard error.code == .ownedByAnother, !there.isEmpty else { throw error }
      return
    }
    let current = here.isEmpty ? nil : try ownCurrent(source, old)
    if !here.isEmpty {
      guard here.pending?.rolledBackTo == nil else { throw halfRolledBack(old) }
      try requireFree(target, place, for: here, beside: there, movesCurrent: current != nil)
    }
    for (record, entry) in here.paired(with: target) {
      try writeRecord(
        record.renamed(place.name), includingToken: entry.folder != target.owner.folder, to: entry)
    }
    if let current { try move(current, from: source, old, to: target, place) }
    try StoreError.wrap { () throws(FileSystemError) in
      // Also when nothing was moved: an earlier call may have been cut off before this.
      try fileSystem.syncDirectory(target.directory)
      if !here.isEmpty { try fileSystem.removeFileIfPresent(source.reserved) }
      for (_, entry) in here.paired(with: source) { try fileSystem.removeFileIfPresent(entry.path) }
      for folder in paths.folders { try fileSystem.syncDirectory(folder) }
    }
  }

  /// Another name, and maybe another owner, for what stays where it is.
  private func rename(
    _ files: FileStorePaths.Files, _ old: StorePlace, _ place: StorePlace
  ) throws(StoreError) {
    let found = try records(files, place, movedFrom: old)
    guard found.pending?.rolledBackTo == nil else { throw halfRolledBack(place) }
    for (record, entry) in found.paired(with: files) {
      try writeRecord(
        record.renamed(place.name), includingToken: entry.folder != files.owner.folder, to: entry)
    }
    guard let current = try ownCurrent(files, place) else {
      let status = try StoreError.wrap { () throws(FileSystemError) in
        try fileSystem.statusIfPresent(files.current)
      }
      if status != nil { throw foreignFile(files.current) }
      return
    }
    if isGivenAway(from: old, to: place) { try writeCurrent(current, files, place) }
    try StoreError.wrap { () throws(FileSystemError) in try fileSystem.syncDirectory(files.directory) }
  }

  private func move(
    _ current: StoredToken, from source: FileStorePaths.Files, _ old: StorePlace,
    to target: FileStorePaths.Files, _ place: StorePlace
  ) throws(StoreError) {
    // A new file under the old name, so that the new name never has one with the wrong owner or mode.
    if isGivenAway(from: old, to: place) { try writeCurrent(current, source, place) }
    do throws(FileSystemError) {
      try fileSystem.rename(source.current, to: target.current, replacing: false)
    } catch {
      throw error.code == .exists ? foreignFile(target.current) : StoreError(error)
    }
  }

  private func isGivenAway(from old: StorePlace, to place: StorePlace) -> Bool {
    ownership(of: old) != ownership(of: place) || (old.mode ?? settings.mode) != (place.mode ?? settings.mode)
  }

  /// What is at the new place has to be this token's, from a call that was cut off.
  private func requireFree(
    _ target: FileStorePaths.Files, _ place: StorePlace, for here: PlaceRecords, beside there: PlaceRecords,
    movesCurrent: Bool
  ) throws(StoreError) {
    let isTaken = try StoreError.wrap { () throws(FileSystemError) in
      try fileSystem.statusIfPresent(target.current) != nil
    }
    if isTaken {
      guard !movesCurrent, try ownCurrent(target, place) != nil else { throw foreignFile(target.current) }
    }
    for kind in [\PlaceRecords.previous, \.pending, \.owner] {
      guard let known = there[keyPath: kind] else { continue }
      // Old records are removed only after the current file has moved.
      let isSame = here[keyPath: kind].map { $0.attempt == known.attempt } ?? !movesCurrent
      guard isSame else {
        throw StoreError.conflict(
          "\(place.name) has generation \(known.generation) in \(settings.directory) already",
          hint: "Give the row another name or secret.")
      }
    }
  }

  /// The current token if the store knows it.
  private func ownCurrent(
    _ files: FileStorePaths.Files, _ place: StorePlace
  ) throws(StoreError) -> StoredToken? {
    guard let string = try currentString(files) else { return nil }
    return try currentRecord(string, files, place)?.token(string)
  }

  private func records(
    _ files: FileStorePaths.Files, _ place: StorePlace, movedFrom old: StorePlace? = nil
  ) throws(StoreError) -> PlaceRecords {
    PlaceRecords(
      previous: try record(files.previous, place, movedFrom: old),
      pending: try record(files.pending, place, movedFrom: old),
      owner: try record(files.owner, place, movedFrom: old))
  }
}

/// What the store remembers about a place.
private struct PlaceRecords {
  var previous: PlaceRecord?
  var pending: PlaceRecord?
  var owner: PlaceRecord?

  var isEmpty: Bool { previous == nil && pending == nil && owner == nil }

  /// The records that there are, each with the file that it has in a place. The owner's comes last: with it
  /// the place is taken.
  func paired(
    with files: FileStorePaths.Files
  ) -> [(record: PlaceRecord, entry: FileStorePaths.Files.Record)] {
    [(previous, files.previous), (pending, files.pending), (owner, files.owner)].compactMap { record, entry in
      record.map { ($0, entry) }
    }
  }
}
