import Testing

@testable import RotationModel

/// A job that leaves its cluster: everything begins anew, and nothing of what was is in the way.
struct LeavingTests {
  @Test(arguments: [
    Story.rotated() + [.lineageHeld, .rotationRequested(generation: 2, compromised: true)],
    Story.revokedOld, Story.enabling, Story.made(1) + Story.stagedSecond, [Story.intended(), Story.answered],
    Story.rolledBack, Story.made(1) + Story.givenUp, Story.takenOver,
    Story.rotated() + [.tokenGone(generation: 2, reason: "404")],
    [Story.intended(), Story.unknown, Story.found], Story.withdrawn,
    [.tokenTakenOver(tokenID: "T0", expiresAt: nil)],
  ])
  func onAnotherClusterEverythingBegins(history: [Event]) throws {
    var story = try Story(of: history)
    let next = story.machine.nextGeneration
    try story.add(.clusterChanged(from: "account/cluster"))
    let context = RotationActionTests.context()
    while case .forget(let generation) = story.machine.nextAction(context) {
      #expect(story.machine.generation(generation)?.holdsCurrentPlace == false)
      try story.add(.tokenForgotten(generation: generation))
    }
    let machine = story.machine
    let kept = machine.generations.filter { $0.phase == .leftBehind && !$0.isConfirmedGone }
    // The stores call its string current until another takes its place.
    #expect(kept.count <= 1 && kept.allSatisfy(\.holdsCurrentPlace))
    let ours = kept.last
    #expect(machine.newest == nil && machine.predecessor?.number == ours?.number)
    #expect(machine.status == (ours == nil ? .planned : .retiring))
    #expect(machine.generations.allSatisfy { !$0.isLive && $0.promotedIn.isEmpty })
    #expect(machine.wishes == Wishes() && machine.mayCreate && machine.nextGeneration == next)
    #expect(machine.endedWatches(at: start + .seconds(9_999_999)).isEmpty)
    #expect(machine.nextAction(context) == .create(generation: next))
    #expect(machine.nextAction(RotationActionTests.context { $0.isWanted = false }) == .none)
  }

  @Test func whatWasLeftBehindIsForgottenWhenAnotherIsInItsPlace() throws {
    var story = try Story(of: Story.made(1) + [.clusterChanged(from: "a/c")] + Story.made(2, Story.b))
    #expect(story.machine.nextAction(RotationActionTests.context()) == .forget(generation: 1))
    try story.add(.tokenForgotten(generation: 1))
    #expect(story.machine.predecessor == nil && story.machine.incumbent?.number == 2)
    #expect(story.machine.nextAction(RotationActionTests.context()) == .none)
  }

  /// The one that the stores call current stays; what else they have goes at once, whoever holds the lineage.
  @Test(arguments: [
    ("staged", Story.made(1) + Story.stagedSecond, 2, 1), ("previous", Story.rotated(), 1, 2),
    ("rolled back", Story.rolledBack, 2, 1), ("revoked, unconfirmed", Story.revokedOld, 1, 2),
    ("quarantined", Story.disabled, 1, 2), ("given up", Story.made(1) + Story.givenUp.dropLast(), 2, 1),
  ])
  func whatIsInTheWayIsForgottenAtOnce(name: String, history: [Event], forgotten: Int, kept: Int) throws {
    var story = try Story(of: history + [.clusterChanged(from: "a/c")])
    #expect(story.machine.predecessor?.number == forgotten)
    for context in [RotationActionTests.context { $0.isWanted = false }, RotationActionTests.noClock] {
      #expect(story.machine.nextAction(context) == .forget(generation: forgotten), "\(name)")
    }
    try story.add(.tokenForgotten(generation: forgotten))
    let next = story.machine.nextGeneration
    #expect(story.machine.nextAction(RotationActionTests.context()) == .create(generation: next))
    for event in Story.made(next, attempt(0xC)) { try story.add(event) }
    #expect(story.machine.nextAction(RotationActionTests.context()) == .forget(generation: kept))
    try story.add(.tokenForgotten(generation: kept))
    #expect(story.machine.predecessor == nil)
  }

  @Test func whatWentMissingHoldsItsPlaceOnlyWhileNothingIsInIt() throws {
    let gone = Story.made(1) + [.tokenGone(generation: 1, reason: "404")]
    let alone = try Story(of: gone + [.clusterChanged(from: "a/c")])
    #expect(alone.machine.predecessor?.holdsCurrentPlace == true)
    #expect(alone.machine.nextAction(RotationActionTests.context()) == .create(generation: 2))
    let replaced = try Story(of: gone + Story.made(2, Story.b) + [.clusterChanged(from: "a/c")])
    #expect(replaced.machine.nextAction(RotationActionTests.context()) == .forget(generation: 1))
  }

  /// The run died before the first cluster's token was forgotten, and the job moves on.
  @Test func whatHeldTheCurrentPlaceHoldsItNoMoreWhenAnotherDoes() throws {
    var story = try Story(
      of: Story.made(1) + [.clusterChanged(from: "a/c")] + Story.made(2, Story.b)
        + [.clusterChanged(from: "a/d")])
    #expect(story.machine.nextAction(RotationActionTests.context()) == .forget(generation: 1))
    try story.add(.tokenForgotten(generation: 1))
    #expect(story.machine.nextAction(RotationActionTests.context()) == .create(generation: 3))
    #expect(story.machine.predecessor?.number == 2)
  }

  @Test func whatIsOnlyLeftBehindIsNotRetired() throws {
    var story = try Story(of: Story.made(1) + [.clusterChanged(from: "a/c")])
    #expect(!story.machine.hasTokenOfOurs)
    #expect(throws: IllegalEvent.self) { try story.add(.retirementRequested(now: false)) }
    for event in Story.made(2, Story.b) { try story.add(event) }
    #expect(story.machine.hasTokenOfOurs)
    for event in [
      .retirementRequested(now: true), .tokenGone(generation: 2, reason: "404"),
      .revokeConfirmed(generation: 2),
    ] as [Event] { try story.add(event) }
    #expect(story.machine.wishes.retirement == nil, "what is left behind keeps no retirement open")
  }

  @Test func aLineageThatLeftItsClusterKeepsItsNames() throws {
    let story = try Story(of: Story.made(1) + [.lineageRenamed(from: "old"), .clusterChanged(from: "a/c")])
    #expect(story.machine.wishes.formerNames == ["old"] && story.machine.wishes.relocatedIn == nil)
  }
}
