import RotationModel
import RotationPorts

/// What a person should look at in a lineage, because no action of ours would be right.
struct Concern: Sendable {
  /// What must not be done while it stands.
  enum Block: Sendable {
    case creation
    case activation
    /// Nothing of the lineage is disabled or revoked that was delivered once.
    case retirement
  }

  var problem: Problem
  var blocks: Set<Block> = []

  static func of(
    _ work: TokenWork, plan: JobPlan, view: ClusterView, installation: InstallationID, now: Instant
  ) -> [Concern] {
    let strangers = plan.isByHand ? [] : view.strangers(of: work.name, installation: installation)
    var concerns = strangers.map { token in
      Concern(problem: .stranger(token), blocks: [.creation])
    }
    concerns += ofTakeover(work)
    for generation in work.machine.generations
    where generation.phase == .leftBehind && generation.attempt != nil && !generation.wasShown {
      guard view.token(id: generation.tokenID, names: work.names) != nil else { continue }
      concerns.append(Concern(problem: .leftBehind(work.name, generation)))
    }
    concerns += ofRow(work, isOneOff: plan.isOneOff, policy: plan.policy, now: now)
    guard let newest = work.machine.newest, newest.attempt != nil, newest.phase != .revoking,
      let desired = work.desired
    else { return concerns }
    guard let token = view.token(id: newest.tokenID, names: work.names) else { return concerns }
    if token.permissions.isEmpty, newest.phase == .current,
      work.machine.predecessor != nil || !plan.policy.isOn || work.machine.wishes.isHeld
    {
      // What it has replaced may be the only token that works.
      concerns.append(
        Concern(
          problem: .withoutPermissions(work.name, newest, work.machine.predecessor), blocks: [.retirement]))
    } else if token.permissions != desired.permissions, !desired.inheritsPermissions, !plan.policy.isOn {
      concerns.append(Concern(problem: .drifted(work.name, token), blocks: [.activation]))
    }
    if !token.expiresAt.isSameSecond(as: newest.expiresAt) {
      concerns.append(Concern(problem: .otherExpiry(work.name, newest, token.expiresAt)))
    }
    return concerns
  }

  /// What ledger and CSV show by themselves, without a look at the cluster.
  static func withoutCluster(
    _ work: TokenWork, isOneOff: Bool, policy: RotationPolicy, now: Instant
  ) -> [Concern] {
    ofTakeover(work) + ofRow(work, isOneOff: isOneOff, policy: policy, now: now)
      + [ofWishes(work)].compactMap(\.self)
  }

  /// What a person has asked for and has to wait for as long as the name stands as it does.
  static func ofWishes(_ work: TokenWork) -> Concern? {
    let machine = work.machine
    if machine.wishes.rollbackTarget != nil { return Concern(problem: .rollbackWaits(work.name)) }
    if machine.wishes.isHeld, work.desired != nil, machine.newest == nil,
      machine.generations.contains(where: \.wasDelivered)
    {
      return Concern(problem: .heldWithoutToken(work.name))
    }
    return nil
  }

  /// A row that is gone while its token lives on, or that asks for what its token cannot be given any more.
  private static func ofRow(
    _ work: TokenWork, isOneOff: Bool, policy: RotationPolicy, now: Instant
  ) -> [Concern] {
    // A one-off CSV says nothing about the job's other tokens, nor a job's CSV about one-off ones. What a
    // person has retired already is on its way.
    let mayLackRow = work.isOneOff || isOneOff || work.machine.wishes.retirement != nil
    guard let newest = work.machine.newest else {
      guard work.desired == nil, !mayLackRow, let predecessor = work.machine.predecessor else { return [] }
      return [Concern(problem: .rowGone(work.name, predecessor))]
    }
    guard newest.attempt != nil, newest.phase != .revoking else { return [] }
    guard let desired = work.desired else {
      return mayLackRow ? [] : [Concern(problem: .rowGone(work.name, newest))]
    }
    var concerns: [Concern] = []
    let key = work.machine.wishes.relocatedIn == nil ? newest.key : work.relocationKey
    if (desired.place.secret ?? work.name) != (key ?? work.name) {
      concerns.append(Concern(problem: .moved(work.name, key, to: desired.place.secret)))
    }
    if newest.nearsItsEnd(at: now, work: work, policy: policy) {
      concerns.append(Concern(problem: .expiring(work, newest, now)))
    }
    return concerns
  }

  /// `replaces` is for a name's first token.
  private static func ofTakeover(_ work: TokenWork) -> [Concern] {
    guard let replaces = work.desired?.replaces, let first = work.machine.generations.first,
      first.attempt != nil || first.tokenID != replaces
    else { return [] }
    return [Concern(problem: .replacesTooLate(work.name, replaces))]
  }
}

extension Generation {
  /// Whether it nears an expiry that no rotation will come before.
  fileprivate func nearsItsEnd(at now: Instant, work: TokenWork, policy: RotationPolicy) -> Bool {
    guard let expiresAt else { return false }
    let isRenewed = policy.isOn && work.desired?.expiry.isRelative == true && !work.machine.wishes.isHeld
    if isRenewed { return false }
    let third = Duration.milliseconds((expiresAt - stagedAt).milliseconds / 3)
    return now + min(third, .seconds(30 * 86_400)) >= expiresAt
  }
}

extension Instant? {
  /// To the second, which is what the service keeps.
  func isSameSecond(as other: Instant?) -> Bool {
    self.map { $0.milliseconds / 1000 } == other.map { $0.milliseconds / 1000 }
  }
}

extension Problem {
  static func stranger(_ token: ClusterView.MarkedToken) -> Problem {
    Problem(
      code: Problem.foreignMarker,
      message:
        "\(token.marker.name): token \(token.id) on the cluster carries the marker \(token.marker.text), which this ledger does not know",
      hint:
        "it is reported and never touched; if nobody uses it, revoke it by hand, else give this job another name"
    )
  }

  static func rowGone(_ name: String, _ generation: Generation) -> Problem {
    Problem(
      code: "row_gone",
      message:
        "\(name): the CSV no longer has a row for it, and token \(generation.tokenID) (\(generation.phase.rawValue)) lives on",
      hint:
        "put the row back, or end the token with `tokenrotate retire`; nothing is revoked because a row is gone"
    )
  }

  static func leftBehind(_ name: String, _ generation: Generation) -> Problem {
    Problem(
      code: "left_behind",
      message:
        "\(name): token \(generation.tokenID) was left behind when the job was moved away from this cluster, and lives on",
      hint: "revoke it by hand when no consumer needs it")
  }

  static func withoutPermissions(_ name: String, _ generation: Generation, _ predecessor: Generation?)
    -> Problem
  {
    Problem(
      code: "no_permissions",
      message:
        "\(name): somebody has taken all permissions from token \(generation.tokenID)\(predecessor.map { "; its predecessor \($0.tokenID) is kept" } ?? "")",
      hint: predecessor == nil
        ? "give them back; or let a job with [rotation] replace the token"
        : "give them back; or `tokenrotate rollback` makes the predecessor current again")
  }

  static func missing(_ name: String, _ generation: Generation) -> Problem {
    Problem(
      code: "token_missing",
      message: "\(name): token \(generation.tokenID) is not on the cluster any more",
      hint: "somebody revoked it, or its expiry passed: look into the account's audit log")
  }

  static func drifted(_ name: String, _ token: ClusterView.MarkedToken) -> Problem {
    Problem(
      code: "permissions_differ",
      message: "\(name): the permissions of token \(token.id) on the cluster are not those of the CSV",
      hint:
        "put the row back as it was, or let the token be replaced: `tokenrotate rotate`, or [rotation] in the job"
    )
  }

  static func otherExpiry(_ name: String, _ generation: Generation, _ found: Instant?) -> Problem {
    Problem(
      code: "expiry_differs",
      message:
        "\(name): token \(generation.tokenID) was made with expiry \(generation.expiresAt?.rfc3339Seconds ?? "never"), and the cluster shows \(found?.rfc3339Seconds ?? "never")",
      hint:
        "an expiry cannot be changed by the published API: look who did, or replace the token with `tokenrotate rotate`"
    )
  }

  static func moved(_ name: String, _ kept: String?, to key: String?) -> Problem {
    Problem(
      code: "place_differs",
      message:
        "\(name): its token is stored as \(kept ?? name), and the row now says \(key ?? name)",
      hint: "put `secret` back: a token keeps its place in the stores, unless `tokenrotate rename` moves it")
  }

  static func replacesTooLate(_ name: String, _ replaces: String) -> Problem {
    Problem(
      code: "replaces_too_late",
      message: "\(name): the row replaces token \(replaces), and the name has a token of its own already",
      hint:
        "`replaces` is for a name's first token: take it out, and revoke \(replaces) by hand when nobody uses it"
    )
  }

  static func expiring(_ work: TokenWork, _ generation: Generation, _ now: Instant) -> Problem {
    let expiresAt = generation.expiresAt ?? now
    let verb = expiresAt <= now ? "expired" : "expires"
    let isHeld = work.machine.wishes.isHeld
    return Problem(
      code: expiresAt <= now ? "expired" : "expires_soon",
      message:
        "\(work.name): token \(generation.tokenID) \(verb) at \(expiresAt.rfc3339Seconds)\(isHeld ? ", and is held" : "")",
      hint: isHeld
        ? "`tokenrotate release` lets it be replaced"
        : "give the row a later expires_at, then `tokenrotate rotate` replaces the token")
  }
}
