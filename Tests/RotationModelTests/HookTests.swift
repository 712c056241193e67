import RotationModel
import Testing

/// Who is told what became of a token, and when.
struct HookTests {
  private func context(_ hooks: String..., retired: [String] = [], failed: Set<String> = []) -> ActionContext
  {
    var context = ActionContext(
      isWanted: true, stores: ["file"], abandonAfter: .seconds(60), now: start + .seconds(100_000))
    context.deliveryHooks = hooks
    context.retirementHooks = retired
    context.failedHooks = failed
    context.policy = RotationPolicy(
      isOn: true, every: nil, renewBefore: nil, overlap: .zero, quarantine: nil)
    context.retireNow = context.now
    return context
  }

  private static let promoted = Array(Story.made(1).dropLast())

  @Test func aDeliveryIsCompleteWhenEveryHookHasDoneItsWork() throws {
    var story = try Story(of: HookTests.promoted)
    #expect(story.machine.nextAction(context()) == .completeDelivery(generation: 1))
    #expect(story.machine.nextAction(context("x", "y")) == .runHook(generation: 1, hook: "x"))
    try story.add(.hookFailed(generation: 1, hook: "x", reason: "exit 1"))
    #expect(story.machine.nextAction(context("x", "y")) == .runHook(generation: 1, hook: "x"), "told again")
    try story.add(.hookDone(generation: 1, hook: "x"))
    #expect(story.machine.nextAction(context("x", "y")) == .runHook(generation: 1, hook: "y"))
    try story.add(.hookDone(generation: 1, hook: "y"))
    #expect(story.machine.nextAction(context("x", "y")) == .completeDelivery(generation: 1))
    #expect(story.machine.nextAction(context("z")) == .runHook(generation: 1, hook: "z"), "another command")
  }

  @Test func nothingIsToldBeforeEveryStoreHasTheToken() throws {
    let story = try Story(of: HookTests.promoted)
    var two = context("x")
    two.stores = ["file", "vault"]
    #expect(story.machine.nextAction(two) == .promote(generation: 1, store: "vault"))
  }

  @Test func thePredecessorIsNotTouchedWhileAHookFails() throws {
    var story = try Story(of: Story.made(1) + Array(Story.made(2, Story.b).dropLast()))
    #expect(story.machine.nextAction(context("x", failed: ["x"])) == .runHook(generation: 2, hook: "x"))
    #expect(story.machine.incumbent?.number == 1 && story.machine.predecessor == nil)
    try story.add(.hookDone(generation: 2, hook: "x"))
    try story.add(.deliveryDone(generation: 2, at: start))
    #expect(story.machine.nextAction(context("x")) == .revoke(generation: 1, reason: .superseded))
  }

  @Test func aHookThatFailsKeepsNoOtherWaiting() throws {
    var story = try Story(of: HookTests.promoted)
    #expect(story.machine.nextAction(context("x", "y", failed: ["x"])) == .runHook(generation: 1, hook: "y"))
    try story.add(.hookDone(generation: 1, hook: "y"))
    #expect(
      story.machine.nextAction(context("x", "y", failed: ["x"])) == .runHook(generation: 1, hook: "x"),
      "the delivery is not complete")
  }

  @Test func whatIsToBeRetiredIsAnnouncedToNobody() throws {
    let story = try Story(of: HookTests.promoted + [.retirementRequested(now: true)])
    var gone = context("x")
    gone.isWanted = false
    #expect(story.machine.nextAction(gone) == .completeDelivery(generation: 1))
  }

  @Test func aPromotionCompletesTheDeliveryOnlyWithoutHooks() throws {
    let story = try Story(of: Array(Story.made(1).prefix(4)))
    #expect(story.machine.completesDelivery(of: 1, in: "file", context()))
    #expect(!story.machine.completesDelivery(of: 1, in: "file", context("x")))
    var two = context()
    two.stores = ["file", "vault"]
    #expect(!story.machine.completesDelivery(of: 1, in: "file", two))
  }

  @Test func aTokenThatWasDeliveredIsNotToldOfAgainForANewHook() throws {
    let story = try Story(of: Story.made(1))
    #expect(story.machine.nextAction(context("x", retired: ["y"])) == .none)
  }

  @Test func whoComesBackIsToldOfAgain() throws {
    var story = try Story(
      of: HookTests.promoted + [
        .hookDone(generation: 1, hook: "x"), .deliveryDone(generation: 1, at: start),
      ] + Story.made(2, Story.b) + [
        .rollbackRequested(generation: 1), .activationConfirmed(generation: 1, after: .seconds(1)),
        .storeRolledBack(generation: 1, store: "file"),
      ])
    #expect(story.machine.nextAction(context("x")) == .runHook(generation: 1, hook: "x"))
    try story.add(.hookDone(generation: 1, hook: "x"))
    #expect(story.machine.nextAction(context("x")) == .completeRollback(generation: 1))
  }

  @Test func theEndOfATokenIsToldLastAndUntilItIsSettled() throws {
    var story = try Story(of: Story.revokedOld + [.revokeConfirmed(generation: 1)])
    #expect(story.machine.nextAction(context(retired: ["x"])) == .none, "nobody was promised to be told")
    try story.add(.hooksOwed(generation: 1))
    var due = context(retired: ["x", "y"])
    due.due = .requested
    #expect(story.machine.nextAction(due) == .create(generation: 3), "the living come first")
    #expect(story.machine.nextAction(context(retired: ["x", "y"])) == .runHook(generation: 1, hook: "x"))
    #expect(
      story.machine.nextAction(context(retired: ["x", "y"], failed: ["x"]))
        == .runHook(generation: 1, hook: "y"))
    try story.add(.hookDone(generation: 1, hook: "y"))
    #expect(story.machine.nextAction(context(retired: ["x", "y"], failed: ["x"])) == .none, "in this run")
    #expect(story.machine.nextAction(context(retired: ["x", "y"])) == .runHook(generation: 1, hook: "x"))
    try story.add(.hookDone(generation: 1, hook: "x"))
    #expect(story.machine.nextAction(context(retired: ["x", "y"])) == .settleHooks(generation: 1))
    try story.add(.hooksSettled(generation: 1))
    #expect(story.machine.nextAction(context(retired: ["x", "y", "new"])) == .none)
  }

  @Test func aRowThatIsGoneOwesItsHooksAllTheSame() throws {
    let story = try Story(
      of: Story.revokedOld + [.revokeConfirmed(generation: 1), .hooksOwed(generation: 1)])
    var gone = context(retired: ["x"])
    gone.isWanted = false
    #expect(story.machine.nextAction(gone) == .runHook(generation: 1, hook: "x"))
  }

  @Test func whatIsLeftBehindIsToldToNobody() throws {
    let story = try Story(
      of: Story.revokedOld + [
        .revokeConfirmed(generation: 1), .hooksOwed(generation: 1), .clusterChanged(from: "a/c"),
      ])
    let owing = story.machine.generations.filter(\.owesHooks)
    #expect(owing.isEmpty)
  }

  @Test func whatNobodyWasGivenIsNotOwed() throws {
    var story = try Story(of: [
      Story.intended(), Story.answered, Story.staged, Story.revoking, .revokeDone(generation: 1),
    ])
    #expect(throws: IllegalEvent.self) { try story.add(.hooksOwed(generation: 1)) }
    #expect(throws: IllegalEvent.self) { try story.add(.hookDone(generation: 1, hook: "x")) }
    #expect(throws: IllegalEvent.self) { try story.add(.hooksSettled(generation: 1)) }
  }
}
