internal import Glibc

/// Why an operation on a file failed.
public struct FileSystemError: Error, Equatable, Sendable {
  /// What was being done, as the message says it.
  public enum Operation: String, Sendable, CaseIterable {
    case createDirectory = "create the directory"
    case openFile = "open"
    case write = "write to"
    case read = "read"
    case allocate = "reserve room for"
    case truncate = "shorten"
    case setOwner = "change the owner of"
    case setMode = "change the mode of"
    case sync = "sync"
    case rename = "rename"
    case removeFile = "remove"
    case syncDirectory = "sync the directory"
    case list = "list"
    case status = "look at"
    case lock = "lock"
  }

  /// The errors that callers tell apart.
  public enum Code: String, Sendable, CaseIterable {
    case missing
    case exists
    case noRoom = "no_room"
    case overQuota = "over_quota"
    case readOnly = "read_only"
    case inputOutput = "input_output"
    case accessDenied = "access_denied"
    case notPermitted = "not_permitted"
    case isLink = "is_link"
    case notDirectory = "not_a_directory"
    case isDirectory = "is_a_directory"
    /// Not a regular file, where one was expected.
    case wrongKind = "wrong_kind"
    case busy
    case nameTooLong = "name_too_long"
    case tooManyOpenFiles = "too_many_open_files"
    /// More than the caller's bound.
    case tooLarge = "too_large"
    case unknownUser = "unknown_user"
    case unknownGroup = "unknown_group"
    case other
  }

  public var operation: Operation
  public var path: String
  public var code: Code
  /// The system's number for the error; 0 when the system reported none.
  public var number: Int32
  /// One sentence: what could not be done, where and why. Never a part of a file's content.
  public var message: String

  /// An error that the system reported.
  public init(_ operation: Operation, path: String, number: Int32) {
    self.operation = operation
    self.path = path
    self.code = Code(number: number)
    self.number = number
    self.message = "cannot \(operation.rawValue) \(path): \(FileSystemError.text(ofNumber: number))"
  }

  /// An error that the system did not report; `reason` is the second half of the message.
  public init(_ operation: Operation, path: String, code: Code, reason: String) {
    self.operation = operation
    self.path = path
    self.code = code
    self.number = 0
    self.message = "cannot \(operation.rawValue) \(path): \(reason)"
  }

  /// Nothing has this name.
  public var isMissing: Bool { code == .missing }
  /// The disk, or the user's share of it, is full.
  public var isNoRoom: Bool { code == .noRoom || code == .overQuota }

  private static func text(ofNumber number: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard strerror_r(number, &buffer, buffer.count) == 0 else { return "error \(number)" }
    return buffer.withUnsafeBufferPointer { text in
      text.baseAddress.map { String(cString: $0) } ?? "error \(number)"
    }
  }
}

extension FileSystemError.Code {
  /// The name of a system error.
  init(number: Int32) {
    switch number {
    case ENOENT: self = .missing
    case EEXIST: self = .exists
    case ENOSPC: self = .noRoom
    case EDQUOT: self = .overQuota
    case EROFS: self = .readOnly
    case EIO: self = .inputOutput
    case EACCES: self = .accessDenied
    case EPERM: self = .notPermitted
    case ELOOP: self = .isLink
    case ENOTDIR: self = .notDirectory
    case EISDIR: self = .isDirectory
    case EWOULDBLOCK: self = .busy
    case ENAMETOOLONG: self = .nameTooLong
    case EMFILE, ENFILE: self = .tooManyOpenFiles
    default: self = .other
    }
  }

  /// The system's number for an error, for disks that are simulated; 0 where there is none.
  public var number: Int32 {
    switch self {
    case .missing: ENOENT
    case .exists: EEXIST
    case .noRoom: ENOSPC
    case .overQuota: EDQUOT
    case .readOnly: EROFS
    case .inputOutput: EIO
    case .accessDenied: EACCES
    case .notPermitted: EPERM
    case .isLink: ELOOP
    case .notDirectory: ENOTDIR
    case .isDirectory: EISDIR
    case .busy: EWOULDBLOCK
    case .nameTooLong: ENAMETOOLONG
    case .tooManyOpenFiles: EMFILE
    case .wrongKind, .tooLarge, .unknownUser, .unknownGroup, .other: 0
    }
  }
}
