import RotationModel
import Testing

/// Whether a token has its permissions again, when nobody knows.
struct EnableInDoubtTests {
  /// The first enable may have landed, though the second was refused: whether it has permissions nobody knows.
  @Test func aRollbackThatIsGivenUpInDoubtRetiresFromTheBeginning() throws {
    var story = try Story(of: Story.disabled + [Story.rollbackAsked, .enableIntended(generation: 1)])
    try story.add(.enableUnknown(generation: 1, reason: "no answer"))
    try story.add(.enableIntended(generation: 1))
    try story.add(.enableRefused(generation: 1, reason: "429"))
    #expect(story.machine.generation(1)?.phase == .enabling)
    try story.add(.rollbackRefused(generation: 1, reason: "429"))
    #expect(story.machine.generation(1)?.phase == .superseded)
    // A run that died in between leaves the same doubt.
    var died = try Story(of: Story.disabled + [Story.rollbackAsked, .enableIntended(generation: 1)])
    try died.add(.enableIntended(generation: 1))
    try died.add(.enableRefused(generation: 1, reason: "422"))
    #expect(died.machine.generation(1)?.phase == .enabling)
    // Without a doubt it stays disabled.
    var sure = try Story(of: Story.disabled + [Story.rollbackAsked, .enableIntended(generation: 1)])
    try sure.add(.enableRefused(generation: 1, reason: "429"))
    #expect(sure.machine.generation(1)?.phase == .disabled)
  }
}
