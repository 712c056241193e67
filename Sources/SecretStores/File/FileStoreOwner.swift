public import FileSystem
public import RotationModel

extension FileStore {
  /// Which installation a directory belongs to; nil when it is no file store, or none that can be read.
  /// For rebuilding a lost ledger under the id that store and cluster know.
  public static func installation(of directory: String, fileSystem: any FileSystem) -> InstallationID? {
    let path = FileStorePaths(directory: directory).installation
    guard let content = try? fileSystem.readFileIfPresent(path, maximumBytes: 4096),
      let json = FlatJSONReader(content)
    else { return nil }
    return json.text("installation").flatMap { InstallationID($0) }
  }
}
