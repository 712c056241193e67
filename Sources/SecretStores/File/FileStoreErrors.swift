internal import FileSystem
internal import RotationPorts

extension StoreError {
  /// What a failure of the file system means for a store, with what to do about it.
  init(_ error: FileSystemError) {
    let code: Code
    let hint: String
    switch error.code {
    case .noRoom, .overQuota:
      (code, hint) = (.noRoom, "Make room on the file system that holds it; the next run goes on.")
    case .unknownUser, .unknownGroup:
      (code, hint) = (
        .misconfigured, "Create the account, or correct owner and group of the store or the row."
      )
    case .notPermitted where error.operation == .setOwner:
      (code, hint) = (
        .misconfigured, "Run as root or with CAP_CHOWN, or leave owner and group out of the job file."
      )
    case .isLink:
      (code, hint) = (
        .misconfigured, "Links are not followed. Put a real file or folder there, or name another directory."
      )
    case .notDirectory:
      (code, hint) = (
        .misconfigured,
        "Something else is in the place of a folder. Move it away, or name another directory."
      )
    case .isDirectory, .wrongKind:
      (code, hint) = (
        .misconfigured, "Something else is in the place of a file. Move it away; the next run goes on."
      )
    case .busy:
      (code, hint) = (.ownedByAnother, "Another process has the store open; wait until it has ended.")
    case .readOnly:
      (code, hint) = (.unavailable, "Mount the file system writable, or add it to ReadWritePaths=.")
    case .accessDenied, .notPermitted:
      (code, hint) = (.unavailable, "Let the user who runs the program write there.")
    case .inputOutput: (code, hint) = (.unavailable, "Look into the system's log for errors of the disk.")
    case .tooManyOpenFiles: (code, hint) = (.unavailable, "Raise the limit of open files (LimitNOFILE=).")
    case .tooLarge: (code, hint) = (.malformed, "Somebody else wrote it; move it away.")
    case .nameTooLong: (code, hint) = (.misconfigured, "Choose a shorter directory, name or secret.")
    case .missing: (code, hint) = (.unavailable, "Something removed a part of the store while it was in use.")
    case .exists, .other: (code, hint) = (.unavailable, "The next run tries again.")
    }
    self.init(code, message: error.message, hint: hint)
  }

  /// Runs operations on files and says their failures in the store's terms.
  static func wrap<Result>(
    _ body: () throws(FileSystemError) -> Result
  ) throws(StoreError) -> Result {
    do {
      return try body()
    } catch {
      throw StoreError(error)
    }
  }

  static func conflict(_ message: String, hint: String? = nil) -> StoreError {
    StoreError(.conflict, message: message, hint: hint)
  }
}
