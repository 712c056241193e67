import Foundation
import RotationTestKit
import Testing

/// Consumers that read the store's file never meet a refusal while a job rotates again and again.
///
/// What a consumer is promised: a token string that it has read from the current file works for as long as the
/// overlap after it was read. For the file held it then, so that it was replaced later, and it ends no earlier than
/// an overlap after that.
@Suite struct NoGapTests {
  static let rows = 6
  static let overlap: Duration = .seconds(1)
  static let watched: Duration = .seconds(20)
  static let wantedRotations = 15

  @Test func aTokenThatIsReadWorksForItsOverlap() async throws {
    let folder = try TemporaryFolder()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for retire in ["revoke", "disable-then-revoke"] {
        group.addTask { try await watchRotations(retire, in: folder.path) }
      }
      try await group.waitForAll()
    }
  }

  private func watchRotations(_ retire: String, in folder: String) async throws {
    let plant = try Plant(
      in: folder, name: retire, rows: Self.rows,
      rotation: """
        every = "4s"
        overlap = "1s"
        quarantine = "0s"
        retire = "\(retire)"
        """,
      activation: "settle = \"1s\"\nconsecutive = 2\ntimeout = \"2s\""
    ) { options in
      // Nodes that learn at different times: one acceptance says little.
      options.cluster.nodes = 3
      options.cluster.activationDelay = .milliseconds(300)
      options.cluster.activationSpread = .milliseconds(200)
    }
    defer { plant.close() }
    let first = try await plant.call(["run", "job.toml"])
    try #require(first.exitCode == 0, "\(first.output)\(first.errors)")
    let end = ContinuousClock.now + Self.watched
    let seen = try await withThrowingTaskGroup(of: Watch.self) { group in
      group.addTask {
        while ContinuousClock.now < end {
          let outcome = try await plant.call(["run", "job.toml"])
          #expect([0, 8].contains(outcome.exitCode), "\(outcome.output)\(outcome.errors)")
          try await Task.sleep(for: .milliseconds(100))
        }
        return Watch()
      }
      for delay in [Duration.zero, .milliseconds(800)] {
        group.addTask { try await watch(plant, usingAfter: delay, until: end) }
      }
      return try await group.reduce(into: Watch()) { $0.add($1) }
    }
    // The first token of each row has replaced nothing.
    let rotations = seen.strings.count - Self.rows
    tell(
      "watched \(rotations) rotations (\(retire)): \(seen.answers) answers, \(seen.late) too late to count")
    #expect(rotations >= Self.wantedRotations)
    #expect(seen.answers > 10 * rotations)
    #expect(seen.refusals == [])
  }

  /// Reads every file and uses what it has read a while later.
  private func watch(
    _ plant: Plant, usingAfter delay: Duration, until end: ContinuousClock.Instant
  ) async throws -> Watch {
    var watch = Watch()
    while ContinuousClock.now < end {
      let readAt = ContinuousClock.now
      let read = plant.rows.map { ($0, plant.current($0)) }
      try await Task.sleep(for: delay)
      for (row, current) in read {
        guard let current else {
          watch.refusals.append("\(row): there is no current file")
          continue
        }
        let status = try await plant.query(current.token)
        // An answer after the overlap is no breach of the promise, whatever it is.
        guard ContinuousClock.now - readAt < Self.overlap else {
          watch.late += 1
          continue
        }
        watch.strings.insert(current.token)
        watch.answers += 1
        if status != 200 { watch.refusals.append("\(row): \(status) for token \(current.tokenID)") }
      }
      try await Task.sleep(for: .milliseconds(5))
    }
    return watch
  }

  private struct Watch: Sendable {
    var answers = 0
    var late = 0
    var strings = Set<String>()
    var refusals: [String] = []

    mutating func add(_ other: Watch) {
      answers += other.answers
      late += other.late
      strings.formUnion(other.strings)
      refusals += other.refusals
    }
  }
}
