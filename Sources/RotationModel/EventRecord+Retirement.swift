// The events of tokens that were delivered, and of what people ask for, as flat fields.
extension Event {
  var changeRecord: EventRecord {
    switch self {
    case .tokenGone(let generation, let reason):
      EventRecord(name: "token.gone", generation: generation, reason: reason)
    case .updateIntended(let generation): EventRecord(name: "update.intended", generation: generation)
    case .updateDone(let generation): EventRecord(name: "update.done", generation: generation)
    case .updateRefused(let generation, let reason):
      EventRecord(name: "update.refused", generation: generation, reason: reason)
    case .updateUnknown(let generation, let reason):
      EventRecord(name: "update.unknown", generation: generation, reason: reason)
    case .disableIntended(let generation, let permissions, let at):
      EventRecord(
        name: "disable.intended", generation: generation, instant: at, permissions: permissions.text)
    case .disableDone(let generation, let at):
      EventRecord(name: "disable.done", generation: generation, instant: at)
    case .disableRefused(let generation, let reason):
      EventRecord(name: "disable.refused", generation: generation, reason: reason)
    case .disableUnknown(let generation, let reason):
      EventRecord(name: "disable.unknown", generation: generation, reason: reason)
    case .enableIntended(let generation): EventRecord(name: "enable.intended", generation: generation)
    case .enableDone(let generation): EventRecord(name: "enable.done", generation: generation)
    case .enableRefused(let generation, let reason):
      EventRecord(name: "enable.refused", generation: generation, reason: reason)
    case .enableUnknown(let generation, let reason):
      EventRecord(name: "enable.unknown", generation: generation, reason: reason)
    case .revokeIntended(let generation, let reason):
      EventRecord(name: "revoke.intended", generation: generation, reason: reason)
    case .revokeDone(let generation): EventRecord(name: "revoke.done", generation: generation)
    case .revokeRefused(let generation, let reason):
      EventRecord(name: "revoke.refused", generation: generation, reason: reason)
    case .revokeUnknown(let generation, let reason):
      EventRecord(name: "revoke.unknown", generation: generation, reason: reason)
    case .revokeConfirmed(let generation): EventRecord(name: "revoke.confirmed", generation: generation)
    default: EventRecord(name: "")
    }
  }

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

  var wishRecord: EventRecord {
    switch self {
    case .rotationRequested(let generation, let compromised):
      EventRecord(
        name: compromised ? "rotate.compromised" : "rotate.requested", generation: generation)
    case .lineageHeld: EventRecord(name: "lineage.held")
    case .lineageReleased: EventRecord(name: "lineage.released")
    case .rollbackRequested(let generation):
      EventRecord(name: "rollback.requested", generation: generation)
    case .storeRolledBack(let generation, let store):
      EventRecord(name: "store.rolled_back", generation: generation, store: store)
    case .rollbackDone(let generation, let at):
      EventRecord(name: "rollback.done", generation: generation, instant: at)
    case .rollbackRefused(let generation, let reason):
      EventRecord(name: "rollback.refused", generation: generation, reason: reason)
    case .retirementRequested(let now):
      EventRecord(name: now ? "retire.requested_now" : "retire.requested")
    case .storeWithdrawn(let generation, let store, let at):
      EventRecord(name: "store.withdrawn", generation: generation, store: store, instant: at)
    case .lineageRenamed(let from): EventRecord(name: "lineage.renamed", key: from)
    case .storeRelocated(let store): EventRecord(name: "store.relocated", store: store)
    case .relocationDone(let key): EventRecord(name: "relocation.done", key: key)
    case .clusterChanged(let from): EventRecord(name: "lineage.moved", key: from)
    case .tokenForgotten(let generation): EventRecord(name: "token.forgotten", generation: generation)
    default: EventRecord(name: "")
    }
  }

  static func wishEvent(_ record: EventRecord) -> Event? {
    switch record.name {
    case "lineage.held": return .lineageHeld
    case "lineage.released": return .lineageReleased
    case "retire.requested": return .retirementRequested(now: false)
    case "retire.requested_now": return .retirementRequested(now: true)
    case "lineage.renamed": return record.key.map { .lineageRenamed(from: $0) }
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
