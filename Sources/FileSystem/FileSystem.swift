/// The part of a file system that durable files are built from, one primitive a call.
///
/// The primitives are fine-grained on purpose: a simulated disk can fail or lose power between any two of
/// them, so what survives a crash is tested and not hoped for. All calls block. Paths are absolute or
/// relative to the working directory; a last component that is a symbolic link is never followed.
public protocol FileSystem: Sendable {
  /// The user id that files are created under.
  var effectiveUser: UInt32 { get }

  /// Makes one directory with exactly this mode, whatever the umask. Throws `.exists` when something has
  /// the name already.
  func createDirectory(_ path: String, mode: UInt32) throws(FileSystemError)
  /// Opens a regular file. Throws `.wrongKind` or `.isLink` for anything else, without hanging on a pipe.
  func openFile(_ path: String, for access: FileAccess) throws(FileSystemError) -> any OpenFile
  /// Gives a file another name in one step. Throws `.exists` when `replacing` is false and the new name
  /// is taken. Durable only after `syncDirectory` of both folders.
  func rename(_ path: String, to newPath: String, replacing: Bool) throws(FileSystemError)
  /// Removes the name of a file, or a link, never a directory. Durable after `syncDirectory`.
  func removeFile(_ path: String) throws(FileSystemError)
  /// Makes the names in a directory durable.
  func syncDirectory(_ path: String) throws(FileSystemError)
  /// The names in a directory without `.` and `..`, sorted. Throws `.tooLarge` beyond `maximumCount`.
  func list(_ path: String, maximumCount: Int) throws(FileSystemError) -> [String]
  /// What is there, links not followed. Throws `.missing` when there is nothing.
  func status(_ path: String) throws(FileSystemError) -> FileStatus
  /// The whole content of a regular file. Throws `.tooLarge` for more than `maximumBytes`.
  func readFile(_ path: String, maximumBytes: Int) throws(FileSystemError) -> [UInt8]
  /// Creates the file if it is missing and locks it until `release()` or the end of the process. Throws
  /// `.busy` when another process, or another lock of this one, has it.
  func lock(_ path: String, mode: UInt32) throws(FileSystemError) -> any FileLock
}

/// What a file is opened for.
public enum FileAccess: Equatable, Sendable {
  /// A file that did not exist before, to read and write; the umask takes bits from `mode`.
  case createNew(mode: UInt32)
  case readOnly
  case readWrite
  /// Every write goes to the end.
  case append
}

/// An open regular file. Closed by `close()` or with the last reference.
public protocol OpenFile: AnyObject, Sendable {
  var path: String { get }

  /// Writes all bytes at an offset. After a failure some of them may be there. A file that is open for
  /// appending is written at its end whatever the offset.
  func write(_ bytes: RawSpan, at offsetBytes: Int64) throws(FileSystemError)
  /// Writes all bytes at the end of the file. After a failure some of them may be there.
  func append(_ bytes: RawSpan) throws(FileSystemError)
  /// Up to `maximumBytes` from an offset; fewer only at the end of the file.
  func read(at offsetBytes: Int64, maximumBytes: Int) throws(FileSystemError) -> [UInt8]
  /// Takes disk space from the start of the file, so that writing there later cannot find the disk full.
  /// With `keepingSize` the file's length stays as it is. Throws `.noRoom` before any write could.
  func allocate(byteCount: Int64, keepingSize: Bool) throws(FileSystemError)
  func truncate(to byteCount: Int64) throws(FileSystemError)
  /// Gives the file to a user and a group by name; nil leaves one as it is. Throws `.unknownUser`,
  /// `.unknownGroup`, or `.notPermitted` without the privilege.
  func setOwner(user: String?, group: String?) throws(FileSystemError)
  /// Sets exactly this mode, whatever the umask.
  func setMode(_ mode: UInt32) throws(FileSystemError)
  /// Makes content, size, owner and mode durable; the name only after `syncDirectory`.
  func sync() throws(FileSystemError)
  func status() throws(FileSystemError) -> FileStatus
  /// Nothing is called after it.
  func close()
}

/// A lock that dies with the process.
public protocol FileLock: AnyObject, Sendable {
  /// Gives the lock back; also when the last reference goes. Twice is once.
  func release()
}

/// What is at a path.
public struct FileStatus: Equatable, Sendable {
  public enum Kind: Equatable, Sendable {
    case file
    case directory
    case link
    /// A pipe, a socket or a device.
    case other
  }

  public var kind: Kind
  /// Permission bits, 0o000 to 0o7777.
  public var mode: UInt32
  public var user: UInt32
  public var group: UInt32
  public var sizeBytes: Int64
  public var inode: UInt64

  public init(
    kind: Kind, mode: UInt32, user: UInt32, group: UInt32, sizeBytes: Int64, inode: UInt64
  ) {
    self.kind = kind
    self.mode = mode
    self.user = user
    self.group = group
    self.sizeBytes = sizeBytes
    self.inode = inode
  }
}
