import RotationModel
import RotationPorts
import RotationTestKit

@testable import SecretStores

/// Documents in memory, as a server would keep them: with versions, and gone when the process is not.
struct MemoryDocuments: DocumentSpace {
  /// What outlives a store.
  final class Server: @unchecked Sendable {
    fileprivate var documents: [String: (record: PlaceRecord, version: Int)] = [:]
    fileprivate var owners: [String: InstallationID] = [:]
    fileprivate var lastVersion = 0
  }

  let installation: InstallationID
  let server: Server
  let steps: FaultySteps

  var shown: String { "the memory" }

  func open() async throws(StoreError) {
    try await step { () throws(StoreError) in
      if let owner = server.owners["plant"], owner != installation {
        throw StoreError(.ownedByAnother, message: "installation \(owner) has it")
      }
      server.owners["plant"] = installation
    }
  }

  func requireTaken(job: String) async throws(StoreError) {
    try await step { () throws(StoreError) in
      if server.owners[job] == nil { throw StoreError(.missing, message: "nothing there") }
    }
  }

  func close() async {}
  func location(of place: StorePlace) -> String { place.secret ?? place.name }
  func requireFitting(_ record: PlaceRecord, at place: StorePlace) {}

  func read(
    _ which: Event.Place, at place: StorePlace, withString: Bool
  ) async throws(StoreError) -> (record: PlaceRecord?, version: Int) {
    try await step { () throws(StoreError) in
      guard let found = server.documents[key(which, place)] else { return (nil, 0) }
      return (found.record, found.version)
    }
  }

  func write(
    _ record: PlaceRecord, to which: Event.Place, at place: StorePlace, replacing version: Int
  ) async throws(StoreError) {
    try await step { () throws(StoreError) in
      try require(version, of: which, at: place)
      server.lastVersion += 1
      server.documents[key(which, place)] = (record, server.lastVersion)
    }
  }

  func remove(_ which: Event.Place, at place: StorePlace, version: Int) async throws(StoreError) {
    try await step { () throws(StoreError) in
      guard server.documents[key(which, place)] != nil else { return }
      try require(version, of: which, at: place)
      server.documents[key(which, place)] = nil
    }
  }

  private func key(_ which: Event.Place, _ place: StorePlace) -> String {
    "\(which.rawValue)/\(location(of: place))"
  }

  private func require(_ version: Int, of which: Event.Place, at place: StorePlace) throws(StoreError) {
    guard server.documents[key(which, place)]?.version ?? 0 == version else {
      throw StoreError(.conflict, message: "somebody else wrote \(key(which, place))")
    }
  }

  private func step<Result>(_ body: () throws(StoreError) -> Result) async throws(StoreError) -> Result {
    try await steps.step(StoreError(.unavailable, message: "the memory failed")) {
      () async throws(StoreError) in try body()
    }
  }
}
