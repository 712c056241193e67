public import RotationModel

/// How a file store is set up.
public struct FileStoreSettings: Sendable {
  /// The store's name within its job.
  public var name: String
  /// Absolute path. Made with its parents when it is missing.
  public var directory: String
  public var format: FileStoreFormat
  /// The system user and group that own the files; nil: whoever runs the program.
  public var owner: String?
  public var group: String?
  /// 0o600 or 0o640.
  public var mode: UInt32
  /// The mode of the directory when the store makes it. The files are closed to others, but their owners
  /// have to get at them: 0o711 lets everybody open a file whose name he knows and list nothing.
  public var directoryMode: UInt32
  public var installation: InstallationID

  public init(
    name: String, directory: String, format: FileStoreFormat = .raw, owner: String? = nil,
    group: String? = nil, mode: UInt32 = 0o600, directoryMode: UInt32 = 0o711,
    installation: InstallationID
  ) {
    self.name = name
    self.directory = directory
    self.format = format
    self.owner = owner
    self.group = group
    self.mode = mode
    self.directoryMode = directoryMode
    self.installation = installation
  }
}
