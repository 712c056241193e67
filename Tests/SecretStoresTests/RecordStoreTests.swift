import RotationModel
import RotationPorts
import RotationTestKit
import Testing

@testable import SecretStores

/// The rules that all stores of records share, on documents in memory.
@Suite struct RecordStoreTests {
  private static func store(
    _ server: MemoryDocuments.Server, _ installation: InstallationID, _ steps: FaultySteps
  ) -> any SecretStore {
    let space = MemoryDocuments(installation: installation, server: server, steps: steps)
    return RecordStore(name: "memory", backend: DocumentBackend(space: space), jobs: ["plant"])
  }

  @Test(arguments: SecretStoreContract.Rule.allCases)
  func keepsTheContract(_ rule: SecretStoreContract.Rule) async throws {
    let server = MemoryDocuments.Server()
    let steps = FaultySteps(at: .max, .beforeItsEffect, length: 0)
    try await SecretStoreContract { Self.store(server, $0, steps) }.check(rule)
  }

  /// A failure at every single step, before its effect and after it, of one step and of two in a row.
  @Test(arguments: SecretStoreContract.Rule.allCases, FaultySteps.Moment.allCases)
  func keepsTheContractWhileStepsFail(
    _ rule: SecretStoreContract.Rule, _ moment: FaultySteps.Moment
  ) async throws {
    for (length, stride) in [(1, 1), (2, 7)] {
      var position = 0
      while true {
        let server = MemoryDocuments.Server()
        let steps = FaultySteps(at: position, moment, length: length)
        try await SecretStoreContract { RepeatingStore(Self.store(server, $0, steps), attempts: 4) }.check(
          rule)
        guard steps.hasHappened else { break }
        position += stride
      }
      #expect(position > 1)
    }
  }

  @Test func twoWritersNeverOverwriteEachOther() async throws {
    let server = MemoryDocuments.Server()
    let place = SecretStoreContract.place
    let space = MemoryDocuments(
      installation: SecretStoreContract.installation, server: server,
      steps: FaultySteps(at: .max, .beforeItsEffect, length: 0))
    let backend = DocumentBackend(space: space)
    let (_, snapshot) = try await backend.look(place, withStrings: true)
    for (variant, isFirst) in [(0, true), (1, false)] {
      let record = PlaceRecord(
        SecretStoreContract.token(1, variant: variant), at: place, installation: space.installation)
      do {
        try await backend.stage(record, at: place, snapshot)
        #expect(isFirst)
      } catch {
        #expect(!isFirst && error.code == .conflict)
      }
    }
    let kept = try await backend.read(.pending, at: place)
    #expect(kept?.attempt == SecretStoreContract.token(1).attempt)
  }
}
