internal import Digests
internal import FileSystem
internal import RotationPorts

extension AuditError {
  /// A failed call on the file.
  init(_ error: FileSystemError) {
    if error.isNoRoom {
      self.init(
        .noRoom, message: "no room for the audit log: \(error.message)",
        hint: "make room on its file system; nothing is sent until there is some")
      return
    }
    let hint: String? =
      switch error.code {
      case .isLink: "the audit log may not be a symbolic link: name the file itself in [audit] file"
      case .wrongKind, .isDirectory: "the audit log must be a regular file: choose another [audit] file"
      case .accessDenied, .notPermitted, .readOnly:
        "make the file and its folder writable for the user that runs this"
      default: "mend the disk or choose another [audit] file; nothing is sent until the log can be written"
      }
    self.init(.unwritable, message: "the audit log cannot be used: \(error.message)", hint: hint)
  }

  init(_ error: DigestError) {
    self.init(.unwritable, message: error.message, hint: error.hint)
  }

  static func tampered(_ message: String) -> AuditError {
    AuditError(
      .tampered, message: message,
      hint: "look at it with `tokenrotate audit verify`; `tokenrotate audit repair` keeps the file aside and"
        + " starts a new one that says so")
  }

  /// A log with lines beside a ledger that has never written one.
  static func ledgerIsNew(_ path: String) -> AuditError {
    AuditError(
      .tampered, message: "\(path) has lines, and the ledger is new: it was lost, or the log is another's",
      hint: "if the ledger was lost: `tokenrotate audit repair` keeps the old log aside and begins a new one,"
        + " then `tokenrotate adopt JOB.toml` rebuilds the ledger")
  }

  /// The error with commands in its hint that look at this log: without `arguments` (` --job job.toml`, or
  /// nothing) they would look at that of the state directory.
  func naming(_ arguments: String) -> AuditError {
    var error = self
    for command in ["tokenrotate audit verify", "tokenrotate audit repair"] {
      error.hint = error.hint?.replacing("`\(command)`", with: "`\(command)\(arguments)`")
    }
    return error
  }

  /// Any failure in the audit log's words.
  init(any error: any Error) {
    switch error {
    case let error as AuditError: self = error
    case let error as FileSystemError: self.init(error)
    case let error as DigestError: self.init(error)
    default:
      self.init(.unwritable, message: "the audit log failed: \(type(of: error))", hint: "report this")
    }
  }
}

/// Runs `body` and says its failures in the audit log's words.
func auditing<Answer>(_ body: () throws -> Answer) throws(AuditError) -> Answer {
  do {
    return try body()
  } catch {
    throw AuditError(any: error)
  }
}
