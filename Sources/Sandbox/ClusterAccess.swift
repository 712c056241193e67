internal import RotationModel

/// How a node decides.
extension SimulatedCluster {
  /// Authorisation comes first, as on the real endpoints: only a permitted token learns that a database
  /// does not exist.
  func access(
    _ action: Permission.Action, node: Int, accessToken: String, database: String, at now: Instant
  ) -> AccessAnswer {
    guard let slot = slot(accessToken: accessToken), isKnown(slot, node: node, at: now) else {
      return .unknownToken
    }
    let permitted = permissionsInForce(slot, at: now).permissions.contains {
      $0.action == action && ($0.isWildcard || $0.database == database)
    }
    guard permitted else { return .notPermitted }
    return configuration.databases.contains(database) ? .permitted : .databaseNotFound
  }

  func isKnown(_ slot: Slot, node: Int, at now: Instant) -> Bool {
    guard slot.knownAt.indices.contains(node), slot.knownAt[node] <= now else { return false }
    if let expiresAt = slot.record.expiresAt, expiresAt <= now { return false }
    if let revokedAt = slot.record.revokedAt, revokedAt + configuration.changeDelay <= now { return false }
    return true
  }

  func permissionsInForce(_ slot: Slot, at now: Instant) -> PermissionSet {
    slot.permissionsReachNodesAt <= now ? slot.record.permissions : slot.permissionsBefore
  }
}
