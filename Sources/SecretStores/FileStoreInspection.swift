internal import FileSystem
internal import RotationModel
internal import RotationPorts

extension FileStoreFiles {
  /// What is wrong with the current file of a place; nil when it is as `promote` left it.
  func inspect(_ place: StorePlace, attempt: AttemptID) throws(StoreError) -> String? {
    let files = try paths.files(of: place, format: settings.format)
    let status = try StoreError.wrap { () throws(FileSystemError) in
      try fileSystem.statusIfPresent(files.current)
    }
    guard let status else { return "\(files.current) is gone" }
    guard status.kind == .file else { return "\(files.current) is no regular file" }
    let wanted = place.mode ?? settings.mode
    if status.mode & 0o777 & ~wanted != 0 {
      let mode = "0" + String(wanted, radix: 8)
      return
        "\(files.current) has mode 0\(String(status.mode & 0o777, radix: 8)): chmod \(mode) \(files.current)"
    }
    guard try currentString(files) != nil else { return "\(files.current) is gone" }
    guard let owner = try owner(of: files, place) else {
      return "what the store knows about \(files.current) is gone"
    }
    return owner.attempt == attempt ? nil : "\(files.current) is that of token \(owner.tokenID)"
  }
}
