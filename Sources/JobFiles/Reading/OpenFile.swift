internal import Glibc
import RotationPorts

/// A regular file opened for reading, closed when the last reference goes.
final class OpenFile: Sendable {
  let path: String
  let descriptor: Int32
  let byteCount: Int
  let mode: UInt32

  /// - Throws: `FileError` when it is not there, cannot be opened, or is no regular file. Symbolic links
  ///   are followed: Kubernetes and systemd mount files through them.
  init(_ path: String) throws(FileError) {
    guard !path.utf8.contains(0) else {
      throw FileError(.missing, "a file name cannot hold a NUL byte")
    }
    // Without O_NONBLOCK, opening a named pipe would wait for its writer.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      let code = errno
      throw FileError(
        code == ENOENT || code == ENOTDIR ? .missing : .unreadable,
        "cannot open \(path): \(SystemError.text(code))")
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw FileError(.notAFile, "\(path) is not a regular file")
    }
    self.path = path
    self.descriptor = descriptor
    byteCount = Int(status.st_size)
    mode = status.st_mode & 0o7777
  }

  deinit {
    close(descriptor)
  }

  /// Reads up to `buffer.count` bytes at `offset`; 0 at the end of the file.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) -> Int {
    while true {
      let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
      if count >= 0 { return count }
      let code = errno
      guard code == EINTR else {
        throw FileError(.unreadable, "cannot read \(path): \(SystemError.text(code))")
      }
    }
  }

  /// The whole file; an error when it is longer than `maximumBytes`.
  func readAll(maximumBytes: Int) throws(FileError) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(min(byteCount, maximumBytes) + 1)
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    defer {
      Secret.wipe(chunk)
      chunk.deallocate()
    }
    while true {
      let count = try read(into: chunk, at: bytes.count)
      if count == 0 { return bytes }
      guard bytes.count + count <= maximumBytes else {
        bytes.wipe()
        throw FileError(.tooLong, "\(path) is longer than \(maximumBytes) bytes")
      }
      bytes.append(contentsOf: chunk[..<count])
    }
  }
}

enum SystemError {
  static func text(_ code: Int32) -> String {
    strerror(code).map { String(cString: $0) } ?? "error \(code)"
  }
}

extension [UInt8] {
  /// Overwrites what it holds, for bytes that were a secret.
  mutating func wipe() {
    withUnsafeMutableBytes { Secret.wipe($0) }
  }
}

/// Paths as text, without touching the disk.
enum PathText {
  /// The folder of a path: `a/b` → `a`, `a` → `.`, `/a` → `/`.
  static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  static func join(_ folder: String, _ path: String) -> String {
    if path.hasPrefix("/") { return path }
    if folder == "." { return path }
    return folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
  }

  /// The absolute form without `.`, `..` or doubled slashes. Links are not looked at.
  static func absolute(_ path: String, from folder: String? = nil) -> String {
    var whole = path
    if !whole.hasPrefix("/") { whole = join(folder ?? currentFolder(), path) }
    var parts: [Substring] = []
    for part in whole.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// Whether an absolute path is below another, both without `.`, `..` and doubled slashes.
  static func lies(_ path: String, within folder: String) -> Bool {
    path != folder && path.hasPrefix(folder == "/" ? "/" : folder + "/")
  }

  static func currentFolder() -> String {
    guard let text = getcwd(nil, 0) else { return "/" }
    defer { free(text) }
    return String(cString: text)
  }

  /// A path as a shell takes it.
  static func quoted(_ path: String) -> String {
    let plain = path.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"),
        UInt8(ascii: "_"):
        true
      default: false
      }
    }
    if plain, !path.hasPrefix("-") { return path }
    let inside = path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
    return path.hasPrefix("-") ? "'./\(inside)'" : "'\(inside)'"
  }
}
