import RotationModel
import Testing

/// What may happen in each state, by name; every other event about the same attempt, generation and token
/// must throw and change nothing.
struct StateTableTests {
  struct State: CustomTestStringConvertible, Sendable {
    var name: String
    var history: [Event]
    /// The generation that the events are about; nil: the newest, else the next.
    var about: Int?
    var legal: Set<String>

    var testDescription: String { name }

    init(_ name: String, _ history: [Event], about: Int? = nil, _ legal: Set<String>...) {
      self.name = name
      self.history = history
      self.about = about
      self.legal = legal.reduce(StateTableTests.always) { $0.union($1) }
    }
  }

  static let always: Set<String> = ["lineage.held", "lineage.released", "lineage.moved"]
  static let update: Set<String> = ["update.intended", "update.done", "update.refused", "update.unknown"]
  static let revoke: Set<String> = ["revoke.intended", "revoke.done", "revoke.refused", "revoke.unknown"]
  static let deliver: Set<String> = ["store.promoted", "delivery.failed", "delivery.done"]
  static let ask: Set<String> = ["rotate.requested", "retire.requested"]
  /// What a lineage may have done to it that has made nothing and waits for nothing.
  static let untouched: Set<String> = ["create.intended", "token.taken_over", "lineage.renamed"]

  static let creating = [
    State("planned", [], untouched, ["token.adopted"]),
    State(
      "in flight", [Story.intended()],
      ["create.done", "create.refused", "create.unknown", "token.adopted", "token.taken_over"]),
    State(
      "answered", [Story.intended(), Story.answered],
      ["store.staged", "token.adopted", "orphan.found", "token.taken_over"]),
    State(
      "refused", [Story.intended(), .createRefused(attempt: Story.a, reason: "400")], untouched,
      ["orphan.found"]),
    State(
      "unknown", [Story.intended(), Story.unknown], untouched,
      ["create.watch_ended", "token.adopted", "orphan.found"]),
    State(
      "closed", [Story.intended(), Story.unknown, .createWatchEnded(attempt: Story.a)], untouched,
      ["orphan.found"]),
    State(
      "orphan found", [Story.intended(), Story.unknown, Story.found], untouched,
      ["orphan.revoke_intended", "orphan.revoked"]),
    State(
      "orphan being revoked",
      [Story.intended(), Story.unknown, Story.found, .orphanRevokeIntended(attempt: Story.a, tokenID: "T")],
      untouched,
      ["orphan.revoke_intended", "orphan.revoked", "orphan.revoke_refused", "orphan.revoke_unknown"]),
    State(
      "orphan revoked",
      [Story.intended(), Story.unknown, Story.found, .orphanRevoked(attempt: Story.a, tokenID: "T")],
      untouched, ["orphan.found"]),
    State(
      "staged", [Story.intended(), Story.answered, Story.staged], ask, update,
      [
        "activation.confirmed", "activation.accepted", "activation.timed_out", "revoke.intended",
        "secret.shown",
      ]),
    State(
      "shown", [Story.intended(), Story.answered, Story.staged, .secretShown(generation: 1)], about: 1,
      ["rotate.requested", "token.forgotten", "lineage.renamed"]),
    // A store may call it current without the ledger knowing, so that from here on it is not revoked.
    State(
      "active", [Story.intended(), Story.answered, Story.staged, Story.confirmed], ask, update,
      ["store.promoted", "delivery.failed"]),
    State("delivering", Array(Story.made(1).dropLast()), ask, update, deliver, tell),
    State(
      "current", Story.made(1), ask, update, deliver,
      ["create.intended", "token.gone", "lineage.renamed"]),
    State("given up", [Story.intended(), Story.answered, Story.staged, Story.revoking], ask, revoke),
    State(
      "given up and revoked",
      [Story.intended(), Story.answered, Story.staged, Story.revoking, .revokeDone(generation: 1)], about: 1,
      ["create.intended", "orphan.found", "revoke.confirmed", "rotate.requested", "lineage.renamed"]),
  ]

  static let tell: Set<String> = ["hook.done", "hook.failed"]

  /// What may happen to a token that no store calls current and that has its permissions.
  static let superseded: Set<String> = update.union([
    "delivery.failed", "disable.intended", "revoke.intended",
  ])

  static let retiring = [
    State(
      "superseded", Story.rotated(), about: 1, ask, superseded, ["rollback.requested", "lineage.renamed"]),
    State(
      "current beside a predecessor", Story.rotated(), about: 2, ask, update, deliver,
      ["token.gone", "lineage.renamed"]),
    State(
      "disabling", Story.disabling, about: 1, ask,
      [
        "disable.done", "disable.refused", "disable.unknown", "revoke.intended", "rollback.requested",
        "lineage.renamed",
      ]),
    State(
      "disabled", Story.disabled, about: 1, ask, update,
      ["revoke.intended", "rollback.requested", "lineage.renamed"]),
    State(
      "disable refused", Story.disabling + [.disableRefused(generation: 1, reason: "400")], about: 1, ask,
      superseded, ["rollback.requested", "lineage.renamed"]),
    State("revoking", Story.revokingOld, about: 1, ask, revoke, ["lineage.renamed"]),
    State(
      "revoked, unconfirmed", Story.revokedOld, about: 1, ask,
      ["revoke.confirmed", "orphan.found", "lineage.renamed"]),
    State(
      "revoked, confirmed", Story.revokedOld + [.revokeConfirmed(generation: 1)], about: 1, ask,
      ["revoke.confirmed", "orphan.found", "lineage.renamed", "create.intended", "hooks.owed"]),
    State(
      "revoked, confirmed, and hooks to be told",
      Story.revokedOld + [.revokeConfirmed(generation: 1), .hooksOwed(generation: 1)], about: 1, ask, tell,
      [
        "revoke.confirmed", "orphan.found", "lineage.renamed", "create.intended", "hooks.owed",
        "hooks.settled",
      ]),
    State(
      "gone", Story.made(1) + [.tokenGone(generation: 1, reason: "404")], about: 1,
      ["create.intended", "rotate.requested", "retire.requested", "revoke.confirmed", "lineage.renamed"]),
    State(
      "gone and retired",
      Story.made(1) + [.tokenGone(generation: 1, reason: "404"), .retirementRequested(now: false)], about: 1,
      ["create.intended", "retire.requested", "store.withdrawn", "revoke.confirmed"]),
    State(
      "taken over", [.tokenTakenOver(tokenID: "T0", expiresAt: nil)], about: 0, update, deliver,
      ["create.intended", "token.adopted", "token.gone", "rotate.requested", "lineage.renamed"]),
    // Its string was never ours: there is no way back to it.
    State(
      "taken over and replaced", Story.takenOver, about: 0, ask, superseded,
      ["lineage.renamed", "token.forgotten"]),
    State(
      "taken over and disabling", Story.takenOver + [Story.disableIntended(0)], about: 0, ask,
      [
        "disable.done", "disable.refused", "disable.unknown", "revoke.intended", "lineage.renamed",
        "token.forgotten",
      ]),
    State(
      "taken over and disabled",
      Story.takenOver + [Story.disableIntended(0), .disableDone(generation: 0, at: start)], about: 0, ask,
      update, ["revoke.intended", "lineage.renamed", "token.forgotten"]),
    // The point of no return is passed.
    State(
      "taken over and revoking", Story.takenOver + [.revokeIntended(generation: 0, reason: "old")], about: 0,
      ask, revoke, ["lineage.renamed"]),
    State(
      "taken over and let go", Story.takenOver + [.tokenForgotten(generation: 0)], about: 0, ask,
      ["create.intended", "lineage.renamed", "token.forgotten"]),
  ]

  static let wished = [
    State(
      "rollback asked", Story.rotated() + [Story.rollbackAsked], about: 1, update,
      ["activation.confirmed", "delivery.failed", "rollback.refused"]),
    State(
      "rollback asked, disabling", Story.disabling + [Story.rollbackAsked], about: 1,
      ["disable.done", "disable.refused", "disable.unknown", "rollback.refused"]),
    State(
      "rollback asked, disabled", Story.disabled + [Story.rollbackAsked], about: 1, update,
      ["enable.intended", "rollback.refused"]),
    State(
      "enabling", Story.disabled + [Story.rollbackAsked, .enableIntended(generation: 1)], about: 1,
      ["enable.intended", "enable.done", "enable.refused", "enable.unknown", "rollback.refused"]),
    State(
      "rollback verified", Story.verifiedAgain, about: 1, update,
      ["activation.confirmed", "delivery.failed", "store.rolled_back"]),
    State(
      "rolled back in a store", Story.verifiedAgain + [.storeRolledBack(generation: 1, store: "file")],
      about: 1, update, tell,
      ["activation.confirmed", "delivery.failed", "store.rolled_back", "rollback.done"]),
    State(
      "rolled back, the older", Story.rolledBack, about: 1, ask, update, deliver,
      ["token.gone", "lineage.renamed"]),
    State(
      "rolled back, the newer", Story.rolledBack, about: 2, ask, superseded,
      ["rollback.requested", "lineage.renamed"]),
    State(
      "retirement wished", Story.made(1) + [.retirementRequested(now: false)], about: 1, update, deliver,
      ["create.intended", "token.gone", "retire.requested", "store.withdrawn"]),
    State(
      "withdrawn", Story.withdrawn, about: 1, superseded, ["create.intended", "retire.requested"]),
    State(
      "relocation under way", Story.made(1) + [.lineageRenamed(from: "old")], about: 1, ask, update, deliver,
      ["create.intended", "token.gone", "relocation.intended", "store.relocated", "relocation.done"]),
    State(
      "relocation intended",
      Story.made(1) + [.lineageRenamed(from: "old"), .relocationIntended(key: "secret")], about: 1, ask,
      update, deliver,
      ["create.intended", "token.gone", "relocation.refused", "store.relocated", "relocation.done"]),
    State(
      "left behind and forgotten",
      Story.made(1) + [.clusterChanged(from: "a/c"), .tokenForgotten(generation: 1)], about: 1,
      ["create.intended", "rotate.requested", "token.forgotten", "lineage.renamed"]),
    State(
      "left behind", Story.made(1) + [.clusterChanged(from: "a/c")], about: 1,
      ["create.intended", "rotate.requested", "token.forgotten", "lineage.renamed"]),
    State(
      "revoked unconfirmed and left behind", Story.revokedOld + [.clusterChanged(from: "a/c")], about: 1,
      ["create.intended", "orphan.found", "rotate.requested", "token.forgotten", "lineage.renamed"]),
    State(
      "confirmed and nothing to leave behind",
      Story.made(1) + Story.givenUp + [.clusterChanged(from: "a/c")], about: 2,
      ["create.intended", "rotate.requested", "revoke.confirmed", "lineage.renamed"]),
  ]

  @Test(arguments: creating + retiring + wished)
  func onlyWhatMayHappenIsTaken(state: State) throws {
    let story = try Story(of: state.history)
    let about = state.about ?? story.machine.newest?.number ?? story.machine.nextGeneration
    for sample in everyEvent(attempt: Story.a, fresh: attempt(0xC), generation: about, tokenID: "T") {
      let event = sample.numbered(story.machine.nextGeneration)
      var machine = story.machine
      let name = event.record.name
      do throws(IllegalEvent) {
        try machine.apply(TimedEvent(event, at: story.now))
        #expect(state.legal.contains(name), "\(name) was taken when \(state.name)")
      } catch {
        #expect(!state.legal.contains(name), "\(name) was refused when \(state.name)")
        #expect(machine == story.machine)
        #expect(error.event == name && error.time == story.now && error.status == story.machine.status)
      }
    }
  }

  @Test func theStatesHaveEveryPhase() throws {
    let states = StateTableTests.creating + StateTableTests.retiring + StateTableTests.wished
    let phases = try states.flatMap { try Story(of: $0.history).machine.generations.map(\.phase) }
    #expect(Set(phases) == Set(Generation.Phase.allCases))
  }
}

extension Event {
  /// The same, where it is about a token that is new, under the number that such a token has to have.
  fileprivate func numbered(_ next: Int) -> Event {
    switch self {
    case .createIntended(_, let attempt, let deadline, let key):
      .createIntended(generation: next, attempt: attempt, deadline: deadline, key: key)
    case .tokenAdopted(_, let attempt, let tokenID, let place, let expiresAt, let key):
      .tokenAdopted(
        generation: next, attempt: attempt, tokenID: tokenID, place: place, expiresAt: expiresAt, key: key)
    default: self
    }
  }
}
