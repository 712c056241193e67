import RotationModel
import Testing

/// What a lineage's events tell of failures, and of how they ended.
struct IncidentTests {
  private func incidents(_ events: Event...) -> [Incident] {
    Incident.all(
      in: events.enumerated().map { TimedEvent($1, at: start + .seconds($0 * 60)) })
  }

  private static let a = attempt(0xA)
  private static let b = attempt(0xB)

  @Test func aLifeWithoutTroubleHasNone() throws {
    #expect(
      incidents(
        .createIntended(generation: 1, attempt: IncidentTests.a, deadline: start),
        .createDone(attempt: IncidentTests.a, tokenID: "T", expiresAt: nil),
        .storeStaged(generation: 1, attempt: IncidentTests.a, store: "file"),
        .activationConfirmed(generation: 1, after: .seconds(1)),
        .storePromoted(generation: 1, store: "file"), .deliveryDone(generation: 1, at: start)
      ).isEmpty)
  }

  @Test func anOutageIsOneIncidentUntilAnotherAttemptMakesTheToken() throws {
    let found = incidents(
      .createRefused(attempt: IncidentTests.a, reason: "503"),
      .createRefused(attempt: IncidentTests.b, reason: "502"),
      .storeStaged(generation: 1, attempt: attempt(0xC), store: "file"),
      .createRefused(attempt: attempt(0xD), reason: "500"))
    try #require(found.count == 2)
    #expect(found[0].count == 2 && found[0].reason == "502" && found[0].ending == .createdAnew)
    #expect(found[0].firstAt == start && found[0].lastAt == start + .seconds(60))
    #expect(found[0].endedAt == start + .seconds(120))
    #expect(found[1].isOpen && found[1].count == 1, "it is another one")
  }

  @Test func anUnansweredCreationEndsWithWhatIsFoundOfIt() {
    let unknown = Event.createUnknown(attempt: IncidentTests.a, reason: "no answer")
    let found = Event.orphanFound(attempt: IncidentTests.a, tokenID: "T", reason: "its string is lost")
    let revoked = Event.orphanRevoked(attempt: IncidentTests.a, tokenID: "T")
    #expect(incidents(unknown).map(\.ending) == [nil])
    #expect(incidents(unknown, found).map(\.ending) == [nil], "the orphan is the same trouble")
    #expect(incidents(unknown, found, revoked).map(\.ending) == [.orphanRevoked])
    #expect(
      incidents(unknown, .createWatchEnded(attempt: IncidentTests.a)).map(\.ending) == [.neverSeen])
    let adopted = Event.tokenAdopted(
      generation: 1, attempt: IncidentTests.a, tokenID: "T", place: .pending, expiresAt: nil)
    #expect(incidents(unknown, adopted).map(\.ending) == [.adopted])
    let anew = Event.storeStaged(generation: 1, attempt: IncidentTests.b, store: "file")
    #expect(incidents(unknown, anew).map(\.ending) == [.createdAnew])
    let late = incidents(unknown, anew, found, revoked)
    #expect(late.map(\.kind) == [.creationUnanswered, .orphan])
    #expect(late.map(\.ending) == [.createdAnew, .orphanRevoked])
  }

  @Test func anInterruptionIsToldByWhatWasTakenUpAfterIt() throws {
    let found = incidents(
      .createIntended(generation: 1, attempt: IncidentTests.a, deadline: start),
      .lineageHeld,
      .tokenAdopted(
        generation: 1, attempt: IncidentTests.a, tokenID: "T", place: .pending, expiresAt: nil))
    try #require(found.count == 1)
    #expect(found[0].kind == .interruption && found[0].ending == .adopted)
    #expect(found[0].firstAt == start && found[0].endedAt == start + .seconds(120))
  }

  @Test(
    arguments: [
      (
        Event.activationTimedOut(generation: 1, refusedSince: nil, reason: "refused"),
        Incident.Kind.activation,
        Event.activationConfirmed(generation: 1, after: .seconds(1)), Incident.Ending.done
      ),
      (
        .activationTimedOut(generation: 1, refusedSince: nil, reason: "r"), .activation,
        .revokeDone(generation: 1), .tokenEnded
      ),
      (
        .deliveryFailed(generation: 1, store: "file", reason: "full"), .delivery,
        .storePromoted(generation: 1, store: "file"), .done
      ),
      (
        .deliveryFailed(generation: 1, store: "file", reason: "full"), .delivery,
        .storeWithdrawn(generation: 1, store: "file", at: start), .done
      ),
      (
        .deliveryFailed(generation: 1, store: "file", reason: "full"), .delivery,
        .storeRelocated(store: "file"), .done
      ),
      (
        .hookFailed(generation: 1, hook: "reload", reason: "exit 1"), .hook,
        .hookDone(generation: 1, hook: "reload"), .done
      ),
      (
        .hookFailed(generation: 1, hook: "reload", reason: "exit 1"), .hook, .hooksSettled(generation: 1),
        .leftAsItWas
      ),
      (.updateUnknown(generation: 1, reason: "r"), .update, .updateDone(generation: 1), .done),
      (.disableRefused(generation: 1, reason: "r"), .disable, .disableDone(generation: 1, at: start), .done),
      (.enableUnknown(generation: 1, reason: "r"), .enable, .enableDone(generation: 1), .done),
      (.revokeUnknown(generation: 1, reason: "r"), .revocation, .revokeDone(generation: 1), .done),
      (.revokeRefused(generation: 1, reason: "r"), .revocation, .tokenForgotten(generation: 1), .tokenEnded),
      (
        .tokenGone(generation: 1, reason: "r"), .disappearance, .deliveryDone(generation: 2, at: start), .done
      ),
      (
        .orphanRevokeRefused(attempt: attempt(1), tokenID: "T", reason: "r"), .orphan,
        .orphanRevoked(attempt: attempt(1), tokenID: "T"), .orphanRevoked
      ),
    ] as [(Event, Incident.Kind, Event, Incident.Ending)])
  func eachFailureHasItsEnd(failure: Event, kind: Incident.Kind, end: Event, ending: Incident.Ending) throws {
    let open = incidents(failure)
    #expect(open.map(\.kind) == [kind] && open.allSatisfy(\.isOpen))
    let again = incidents(failure, failure)
    #expect(again.map(\.count) == [2] && again[0].lastAt == start + .seconds(60))
    let ended = incidents(failure, end)
    #expect(ended.map(\.ending) == [ending] && ended[0].endedAt == start + .seconds(60))
    #expect(
      incidents(failure, end, failure).map(\.isOpen) == [false, true], "what comes later is another one")
  }

  @Test func whatIsGivenUpEndsAtOnce() {
    #expect(incidents(.rollbackRefused(generation: 2, reason: "r")).map(\.ending) == [.leftAsItWas])
    #expect(incidents(.relocationRefused(reason: "r")).map(\.ending) == [.leftAsItWas])
  }

  @Test func anotherStoreOrGenerationEndsNothing() {
    let failed = Event.deliveryFailed(generation: 1, store: "file", reason: "full")
    #expect(incidents(failed, .storePromoted(generation: 1, store: "file-2")).map(\.isOpen) == [true])
    #expect(incidents(failed, .revokeDone(generation: 2)).map(\.isOpen) == [true])
    #expect(incidents(failed, .deliveryFailed(generation: 1, store: "file-2", reason: "full")).count == 2)
  }
}
