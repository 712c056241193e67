public import RotationPorts

/// A job file, read and found valid: what one job asks for.
public struct Job: Equatable, Sendable {
  /// The job's identity, whatever its file is called.
  public var name: String
  /// The job file as the user named it.
  public var path: String
  /// The same as a shell takes it, for commands in hints.
  public var quotedPath: String { PathText.quoted(path) }
  /// The absolute path of the job file's folder.
  public var folder: String
  /// The absolute path of the CSV.
  public var specificationPath: String
  /// The CSV as error messages name it: beside the job file, as the user named that.
  public var specificationShownAs: String
  public var cluster: ClusterSettings
  /// Nil: create what is missing, rotate nothing.
  public var rotation: RotationSettings?
  public var activation: ActivationSettings
  public var limits: LimitSettings
  /// Nil: a CSV may ask for anything.
  public var policy: PolicySettings?
  /// One or more.
  public var stores: [StoreSettings]
  public var hooks: [HookSettings]
  public var audit: AuditSettings
  public var ledger: LedgerSettings

  public init(
    name: String, path: String, folder: String, specificationPath: String, specificationShownAs: String,
    cluster: ClusterSettings, rotation: RotationSettings? = nil, activation: ActivationSettings,
    limits: LimitSettings, policy: PolicySettings? = nil, stores: [StoreSettings], hooks: [HookSettings],
    audit: AuditSettings, ledger: LedgerSettings
  ) {
    self.name = name
    self.path = path
    self.folder = folder
    self.specificationPath = specificationPath
    self.specificationShownAs = specificationShownAs
    self.cluster = cluster
    self.rotation = rotation
    self.activation = activation
    self.limits = limits
    self.policy = policy
    self.stores = stores
    self.hooks = hooks
    self.audit = audit
    self.ledger = ledger
  }
}

/// `[cluster]`: which cluster, and how to reach it.
public struct ClusterSettings: Equatable, Sendable {
  public enum Product: String, Sendable, CaseIterable {
    case dedicated
    case clustered
  }

  /// Nil: that of the profile, or Cloud Dedicated where there is none.
  public var product: Product?
  /// The profile of influxctl's config.toml that fills in what is nil here.
  public var profile: String?
  /// A UUID, for Cloud Dedicated. Nil only when there is a profile.
  public var accountID: String?
  /// A UUID, for Cloud Dedicated. Nil only when there is a profile.
  public var clusterID: String?
  /// Scheme, host and port of the query and write endpoint, without a slash at the end. Nil only when
  /// there is a profile.
  public var host: String?
  /// The Management API's base, without a slash at the end. Nil: InfluxData's console, or `/api/v0` of the host
  /// itself for Clustered.
  public var managementURL: String?
  /// Nil only when there is a profile.
  public var managementToken: SecretSource?
  public var tls: TLSSettings

  public init(
    product: Product? = nil, profile: String? = nil, accountID: String? = nil, clusterID: String? = nil,
    host: String? = nil, managementURL: String? = nil, managementToken: SecretSource? = nil,
    tls: TLSSettings
  ) {
    self.product = product
    self.profile = profile
    self.accountID = accountID
    self.clusterID = clusterID
    self.host = host
    self.managementURL = managementURL
    self.managementToken = managementToken
    self.tls = tls
  }
}

/// `[cluster.tls]`: absolute paths of PEM files.
public struct TLSSettings: Equatable, Sendable {
  public var authority: String?
  /// Given together with `key`.
  public var certificate: String?
  public var key: String?

  public init(authority: String? = nil, certificate: String? = nil, key: String? = nil) {
    self.authority = authority
    self.certificate = certificate
    self.key = key
  }
}

/// `[rotation]`
public struct RotationSettings: Equatable, Sendable {
  public enum Retirement: String, Sendable, CaseIterable {
    case revoke
    case disableThenRevoke = "disable-then-revoke"
  }

  /// Nil: only rows with a `rotate_every` of their own.
  public var every: Duration?
  public var overlap: Duration
  public var retirement: Retirement
  public var quarantine: Duration
  public var expiresIn: Duration?
  /// Nil: a third of the token's lifetime.
  public var renewBefore: Duration?

  public init(
    every: Duration? = nil, overlap: Duration, retirement: Retirement, quarantine: Duration,
    expiresIn: Duration? = nil, renewBefore: Duration? = nil
  ) {
    self.every = every
    self.overlap = overlap
    self.retirement = retirement
    self.quarantine = quarantine
    self.expiresIn = expiresIn
    self.renewBefore = renewBefore
  }
}

/// `[activation]`: when a new token counts as active.
public struct ActivationSettings: Equatable, Sendable {
  /// How long one run waits for one token, from its first probe.
  public var timeout: Duration = .seconds(600)
  public var abandonAfter: Duration = .seconds(86_400)
  /// Full rounds that must succeed in a row.
  public var consecutive = 3
  /// What those rounds are spread over, at the least.
  public var settle: Duration = .seconds(10)
  /// The database that a permission on every database is asked about with.
  public var database: String?

  public init(
    timeout: Duration = .seconds(600), abandonAfter: Duration = .seconds(86_400), consecutive: Int = 3,
    settle: Duration = .seconds(10), database: String? = nil
  ) {
    self.timeout = timeout
    self.abandonAfter = abandonAfter
    self.consecutive = consecutive
    self.settle = settle
    self.database = database
  }
}

/// `[limits]`
public struct LimitSettings: Equatable, Sendable {
  /// Creations in flight.
  public var concurrency = 16
  /// To the Management API.
  public var requestsPerSecond = 50
  /// To the query endpoint.
  public var probesPerSecond = 50
  public var maximumCreates = 500
  /// The whole time that one Management API request may take.
  public var requestTimeout: Duration = .seconds(30)

  public init(
    concurrency: Int = 16, requestsPerSecond: Int = 50, probesPerSecond: Int = 50, maximumCreates: Int = 500,
    requestTimeout: Duration = .seconds(30)
  ) {
    self.concurrency = concurrency
    self.requestsPerSecond = requestsPerSecond
    self.probesPerSecond = probesPerSecond
    self.maximumCreates = maximumCreates
    self.requestTimeout = requestTimeout
  }
}

/// `[policy]`: what a CSV may ask for.
public struct PolicySettings: Equatable, Sendable {
  /// Patterns in which `*` stands for any characters. Nil: every name.
  public var databases: [String]?
  public var allowsWildcard: Bool

  public init(databases: [String]?, allowsWildcard: Bool) {
    self.databases = databases
    self.allowsWildcard = allowsWildcard
  }

  /// Whether a row may name this database.
  public func allows(database: some StringProtocol) -> Bool {
    guard let databases else { return true }
    return databases.contains { DatabasePattern.matches(database.utf8, pattern: $0.utf8) }
  }
}

/// The modes that a token's file may have.
public enum FileMode: UInt16, Sendable, CaseIterable {
  case ownerOnly = 0o600
  case groupMayRead = 0o640

  /// Reads `0600` or `0640`, nil for anything else.
  public init?(text: some StringProtocol) {
    switch text {
    case "0600", "600": self = .ownerOnly
    case "0640", "640": self = .groupMayRead
    default: return nil
    }
  }
}

/// `[[hook]]`: what is run when something happened.
public struct HookSettings: Equatable, Sendable {
  /// Its name is the program's and a digest of what else tells this hook from others: the same for the same command.
  public var hook: Hook
  /// The program and its arguments. A program with a slash in it is an absolute path.
  public var command: [String]
  public var timeout: Duration

  public init(hook: Hook, command: [String], timeout: Duration) {
    self.hook = hook
    self.command = command
    self.timeout = timeout
  }
}

/// `[audit]`
public struct AuditSettings: Equatable, Sendable {
  /// An absolute path. Nil: `audit.jsonl` in the state directory.
  public var file: String?
  /// The absolute path of an Ed25519 key.
  public var signingKeyFile: String?

  public init(file: String? = nil, signingKeyFile: String? = nil) {
    self.file = file
    self.signingKeyFile = signingKeyFile
  }
}

/// `[ledger]`
public struct LedgerSettings: Equatable, Sendable {
  /// Nil: SQLite in the state directory.
  public var url: String?

  public init(url: String? = nil) {
    self.url = url
  }
}
