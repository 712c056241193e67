public import RotationModel

/// An InfluxDB Cloud Dedicated cluster without network, clock or threads: tokens, databases and several
/// nodes that learn each token at different times.
///
/// Time is told with every call and must not run backwards; chance comes from the generator that `init`
/// was given. The same calls with the same generator give the same answers.
public struct SimulatedCluster: Sendable {
  public struct Configuration: Sendable {
    /// Names of the databases that exist.
    public var databases: [String] = []
    /// How many nodes answer queries and writes, at least 1.
    public var nodes = 3
    /// When nodes learn a new token: for each node evenly drawn from `activationDelay` ± `activationSpread`
    /// after its creation, never before it.
    public var activationDelay: Duration = .seconds(5)
    public var activationSpread: Duration = .seconds(2)
    /// How long revocations and permission changes take to reach the nodes; documented as immediate.
    public var changeDelay: Duration = .zero
    /// How long a new token is missing from the list.
    public var listLag: Duration = .zero
    /// Whether the list and GET show revoked tokens (with `revokedAt`); not documented either way.
    public var includesRevoked = false
    /// Creations beyond it are refused with 409, so that memory is bounded.
    public var maximumTokens = 1_000_000

    public init() {}
  }

  struct Slot: Sendable {
    var record: TokenRecord
    /// When each node learns the token.
    var knownAt: [Instant]
    /// What nodes go by until a change has reached them.
    var permissionsBefore: PermissionSet
    var permissionsReachNodesAt: Instant
  }

  public let configuration: Configuration
  /// Which faults happen, and how often each has.
  public var faults: FaultPlan
  /// How many POSTs were made with each description: an attempt's marker must not be seen twice.
  public private(set) var postsByDescription: [String: Int] = [:]

  var slots: [Slot] = []
  private var slotByID: [String: Int] = [:]
  /// The access tokens live in these keys only, so that no record can show one.
  private var slotByAccessToken: [String: Int] = [:]
  private var generator: SeededGenerator
  /// Effects that land later, in the order in which they were asked for.
  private var pending: [(due: Instant, call: ClusterCall)] = []

  public init(_ configuration: Configuration, generator: SeededGenerator, faults: [Fault] = []) {
    self.configuration = configuration
    self.generator = generator.fork(1)
    self.faults = FaultPlan(faults, generator: generator.fork(2))
  }

  // MARK: The Management API

  /// Makes a token; nil when the cluster holds as many as it may.
  public mutating func createToken(_ request: TokenRequest, at now: Instant) -> CreatedToken? {
    land(upTo: now)
    return insert(request, at: now)
  }

  /// Live tokens in the order of their creation, less those that the list does not show yet.
  public mutating func listTokens(at now: Instant) -> [TokenRecord] {
    land(upTo: now)
    return slots.lazy.map(\.record).filter { [configuration] record in
      (configuration.includesRevoked || record.revokedAt == nil)
        && record.createdAt + configuration.listLag <= now
    }
  }

  /// The token with this id; nil when there is none or, unless revoked ones are shown, it was revoked.
  public mutating func token(_ id: String, at now: Instant) -> TokenRecord? {
    land(upTo: now)
    guard let index = slotByID[id] else { return nil }
    let record = slots[index].record
    return record.revokedAt == nil || configuration.includesRevoked ? record : nil
  }

  /// Changes description or permissions; nil when no live token has this id.
  public mutating func updateToken(_ id: String, _ change: TokenChange, at now: Instant) -> TokenRecord? {
    land(upTo: now)
    return apply(change, to: id, at: now)
  }

  /// Revokes for good; false when no live token has this id.
  public mutating func revokeToken(_ id: String, at now: Instant) -> Bool {
    land(upTo: now)
    return markRevoked(id, at: now)
  }

  // MARK: The data API

  /// What node number `node` (from 0) says to a query of `database`.
  public mutating func query(
    node: Int, accessToken: String, database: String, at now: Instant
  ) -> AccessAnswer {
    land(upTo: now)
    return access(.read, node: node, accessToken: accessToken, database: database, at: now)
  }

  /// What node number `node` (from 0) says to a write without points to `database`.
  public mutating func write(
    node: Int, accessToken: String, database: String, at now: Instant
  ) -> AccessAnswer {
    land(upTo: now)
    return access(.write, node: node, accessToken: accessToken, database: database, at: now)
  }

  // MARK: What a test may look at

  /// Whether each node accepts the token with this id as known; nil when there is no such token.
  public mutating func nodesKnowing(_ id: String, at now: Instant) -> [Bool]? {
    land(upTo: now)
    guard let index = slotByID[id] else { return nil }
    return (0..<configuration.nodes).map { isKnown(slots[index], node: $0, at: now) }
  }

  /// Lets every node know every token from `now` on.
  public mutating func activateAll(at now: Instant) {
    land(upTo: now)
    for index in slots.indices {
      slots[index].knownAt = slots[index].knownAt.map { min($0, now) }
    }
  }

  /// Every token that is not revoked, expired ones included, whatever the list shows.
  public mutating func liveTokens(at now: Instant) -> [TokenRecord] {
    land(upTo: now)
    return slots.lazy.map(\.record).filter { $0.revokedAt == nil }
  }

  /// Every string ever made, by token id: for tests that look for leaks. No endpoint shows it.
  public var accessTokens: [String: String] {
    Dictionary(
      slotByAccessToken.map { (slots[$0.value].record.id, $0.key) }, uniquingKeysWith: { first, _ in first })
  }

  /// How many effects are still to land.
  public var pendingEffects: Int { pending.count }

  /// Counts a POST that was refused before it reached the cluster's state. Descriptions beyond
  /// `maximumTokens` of them are not counted any more, so that memory is bounded.
  public mutating func countPost(_ description: String) {
    guard
      postsByDescription.count < configuration.maximumTokens || postsByDescription[description] != nil
    else { return }
    postsByDescription[description, default: 0] += 1
  }

  // MARK: Inside

  /// Carries out what late answers left behind, each at its own time.
  mutating func land(upTo now: Instant) {
    guard !pending.isEmpty else { return }
    let landing = pending.filter { $0.due <= now }.sorted { $0.due < $1.due }
    guard !landing.isEmpty else { return }
    pending.removeAll { $0.due <= now }
    for effect in landing { _ = reply(to: effect.call, node: 0, at: effect.due) }
  }

  mutating func postpone(_ call: ClusterCall, until due: Instant) {
    pending.append((due, call))
  }

  mutating func insert(_ request: TokenRequest, at now: Instant) -> CreatedToken? {
    guard slots.count < configuration.maximumTokens else { return nil }
    let record = TokenRecord(
      id: TokenText.uuid(&generator), description: request.description, permissions: request.permissions,
      createdAt: now, expiresAt: request.expiresAt, revokedAt: nil)
    let accessToken = TokenText.accessToken(&generator)
    slotByID[record.id] = slots.count
    slotByAccessToken[accessToken] = slots.count
    slots.append(
      Slot(
        record: record, knownAt: drawActivation(from: now), permissionsBefore: record.permissions,
        permissionsReachNodesAt: now))
    return CreatedToken(record: record, accessToken: accessToken)
  }

  private mutating func drawActivation(from now: Instant) -> [Instant] {
    let delay = configuration.activationDelay.milliseconds
    let spread = configuration.activationSpread.milliseconds
    return (0..<configuration.nodes).map { _ in
      let drawn = spread > 0 ? delay + Int64.random(in: -spread...spread, using: &generator) : delay
      return now + .milliseconds(max(0, drawn))
    }
  }

  mutating func apply(_ change: TokenChange, to id: String, at now: Instant) -> TokenRecord? {
    guard let index = slotByID[id], slots[index].record.revokedAt == nil else { return nil }
    if let description = change.description { slots[index].record.description = description }
    if let permissions = change.permissions {
      slots[index].permissionsBefore = permissionsInForce(slots[index], at: now)
      slots[index].permissionsReachNodesAt = now + configuration.changeDelay
      slots[index].record.permissions = permissions
    }
    return slots[index].record
  }

  mutating func markRevoked(_ id: String, at now: Instant) -> Bool {
    guard let index = slotByID[id], slots[index].record.revokedAt == nil else { return false }
    slots[index].record.revokedAt = now
    return true
  }

  func slot(id: String) -> Slot? { slotByID[id].map { slots[$0] } }

  func slot(accessToken: String) -> Slot? { slotByAccessToken[accessToken].map { slots[$0] } }
}
