import RotationModel
import RotationPorts

/// What a person should look at in a lineage, because no action of ours would be right.
struct Concern: Sendable {
  /// What must not be done while it stands.
  enum Block: Sendable {
    case creation
    case activation
  }

  var problem: Problem
  var blocks: Set<Block> = []

  static func of(
    _ work: TokenWork, plan: JobPlan, view: ClusterView, installation: InstallationID, now: Instant
  ) -> [Concern] {
    var concerns = view.strangers(of: work.name, installation: installation).map { token in
      Concern(problem: .stranger(token), blocks: [.creation])
    }
    guard let newest = work.machine.newest, newest.phase != .revoking else { return concerns }
    guard let desired = work.desired else {
      // A one-off CSV says nothing about the job's other tokens, nor a job's CSV about one-off ones.
      if !work.isOneOff, !plan.isOneOff { concerns.append(Concern(problem: .rowGone(work.name, newest))) }
      return concerns
    }
    if (desired.place.secret ?? work.name) != (newest.key ?? work.name) {
      concerns.append(Concern(problem: .moved(work.name, newest, to: desired.place.secret)))
    }
    if newest.isNearExpiry(at: now) { concerns.append(Concern(problem: .expiring(work.name, newest, now))) }
    guard let token = view.token(id: newest.tokenID, name: work.name) else {
      // A listing may lag behind a creation.
      if newest.stagedAt + Concern.listingLag < view.begunAtWall {
        concerns.append(Concern(problem: .missing(work.name, newest)))
      }
      return concerns
    }
    if token.permissions != desired.permissions {
      concerns.append(Concern(problem: .drifted(work.name, token), blocks: [.activation]))
    }
    return concerns
  }

  /// How long after its creation a token may be absent from a listing without being called missing.
  static let listingLag: Duration = .seconds(600)
}

extension Generation {
  /// Whether a third of its lifetime is left, or less, and less than 30 days.
  fileprivate func isNearExpiry(at now: Instant) -> Bool {
    guard let expiresAt else { return false }
    let third = Duration.milliseconds((expiresAt - stagedAt).milliseconds / 3)
    return now + min(third, .seconds(30 * 86_400)) >= expiresAt
  }
}

extension Problem {
  static func stranger(_ token: ClusterView.MarkedToken) -> Problem {
    Problem(
      code: "foreign_marker",
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
      hint: "put the row back; nothing is revoked because a row is gone")
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
      hint: "put the row back as it was, or take a new name for the token with the new permissions")
  }

  static func moved(_ name: String, _ generation: Generation, to key: String?) -> Problem {
    Problem(
      code: "place_differs",
      message:
        "\(name): its token is stored as \(generation.key ?? name), and the row now says \(key ?? name)",
      hint: "put `secret` back; a token is not moved within a store by this version")
  }

  static func expiring(_ name: String, _ generation: Generation, _ now: Instant) -> Problem {
    let expiresAt = generation.expiresAt ?? now
    let verb = expiresAt <= now ? "expired" : "expires"
    return Problem(
      code: expiresAt <= now ? "expired" : "expires_soon",
      message: "\(name): token \(generation.tokenID) \(verb) at \(expiresAt.rfc3339Seconds)",
      hint: "this version does not replace tokens: give a new row another name, and move its consumers over")
  }
}
