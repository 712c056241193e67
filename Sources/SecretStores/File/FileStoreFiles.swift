internal import FileSystem
internal import Locks
internal import RotationPorts

/// The file store without tasks: what its calls do to files. See `FileStore` for the layout.
final class FileStoreFiles: Sendable {
  let settings: FileStoreSettings
  let fileSystem: any FileSystem
  let paths: FileStorePaths
  let state = Locked(State())

  struct State {
    var lock: (any FileLock)?
    /// Owners that a file was given to since `open`, so that each is tried out only once.
    var triedOwners: Set<Ownership> = []
  }

  /// Who gets a current file.
  struct Ownership: Hashable {
    var owner: String?
    var group: String?
  }

  init(settings: FileStoreSettings, fileSystem: any FileSystem) {
    self.settings = settings
    self.fileSystem = fileSystem
    paths = FileStorePaths(directory: settings.directory)
  }

  func close() {
    state.withLock { $0.lock.take() }?.release()
  }
}

extension FileStoreFiles {
  func filesOfOpenStore(_ place: StorePlace) throws(StoreError) -> FileStorePaths.Files {
    guard state.withLock({ $0.lock != nil }) else {
      throw StoreError(.unavailable, message: "the store \(settings.directory) is not open")
    }
    return try paths.files(of: place, format: settings.format)
  }

  func ownership(of place: StorePlace) -> Ownership {
    Ownership(owner: place.owner ?? settings.owner, group: place.group ?? settings.group)
  }

  // MARK: Errors

  func pendingConflict(_ pending: PlaceRecord, _ place: StorePlace) -> StoreError {
    StoreError.conflict(
      "attempt \(pending.attempt) (generation \(pending.generation)) of \(place.name) is pending in "
        + settings.directory,
      hint: "Promote or discard it first; `tokenrotate run` does so.")
  }

  func halfRolledBack(_ place: StorePlace) -> StoreError {
    StoreError.conflict(
      "a rollback of \(place.name) is half done in \(settings.directory)",
      hint: "Roll it back again, which completes it; both strings are kept.")
  }

  func foreignFile(_ path: String) -> StoreError {
    StoreError(
      .ownedByAnother, message: "\(path) was not written by tokenrotate and is left alone",
      hint: "Move it away, or give the row another secret.")
  }

  func malformed(_ path: String) -> StoreError {
    StoreError(
      .malformed, message: "\(path) is not a record of this version of tokenrotate",
      hint: "A newer version or somebody else wrote it. Restore it from a backup, or move it away.")
  }
}
