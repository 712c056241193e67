import Testing

@testable import RotationModel

/// Tokens that are made for a person who waits for their strings.
struct ShowTests {
  private static let staged = [Story.intended(), Story.answered, Story.staged]
  private static let shown = staged + [.secretShown(generation: 1)]

  private func action(_ events: [Event], wanted: Bool = true, gaveUp: Bool = false) throws -> Action {
    var context = NextActionTests.context(wanted: wanted)
    context.showsStrings = true
    if gaveUp { context.gaveUpOn = [1] }
    return try Story(of: events).machine.nextAction(context)
  }

  @Test func aStringIsShownOnceAndTheTokenLeftAlone() throws {
    #expect(try action([]) == .create(generation: 1))
    #expect(try action(Self.staged) == .show(generation: 1))
    #expect(try action(Self.shown) == .forget(generation: 1))
    for wanted in [true, false] {
      #expect(try action(Self.shown + [.tokenForgotten(generation: 1)], wanted: wanted) == .none)
    }
    let machine = try Story(of: Self.shown).machine
    #expect(machine.newest == nil && machine.generation(1)?.wasShown == true && !machine.hasTokenOfOurs)
  }

  @Test func whatNobodySawIsRevoked() throws {
    let revoke = Action.revoke(generation: 1, reason: .notShown)
    #expect(try action(Self.staged, wanted: false) == revoke)
    #expect(try action(Self.staged, gaveUp: true) == revoke)
  }

  @Test func aTokenOfTheStoresIsNotShown() throws {
    #expect(throws: IllegalEvent.self) {
      try Story(of: NextActionTests.activeStory + [.secretShown(generation: 1)])
    }
  }
}
