internal import Glibc

/// The system's users and groups by name, wherever they are kept: files, LDAP, systemd.
enum Accounts {
  /// Enough for a group with thousands of members; more is an error and not an endless loop.
  private static let maximumRecordBytes = 1 << 20

  static func userID(_ name: String, path: String) throws(FileSystemError) -> UInt32? {
    try lookUp(path) { buffer, capacity, result in
      var record = passwd()
      var found: UnsafeMutablePointer<passwd>?
      let number = getpwnam_r(name, &record, buffer, capacity, &found)
      if found != nil { result = record.pw_uid }
      return number
    }
  }

  static func groupID(_ name: String, path: String) throws(FileSystemError) -> UInt32? {
    try lookUp(path) { buffer, capacity, result in
      var record = group()
      var found: UnsafeMutablePointer<group>?
      let number = getgrnam_r(name, &record, buffer, capacity, &found)
      if found != nil { result = record.gr_gid }
      return number
    }
  }

  private static func lookUp(
    _ path: String, _ ask: (UnsafeMutablePointer<CChar>, Int, inout UInt32?) -> Int32
  ) throws(FileSystemError) -> UInt32? {
    var capacity = 4096
    while capacity <= maximumRecordBytes {
      let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
      defer { buffer.deallocate() }
      var result: UInt32?
      let number = ask(buffer, capacity, &result)
      switch number {
      case 0: return result
      case EINTR: continue
      case ERANGE: capacity *= 4
      // What "not found" answers besides 0, depending on the source asked: getpwnam_r(3), ERRORS.
      case ENOENT, ESRCH, EBADF, EPERM: return nil
      default: throw FileSystemError(.setOwner, path: path, number: number)
      }
    }
    throw FileSystemError(.setOwner, path: path, number: ERANGE)
  }
}
