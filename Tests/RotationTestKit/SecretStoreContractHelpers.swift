internal import RotationModel
public import RotationPorts

/// What the rules are written with.
extension SecretStoreContract {
  /// Reserves, stages and promotes, each twice.
  public func put(
    _ token: StoredToken, into store: any SecretStore, at place: StorePlace = SecretStoreContract.place
  ) async throws {
    try await twice { try await store.reserve(place, for: token.planned) }
    try await twice { try await store.stage(token, at: place) }
    try await twice { try await store.promote(generation: token.generation, at: place) }
  }

  func discardPrevious(_ token: StoredToken, of store: any SecretStore) async throws {
    try await store.discard(.previous, attempt: token.attempt, at: SecretStoreContract.place)
  }

  func twice(_ body: () async throws -> Void) async throws {
    try await body()
    try await body()
  }

  func expect(
    _ store: any SecretStore, pending: StoredToken?, current: StoredToken?, previous: StoredToken?,
    at place: StorePlace = SecretStoreContract.place, line: Int = #line
  ) async throws {
    for (which, wanted) in [(Event.Place.pending, pending), (.current, current), (.previous, previous)] {
      let found = try await store.read(which, at: place)
      guard found == wanted else {
        let text = { (token: StoredToken?) in token.map { "\($0.tokenID) \($0)" } ?? "nothing" }
        throw Violation(
          description: "line \(line): \(which.rawValue) is \(text(found)) instead of \(text(wanted))")
      }
    }
  }

  func expectFailure(
    _ code: StoreError.Code, _ what: String, _ body: () async throws -> Void
  ) async throws {
    do {
      try await body()
    } catch let error as StoreError {
      guard error.code == code else {
        throw Violation(description: "\(what) failed with \(error.code) instead of \(code): \(error.message)")
      }
      return
    }
    throw Violation(description: "\(what) succeeded instead of failing with \(code)")
  }
}
