public import RotationModel
public import RotationPorts

/// How a store behind programs is set up.
public struct CommandStoreSettings: Sendable {
  /// The store's name within its job.
  public var name: String
  /// The programs and their arguments, `{job}` and `{name}` standing for those of the token.
  public var commands: Commands
  /// Where they start.
  public var workingDirectory: String
  /// Of this process; little of it is handed on.
  public var environment: [String: String]
  /// For each call.
  public var timeout: Duration
  /// The folder of records, in the state directory.
  public var directory: String
  /// 32 bytes as 64 hexadecimal digits, to which strings in those records are sealed; nil: they are closed by their
  /// mode alone.
  public var pendingKey: (@Sendable () async throws(StoreError) -> Secret)?
  public var installation: InstallationID

  public struct Commands: Equatable, Sendable {
    /// Makes the string on standard input what consumers read.
    public var promote: [String]
    /// Puts the string on standard input into a place that consumers do not read; nil: that is ours to do.
    public var stage: [String]?
    /// Writes the string of a place to standard output; nothing when there is none.
    public var read: [String]?
    /// Empties a place.
    public var discard: [String]?

    public init(promote: [String], stage: [String]? = nil, read: [String]? = nil, discard: [String]? = nil) {
      self.promote = promote
      self.stage = stage
      self.read = read
      self.discard = discard
    }
  }

  public init(
    name: String, commands: Commands, workingDirectory: String, environment: [String: String],
    timeout: Duration = .seconds(30), directory: String,
    pendingKey: (@Sendable () async throws(StoreError) -> Secret)? = nil, installation: InstallationID
  ) {
    self.name = name
    self.commands = commands
    self.workingDirectory = workingDirectory
    self.environment = environment
    self.timeout = timeout
    self.directory = directory
    self.pendingKey = pendingKey
    self.installation = installation
  }
}
