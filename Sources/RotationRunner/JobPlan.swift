public import RotationModel
public import RotationPorts

/// One job, ready to run: validated settings, and the ports that its cluster and stores are reached by.
public struct JobPlan: Sendable {
  /// The job's identity in ledger, marker and audit log.
  public var name: String
  /// The CSV is a one-off: its tokens are made once and left alone by `run`.
  public var isOneOff: Bool
  public var binding: JobBinding
  /// The query and write endpoint, a full URL, as the stores tell it to consumers.
  public var host: String
  public var activation: ActivationPolicy
  public var abandonAfter: Duration
  /// Asked about for a wildcard permission; nil: the first database of the cluster by name.
  public var activationDatabase: String?
  public var limits: Limits
  public var specification: any Specification
  public var service: any TokenService
  public var probe: any ActivationProbe
  /// In the job's order, at least one; strings are staged in the first.
  public var stores: [any SecretStore]
  public var journal: Journal
  /// When tokens are due, and how they are retired.
  public var policy: RotationPolicy = .off
  /// Whether `[policy]` lets a token have this permission. Rows were held against it when they were read; this is
  /// for permissions that come from a token on the cluster.
  public var allows: @Sendable (Permission) -> Bool = { _ in true }
  /// In the job's order.
  public var hooks: [Hook] = []
  public var hookRunner: any Hooks = NoHooks()
  /// Where a string goes that a person waits for; nil: every string goes to the stores.
  public var display: (any SecretDisplay)?
  /// The names that this run is about; nil: all.
  public var only: Set<String>?
  /// Whether tokens are made and revoked although many of the job's are missing on the cluster.
  public var isForced = false

  public struct Limits: Equatable, Sendable {
    /// Tokens worked on at the same time, those that wait for activation aside.
    public var concurrency: Int
    public var managementRequestsPerSecond: Int
    public var probesPerSecond: Int
    /// A run that would create more is refused before its first request.
    public var maximumCreates: Int

    public init(
      concurrency: Int, managementRequestsPerSecond: Int, probesPerSecond: Int, maximumCreates: Int
    ) {
      self.concurrency = concurrency
      self.managementRequestsPerSecond = managementRequestsPerSecond
      self.probesPerSecond = probesPerSecond
      self.maximumCreates = maximumCreates
    }
  }

  public init(
    name: String, isOneOff: Bool, binding: JobBinding, host: String, activation: ActivationPolicy,
    abandonAfter: Duration, activationDatabase: String?, limits: Limits,
    specification: any Specification, service: any TokenService, probe: any ActivationProbe,
    stores: [any SecretStore], journal: Journal
  ) {
    self.name = name
    self.isOneOff = isOneOff
    self.binding = binding
    self.host = host
    self.activation = activation
    self.abandonAfter = abandonAfter
    self.activationDatabase = activationDatabase
    self.limits = limits
    self.specification = specification
    self.service = service
    self.probe = probe
    self.stores = stores
    self.journal = journal
  }

  /// Whether its tokens are asked for on the command line, on any machine: markers that this ledger does not know are
  /// nobody's mistake, and nothing is made a second time.
  var isByHand: Bool { ReservedJobName.isReserved(name) }

  var storeNames: [String] { stores.map(\.name) }
}

/// For jobs without hooks.
struct NoHooks: Hooks {
  func tell(_ hook: Hook, _ call: HookCall) async throws(HookError) {
    throw HookError(message: "hook \(hook.name) is not known; this is a fault of tokenrotate")
  }
}

/// The ports that all jobs of a run share.
public struct RunPorts: Sendable {
  public var ledger: any Ledger
  public var clock: any RotationClock
  public var random: any RandomSource
  public var interruption: any Interruption
  public var reporter: any Reporter
  public var lease: Lease

  public init(
    ledger: any Ledger, clock: any RotationClock, random: any RandomSource,
    interruption: any Interruption, reporter: any Reporter, lease: Lease
  ) {
    self.ledger = ledger
    self.clock = clock
    self.random = random
    self.interruption = interruption
    self.reporter = reporter
    self.lease = lease
  }
}
