import Foundation
import Simulation
import Testing

struct SimulationTests {
  private static let seeds = 200

  /// The seeds run side by side in a few groups, since each one is a world of its own. `make simulate`, a part of
  /// `make test`, runs 20,000 of them in the release build; these are for whoever changes something.
  @Test func crashesAndLostAnswersLoseNothing() async {
    let violations = await withTaskGroup(of: [String].self) { groups -> [String] in
      for group in 0..<4 {
        groups.addTask {
          stride(from: group, to: Self.seeds, by: 4).compactMap { Simulation(seed: UInt64($0)).run() }
        }
      }
      return await groups.reduce(into: [String]()) { $0 += $1 }
    }
    #expect(violations.sorted().joined(separator: "\n") == "")
  }
}
