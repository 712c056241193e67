public import RotationModel
public import RotationPorts

/// A store whose every call is said again when it fails in a way
/// that may pass: what `SecretStoreContract` is run with while the store's server fails.
public struct RepeatingStore: SecretStore {
  private let base: any SecretStore
  private let attempts: Int

  public var name: String { base.name }

  public init(_ base: any SecretStore, attempts: Int = 3) {
    self.base = base
    self.attempts = attempts
  }

  public func open() async throws(StoreError) {
    try await again { () async throws(StoreError) in try await base.open() }
  }

  public func requireTaken() async throws(StoreError) {
    try await again { () async throws(StoreError) in try await base.requireTaken() }
  }

  public func close() async { await base.close() }

  public func reserve(_ place: StorePlace, for token: PlannedToken) async throws(StoreError) {
    try await again { () async throws(StoreError) in try await base.reserve(place, for: token) }
  }

  public func stage(_ token: StoredToken, at place: StorePlace) async throws(StoreError) {
    try await again { () async throws(StoreError) in try await base.stage(token, at: place) }
  }

  public func promote(generation: Int, at place: StorePlace) async throws(StoreError) {
    try await again { () async throws(StoreError) in try await base.promote(generation: generation, at: place)
    }
  }

  public func read(_ which: Event.Place, at place: StorePlace) async throws(StoreError) -> StoredToken? {
    try await again { () async throws(StoreError) in try await base.read(which, at: place) }
  }

  public func inspect(_ place: StorePlace, attempt: AttemptID) async throws(StoreError) -> StoreFlaw? {
    try await again { () async throws(StoreError) in try await base.inspect(place, attempt: attempt) }
  }

  public func rollBack(from: Int, to: Int, at place: StorePlace) async throws(StoreError) {
    try await again { () async throws(StoreError) in try await base.rollBack(from: from, to: to, at: place) }
  }

  public func withdraw(generation: Int, at place: StorePlace) async throws(StoreError) {
    try await again { () async throws(StoreError) in
      try await base.withdraw(generation: generation, at: place)
    }
  }

  public func relocate(from old: StorePlace, to place: StorePlace) async throws(StoreError) {
    try await again { () async throws(StoreError) in try await base.relocate(from: old, to: place) }
  }

  public func discard(
    _ which: Event.Place, attempt: AttemptID, at place: StorePlace
  ) async throws(StoreError) {
    try await again { () async throws(StoreError) in
      try await base.discard(which, attempt: attempt, at: place)
    }
  }

  private func again<Result>(_ call: () async throws(StoreError) -> Result) async throws(StoreError) -> Result
  {
    for _ in 1..<attempts {
      do throws(StoreError) {
        return try await call()
      } catch {
        guard error.isPassing else { throw error }
      }
    }
    return try await call()
  }
}
