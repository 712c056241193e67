import Foundation
import Simulation

/// Runs many seeds of the simulation and says what they met, or tells the story of one: `simulate [FIRST] [COUNT]`, or `simulate FIRST COUNT
/// SECONDS` to stop when the time is up. Exits with 1 when a seed breaks an invariant, or when something that the
/// simulation is to meet was met by too few seeds.
enum Simulate {
  /// Each event and each action is met by at least this many of 500 seeds, and in proportion.
  private static let leastSeeds = 3

  static func main() async {
    let numbers = CommandLine.arguments.dropFirst().compactMap { UInt64($0) }
    let first = numbers.first ?? 0
    let count = numbers.dropFirst().first ?? 500
    let deadline = numbers.dropFirst(2).first.map { Date(timeIntervalSinceNow: Double($0)) }
    let lanes = UInt64(max(1, ProcessInfo.processInfo.activeProcessorCount))
    let results = await withTaskGroup(of: (run: Int, violations: [String]).self) { group in
      for lane in 0..<lanes {
        group.addTask { run(from: first + lane, to: first + count, by: lanes, until: deadline) }
      }
      return await group.reduce(into: (run: 0, violations: [String]())) { sum, lane in
        sum.run += lane.run
        sum.violations += lane.violations
      }
    }
    report(results.run, results.violations, first: first)
  }

  private static func run(
    from start: UInt64, to end: UInt64, by step: UInt64, until deadline: Date?
  ) -> (run: Int, violations: [String]) {
    var violations: [String] = []
    var run = 0
    for seed in stride(from: start, to: end, by: Int(step)) {
      if let deadline, Date() > deadline { break }
      let simulation = Simulation(seed: seed)
      if let violation = simulation.run() { violations.append(violation) }
      if end - start == 1 { print(simulation.story.joined(separator: "\n")) }
      run += 1
    }
    return (run, violations)
  }

  private static func report(_ count: Int, _ violations: [String], first: UInt64) {
    print(Coverage.shared.table)
    for violation in violations.prefix(20) { print(violation) }
    let missing = count >= 500 ? Coverage.shared.missing(minimum: leastSeeds) : []
    if !missing.isEmpty { print("met by too few seeds: \(missing.joined(separator: ", "))") }
    print("\(count) seeds from \(first): \(violations.count) broke an invariant")
    exit(violations.isEmpty && missing.isEmpty ? 0 : 1)
  }
}
