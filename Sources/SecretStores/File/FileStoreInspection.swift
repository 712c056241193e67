internal import FileSystem
internal import RotationModel
internal import RotationPorts

extension FileStoreFiles {
  /// What is wrong with the current file of a place; nil when it is as `promote` left it.
  func inspect(_ place: StorePlace, attempt: AttemptID) throws(StoreError) -> StoreFlaw? {
    let files = try paths.files(of: place, format: settings.format)
    let status = try StoreError.wrap { () throws(FileSystemError) in
      try fileSystem.statusIfPresent(files.current)
    }
    guard let status else { return gone(files.current, place) }
    guard status.kind == .file else {
      return StoreFlaw(
        "\(files.current) is no regular file",
        hint: "put the file back that was there; a copy elsewhere is no longer followed")
    }
    let wanted = place.mode ?? settings.mode
    if status.mode & 0o777 & ~wanted != 0 {
      let mode = "0" + String(wanted, radix: 8)
      return StoreFlaw(
        "\(files.current) has mode 0\(String(status.mode & 0o777, radix: 8))",
        hint: "chmod \(mode) \(files.current), and ask who has read it meanwhile")
    }
    let string: Secret
    do {
      guard let found = try currentString(files) else { return gone(files.current, place) }
      string = found
    } catch {
      // What would be somebody else's file before a delivery is ours, written over, after it.
      guard error.code == .ownedByAnother else { throw error }
      return StoreFlaw(
        "\(files.current) was written over and holds no token any more",
        hint: "put it back from a backup, or replace the token: `tokenrotate rotate JOB.toml \(place.name)`")
    }
    guard let found = try currentRecord(string, files, place) else {
      return StoreFlaw(
        "what the store knows about \(files.current) is gone",
        hint: "put \(files.owner) back from a backup; consumers are not affected")
    }
    guard found.attempt != attempt else { return nil }
    return StoreFlaw(
      "\(files.current) is that of token \(found.tokenID)",
      hint: "if an older copy was restored, put the newest one back")
  }

  private func gone(_ path: String, _ place: StorePlace) -> StoreFlaw {
    StoreFlaw(
      "\(path) is gone",
      hint:
        "put it back from a backup; a string that is gone cannot be had again: then replace the token with "
        + "`tokenrotate rotate JOB.toml \(place.name)`")
  }
}
