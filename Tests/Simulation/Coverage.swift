import Foundation
import RotationModel

/// What happened how often over all seeds: a simulation that never meets a situation says nothing about it.
public final class Coverage: @unchecked Sendable {
  public static let shared = Coverage()

  // Guarded by the lock: the groups of seeds run side by side.
  private let lock = NSLock()
  private var counts: [String: (times: Int, seeds: Int)] = [:]

  /// Adds what one seed saw.
  func add(_ seen: [String: Int]) {
    lock.withLock {
      for (what, times) in seen {
        let before = counts[what] ?? (0, 0)
        counts[what] = (before.times + times, before.seeds + 1)
      }
    }
  }

  /// Those of the expected things that fewer than `minimum` seeds have seen.
  public func missing(minimum: Int) -> [String] {
    lock.withLock {
      Coverage.expected.filter { (counts[$0]?.seeds ?? 0) < minimum }
    }
  }

  /// The table, a line a thing.
  public var table: String {
    lock.withLock {
      counts.sorted { $0.key < $1.key }
        .map {
          "\($0.key.padding(toLength: 40, withPad: " ", startingAt: 0))\($0.value.seeds) seeds, \($0.value.times) times"
        }
        .joined(separator: "\n")
    }
  }

  /// Every event and action.
  static let expected: [String] =
    [
      "create.intended", "create.done", "create.refused", "create.unknown", "create.watch_ended",
      "store.staged", "token.adopted", "orphan.found", "orphan.revoke_intended", "orphan.revoked",
      "orphan.revoke_refused", "orphan.revoke_unknown", "activation.confirmed", "activation.accepted",
      "activation.timed_out", "store.promoted", "delivery.failed", "delivery.done", "revoke.intended",
      "revoke.done", "revoke.refused", "revoke.unknown", "revoke.confirmed", "token.taken_over", "token.gone",
      "update.intended", "update.done", "update.refused", "update.unknown", "disable.intended",
      "disable.done", "disable.refused", "disable.unknown", "enable.intended", "enable.done",
      "enable.refused", "enable.unknown", "rotate.requested", "rotate.compromised", "lineage.held",
      "lineage.released", "rollback.requested", "store.rolled_back", "rollback.done", "rollback.refused",
      "retire.requested", "retire.requested_now", "store.withdrawn", "hook.done", "hook.failed", "hooks.owed",
      "hooks.settled",
    ]
    + [
      "recover", "revokeOrphan", "search", "create", "activate", "promote", "end", "wait", "none",
    ].map { "action \($0)" }

  /// The action that an event shows; a new event is given one here, or the compiler complains.
  static func action(of event: Event) -> String? {
    switch event {
    case .createIntended: "create"
    case .tokenAdopted: "recover"
    case .createUnknown(_, let reason): reason.hasPrefix("the run ended") ? "recover" : nil
    case .orphanRevokeIntended: "revokeOrphan"
    case .storePromoted: "promote"
    case .revokeDone: "end"
    case .createDone, .createRefused, .createWatchEnded, .storeStaged, .orphanFound, .orphanRevoked,
      .orphanRevokeRefused, .orphanRevokeUnknown, .activationConfirmed, .activationAccepted,
      .activationTimedOut, .deliveryFailed, .deliveryDone, .revokeIntended, .revokeRefused, .revokeUnknown,
      .revokeConfirmed, .tokenTakenOver, .tokenGone, .updateIntended, .updateDone, .updateRefused,
      .updateUnknown,
      .disableIntended, .disableDone, .disableRefused, .disableUnknown, .enableIntended, .enableDone,
      .enableRefused, .enableUnknown, .rotationRequested, .lineageHeld, .lineageReleased, .rollbackRequested,
      .storeRolledBack, .rollbackDone, .rollbackRefused, .retirementRequested, .storeWithdrawn,
      .lineageRenamed, .relocationIntended, .relocationRefused, .storeRelocated, .relocationDone,
      .clusterChanged,
      .tokenForgotten, .secretShown, .hookDone, .hookFailed, .hooksOwed, .hooksSettled:
      nil
    }
  }
}
