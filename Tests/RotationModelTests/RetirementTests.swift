import Testing

@testable import RotationModel

/// What becomes of tokens that were delivered, and what people ask for.
struct RetirementTests {
  // MARK: Going back

  @Test(
    arguments: [
      ("superseded", Story.rotated(), 1, true),
      ("disabling", Story.disabling, 1, true),
      ("disabled", Story.disabled, 1, true),
      ("the current one", Story.rotated(), 2, false),
      ("what there is not", Story.rotated(), 7, false),
      ("nothing to go back from", Story.made(1), 1, false),
      ("the point of no return", Story.revokingOld, 1, false),
      ("revoked", Story.revokedOld, 1, false),
      ("asked already", Story.rotated() + [Story.rollbackAsked], 1, false),
      ("enabling", Story.enabling, 1, false),
      ("known to others", Story.rotated() + [.rotationRequested(generation: 1, compromised: true)], 1, false),
      (
        "merely asked to be replaced",
        Story.rotated() + [.rotationRequested(generation: 2, compromised: false)], 1, true
      ),
      ("retiring", Story.rotated() + [.retirementRequested(now: false)], 1, false),
      ("the current one is gone", Story.rotated() + [.tokenGone(generation: 2, reason: "404")], 1, false),
      (
        "a string that was never ours", [.tokenTakenOver(tokenID: "T0", expiresAt: nil)] + Story.made(1), 0,
        false
      ),
      ("back again", Story.rolledBack, 2, true),
      ("left behind", Story.rotated() + [.clusterChanged(from: "a/c")], 1, false),
    ] as [(String, [Event], Int, Bool)])
  func onlyAPreviousTokenThatWorksMayComeBack(name: String, history: [Event], number: Int, may: Bool) throws {
    var story = try Story(of: history)
    #expect(story.machine.mayRollBack(to: number) == may, "\(name)")
    let asked = Event.rollbackRequested(generation: number)
    if may {
      try story.add(asked)
      #expect(story.machine.status == .rollingBack && story.machine.probed?.number == number)
    } else {
      #expect(throws: IllegalEvent.self, "\(name)") { try story.add(asked) }
    }
  }

  @Test func whileAnotherTokenIsMadeThereIsNoWayBack() throws {
    // The incumbent is gone, so that another is made beside the predecessor.
    let gone =
      Story.rotated() + [
        .tokenGone(generation: 2, reason: "404"), Story.intended(attempt(0xC), generation: 3),
      ]
    #expect(try !Story(of: gone).machine.mayRollBack(to: 1))
  }

  @Test func aRollbackExchangesTheTwo() throws {
    var story = try Story(of: Story.verifiedAgain)
    #expect(story.machine.incumbent?.number == 2 && story.machine.predecessor?.isVerifiedAgain == true)
    try story.add(.storeRolledBack(generation: 1, store: "file"))
    #expect(story.machine.incumbent?.promotedIn == [] && story.machine.predecessor?.promotedIn == ["file"])
    let at = start + .seconds(50)
    try story.add(.rollbackDone(generation: 1, at: at))
    #expect(story.machine.incumbent?.number == 1 && story.machine.incumbent?.supersededAt == nil)
    #expect(story.machine.predecessor?.number == 2 && story.machine.predecessor?.supersededAt == at)
    #expect(story.machine.wishes.isHeld && story.machine.rollbackTarget == nil)
    #expect(story.machine.nextGeneration == 3 && story.machine.status == .current)
  }

  @Test func whatWasVerifiedForAnEarlierRollbackIsVerifiedAgain() throws {
    // There and back again.
    var story = try Story(
      of: Story.rolledBack + [
        .rollbackRequested(generation: 2), .activationConfirmed(generation: 2, after: .seconds(1)),
        .storeRolledBack(generation: 2, store: "file"), .rollbackDone(generation: 2, at: start),
      ])
    try story.add(Story.rollbackAsked)
    #expect(throws: IllegalEvent.self) { try story.add(.storeRolledBack(generation: 1, store: "file")) }
  }

  /// A store may have turned back, and the run may have died before that was on record.
  @Test func aRollbackWhoseTokenWasVerifiedIsNotGivenUp() throws {
    let refused = Event.rollbackRefused(generation: 1, reason: "nobody wants it")
    var early = try Story(of: Story.rotated() + [Story.rollbackAsked])
    try early.add(refused)
    #expect(early.machine.rollbackTarget == nil)
    for history in [Story.verifiedAgain, Story.enabling + [.enableDone(generation: 1), Story.confirmed]] {
      var story = try Story(of: history)
      #expect(throws: IllegalEvent.self) { try story.add(refused) }
      #expect(story.machine.rollbackTarget?.number == 1)
    }
  }

  @Test func permissionsAreKeptUntilTheyAreGivenBack() throws {
    var story = try Story(of: Story.disabling)
    let seen = start + .seconds(30)
    #expect(story.machine.predecessor?.disabledAt == start)
    try story.add(.disableDone(generation: 1, at: seen))
    #expect(story.machine.predecessor?.disabledAt == seen)
    for event in [
      Story.rollbackAsked, .enableIntended(generation: 1), .enableUnknown(generation: 1, reason: "?"),
    ] {
      try story.add(event)
    }
    #expect(story.machine.predecessor?.permissionsBefore == Story.readAndWrite)
    try story.add(.enableRefused(generation: 1, reason: "400"))
    // One of the two may have given them back.
    #expect(story.machine.predecessor?.phase == .enabling && story.machine.predecessor?.disabledAt == seen)
    try story.add(.enableIntended(generation: 1))
    try story.add(.enableDone(generation: 1))
    #expect(story.machine.predecessor?.phase == .superseded && story.machine.predecessor?.disabledAt == nil)
  }

  /// As when its permissions are not allowed any more after an enable that was not answered.
  @Test func aRollbackThatIsGivenUpWhileEnablingLeavesATokenToRetire() throws {
    var story = try Story(of: Story.enabling + [.enableUnknown(generation: 1, reason: "no answer")])
    try story.add(.rollbackRefused(generation: 1, reason: "not allowed"))
    #expect(story.machine.predecessor?.phase == .superseded && story.machine.predecessor?.disabledAt == nil)
    #expect(
      story.machine.nextAction(RotationActionTests.context()) == .revoke(generation: 1, reason: .superseded))
  }

  // MARK: Tokens of others, and those that go by themselves

  @Test func aTokenThatIsTakenOverIsGenerationZeroAndRetiredLikeAnyOther() throws {
    let expiresAt = start + .seconds(900)
    var story = try Story(.tokenTakenOver(tokenID: "T0", expiresAt: expiresAt))
    let taken = try #require(story.machine.incumbent)
    #expect(
      taken.number == 0 && taken.attempt == nil && taken.tokenID == "T0" && taken.expiresAt == expiresAt)
    #expect(story.machine.nextGeneration == 1 && story.machine.status == .current)
    #expect(!story.machine.hasTokenOfOurs, "a token that somebody else made is not retired by name")
    #expect(throws: IllegalEvent.self) { try story.add(.retirementRequested(now: true)) }
    for event in Story.made(1) { try story.add(event) }
    #expect(story.machine.incumbent?.number == 1)
    let predecessor = try #require(story.machine.predecessor)
    #expect(predecessor.number == 0 && predecessor.wasDelivered && predecessor.supersededAt == start)
    try story.add(.revokeIntended(generation: 0, reason: "old"))
    #expect(story.machine.predecessor?.number == 0 && story.machine.successor == nil)
    try story.add(.revokeDone(generation: 0))
    #expect(story.machine.predecessor?.number == 0, "until the cluster was seen to refuse it")
    try story.add(.revokeConfirmed(generation: 0))
    #expect(story.machine.predecessor == nil && story.machine.attempts.count == 1)
  }

  /// A third one would become a second predecessor, which nothing would ever retire.
  @Test(arguments: [
    (Story.rotated(), Event.Place.pending), (Story.rotated(), .current), (Story.rotated(), .previous),
    (Story.made(1) + Story.stagedSecond, .previous), (Story.made(1) + Story.stagedSecond, .pending),
  ])
  func noThirdTokenIsAdopted(history: [Event], place: Event.Place) throws {
    var story = try Story(of: history)
    #expect(throws: IllegalEvent.self) {
      try story.add(
        .tokenAdopted(generation: 9, attempt: attempt(9), tokenID: "T9", place: place, expiresAt: nil))
    }
  }

  @Test func onlyTheFirstTokenMayBeTakenOver() throws {
    for history in [Story.made(1), [.tokenTakenOver(tokenID: "T0", expiresAt: nil)]] {
      var story = try Story(of: history)
      #expect(throws: IllegalEvent.self) { try story.add(.tokenTakenOver(tokenID: "T9", expiresAt: nil)) }
    }
  }

  @Test func aTokenThatIsGoneMakesRoomBesideThePredecessor() throws {
    var story = try Story(of: Story.rotated())
    #expect(!story.machine.mayCreate)
    try story.add(.tokenGone(generation: 2, reason: "404"))
    #expect(story.machine.incumbent == nil && story.machine.predecessor?.number == 1)
    #expect(story.machine.mayCreate && story.machine.status == .retiring)
    for event in Story.made(3, attempt(0xC)) { try story.add(event) }
    #expect(story.machine.incumbent?.number == 3 && story.machine.predecessor?.number == 1)
  }

  /// Whoever still has the older string never saw the one that is gone.
  @Test(arguments: [Story.rotated() + [.tokenGone(generation: 2, reason: "404")], Story.takenOverAndGone])
  func theOverlapBeginsAnewWithTheTokenThatTakesThePlace(history: [Event]) throws {
    var story = try Story(of: history)
    let (old, next) = (try #require(story.machine.predecessor), story.machine.nextGeneration)
    #expect(old.supersededAt == start)
    let at = start + .seconds(7200)
    for event in Story.made(next, attempt(0xC)).dropLast() { try story.add(event) }
    try story.add(.deliveryDone(generation: next, at: at))
    #expect(story.machine.generation(old.number)?.supersededAt == at)
    let expected = Action.revoke(generation: old.number, reason: .superseded)
    let confirmed = story.machine.generations.filter { $0.phase == .revoked && !$0.isConfirmedGone }
    for generation in confirmed { try story.add(.revokeConfirmed(generation: generation.number)) }
    #expect(story.machine.nextAction(RotationActionTests.at(7200 + 3599)) == .none)
    #expect(story.machine.nextAction(RotationActionTests.at(7200 + 3600)) == expected)
  }

  @Test func aQuarantineThatHasBegunGoesOn() throws {
    var story = try Story(of: Story.disabled + [.tokenGone(generation: 2, reason: "404")])
    for event in Story.made(3, attempt(0xC)).dropLast() { try story.add(event) }
    try story.add(.deliveryDone(generation: 3, at: start + .seconds(7200)))
    #expect(story.machine.generation(1)?.disabledAt == start && story.machine.predecessor?.phase == .disabled)
  }

  /// Its string is in the stores' place for a previous token, where the next one's predecessor is to go.
  @Test func aTokenThatIsGoneIsConfirmedWhileTheOneThatWasTakenOverLivesOn() throws {
    var story = try Story(of: Story.takenOverAndGone + Story.made(2, Story.b))
    #expect(story.machine.predecessor?.number == 0)
    #expect(story.machine.nextAction(RotationActionTests.at(0)) == .confirmRevocation(generation: 1))
    #expect(
      story.machine.nextAction(RotationActionTests.gaveUp) == .revoke(generation: 0, reason: .superseded))
    try story.add(.tokenGone(generation: 2, reason: "404"))
    #expect(story.machine.nextAction(RotationActionTests.at(0)) == .confirmRevocation(generation: 1))
    try story.add(.revokeConfirmed(generation: 1))
    #expect(story.machine.nextAction(RotationActionTests.at(0)) == .create(generation: 3))
  }

  /// Its string is what the stores call current: confirmed too early, nobody would ever take it out of them.
  @Test func aCompromisedTokenThatIsGoneIsConfirmedWhenAnotherIsInItsPlace() throws {
    var story = try Story(
      of: Story.takenOver + [
        .rotationRequested(generation: 1, compromised: true), .tokenGone(generation: 1, reason: "404"),
      ])
    #expect(story.machine.nextAction(RotationActionTests.noClock) == .create(generation: 2))
    for event in Story.made(2, Story.b) { try story.add(event) }
    #expect(story.machine.nextAction(RotationActionTests.noClock) == .confirmRevocation(generation: 1))
  }

  @Test func theTokenThatIsTakenBackFromIsNotGoneMeanwhile() throws {
    var story = try Story(of: Story.rotated() + [Story.rollbackAsked])
    #expect(throws: IllegalEvent.self) { try story.add(.tokenGone(generation: 2, reason: "404")) }
  }

  @Test(arguments: [
    Story.takenOver, Story.takenOver + [Story.disableIntended(0)],
    Story.takenOver + [Story.disableIntended(0), .disableDone(generation: 0, at: start)],
  ])
  func aTokenThatTheRowNamesNoMoreIsLetGoAndInNobodysWay(history: [Event]) throws {
    var story = try Story(of: history)
    #expect(story.machine.predecessor?.number == 0 && !story.machine.mayCreate)
    try story.add(.tokenForgotten(generation: 0))
    #expect(story.machine.predecessor == nil && story.machine.mayCreate)
    #expect(story.machine.generation(0)?.isLive == false)
    #expect(story.machine.nextAction(RotationActionTests.context()) == .none)
    #expect(throws: IllegalEvent.self) { try story.add(.revokeIntended(generation: 0, reason: "old")) }
  }

  @Test(arguments: [Story.rotated(), Story.disabling, Story.disabled])
  func aTokenOfOursIsNeverLetGo(history: [Event]) throws {
    var story = try Story(of: history)
    #expect(throws: IllegalEvent.self) { try story.add(.tokenForgotten(generation: 1)) }
  }

  /// What the cluster revoked is an orphan when a listing shows it later.
  @Test func aRevokedTokenThatIsListedAgainIsAnOrphan() throws {
    var story = try Story(of: Story.revokedOld + [.revokeConfirmed(generation: 1)])
    let seen = Sighting(attempt: Story.a, tokenID: "T")
    #expect(story.machine.evidence(from: [seen], listedAt: story.now).events.isEmpty)
    let later = story.machine.evidence(from: [seen], listedAt: story.now + .seconds(120))
    #expect(later.events.map(\.record.name) == ["orphan.found"])
    try story.add(later.events[0])
    #expect(story.machine.incumbent?.number == 2)
  }

  // MARK: Wishes

  @Test func wishesGrowAndNeverShrink() throws {
    var story = try Story(of: Story.rotated())
    for (generation, compromised) in [(2, false), (1, true), (1, false)] {
      try story.add(.rotationRequested(generation: generation, compromised: compromised))
    }
    #expect(story.machine.wishes.replacedUpTo == 2 && story.machine.wishes.compromisedUpTo == 1)
    #expect(story.machine.generations.map(story.machine.isCompromised) == [true, false])
    #expect(throws: IllegalEvent.self) {
      try story.add(.rotationRequested(generation: 3, compromised: false))
    }
    for now in [true, false] { try story.add(.retirementRequested(now: now)) }
    #expect(story.machine.wishes.retirement == .now)
  }

  /// A store has room for one previous token, and a lineage for one predecessor.
  @Test func theCurrentTokenIsWithdrawnOnlyWhenItsPredecessorIsGone() throws {
    var story = try Story(of: Story.rotated() + [.retirementRequested(now: false)])
    let withdrawn = Event.storeWithdrawn(generation: 2, store: "file", at: start)
    #expect(throws: IllegalEvent.self) { try story.add(withdrawn) }
    for event in Story.ended { try story.add(event) }
    try story.add(withdrawn)
    #expect(story.machine.predecessor?.number == 2)
  }

  @Test func aRetirementEndsWithTheLastToken() throws {
    var story = try Story(of: Story.withdrawn)
    #expect(story.machine.status == .retiring && story.machine.predecessor?.supersededAt == start)
    for event in Story.ended.dropLast() { try story.add(event) }
    #expect(story.machine.wishes.retirement != nil, "nobody has seen yet that it is refused")
    try story.add(.revokeConfirmed(generation: 1))
    #expect(story.machine.wishes.retirement == nil && story.machine.status == .planned)
  }

  @Test func aRetirementEndsWithATokenThatIsGoneByItself() throws {
    var story = try Story(of: Story.made(1) + [.retirementRequested(now: false)])
    try story.add(.tokenGone(generation: 1, reason: "404"))
    #expect(
      story.machine.nextAction(RotationActionTests.context()) == .withdraw(generation: 1, store: "file"))
    try story.add(.storeWithdrawn(generation: 1, store: "file", at: start))
    #expect(story.machine.nextAction(RotationActionTests.context()) == .confirmRevocation(generation: 1))
    try story.add(.revokeConfirmed(generation: 1))
    #expect(story.machine.wishes.retirement == nil && story.machine.status == .planned)
    #expect(story.machine.nextAction(RotationActionTests.context()) == .create(generation: 2))
  }

  /// A string that no token is left for is in the way of the next one, if the stores go on calling it current.
  @Test func aTokenThatVanishedLeavesTheStoresWhenItsLineageIsRetired() throws {
    let made = Story.made(1, in: ["file", "vault"])
    var story = try Story(
      of: [.tokenTakenOver(tokenID: "T0", expiresAt: nil)] + made + [.tokenGone(generation: 1, reason: "404")]
    )
    let withdrawn = { Event.storeWithdrawn(generation: 1, store: $0, at: start) }
    #expect(throws: IllegalEvent.self, "nobody has retired it") { try story.add(withdrawn("file")) }
    try story.add(.retirementRequested(now: false))
    let context = RotationActionTests.unwanted(RotationActionTests.noClock)
    #expect(story.machine.nextAction(context) == .withdraw(generation: 1, store: "file"))
    try story.add(withdrawn("file"))
    #expect(story.machine.nextAction(context) == .withdraw(generation: 1, store: "vault"))
    try story.add(withdrawn("vault"))
    #expect(story.machine.nextAction(context) == .confirmRevocation(generation: 1))
    #expect(story.machine.generation(1)?.phase == .revoked)
    #expect(throws: IllegalEvent.self, "they have lost it") { try story.add(withdrawn("vault")) }
  }

  /// The stores have room for one previous token, and may have the next one as current already.
  @Test func aTokenThatVanishedIsNotWithdrawnWhileAnotherIsInTheWay() throws {
    let asked = Event.retirementRequested(now: true)
    let gone = Event.tokenGone(generation: 2, reason: "404")
    let vanished = Event.tokenGone(generation: 1, reason: "404")
    let next = [Event.tokenTakenOver(tokenID: "T0", expiresAt: nil)] + Story.made(1) + [vanished]
    for history in [
      Story.rotated() + [gone, asked], Story.revokedOld + [gone, asked],
      next + Array(Story.made(2, Story.b).prefix(4)) + [asked],
      next + Array(Story.made(2, Story.b).prefix(5)) + [asked],
    ] {
      var story = try Story(of: history)
      let number = try #require(
        story.machine.generations.last { $0.phase == .revoked && $0.isReplacedByNothing })
      let withdrawn = Event.storeWithdrawn(generation: number.number, store: "file", at: start)
      #expect(throws: IllegalEvent.self) { try story.add(withdrawn) }
      let action = story.machine.nextAction(RotationActionTests.noClock)
      #expect(action != .withdraw(generation: number.number, store: "file"))
    }
  }

  @Test func aRenamedLineageKnowsWhereItsTokensAre() throws {
    var story = try Story(of: Story.rotated() + [.lineageRenamed(from: "old")])
    #expect(story.machine.wishes.formerNames == ["old"])
    #expect(story.machine.generations.map(\.key) == ["old", "old"], "the stores still have the old name")
    #expect(!story.machine.maySettle)
    try story.add(.storeRelocated(store: "file"))
    #expect(story.machine.wishes.relocatedIn == ["file"])
    try story.add(.relocationDone(key: nil))
    #expect(story.machine.generations.map(\.key) == [nil, nil] && story.machine.maySettle)
    try story.add(.lineageRenamed(from: "newer"))
    #expect(story.machine.wishes.formerNames == ["old", "newer"])
    try story.add(.relocationDone(key: "secret"))
    #expect(story.machine.generations.map(\.key) == ["secret", "secret"])
    // A place of its own does not follow the name.
    try story.add(.lineageRenamed(from: "newest"))
    #expect(story.machine.generations.map(\.key) == ["secret", "secret"])
  }

  @Test func theStringOfARevokedTokenMovesUntilItIsForgotten() throws {
    for (ending, key) in [([], nil), ([.revokeConfirmed(generation: 1)], "old")] as [([Event], String?)] {
      var story = try Story(of: Story.revokedOld + ending + [.lineageRenamed(from: "old")])
      for event in [.storeRelocated(store: "file"), .relocationDone(key: nil)] as [Event] {
        try story.add(event)
      }
      #expect(story.machine.generations.map(\.key) == [key, nil])
    }
  }

  @Test(arguments: [
    [Story.intended()], Story.made(1) + Story.stagedSecond, Story.rotated() + [Story.rollbackAsked],
    Story.made(1) + [.retirementRequested(now: false)], Story.made(1) + [.lineageRenamed(from: "old")],
  ])
  func nothingIsRenamedInTheMiddleOfSomething(history: [Event]) throws {
    var story = try Story(of: history)
    #expect(!story.machine.maySettle)
    #expect(throws: IllegalEvent.self) { try story.add(.lineageRenamed(from: "old")) }
  }
}
