internal import Glibc

/// What root may believe: a file that others can change decides what a run as root does.
///
/// The rule holds only when the program runs as root. A file is refused when somebody else owns it, when
/// everybody may write to it, or when a group other than root's may. So is one whose own folder is like
/// that, sticky or not, because whoever writes there can put a file in its place before it exists. Folders
/// further up may be writable if they are sticky, as /tmp is: there, others cannot rename what is root's.
public struct TrustRule: Sendable {
  /// The effective user id that the program runs as.
  public var userID: UInt32

  public init(userID: UInt32) {
    self.userID = userID
  }

  /// The rule for the user that this process runs as.
  public static var ofThisProcess: TrustRule { TrustRule(userID: geteuid()) }

  /// - Throws: `FileError` with the command that mends it. A file that is not there is let pass: whoever
  ///   opens it says so.
  public func check(_ path: String) throws(FileError) {
    guard userID == 0 else { return }
    try check(path, as: "the file", stickyIsSafe: false)
    try check(PathText.folder(of: path), as: "the folder", stickyIsSafe: false)
    guard let resolved = realpath(path, nil) else { return }
    defer { free(resolved) }
    let real = String(cString: resolved)
    var folder = PathText.folder(of: real)
    try check(folder, as: "the folder", stickyIsSafe: false)
    while folder != "/" {
      folder = PathText.folder(of: folder)
      try check(folder, as: "the folder", stickyIsSafe: true)
    }
  }

  private func check(_ path: String, as what: String, stickyIsSafe: Bool) throws(FileError) {
    var status = stat()
    guard stat(path, &status) == 0 else { return }
    let shown = PathText.quoted(path)
    guard status.st_uid == 0 else {
      throw FileError(
        .writableByOthers, "\(what) \(path) belongs to user \(status.st_uid), and tokenrotate runs as root",
        hint: "chown root \(shown)")
    }
    let everybody = status.st_mode & 0o002 != 0
    let group = status.st_mode & 0o020 != 0 && status.st_gid != 0
    guard everybody || group, !(stickyIsSafe && status.st_mode & 0o1000 != 0) else { return }
    let who = everybody ? "everybody" : "group \(status.st_gid)"
    let classes = (status.st_mode & 0o020 != 0 ? "g" : "") + (everybody ? "o" : "")
    throw FileError(
      .writableByOthers, "\(what) \(path) can be written by \(who), and tokenrotate runs as root",
      hint: "chmod \(classes)-w \(shown)")
  }
}
