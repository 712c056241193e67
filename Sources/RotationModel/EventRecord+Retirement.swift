// The events of tokens that were delivered, and of what people ask for, read back from flat fields.
extension Event {
  static func changeEvent(_ record: EventRecord) -> Event? {
    guard let generation = record.generation else { return nil }
    let reason = record.reason ?? ""
    switch record.name {
    case "token.taken_over":
      return record.tokenID.map { .tokenTakenOver(tokenID: $0, expiresAt: record.instant) }
    case "token.gone": return .tokenGone(generation: generation, reason: reason)
    case "update.intended": return .updateIntended(generation: generation)
    case "update.done": return .updateDone(generation: generation)
    case "update.refused": return .updateRefused(generation: generation, reason: reason)
    case "update.unknown": return .updateUnknown(generation: generation, reason: reason)
    case "disable.intended":
      guard let at = record.instant, let permissions = record.permissions else { return nil }
      return .disableIntended(
        generation: generation, permissions: PermissionSet(text: permissions), at: at)
    case "disable.done":
      return record.instant.map { .disableDone(generation: generation, at: $0) }
    case "disable.refused": return .disableRefused(generation: generation, reason: reason)
    case "disable.unknown": return .disableUnknown(generation: generation, reason: reason)
    case "enable.intended": return .enableIntended(generation: generation)
    case "enable.done": return .enableDone(generation: generation)
    case "enable.refused": return .enableRefused(generation: generation, reason: reason)
    case "enable.unknown": return .enableUnknown(generation: generation, reason: reason)
    case "revoke.intended": return .revokeIntended(generation: generation, reason: reason)
    case "revoke.done": return .revokeDone(generation: generation)
    case "revoke.refused": return .revokeRefused(generation: generation, reason: reason)
    case "revoke.unknown": return .revokeUnknown(generation: generation, reason: reason)
    case "revoke.confirmed": return .revokeConfirmed(generation: generation)
    default: return nil
    }
  }

  static func wishEvent(_ record: EventRecord) -> Event? {
    switch record.name {
    case "lineage.held": return .lineageHeld
    case "lineage.released": return .lineageReleased
    case "retire.requested": return .retirementRequested(now: false)
    case "retire.requested_now": return .retirementRequested(now: true)
    case "lineage.renamed": return record.key.map { .lineageRenamed(from: $0) }
    case "relocation.intended": return .relocationIntended(key: record.key)
    case "relocation.refused": return .relocationRefused(reason: record.reason ?? "")
    case "store.relocated":
      return record.store.map { .storeRelocated(store: $0) }
    case "relocation.done": return .relocationDone(key: record.key)
    case "lineage.moved": return record.key.map { .clusterChanged(from: $0) }
    default: break
    }
    guard let generation = record.generation else { return nil }
    switch record.name {
    case "rotate.requested": return .rotationRequested(generation: generation, compromised: false)
    case "rotate.compromised": return .rotationRequested(generation: generation, compromised: true)
    case "rollback.requested": return .rollbackRequested(generation: generation)
    case "store.rolled_back":
      return record.store.map { .storeRolledBack(generation: generation, store: $0) }
    case "rollback.done": return record.instant.map { .rollbackDone(generation: generation, at: $0) }
    case "token.forgotten": return .tokenForgotten(generation: generation)
    case "rollback.refused":
      return .rollbackRefused(generation: generation, reason: record.reason ?? "")
    case "store.withdrawn":
      guard let store = record.store, let at = record.instant else { return nil }
      return .storeWithdrawn(generation: generation, store: store, at: at)
    default: return nil
    }
  }
}
