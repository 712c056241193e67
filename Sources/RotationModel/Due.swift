/// When tokens of a job are replaced, and what becomes of those that were.
public struct RotationPolicy: Equatable, Sendable {
  /// Whether the job rotates at all; otherwise only what a person asks for is replaced.
  public var isOn: Bool
  /// nil: age alone makes no token due.
  public var every: Duration?
  /// nil: a third of the token's lifetime.
  public var renewBefore: Duration?
  /// Both tokens work for this long after the newer one was delivered.
  public var overlap: Duration
  /// How long a token is disabled before it is revoked; nil: it is revoked without being disabled.
  public var quarantine: Duration?

  public init(
    isOn: Bool, every: Duration?, renewBefore: Duration?, overlap: Duration, quarantine: Duration?
  ) {
    self.isOn = isOn
    self.every = every
    self.renewBefore = renewBefore
    self.overlap = overlap
    self.quarantine = quarantine
  }

  /// For jobs without `[rotation]`: what was begun is finished, and nothing is due.
  public static let off = RotationPolicy(
    isOn: false, every: nil, renewBefore: nil, overlap: .seconds(86_400), quarantine: nil)

  /// How much earlier than `every` this lineage is due: up to a tenth, fixed by its name, so that the tokens of
  /// a job that were made together are not replaced together. 64-bit FNV-1a of the name decides.
  public static func spread(name: String, every: Duration) -> Duration {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    // FNV's high bits barely depend on the last bytes of short names.
    hash ^= hash >> 32
    return .milliseconds(every.milliseconds / 10 * Int64(hash % 1024) / 1024)
  }
}

/// Why a lineage is to get another token.
public enum DueReason: Equatable, Sendable {
  /// The row names a token that was made by hand.
  case takeover
  case requested
  case compromised
  case age(since: Instant)
  case expiry(at: Instant)
  /// The row asks for other permissions than the token on the cluster has.
  case permissions
  /// The cluster does not have it any more.
  case missing
  /// The cluster shows it as revoked.
  case revokedElsewhere

  /// Whether it follows from what a clock says.
  public var isByTime: Bool {
    switch self {
    case .age, .expiry: true
    case .takeover, .requested, .compromised, .permissions, .missing, .revokedElsewhere: false
    }
  }

  /// Whether a hold stops it: a person's word counts more than an earlier one.
  public var isStoppedByHold: Bool {
    switch self {
    case .requested, .compromised: false
    case .takeover, .age, .expiry, .permissions, .missing, .revokedElsewhere: true
    }
  }
}

/// What is known of a lineage's incumbent beside its events.
public struct DueFacts: Equatable, Sendable {
  public var now: Instant
  /// The lineage's name.
  public var name: String
  /// The row's own, which overrides the job's.
  public var every: Duration?
  /// Whether the expiry counts from the creation. One that the row fixes would be the next token's as well.
  public var expiryIsRelative: Bool
  public var permissionsDiffer: Bool
  public var absence: Absence?

  /// In what way the cluster no longer has the token: judged strictly, by listing, GET and probe.
  public enum Absence: Equatable, Sendable {
    case missing
    case revoked
  }

  public init(
    now: Instant, name: String, every: Duration?, expiryIsRelative: Bool, permissionsDiffer: Bool,
    absence: Absence?
  ) {
    self.now = now
    self.name = name
    self.every = every
    self.expiryIsRelative = expiryIsRelative
    self.permissionsDiffer = permissionsDiffer
    self.absence = absence
  }
}

extension RotationMachine {
  /// Why the incumbent is to be replaced; nil: it is not due, or there is none.
  public func dueReason(_ policy: RotationPolicy, _ facts: DueFacts) -> DueReason? {
    guard let incumbent else { return nil }
    if isCompromised(incumbent) { return .compromised }
    if let number = wishes.replacedUpTo, incumbent.number <= number { return .requested }
    if incumbent.attempt == nil { return .takeover }
    guard policy.isOn else { return nil }
    switch facts.absence {
    case .missing: return .missing
    case .revoked: return .revokedElsewhere
    case nil: break
    }
    if facts.permissionsDiffer { return .permissions }
    if facts.expiryIsRelative, let expiresAt = incumbent.expiresAt,
      incumbent.renewAt(policy).map({ facts.now >= $0 }) ?? false
    {
      return .expiry(at: expiresAt)
    }
    if let dueAt = incumbent.dueByAge(policy, facts), facts.now >= dueAt {
      return .age(since: incumbent.stagedAt)
    }
    return nil
  }

  /// When the clock alone makes the incumbent due; nil: never.
  public func nextDue(_ policy: RotationPolicy, _ facts: DueFacts) -> Instant? {
    guard policy.isOn, let incumbent else { return nil }
    return [
      facts.expiryIsRelative ? incumbent.renewAt(policy) : nil, incumbent.dueByAge(policy, facts),
    ].compactMap(\.self).min()
  }
}

extension Generation {
  /// When its expiry makes it due: `renew_before` it, else when a third of its lifetime is left.
  public func renewAt(_ policy: RotationPolicy) -> Instant? {
    guard let expiresAt else { return nil }
    let third = Duration.milliseconds((expiresAt - stagedAt).milliseconds / 3)
    return expiresAt - (policy.renewBefore ?? third)
  }

  fileprivate func dueByAge(_ policy: RotationPolicy, _ facts: DueFacts) -> Instant? {
    guard let every = facts.every ?? policy.every else { return nil }
    return stagedAt + every - RotationPolicy.spread(name: facts.name, every: every)
  }
}
