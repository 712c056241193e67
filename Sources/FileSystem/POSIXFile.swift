internal import Glibc

/// An open regular file of the machine.
final class POSIXFile: OpenFile {
  let path: String
  private let descriptor: Descriptor

  init(path: String, descriptor: Descriptor) {
    self.path = path
    self.descriptor = descriptor
  }

  func write(_ bytes: RawSpan, at offsetBytes: Int64) throws(FileSystemError) {
    let number = descriptor.number
    let failure: Int32 = bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let rest = UnsafeRawBufferPointer(rebasing: buffer[done...])
        let count = pwrite(number, rest.baseAddress, rest.count, off_t(offsetBytes) + off_t(done))
        if count > 0 {
          done += count
        } else if count == 0 {
          return EIO
        } else if errno != EINTR {
          return errno
        }
      }
      return 0
    }
    guard failure == 0 else { throw FileSystemError(.write, path: path, number: failure) }
  }

  func append(_ bytes: RawSpan) throws(FileSystemError) {
    try write(bytes, at: status().sizeBytes)
  }

  func read(at offsetBytes: Int64, maximumBytes: Int) throws(FileSystemError) -> [UInt8] {
    try descriptor.read(path: path, at: offsetBytes, maximumBytes: maximumBytes)
  }

  func allocate(byteCount: Int64, keepingSize: Bool) throws(FileSystemError) {
    guard byteCount > 0 else { return }
    guard keepingSize else {
      let number = posix_fallocate(descriptor.number, 0, off_t(byteCount))
      guard number == 0 else { throw FileSystemError(.allocate, path: path, number: number) }
      return
    }
    while true {
      let number = LinuxCalls.allocateKeepingSize(descriptor.number, byteCount: byteCount)
      switch number {
      case 0: return
      case EINTR: continue
      case EOPNOTSUPP, ENOSYS: return try requireFreeRoom(byteCount)
      default: throw FileSystemError(.allocate, path: path, number: number)
      }
    }
  }

  /// Where room cannot be taken without changing the size, the best that is left is to look. What the file
  /// holds already has its room.
  private func requireFreeRoom(_ byteCount: Int64) throws(FileSystemError) {
    var volume = statvfs()
    guard fstatvfs(descriptor.number, &volume) == 0 else {
      throw FileSystemError(.allocate, path: path, number: errno)
    }
    let hasRoom = POSIXFile.hasRoom(
      toGrowFrom: try status().sizeBytes, to: byteCount, freeBlocks: UInt64(volume.f_bavail),
      blockBytes: UInt64(volume.f_frsize))
    guard hasRoom else { throw FileSystemError(.allocate, path: path, number: ENOSPC) }
  }

  static func hasRoom(
    toGrowFrom sizeBytes: Int64, to byteCount: Int64, freeBlocks: UInt64, blockBytes: UInt64
  ) -> Bool {
    guard byteCount > sizeBytes else { return true }
    let free = freeBlocks.multipliedReportingOverflow(by: blockBytes)
    return free.overflow || free.partialValue >= UInt64(byteCount - sizeBytes)
  }

  func truncate(to byteCount: Int64) throws(FileSystemError) {
    while ftruncate(descriptor.number, off_t(byteCount)) != 0 {
      guard errno == EINTR else { throw FileSystemError(.truncate, path: path, number: errno) }
    }
  }

  func setOwner(user: String?, group: String?) throws(FileSystemError) {
    // The largest id means "leave it as it is": chown(2).
    let unchanged = UInt32.max
    var userID = unchanged
    var groupID = unchanged
    if let user {
      guard let found = try Accounts.userID(user, path: path) else {
        throw FileSystemError(
          .setOwner, path: path, code: .unknownUser, reason: "this system has no user \(user)")
      }
      userID = found
    }
    if let group {
      guard let found = try Accounts.groupID(group, path: path) else {
        throw FileSystemError(
          .setOwner, path: path, code: .unknownGroup, reason: "this system has no group \(group)")
      }
      groupID = found
    }
    guard userID != unchanged || groupID != unchanged else { return }
    guard fchown(descriptor.number, userID, groupID) == 0 else {
      throw FileSystemError(.setOwner, path: path, number: errno)
    }
  }

  func setMode(_ mode: UInt32) throws(FileSystemError) {
    guard fchmod(descriptor.number, mode) == 0 else {
      throw FileSystemError(.setMode, path: path, number: errno)
    }
  }

  func sync() throws(FileSystemError) {
    // fsync and not fdatasync: the latter may leave out the owner and the mode, and a file that is
    // renamed into place must come back with both. No second try after a failure: the kernel may have
    // dropped the pages, and would then report success (fsync(2), NOTES).
    while fsync(descriptor.number) != 0 {
      guard errno == EINTR else { throw FileSystemError(.sync, path: path, number: errno) }
    }
  }

  func status() throws(FileSystemError) -> FileStatus {
    try descriptor.status(of: path, for: .status)
  }

  func close() {
    descriptor.close()
  }
}
