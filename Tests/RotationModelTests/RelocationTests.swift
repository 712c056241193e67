import Testing

@testable import RotationModel

/// Where the stores are to have the tokens of a renamed lineage.
struct RelocationTests {
  @Test func whereARenamingGoesIsSaidOnceAndBefore() throws {
    var story = try Story(of: Story.made(1) + [.lineageRenamed(from: "old")])
    #expect(story.machine.wishes.relocationTarget == nil, "a ledger of an earlier version never says")
    #expect(throws: IllegalEvent.self) { try story.add(.relocationRefused(reason: "taken")) }
    try story.add(.relocationIntended(key: nil))
    #expect(story.machine.wishes.relocationTarget?.key == .some(nil))
    #expect(throws: IllegalEvent.self) { try story.add(.relocationIntended(key: "elsewhere")) }
    try story.add(.relocationRefused(reason: "taken"))
    try story.add(.relocationIntended(key: "secret"))
    try story.add(.storeRelocated(store: "file"))
    #expect(throws: IllegalEvent.self) { try story.add(.relocationRefused(reason: "taken")) }
    #expect(story.machine.wishes.relocationTarget?.key == "secret")
    try story.add(.relocationDone(key: "secret"))
    #expect(story.machine.wishes.relocationTarget == nil)
  }
}
