internal import Glibc

/// Two calls of Linux that Swift's view of the C library leaves out, because it is taken without
/// `_GNU_SOURCE`. They are looked up by name; a library without one answers ENOSYS.
enum LinuxCalls {
  private typealias Fallocate = @convention(c) (Int32, Int32, off_t, off_t) -> Int32
  private typealias Renameat2 =
    @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32

  private static let fallocate: Fallocate? = symbol("fallocate").map { unsafeBitCast($0, to: Fallocate.self) }
  private static let renameat2: Renameat2? = symbol("renameat2").map { unsafeBitCast($0, to: Renameat2.self) }

  private static func symbol(_ name: String) -> UnsafeMutableRawPointer? {
    dlopen(nil, RTLD_NOW).flatMap { dlsym($0, name) }
  }

  /// Reserves blocks from the start of a file without changing its size. Answers 0 or an error number.
  static func allocateKeepingSize(_ descriptor: Int32, byteCount: Int64) -> Int32 {
    guard let fallocate else { return ENOSYS }
    let keepSize: Int32 = 1  // FALLOC_FL_KEEP_SIZE, linux/falloc.h
    return fallocate(descriptor, keepSize, 0, off_t(byteCount)) == 0 ? 0 : errno
  }

  /// Renames unless the new name is taken. Answers 0 or an error number.
  static func renameWithoutReplacing(_ path: String, to newPath: String) -> Int32 {
    guard let renameat2 else { return ENOSYS }
    let noReplace: UInt32 = 1  // RENAME_NOREPLACE, linux/fs.h
    return renameat2(AT_FDCWD, path, AT_FDCWD, newPath, noReplace) == 0 ? 0 : errno
  }
}
