internal import Glibc
internal import Locks

/// A file descriptor that is closed once: by `close()` or with the last reference.
final class Descriptor: Sendable {
  private static let closed: Int32 = -1
  private let cell: Locked<Int32>

  /// The system's number; -1 after closing, with which every call fails instead of reaching another file.
  var number: Int32 { cell.withLock { $0 } }

  private init(_ number: Int32) {
    cell = Locked(number)
  }

  deinit {
    close()
  }

  func close() {
    let number = take()
    if number != Descriptor.closed { _ = Glibc.close(number) }
  }

  /// Leaves closing to somebody else.
  func giveAway() {
    _ = take()
  }

  private func take() -> Int32 {
    cell.withLock { number in
      defer { number = Descriptor.closed }
      return number
    }
  }

  /// Opens what `flags` describe, closed on exec.
  static func open(
    _ path: String, _ flags: Int32, mode: UInt32 = 0, for operation: FileSystemError.Operation
  ) throws(FileSystemError) -> Descriptor {
    while true {
      let number = Glibc.open(path, flags | O_CLOEXEC, mode)
      if number >= 0 { return Descriptor(number) }
      guard errno == EINTR else { throw FileSystemError(operation, path: path, number: errno) }
    }
  }

  /// Opens a regular file and nothing else; without waiting, because a pipe would make the program hang.
  static func openRegularFile(
    _ path: String, _ flags: Int32, mode: UInt32 = 0, for operation: FileSystemError.Operation
  ) throws(FileSystemError) -> Descriptor {
    let descriptor: Descriptor
    do {
      descriptor = try open(
        path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode: mode, for: operation)
    } catch {
      // A socket, or a pipe without a reader, cannot even be opened.
      guard error.number == ENXIO else { throw error }
      throw wrongKind(path, operation)
    }
    switch try descriptor.status(of: path, for: operation).kind {
    case .file: return descriptor
    case .directory: throw FileSystemError(operation, path: path, number: EISDIR)
    case .link, .other: throw wrongKind(path, operation)
    }
  }

  private static func wrongKind(
    _ path: String, _ operation: FileSystemError.Operation
  ) -> FileSystemError {
    FileSystemError(operation, path: path, code: .wrongKind, reason: "it is not a regular file")
  }

  func status(
    of path: String, for operation: FileSystemError.Operation
  ) throws(FileSystemError) -> FileStatus {
    var found = stat()
    guard fstat(number, &found) == 0 else { throw FileSystemError(operation, path: path, number: errno) }
    return FileStatus(found)
  }

  /// Reads into one allocation, so that a secret leaves no copies behind in grown buffers.
  func read(path: String, at offsetBytes: Int64, maximumBytes: Int) throws(FileSystemError) -> [UInt8] {
    let number = number
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: maximumBytes) { buffer, filled in
      while filled < maximumBytes {
        let rest = UnsafeMutableBufferPointer(rebasing: buffer[filled...])
        let count = pread(number, rest.baseAddress, rest.count, off_t(offsetBytes) + off_t(filled))
        if count > 0 { filled += count }
        if count == 0 { return }
        if count < 0 && errno != EINTR {
          failure = errno
          return
        }
      }
    }
    guard failure == 0 else { throw FileSystemError(.read, path: path, number: failure) }
    return bytes
  }
}

extension FileStatus {
  init(_ found: stat) {
    let kind: Kind
    switch found.st_mode & S_IFMT {
    case S_IFREG: kind = .file
    case S_IFDIR: kind = .directory
    case S_IFLNK: kind = .link
    default: kind = .other
    }
    self.init(
      kind: kind, mode: found.st_mode & 0o7777, user: found.st_uid, group: found.st_gid,
      sizeBytes: Int64(found.st_size), inode: UInt64(found.st_ino))
  }
}
