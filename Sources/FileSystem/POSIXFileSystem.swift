internal import Glibc

/// The file system of the machine.
public struct POSIXFileSystem: FileSystem {
  public init() {}

  public var effectiveUser: UInt32 { geteuid() }

  public func createDirectory(_ path: String, mode: UInt32) throws(FileSystemError) {
    guard mkdir(path, mode) == 0 else {
      throw FileSystemError(.createDirectory, path: path, number: errno)
    }
    // The umask may have taken bits away: set the mode on the very directory that was made.
    let directory = try Descriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, for: .createDirectory)
    guard fchmod(directory.number, mode) == 0 else {
      throw FileSystemError(.createDirectory, path: path, number: errno)
    }
  }

  public func openFile(_ path: String, for access: FileAccess) throws(FileSystemError) -> any OpenFile {
    let descriptor: Descriptor
    switch access {
    case .createNew(let mode):
      descriptor = try Descriptor.open(
        path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode, for: .openFile)
    case .readOnly:
      descriptor = try Descriptor.openRegularFile(path, O_RDONLY, for: .openFile)
    case .readWrite:
      descriptor = try Descriptor.openRegularFile(path, O_RDWR, for: .openFile)
    case .append:
      descriptor = try Descriptor.openRegularFile(path, O_RDWR | O_APPEND, for: .openFile)
    }
    return POSIXFile(path: path, descriptor: descriptor)
  }

  public func rename(_ path: String, to newPath: String, replacing: Bool) throws(FileSystemError) {
    if replacing {
      guard Glibc.rename(path, newPath) == 0 else {
        throw FileSystemError(.rename, path: path, number: errno)
      }
      return
    }
    let number = LinuxCalls.renameWithoutReplacing(path, to: newPath)
    if number == 0 { return }
    // Some network file systems cannot refuse to replace; a hard link can.
    guard number == EINVAL || number == ENOSYS else {
      throw FileSystemError(.rename, path: path, number: number)
    }
    guard link(path, newPath) == 0, unlink(path) == 0 else {
      throw FileSystemError(.rename, path: path, number: errno)
    }
  }

  public func removeFile(_ path: String) throws(FileSystemError) {
    guard unlink(path) == 0 else { throw FileSystemError(.removeFile, path: path, number: errno) }
  }

  public func syncDirectory(_ path: String) throws(FileSystemError) {
    let directory = try Descriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, for: .syncDirectory)
    while fsync(directory.number) != 0 {
      guard errno == EINTR else { throw FileSystemError(.syncDirectory, path: path, number: errno) }
    }
  }

  public func list(_ path: String, maximumCount: Int) throws(FileSystemError) -> [String] {
    let directory = try Descriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, for: .list)
    guard let stream = fdopendir(directory.number) else {
      throw FileSystemError(.list, path: path, number: errno)
    }
    directory.giveAway()
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw FileSystemError(.list, path: path, number: errno) }
        return names.sorted()
      }
      let name = POSIXFileSystem.name(of: entry)
      if name == "." || name == ".." { continue }
      guard names.count < maximumCount else {
        throw FileSystemError(
          .list, path: path, code: .tooLarge, reason: "it holds more than \(maximumCount) names")
      }
      names.append(name)
    }
  }

  private static func name(of entry: UnsafeMutablePointer<dirent>) -> String {
    withUnsafePointer(to: &entry.pointee.d_name) { field in
      field.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: field.pointee)) {
        String(cString: $0)
      }
    }
  }

  public func status(_ path: String) throws(FileSystemError) -> FileStatus {
    var found = stat()
    guard lstat(path, &found) == 0 else { throw FileSystemError(.status, path: path, number: errno) }
    return FileStatus(found)
  }

  public func readFile(_ path: String, maximumBytes: Int) throws(FileSystemError) -> [UInt8] {
    let descriptor = try Descriptor.openRegularFile(path, O_RDONLY, for: .read)
    let sizeBytes = try descriptor.status(of: path, for: .read).sizeBytes
    guard sizeBytes <= Int64(maximumBytes) else {
      throw FileSystemError(
        .read, path: path, code: .tooLarge, reason: "it is longer than \(maximumBytes) bytes")
    }
    return try descriptor.read(path: path, at: 0, maximumBytes: Int(sizeBytes))
  }

  public func lock(_ path: String, mode: UInt32) throws(FileSystemError) -> any FileLock {
    let descriptor = try Descriptor.openRegularFile(path, O_RDWR | O_CREAT, mode: mode, for: .lock)
    while flock(descriptor.number, LOCK_EX | LOCK_NB) != 0 {
      guard errno == EINTR else { throw FileSystemError(.lock, path: path, number: errno) }
    }
    // A file that was replaced between opening and locking is locked against nobody.
    let locked = try descriptor.status(of: path, for: .lock)
    guard try status(path).inode == locked.inode else {
      throw FileSystemError(.lock, path: path, number: EWOULDBLOCK)
    }
    return POSIXLock(descriptor: descriptor)
  }
}

/// Holds an `flock`, which belongs to the open file and so ends with the process at the latest.
private final class POSIXLock: FileLock {
  private let descriptor: Descriptor

  init(descriptor: Descriptor) {
    self.descriptor = descriptor
  }

  func release() {
    descriptor.close()
  }
}
