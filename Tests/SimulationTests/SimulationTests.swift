import Testing

struct SimulationTests {
  /// The seeds run side by side in a few groups, since each one is a world of its own.
  @Test(arguments: 0..<4)
  func crashesAndLostAnswersLoseNothing(group: Int) {
    for seed in stride(from: group, to: 500, by: 4) {
      let violation = Simulation(seed: UInt64(seed)).run()
      #expect(violation == nil)
      if violation != nil { break }
    }
  }
}
