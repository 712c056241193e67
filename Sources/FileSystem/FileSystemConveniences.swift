extension OpenFile {
  /// Writes all bytes at an offset.
  public func write(_ bytes: [UInt8], at offsetBytes: Int64) throws(FileSystemError) {
    try write(bytes.span.bytes, at: offsetBytes)
  }

  /// Writes all bytes at the end of the file.
  public func append(_ bytes: [UInt8]) throws(FileSystemError) {
    try append(bytes.span.bytes)
  }
}

extension FileSystem {
  /// What is at a path, links not followed; nil when there is nothing.
  public func statusIfPresent(_ path: String) throws(FileSystemError) -> FileStatus? {
    do {
      return try status(path)
    } catch {
      if error.isMissing { return nil }
      throw error
    }
  }

  /// The content of a regular file; nil when there is none.
  public func readFileIfPresent(_ path: String, maximumBytes: Int) throws(FileSystemError) -> [UInt8]? {
    do {
      return try readFile(path, maximumBytes: maximumBytes)
    } catch {
      if error.isMissing { return nil }
      throw error
    }
  }

  /// Removes a file; true when there was one.
  @discardableResult
  public func removeFileIfPresent(_ path: String) throws(FileSystemError) -> Bool {
    do {
      try removeFile(path)
      return true
    } catch {
      if error.isMissing { return false }
      throw error
    }
  }

  /// Makes a directory and those above it that are missing, each durable in its parent. What exists stays
  /// as it is, whatever its mode.
  public func createDirectories(_ path: String, mode: UInt32) throws(FileSystemError) {
    if try statusIfPresent(path) != nil { return }
    let parent = FilePaths.parent(of: path)
    if parent != path { try createDirectories(parent, mode: mode) }
    do {
      try createDirectory(path, mode: mode)
    } catch {
      // Somebody else was a moment earlier, which is what was wanted.
      guard error.code == .exists else { throw error }
    }
    try syncDirectory(parent)
  }
}

/// Arithmetic on paths, without asking the file system.
public enum FilePaths {
  /// The folder that holds the last component: `/` for `/x`, `.` for `x`. Slashes at the end do not count.
  public static func parent(of path: String) -> String {
    let (parent, _) = split(path)
    return parent
  }

  /// The last component; empty for `/`.
  public static func lastComponent(of path: String) -> String {
    let (_, name) = split(path)
    return name
  }

  /// The parent and the last component.
  public static func split(_ path: String) -> (parent: String, name: String) {
    let slash = UInt8(ascii: "/")
    var whole = path.utf8[...]
    while whole.count > 1, whole.last == slash { whole = whole.dropLast() }
    guard let cut = whole.lastIndex(of: slash) else { return (".", String(Substring(whole))) }
    let name = String(Substring(whole[whole.index(after: cut)...]))
    var parent = whole[..<cut]
    while parent.count > 1, parent.last == slash { parent = parent.dropLast() }
    return (parent.isEmpty ? "/" : String(Substring(parent)), name)
  }
}
