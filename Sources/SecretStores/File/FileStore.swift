public import FileSystem
public import RotationModel
public import RotationPorts

/// Keeps tokens in files of a directory, one a name, as consumers read them.
///
/// ```
/// DIRECTORY/            made 0711: an owner can open his file, nobody else can list names
///   NAME[.env|.json]    the current token, 0600 or 0640, replaced in one step
///   .pending/NAME       the staged token with what is known about it (0700, as the next two)
///   .previous/NAME      the token that was current before
///   .owner/NAME         whose the current file is and which token it holds, without the string
///   .installation       which installation owns the directory
///   .lock               locked while a process has the store open
/// ```
///
/// Every change is written to a new file, synced, renamed, and the folder synced. A place is meant to be
/// used by one task at a time; different places may be used at once.
public final class FileStore: SecretStore {
  private let files: FileStoreFiles
  private let executor: (any TaskExecutor)?

  public var name: String { files.settings.name }

  /// `executor`: where the blocking calls run, `BlockingThreads` in the program; nil: where the caller runs.
  public init(
    settings: FileStoreSettings, fileSystem: any FileSystem, executor: (any TaskExecutor)? = nil
  ) {
    files = FileStoreFiles(settings: settings, fileSystem: fileSystem)
    self.executor = executor
  }

  public func open() async throws(StoreError) {
    try await blocking { files throws(StoreError) in try files.open() }
  }

  public func requireTaken() async throws(StoreError) {
    try await blocking { files throws(StoreError) in try files.requireTaken() }
  }

  public func close() async {
    files.close()
  }

  public func reserve(_ place: StorePlace, for token: PlannedToken) async throws(StoreError) {
    try await blocking { files throws(StoreError) in try files.reserve(place, for: token) }
  }

  public func stage(_ token: StoredToken, at place: StorePlace) async throws(StoreError) {
    try await blocking { files throws(StoreError) in try files.stage(token, at: place) }
  }

  public func promote(generation: Int, at place: StorePlace) async throws(StoreError) {
    try await blocking { files throws(StoreError) in try files.promote(generation, at: place) }
  }

  public func read(
    _ which: Event.Place, at place: StorePlace
  ) async throws(StoreError) -> StoredToken? {
    try await blocking { files throws(StoreError) in try files.read(which, at: place) }
  }

  public func inspect(
    _ place: StorePlace, attempt: AttemptID
  ) async throws(StoreError) -> StoreFlaw? {
    try await blocking { files throws(StoreError) in try files.inspect(place, attempt: attempt) }
  }

  public func rollBack(from: Int, to: Int, at place: StorePlace) async throws(StoreError) {
    try await blocking { files throws(StoreError) in try files.rollBack(from: from, to: to, at: place) }
  }

  public func withdraw(generation: Int, at place: StorePlace) async throws(StoreError) {
    try await blocking { files throws(StoreError) in try files.withdraw(generation, at: place) }
  }

  public func relocate(from old: StorePlace, to place: StorePlace) async throws(StoreError) {
    try await blocking { files throws(StoreError) in try files.relocate(from: old, to: place) }
  }

  public func discard(
    _ which: Event.Place, attempt: AttemptID, at place: StorePlace
  ) async throws(StoreError) {
    try await blocking { files throws(StoreError) in
      try files.discard(which, attempt: attempt, at: place)
    }
  }

  private func blocking<Result: Sendable>(
    _ body: @escaping @Sendable (FileStoreFiles) throws(StoreError) -> Result
  ) async throws(StoreError) -> Result {
    let files = files
    return try await withTaskExecutorPreference(executor) { () async throws(StoreError) in
      try body(files)
    }
  }
}
