import Foundation
import JobFiles
import Testing

/// The jobs to copy are in order as they are, with the defaults beside them.
@Suite struct ExampleTests {
  private static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("jobs").path

  @Test func everyExampleIsInOrder() throws {
    let folder = ExampleTests.folder
    let set = try JobSet.load(
      arguments: [folder], defaults: "\(folder)/defaults.toml.example", trust: untrusting)
    #expect(set.failures.map(\.errors.description) == [])
    #expect(set.jobs.map(\.name) == ["grafana", "plant-telemetry", "rotating-writers"])
    for job in set.jobs {
      let reader = try SpecificationReader(
        path: job.specificationPath, policy: job.policy,
        rotation: job.rotation.map { RotationBounds($0, activationTimeout: job.activation.timeout) },
        now: testNow, trust: untrusting)
      #expect(try reader.validate() > 0)
    }
  }
}
