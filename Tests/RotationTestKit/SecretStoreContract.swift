public import RotationModel
public import RotationPorts

/// What every secret store must do, one rule a test: run `check` for each of `Rule.allCases`.
///
/// Every call is made twice, because after a crash it will be.
public struct SecretStoreContract: Sendable {
  public enum Rule: String, CaseIterable, Sendable {
    case readsBackWhatIsStaged
    case promotesAndKeepsThePrevious
    case seesWhetherTheCurrentIsThere
    case neverGoesBack
    case keepsAPreviousThatNobodyDiscarded
    case rollsBack
    case rollsBackOnlyWhatIsThere
    case goesOnAfterARollback
    case withdraws
    case withdrawsOnlyTheCurrent
    case relocates
    case renamesInPlace
    case relocatesOntoNobody
    case promotesOnlyWhatIsPending
    case keepsOneAttemptPending
    case discardsOnlyTheAttempt
    case discardsAReservation
    case keepsPlacesApart
    case refusesAnotherOwner
    case refusesAnotherInstallation
    case keepsEverythingWhenReopened
    case stagesWithoutAReservation
    case refusesStringsThatNoTokenHas
  }

  /// What a rule found to be otherwise.
  public struct Violation: Error, CustomStringConvertible {
    public var description: String
  }

  /// A new store for an installation, not opened, always on the same, initially empty, backing.
  private let makeStore: @Sendable (InstallationID) async throws -> any SecretStore

  public init(makeStore: @escaping @Sendable (InstallationID) async throws -> any SecretStore) {
    self.makeStore = makeStore
  }

  public static let installation = InstallationID(bits: 0xA11CE)
  public static let place = StorePlace(job: "plant", name: "line-1")

  /// A token whose string, id and attempt follow from its generation and `variant`.
  public static func token(_ generation: Int, variant: Int = 0) -> StoredToken {
    let number = generation * 1000 + variant
    return StoredToken(
      generation: generation, attempt: AttemptID(bits: UInt64(number)), tokenID: "id-\(number)",
      accessToken: Secret(Array("apiv1_token/string+of.generation-\(number)==".utf8)),
      host: "https://cluster.example:8086", databases: ["plant_a", "db/rp"],
      expiresAt: generation % 2 == 0 ? nil : Instant(milliseconds: 1_900_000_000_123))
  }

  /// Opens a store, runs the rule and closes the store. Throws `Violation`, or what the store throws.
  public func check(_ rule: Rule) async throws {
    let store = try await makeStore(SecretStoreContract.installation)
    try await store.open()
    try await store.open()
    do {
      try await run(rule, store)
    } catch {
      await store.close()
      throw error
    }
    await store.close()
  }

  private func run(_ rule: Rule, _ store: any SecretStore) async throws {
    switch rule {
    case .readsBackWhatIsStaged: try await readsBackWhatIsStaged(store)
    case .promotesAndKeepsThePrevious: try await promotesAndKeepsThePrevious(store)
    case .seesWhetherTheCurrentIsThere: try await seesWhetherTheCurrentIsThere(store)
    case .neverGoesBack: try await neverGoesBack(store)
    case .keepsAPreviousThatNobodyDiscarded: try await keepsAPreviousThatNobodyDiscarded(store)
    case .rollsBack: try await rollsBack(store)
    case .rollsBackOnlyWhatIsThere: try await rollsBackOnlyWhatIsThere(store)
    case .goesOnAfterARollback: try await goesOnAfterARollback(store)
    case .withdraws: try await withdraws(store)
    case .withdrawsOnlyTheCurrent: try await withdrawsOnlyTheCurrent(store)
    case .relocates: try await relocates(store)
    case .renamesInPlace: try await renamesInPlace(store)
    case .relocatesOntoNobody: try await relocatesOntoNobody(store)
    case .promotesOnlyWhatIsPending: try await promotesOnlyWhatIsPending(store)
    case .keepsOneAttemptPending: try await keepsOneAttemptPending(store)
    case .discardsOnlyTheAttempt: try await discardsOnlyTheAttempt(store)
    case .discardsAReservation: try await discardsAReservation(store)
    case .keepsPlacesApart: try await keepsPlacesApart(store)
    case .refusesAnotherOwner: try await refusesAnotherOwner(store)
    case .refusesAnotherInstallation: try await refusesAnotherInstallation(store)
    case .keepsEverythingWhenReopened: try await keepsEverythingWhenReopened(store)
    case .stagesWithoutAReservation: try await stagesWithoutAReservation(store)
    case .refusesStringsThatNoTokenHas: try await refusesStringsThatNoTokenHas(store)
    }
  }
}

extension SecretStoreContract {
  private func readsBackWhatIsStaged(_ store: any SecretStore) async throws {
    let token = SecretStoreContract.token(1)
    try await expect(store, pending: nil, current: nil, previous: nil)
    try await twice { try await store.reserve(SecretStoreContract.place, for: token.planned) }
    try await expect(store, pending: nil, current: nil, previous: nil)
    try await twice { try await store.stage(token, at: SecretStoreContract.place) }
    try await expect(store, pending: token, current: nil, previous: nil)
    try await store.reserve(SecretStoreContract.place, for: token.planned)
    try await expect(store, pending: token, current: nil, previous: nil)
  }

  private func promotesAndKeepsThePrevious(_ store: any SecretStore) async throws {
    let tokens = (1...3).map { SecretStoreContract.token($0) }
    for (index, token) in tokens.enumerated() {
      if index > 1 { try await discardPrevious(tokens[index - 2], of: store) }
      try await put(token, into: store)
      let previous = index > 0 ? tokens[index - 1] : nil
      try await expect(store, pending: nil, current: token, previous: previous)
    }
  }

  private func seesWhetherTheCurrentIsThere(_ store: any SecretStore) async throws {
    let (first, second) = (SecretStoreContract.token(1), SecretStoreContract.token(2))
    let place = SecretStoreContract.place
    if try await store.inspect(place, attempt: first.attempt) == nil {
      throw Violation(description: "an empty place was said to hold a token")
    }
    try await put(first, into: store)
    for _ in 0..<2 {
      if let flaw = try await store.inspect(place, attempt: first.attempt) {
        throw Violation(description: "a promoted token was said to be wrong: \(flaw)")
      }
    }
    if try await store.inspect(place, attempt: second.attempt) == nil {
      throw Violation(description: "another attempt's token was said to be there")
    }
    try await expect(store, pending: nil, current: first, previous: nil)
  }

  private func neverGoesBack(_ store: any SecretStore) async throws {
    let tokens = (1...2).map { SecretStoreContract.token($0) }
    for token in tokens { try await put(token, into: store) }
    try await expectFailure(.conflict, "promoting an older generation") {
      try await store.promote(generation: 1, at: SecretStoreContract.place)
    }
    for generation in 1...2 {
      let late = SecretStoreContract.token(generation, variant: 5)
      try await expectFailure(.conflict, "reserving for a generation that is not newer") {
        try await store.reserve(SecretStoreContract.place, for: late.planned)
      }
      try await expectFailure(.conflict, "staging a generation that is not newer") {
        try await store.stage(late, at: SecretStoreContract.place)
      }
    }
    // A delivery that is repeated late finds its own token.
    try await twice { try await store.reserve(SecretStoreContract.place, for: tokens[1].planned) }
    try await expect(store, pending: nil, current: tokens[1], previous: tokens[0])
  }

  private func keepsAPreviousThatNobodyDiscarded(_ store: any SecretStore) async throws {
    let tokens = (1...3).map { SecretStoreContract.token($0) }
    for token in tokens.prefix(2) { try await put(token, into: store) }
    try await store.stage(tokens[2], at: SecretStoreContract.place)
    for _ in 0..<2 {
      try await expectFailure(.conflict, "promoting over a previous token that nobody discarded") {
        try await store.promote(generation: 3, at: SecretStoreContract.place)
      }
      try await expect(store, pending: tokens[2], current: tokens[1], previous: tokens[0])
    }
    try await discardPrevious(tokens[0], of: store)
    try await twice { try await store.promote(generation: 3, at: SecretStoreContract.place) }
    try await expect(store, pending: nil, current: tokens[2], previous: tokens[1])
  }

  private func promotesOnlyWhatIsPending(_ store: any SecretStore) async throws {
    let token = SecretStoreContract.token(2)
    try await expectFailure(.conflict, "promoting with nothing pending") {
      try await store.promote(generation: 1, at: SecretStoreContract.place)
    }
    try await store.stage(token, at: SecretStoreContract.place)
    for generation in [1, 3] {
      try await expectFailure(.conflict, "promoting a generation that is not pending") {
        try await store.promote(generation: generation, at: SecretStoreContract.place)
      }
    }
    try await expect(store, pending: token, current: nil, previous: nil)
    try await store.promote(generation: 2, at: SecretStoreContract.place)
    let next = SecretStoreContract.token(3)
    try await store.stage(next, at: SecretStoreContract.place)
    // The promotion of generation 2 is repeated late, after its successor was staged.
    try await store.promote(generation: 2, at: SecretStoreContract.place)
    try await expect(store, pending: next, current: token, previous: nil)
  }

  private func keepsOneAttemptPending(_ store: any SecretStore) async throws {
    let token = SecretStoreContract.token(1)
    let other = SecretStoreContract.token(1, variant: 1)
    try await store.reserve(SecretStoreContract.place, for: other.planned)
    try await store.reserve(SecretStoreContract.place, for: token.planned)
    try await store.stage(token, at: SecretStoreContract.place)
    try await expectFailure(.conflict, "reserving beside a pending attempt") {
      try await store.reserve(SecretStoreContract.place, for: other.planned)
    }
    try await expectFailure(.conflict, "staging over a pending attempt") {
      try await store.stage(other, at: SecretStoreContract.place)
    }
    try await expect(store, pending: token, current: nil, previous: nil)
  }

  private func discardsOnlyTheAttempt(_ store: any SecretStore) async throws {
    let tokens = (1...3).map { SecretStoreContract.token($0) }
    let place = SecretStoreContract.place
    try await put(tokens[0], into: store)
    try await put(tokens[1], into: store)
    try await store.stage(tokens[2], at: place)
    for which in [Event.Place.pending, .previous] {
      try await twice { try await store.discard(which, attempt: AttemptID(bits: 99), at: place) }
    }
    try await expect(store, pending: tokens[2], current: tokens[1], previous: tokens[0])
    try await twice { try await store.discard(.pending, attempt: tokens[2].attempt, at: place) }
    try await expect(store, pending: nil, current: tokens[1], previous: tokens[0])
    try await twice { try await store.discard(.previous, attempt: tokens[0].attempt, at: place) }
    try await expect(store, pending: nil, current: tokens[1], previous: nil)
    try? await store.discard(.current, attempt: tokens[1].attempt, at: place)
    try await expect(store, pending: nil, current: tokens[1], previous: nil)
    try await put(tokens[2], into: store)
    try await expect(store, pending: nil, current: tokens[2], previous: tokens[1])
  }

  private func discardsAReservation(_ store: any SecretStore) async throws {
    let token = SecretStoreContract.token(1)
    try await store.reserve(SecretStoreContract.place, for: token.planned)
    try await twice {
      try await store.discard(.pending, attempt: token.attempt, at: SecretStoreContract.place)
    }
    let other = SecretStoreContract.token(1, variant: 1)
    try await put(other, into: store)
    try await expect(store, pending: nil, current: other, previous: nil)
  }

  private func keepsPlacesApart(_ store: any SecretStore) async throws {
    let one = SecretStoreContract.token(1)
    let two = SecretStoreContract.token(1, variant: 1)
    let other = StorePlace(job: "plant", name: "line-1.reserved")
    try await put(one, into: store)
    try await put(two, into: store, at: other)
    try await store.stage(SecretStoreContract.token(2), at: SecretStoreContract.place)
    try await expect(store, pending: SecretStoreContract.token(2), current: one, previous: nil)
    try await expect(store, pending: nil, current: two, previous: nil, at: other)
  }

  private func refusesAnotherOwner(_ store: any SecretStore) async throws {
    let token = SecretStoreContract.token(1)
    try await put(token, into: store)
    let next = SecretStoreContract.token(2)
    for thief in [
      StorePlace(job: "other", name: "line-1"),
      StorePlace(job: "plant", name: "line-2", secret: "line-1"),
    ] {
      try await expectFailure(.ownedByAnother, "reserving somebody else's place") {
        try await store.reserve(thief, for: next.planned)
      }
      try await expectFailure(.ownedByAnother, "staging into somebody else's place") {
        try await store.stage(next, at: thief)
      }
      try await expectFailure(.ownedByAnother, "reading somebody else's place") {
        _ = try await store.read(.current, at: thief)
      }
    }
    try await expect(store, pending: nil, current: token, previous: nil)
  }

  private func refusesAnotherInstallation(_ store: any SecretStore) async throws {
    try await put(SecretStoreContract.token(1), into: store)
    await store.close()
    let other = try await makeStore(InstallationID(bits: 0xB0B))
    // A store may notice when it is opened or when the place is used.
    try await expectFailure(.ownedByAnother, "taking another installation's place") {
      try await other.open()
      try await other.reserve(SecretStoreContract.place, for: SecretStoreContract.token(2).planned)
    }
    await other.close()
    try await store.open()
    try await expect(store, pending: nil, current: SecretStoreContract.token(1), previous: nil)
  }

  private func keepsEverythingWhenReopened(_ store: any SecretStore) async throws {
    let tokens = (1...3).map { SecretStoreContract.token($0) }
    try await put(tokens[0], into: store)
    try await put(tokens[1], into: store)
    try await store.stage(tokens[2], at: SecretStoreContract.place)
    await store.close()
    let again = try await makeStore(SecretStoreContract.installation)
    try await again.requireTaken()
    try await again.open()
    try await expect(again, pending: tokens[2], current: tokens[1], previous: tokens[0])
    await again.close()
    try await store.open()
  }

  private func stagesWithoutAReservation(_ store: any SecretStore) async throws {
    let token = SecretStoreContract.token(1)
    try await store.stage(token, at: SecretStoreContract.place)
    try await twice { try await store.promote(generation: 1, at: SecretStoreContract.place) }
    // The staging is repeated late, after its promotion.
    try await store.stage(token, at: SecretStoreContract.place)
    try await store.promote(generation: 1, at: SecretStoreContract.place)
    try await expect(store, pending: nil, current: token, previous: nil)
  }

  private func refusesStringsThatNoTokenHas(_ store: any SecretStore) async throws {
    for text in ["", "has space_in_it_0123", "has\nnewline_0123456", "has\"quote_0123456789"] {
      var token = SecretStoreContract.token(1)
      token.accessToken = Secret(Array(text.utf8))
      let refused = token
      try await expectFailure(.malformed, "staging a string with odd characters") {
        try await store.stage(refused, at: SecretStoreContract.place)
      }
    }
    try await expect(store, pending: nil, current: nil, previous: nil)
  }
}
