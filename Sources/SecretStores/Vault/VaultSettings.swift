public import RotationModel
public import RotationPorts

/// How a store in the KV version 2 engine of HashiCorp Vault or OpenBao is set up.
public struct VaultSettings: Sendable {
  /// The store's name within its job.
  public var name: String
  public var job: String
  /// The server, a URL without a slash at its end.
  public var address: String
  /// The path of an agent's socket; the address then only names the host in requests.
  public var unixSocket: String?
  public var namespace: String?
  /// The path at which the engine is mounted.
  public var mount: String
  /// The path of a token's secret within the engine, `{job}` and `{name}` standing for those.
  public var path: String
  /// Where pending and previous tokens and the owner record are, within the engine.
  public var privatePath: String
  /// The member of the secret that holds the string.
  public var field: String
  public var authentication: Authentication
  /// For one request.
  public var timeout: Duration
  public var installation: InstallationID

  /// Reads a credential anew at each call.
  public typealias Source = @Sendable () async throws(StoreError) -> Secret

  public enum Authentication: Sendable {
    /// A token as it is; read again after a refusal.
    case token(Source)
    case appRole(mount: String, roleID: String, secretID: Source)
    /// A service account's token is exchanged.
    case kubernetes(mount: String, role: String, serviceAccountToken: Source)
    /// An agent adds its own.
    case agent
  }

  public init(
    name: String, job: String, address: String, unixSocket: String? = nil, namespace: String? = nil,
    mount: String = "secret", path: String = "{job}/{name}", privatePath: String = "tokenrotate",
    field: String = "INFLUX_TOKEN", authentication: Authentication, timeout: Duration = .seconds(30),
    installation: InstallationID
  ) {
    self.name = name
    self.job = job
    self.address = address
    self.unixSocket = unixSocket
    self.namespace = namespace
    self.mount = mount
    self.path = path
    self.privatePath = privatePath
    self.field = field
    self.authentication = authentication
    self.timeout = timeout
    self.installation = installation
  }
}
