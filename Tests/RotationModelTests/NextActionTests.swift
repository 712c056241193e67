import Testing

@testable import RotationModel

struct NextActionTests {
  static func context(
    wanted: Bool = true, after: Duration = .seconds(100), searched: Set<AttemptID> = [], waited: Bool = false,
    stores: [String] = ["file", "vault"]
  ) -> ActionContext {
    ActionContext(
      isWanted: wanted, stores: stores, abandonAfter: .seconds(86_400), now: start + after,
      searched: searched, hasWaited: waited)
  }

  static let stagedStory = [Story.intended(), Story.answered, Story.staged]
  static let activeStory = stagedStory + [Story.confirmed]
  static let refusedStory =
    stagedStory + [.activationTimedOut(generation: 1, refusedSince: start, reason: "401")]
  static let promotedOnce = activeStory + [.storePromoted(generation: 1, store: "file")]
  static let promotedTwice = promotedOnce + [.storePromoted(generation: 1, store: "vault")]
  static let lostStory = [Story.intended(), Story.unknown, Story.found]
  static let revokedOrphan = lostStory + [.orphanRevoked(attempt: Story.a, tokenID: "T")]

  @Test(
    arguments: [
      ([], context(), .create(generation: 1)),
      ([], context(wanted: false), .none),
      ([Story.intended()], context(), .recover(Story.a)),
      ([Story.intended()], context(wanted: false), .recover(Story.a)),
      ([Story.intended(), Story.answered], context(searched: [Story.a]), .recover(Story.a)),
      ([Story.intended(), .createRefused(attempt: Story.a, reason: "")], context(), .create(generation: 1)),
      ([Story.intended(), Story.unknown], context(), .search([Story.a])),
      ([Story.intended(), Story.unknown], context(searched: [Story.b]), .search([Story.a])),
      ([Story.intended(), Story.unknown], context(searched: [Story.a]), .create(generation: 1)),
      ([Story.intended(), Story.unknown], context(wanted: false), .none),
      (
        [
          Story.intended(), Story.unknown, Story.intended(Story.b),
          .createUnknown(attempt: Story.b, reason: ""),
        ],
        context(), .search([Story.b])
      ),
      (lostStory, context(), .revokeOrphan(attempt: Story.a, tokenID: "T")),
      (lostStory, context(wanted: false), .revokeOrphan(attempt: Story.a, tokenID: "T")),
      (
        lostStory + [.orphanRevokeIntended(attempt: Story.a, tokenID: "T")], context(),
        .revokeOrphan(attempt: Story.a, tokenID: "T")
      ),
      // An open attempt may have its string in the store: that comes before any revocation.
      (lostStory + [Story.intended(Story.b)], context(), .recover(Story.b)),
      // Seen early and revoked: its request may still have been sent twice.
      (revokedOrphan, context(), .search([Story.a])),
      (revokedOrphan, context(searched: [Story.a]), .create(generation: 1)),
      (stagedStory, context(), .activate(generation: 1)),
      (stagedStory, context(wanted: false), .none),
      (stagedStory, context(waited: true), .wait(generation: 1)),
      (
        stagedStory + [.orphanFound(attempt: Story.a, tokenID: "T2", reason: "")], context(),
        .revokeOrphan(attempt: Story.a, tokenID: "T2")
      ),
      (refusedStory, context(after: .seconds(86_399), waited: true), .wait(generation: 1)),
      (
        refusedStory, context(after: .seconds(86_400), waited: true),
        .revoke(generation: 1, reason: .neverActive)
      ),
      // Nothing is given up before this run has asked for itself, nor on the strength of an outage.
      (refusedStory, context(after: .seconds(999_999)), .activate(generation: 1)),
      (
        refusedStory + [.activationTimedOut(generation: 1, refusedSince: nil, reason: "no answer")],
        context(after: .seconds(999_999), waited: true), .wait(generation: 1)
      ),
      (activeStory, context(), .promote(generation: 1, store: "file")),
      (activeStory, context(wanted: false), .none),
      (promotedOnce, context(), .promote(generation: 1, store: "vault")),
      (promotedTwice, context(), .completeDelivery(generation: 1)),
      (promotedTwice + [.deliveryDone(generation: 1, at: start)], context(), .none),
      (
        promotedTwice + [.deliveryDone(generation: 1, at: start)], context(stores: ["file", "vault", "new"]),
        .promote(generation: 1, store: "new")
      ),
      (promotedTwice + [.deliveryDone(generation: 1, at: start)], context(wanted: false), .none),
      (stagedStory + [Story.revoking], context(wanted: false), .revoke(generation: 1, reason: .intended)),
      (stagedStory + [Story.revoking, .revokeDone(generation: 1)], context(), .create(generation: 2)),
      (stagedStory + [Story.revoking, .revokeDone(generation: 1)], context(wanted: false), .none),
    ] as [([Event], ActionContext, Action)])
  func eachStateHasOneNextAction(history: [Event], context: ActionContext, action: Action) throws {
    var story = try Story()
    for event in history { try story.add(event) }
    let before = story.machine
    #expect(story.machine.nextAction(context) == action)
    #expect(story.machine.nextAction(context) == action)
    #expect(story.machine == before)
  }

  @Test func theStatusWordsAreAllReachable() throws {
    let histories: [[Event]] = [
      [], [Story.intended()], [Story.intended(), Story.unknown], NextActionTests.stagedStory,
      NextActionTests.activeStory, NextActionTests.promotedOnce,
      NextActionTests.promotedTwice + [.deliveryDone(generation: 1, at: start)],
      NextActionTests.stagedStory + [Story.revoking], Story.rotated() + [Story.rollbackAsked],
      Story.withdrawn,
    ]
    let words = try histories.map { history in
      var story = try Story()
      for event in history { try story.add(event) }
      return story.machine.status
    }
    #expect(
      words == [
        .planned, .creating, .unknown, .staged, .active, .delivering, .current, .revoking, .rollingBack,
        .retiring,
      ])
    #expect(Set(words) == Set(LineageStatus.allCases))
  }
}

struct EvidenceTests {
  private func evidence(_ history: [Event], _ sightings: [Sighting]) throws -> Evidence {
    var story = try Story()
    for event in history { try story.add(event) }
    return story.machine.evidence(from: sightings, listedAt: start)
  }

  private let seen = Sighting(attempt: Story.a, tokenID: "T")
  private let second = Sighting(attempt: Story.a, tokenID: "T2")

  @Test func theLiveTokenIsNoNews() throws {
    #expect(
      try evidence(NextActionTests.stagedStory, [seen]) == Evidence(events: [], foreign: []))
  }

  @Test func aSecondTokenOfAKeptAttemptIsAnOrphan() throws {
    let evidence = try evidence(NextActionTests.stagedStory, [seen, second])
    #expect(evidence.foreign.isEmpty && evidence.events.count == 1)
    guard case .orphanFound(Story.a, "T2", let reason)? = evidence.events.first else {
      Issue.record("\(evidence)")
      return
    }
    #expect(reason.contains("second token"))
  }

  @Test func anUnseenAttemptIsForeignAndNeverAnOrphan() throws {
    let foreign = Sighting(attempt: Story.b, tokenID: "X")
    #expect(
      try evidence(NextActionTests.stagedStory, [foreign]) == Evidence(events: [], foreign: [foreign]))
    #expect(try evidence([], [foreign]) == Evidence(events: [], foreign: [foreign]))
  }

  @Test(arguments: [[Story.intended()], [Story.intended(), Story.answered]])
  func openAttemptsAreLeftToRecovery(history: [Event]) throws {
    #expect(try evidence(history, [seen, second]) == Evidence(events: [], foreign: []))
  }

  @Test(arguments: [
    [Story.intended(), Story.unknown],
    [Story.intended(), Story.unknown, .createWatchEnded(attempt: Story.a)],
    [Story.intended(), .createRefused(attempt: Story.a, reason: "500")],
  ])
  func anyTokenOfAnAttemptWithoutOneIsAnOrphan(history: [Event]) throws {
    let evidence = try evidence(history, [seen])
    #expect(evidence.events.map(\.record.name) == ["orphan.found"])
    // Applying it is legal, and seeing the token again is no news.
    var story = try Story()
    for event in history + evidence.events { try story.add(event) }
    #expect(story.machine.evidence(from: [seen], listedAt: start).events.isEmpty)
    try story.add(.orphanRevoked(attempt: Story.a, tokenID: "T"))
    #expect(story.machine.evidence(from: [seen], listedAt: start).events.isEmpty)
    #expect(story.machine.evidence(from: [second], listedAt: start).events.count == 1)
    #expect(
      story.machine.evidence(from: [second, second], listedAt: start).events.count == 1,
      "a listing that shows a token twice shows one orphan")
  }

  @Test func aWatchEndsAfterSevenDaysWithoutASight() throws {
    let story = try Story(Story.intended(), Story.unknown)
    let intended = story.machine.attempts[0].intendedAt
    #expect(Attempt.watch == .seconds(7 * 86_400))
    #expect(story.machine.endedWatches(at: intended + Attempt.watch).isEmpty)
    #expect(story.machine.endedWatches(at: intended + Attempt.watch + .milliseconds(1)) == [Story.a])
    var seenStory = story
    try seenStory.add(Story.found)
    #expect(seenStory.machine.endedWatches(at: intended + .seconds(999_999_999)).isEmpty)
    #expect(try Story(Story.intended()).machine.endedWatches(at: intended + .seconds(999_999_999)).isEmpty)
  }
}
