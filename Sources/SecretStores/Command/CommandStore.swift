public import FileSystem
public import RotationModel
public import RotationPorts

/// Keeps tokens in whatever a user's programs keep them in.
///
/// ```
/// DIRECTORY/                the records of this store, in the state directory, 0700
///   pending|current|previous/NAME   which token is in that place, 0600; with its string where the programs have no
///                           such place, or cannot give it back
///   .installation, .lock    as in a file store
/// ```
public enum CommandStore {
  /// `executor`: where what blocks is run.
  public static func make(
    _ settings: CommandStoreSettings, fileSystem: any FileSystem, executor: (any TaskExecutor)? = nil
  ) -> any SecretStore {
    let documents = CommandDocuments(
      settings: settings, records: LocalRecords(settings: settings, fileSystem: fileSystem),
      tool: StoreTool(settings: settings), executor: executor)
    return RecordStore(name: settings.name, backend: DocumentBackend(space: documents), jobs: ["-"])
  }

  /// The installation that a folder of records belongs to; nil when it is none.
  public static func installation(of directory: String, fileSystem: any FileSystem) -> InstallationID? {
    LocalRecords.installation(of: directory, fileSystem: fileSystem)
  }
}
