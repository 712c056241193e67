import RotationModel
import Testing

struct RotationMachineTests {
  @Test func theWayFromPlannedToCurrent() throws {
    var story = try Story()
    #expect(story.machine.status == .planned && story.machine.nextGeneration == 1)
    try story.add(Story.intended())
    #expect(story.machine.status == .creating && story.machine.newest == nil)
    try story.add(.createDone(attempt: Story.a, tokenID: "T", expiresAt: start + .seconds(9)))
    #expect(story.machine.status == .creating)
    try story.add(Story.staged)
    #expect(story.machine.status == .staged)
    #expect(story.machine.newest?.tokenID == "T" && story.machine.newest?.attempt == Story.a)
    #expect(story.machine.newest?.expiresAt == start + .seconds(9))
    #expect(story.machine.newest?.stagedAt == story.now && story.machine.nextGeneration == 2)
    try story.add(Story.confirmed)
    #expect(story.machine.status == .active && story.machine.newest?.activationTook == .seconds(3))
    try story.add(.storePromoted(generation: 1, store: "file"))
    #expect(story.machine.status == .delivering && story.machine.newest?.promotedIn == ["file"])
    try story.add(.deliveryFailed(generation: 1, store: "vault", reason: "sealed"))
    try story.add(.storePromoted(generation: 1, store: "vault"))
    try story.add(.deliveryDone(generation: 1, at: start))
    #expect(story.machine.status == .current && story.machine.newest?.deliveredAt == start)
    #expect(try RotationMachine(replaying: story.events) == story.machine)
  }

  @Test func anUnknownAttemptIsFollowedByAnother() throws {
    var story = try Story(Story.intended(), Story.unknown)
    #expect(story.machine.status == .unknown)
    try story.add(Story.intended(Story.b))
    #expect(story.machine.attempts[0].wasSearched && story.machine.attempts[0].state == .unknown)
    try story.add(.createDone(attempt: Story.b, tokenID: "U", expiresAt: nil))
    try story.add(.storeStaged(generation: 1, attempt: Story.b, store: "file"))
    #expect(story.machine.status == .staged)
    // The first attempt's effect lands after all: its token is an orphan beside a live generation.
    try story.add(Story.found)
    #expect(story.machine.attempts[0].state == .lost && story.machine.newest?.tokenID == "U")
    try story.add(.orphanRevokeIntended(attempt: Story.a, tokenID: "T"))
    try story.add(.orphanRevokeUnknown(attempt: Story.a, tokenID: "T", reason: "no answer"))
    #expect(story.machine.attempts[0].orphans.map(\.state) == [.found])
    try story.add(.orphanRevokeIntended(attempt: Story.a, tokenID: "T"))
    try story.add(.orphanRevoked(attempt: Story.a, tokenID: "T"))
    #expect(story.machine.attempts[0].orphans.map(\.state) == [.revoked])
  }

  @Test func anUnknownAttemptWhoseWatchHasEndedMayStillTurnUp() throws {
    var story = try Story(Story.intended(), Story.unknown, .createWatchEnded(attempt: Story.a))
    #expect(story.machine.attempts[0].state == .closed && story.machine.status == .planned)
    try story.add(Story.found)
    #expect(story.machine.attempts[0].state == .lost)
  }

  @Test(arguments: [
    [Story.intended()], [Story.intended(), Story.answered], [Story.intended(), Story.unknown],
  ])
  func aStagedStringIsAdoptedWhateverTheAttemptWas(events: [Event]) throws {
    for (place, status) in [(Event.Place.pending, LineageStatus.staged), (.current, .active)] {
      var story = try Story()
      for event in events { try story.add(event) }
      try story.add(
        .tokenAdopted(generation: 1, attempt: Story.a, tokenID: "T", place: place, expiresAt: nil))
      #expect(story.machine.status == status)
      #expect(story.machine.attempts[0].state == .kept(tokenID: "T"))
    }
  }

  @Test func anEmptyLedgerTakesOverALaterGeneration() throws {
    var story = try Story(
      .tokenAdopted(generation: 7, attempt: Story.a, tokenID: "T", place: .current, expiresAt: nil))
    #expect(story.machine.newest?.number == 7 && story.machine.nextGeneration == 8)
    try story.add(.storePromoted(generation: 7, store: "file"))
    try story.add(.deliveryDone(generation: 7, at: start))
    #expect(story.machine.status == .current)
  }

  @Test func whileAnAttemptIsOpenNoOtherIsAdopted() throws {
    for first in [Story.unknown, .createRefused(attempt: Story.a, reason: "400")] {
      var story = try Story(Story.intended(), first, Story.intended(Story.b))
      for id in [Story.a, attempt(0xC)] {
        #expect(throws: IllegalEvent.self) {
          try story.add(
            .tokenAdopted(generation: 1, attempt: id, tokenID: "T", place: .pending, expiresAt: nil))
        }
      }
      try story.add(
        .tokenAdopted(generation: 1, attempt: Story.b, tokenID: "T", place: .pending, expiresAt: nil))
      #expect(story.machine.status == .staged)
    }
  }

  @Test func anAbandonedGenerationMakesRoomForTheNext() throws {
    var story = try Story(Story.intended(), Story.answered, Story.staged, Story.revoking)
    #expect(story.machine.status == .revoking)
    try story.add(.revokeUnknown(generation: 1, reason: "no answer"))
    try story.add(.revokeRefused(generation: 1, reason: "429"))
    #expect(story.machine.status == .revoking)
    try story.add(Story.revoking)
    try story.add(.revokeDone(generation: 1))
    #expect(story.machine.status == .planned && story.machine.newest == nil)
    #expect(story.machine.nextGeneration == 2)
    try story.add(Story.intended(Story.b, generation: 2))
    #expect(story.machine.status == .creating)
  }

  @Test func refusalsAreCountedFromTheFirstAcrossOutages() throws {
    var story = try Story(Story.intended(), Story.answered, Story.staged)
    let since = story.now
    try story.add(.activationTimedOut(generation: 1, refusedSince: since, reason: "401"))
    #expect(
      story.machine.newest?.refusedSince == since && story.machine.newest?.lastWaitEndedInRefusal == true)
    try story.add(.activationTimedOut(generation: 1, refusedSince: nil, reason: "no answer"))
    #expect(
      story.machine.newest?.refusedSince == since && story.machine.newest?.lastWaitEndedInRefusal == false)
    try story.add(Story.confirmed)
    #expect(story.machine.newest?.refusedSince == nil)
  }

  @Test func anAcceptanceEndsTheRefusalsBeforeIt() throws {
    var story = try Story(Story.intended(), Story.answered, Story.staged)
    try story.add(.activationTimedOut(generation: 1, refusedSince: story.now, reason: "401"))
    try story.add(.activationAccepted(generation: 1))
    try story.add(.activationTimedOut(generation: 1, refusedSince: nil, reason: "no answer"))
    #expect(
      story.machine.newest?.refusedSince == nil && story.machine.newest?.lastWaitEndedInRefusal == false)
  }

  @Test func anAttemptsIdIsNeverUsedTwice() throws {
    let story = try Story(Story.intended(), .createRefused(attempt: Story.a, reason: "400"))
    var machine = story.machine
    #expect(throws: IllegalEvent.self) {
      try machine.apply(TimedEvent(Story.intended(), at: story.now))
    }
  }

  @Test func generationsAreNumberedWithoutGaps() throws {
    for number in [0, 2, -1] {
      #expect(throws: IllegalEvent.self) { try Story(Story.intended(generation: number)) }
    }
    #expect(throws: IllegalEvent.self) {
      try Story(
        Story.intended(), Story.answered,
        .storeStaged(generation: 2, attempt: Story.a, store: "file"))
    }
  }

  @Test func theLiveTokenOfAnAttemptIsNoOrphanAndASecondOneIs() throws {
    var story = try Story(Story.intended(), Story.answered, Story.staged)
    #expect(throws: IllegalEvent.self) { try story.add(Story.found) }
    let second = Event.orphanFound(attempt: Story.a, tokenID: "T2", reason: "a second token")
    try story.add(second)
    #expect(story.machine.attempts[0].state == .kept(tokenID: "T") && story.machine.status == .staged)
    #expect(throws: IllegalEvent.self) { try story.add(second) }
  }

  /// Recovery comes first: while an attempt is open, only its own answer can turn out to be useless.
  @Test func anOpenAttemptHasNoOrphanButItsOwnAnswer() throws {
    var story = try Story(Story.intended())
    #expect(throws: IllegalEvent.self) { try story.add(Story.found) }
    try story.add(Story.answered)
    #expect(throws: IllegalEvent.self) {
      try story.add(.orphanFound(attempt: Story.a, tokenID: "another", reason: "?"))
    }
    try story.add(Story.found)
    #expect(story.machine.attempts[0].state == .lost)
  }

  @Test func aDamagedLedgerIsRefusedAsAWhole() throws {
    let story = try Story(Story.intended(), Story.answered, Story.staged)
    for index in story.events.indices.dropLast() {
      var damaged = story.events
      damaged.remove(at: index)
      #expect(throws: IllegalEvent.self) { try RotationMachine(replaying: damaged) }
    }
  }
}
