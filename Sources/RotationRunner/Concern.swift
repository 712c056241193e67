import RotationModel
import RotationPorts

/// What a person should look at in a lineage, because no action of ours would be right.
enum Concern {
  static func of(
    _ work: TokenWork, plan: JobPlan, view: ClusterView, installation: InstallationID
  ) -> [Problem] {
    var problems = view.strangers(of: work.name, installation: installation).map(Problem.stranger)
    guard let live = work.machine.live, live.phase != .revoking else { return problems }
    guard let desired = work.desired else {
      // A one-off CSV says nothing about the job's other tokens, nor a job's CSV about one-off ones.
      if !work.isOneOff, !plan.isOneOff { problems.append(.rowGone(work.name, live)) }
      return problems
    }
    guard let token = view.token(id: live.tokenID, name: work.name) else {
      // A listing may lag behind a creation.
      if live.stagedAt + Concern.listingLag < view.begunAtWall {
        problems.append(.missing(work.name, live))
      }
      return problems
    }
    if token.permissions != desired.permissions { problems.append(.drifted(work.name, token)) }
    return problems
  }

  /// How long after its creation a token may be absent from a listing without being called missing.
  static let listingLag: Duration = .seconds(600)
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
}
