import RotationModel
import RotationPorts

extension Performer {
  /// What goes on record before the lineage's first token: that it takes another's place. Not before, so that an id
  /// that was mistyped and corrected in the meantime binds nobody's token.
  func takeover(_ work: TokenWork) -> [Event] {
    guard work.machine.generations.isEmpty, let replaces = work.desired?.replaces else { return [] }
    return [.tokenTakenOver(tokenID: replaces, expiresAt: nil)]
  }

  /// What the next token is to be allowed, for databases that there are. nil: the lineage has failed.
  ///
  /// The job was not refused for a database that is missing here: when the run began, the row had a token, which was
  /// given up since; or it takes over what another token may do.
  func permissionsToGrant(_ work: inout TokenWork) async throws(Stop) -> PermissionSet? {
    guard let permissions = try await wantedPermissions(&work) else { return nil }
    guard let missing = permissions.databases.first(where: { !databases.contains($0) }) else {
      return permissions
    }
    work.fail(.databaseMissing(work.name, missing))
    return nil
  }

  /// What the row says, or what the token may that it replaces. A token that a person named in `replaces` is looked at
  /// before anything is made in its place.
  private func wantedPermissions(_ work: inout TokenWork) async throws(Stop) -> PermissionSet? {
    guard let desired = work.desired else { return nil }
    let isFirst = work.machine.generations.isEmpty
    guard desired.inheritsPermissions || (isFirst && desired.replaces != nil) else {
      return desired.permissions
    }
    let model = work.machine.incumbent
    guard let tokenID = model?.tokenID ?? desired.replaces else { return nil }
    let owner = model.map { self.owner(of: $0, work) } ?? ExpectedOwner.named
    switch try await look(at: tokenID, ownedBy: owner, work) {
    case .inDoubt(let problem): work.fail(inDoubt: problem)
    case .gone: work.fail(.replacedIsGone(work.name, tokenID))
    case .found(let record):
      guard desired.inheritsPermissions else { return desired.permissions }
      guard !record.permissions.isEmpty, record.permissions.canBeGranted else {
        work.fail(.nothingToInherit(work.name, tokenID))
        return nil
      }
      guard record.permissions.permissions.allSatisfy(plan.allows) else {
        work.fail(.forbidden(work.name, tokenID))
        return nil
      }
      return record.permissions
    }
    return nil
  }
}

extension Problem {
  fileprivate static func replacedIsGone(_ name: String, _ tokenID: String) -> Problem {
    Problem(
      code: "replaced_gone",
      message: "\(name): token \(tokenID), which is to be replaced, is not on the cluster",
      hint:
        "look for a mistyped id; for a token that is gone name the permissions in the row and leave `replaces` empty"
    )
  }

  fileprivate static func forbidden(_ name: String, _ tokenID: String) -> Problem {
    Problem(
      code: "policy",
      message:
        "\(name): token \(tokenID), whose permissions the row takes over, may do more than [policy] allows",
      hint: "name the permissions in the row, or let [policy] allow them")
  }

  fileprivate static func nothingToInherit(_ name: String, _ tokenID: String) -> Problem {
    Problem(
      code: "no_permissions",
      message:
        "\(name): the row leaves its permissions to token \(tokenID), which has none that could be granted again",
      hint: "name the permissions in the row")
  }
}
