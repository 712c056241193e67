import RotationModel
import RotationPorts

/// The rules for what changes tokens that were delivered.
extension SecretStoreContract {
  func rollsBack(_ store: any SecretStore) async throws {
    let place = SecretStoreContract.place
    let (first, second) = (SecretStoreContract.token(1), SecretStoreContract.token(2))
    try await put(first, into: store)
    try await put(second, into: store)
    try await twice { try await store.rollBack(from: 2, to: 1, at: place) }
    try await expect(store, pending: nil, current: first, previous: second)
    if let flaw = try await store.inspect(place, attempt: first.attempt) {
      throw Violation(description: "a token that was rolled back to was said to be wrong: \(flaw)")
    }
    // And back again: it is the same thing.
    try await twice { try await store.rollBack(from: 1, to: 2, at: place) }
    try await expect(store, pending: nil, current: second, previous: first)
  }

  func rollsBackOnlyWhatIsThere(_ store: any SecretStore) async throws {
    let place = SecretStoreContract.place
    func refuses(_ from: Int, _ to: Int, _ what: String) async throws {
      try await expectFailure(.conflict, "rolling back from \(from) to \(to) \(what)") {
        try await store.rollBack(from: from, to: to, at: place)
      }
    }
    let tokens = (1...3).map { SecretStoreContract.token($0) }
    try await refuses(2, 1, "with nothing there")
    try await put(tokens[0], into: store)
    try await refuses(1, 0, "with nothing previous")
    try await put(tokens[1], into: store)
    for (from, to) in [(3, 1), (2, 0), (2, 2), (1, 1), (3, 2)] {
      try await refuses(from, to, "with 2 current and 1 previous")
    }
    try await store.stage(tokens[2], at: place)
    try await refuses(2, 1, "with another attempt pending")
    try await expect(store, pending: tokens[2], current: tokens[1], previous: tokens[0])
    try await store.discard(.pending, attempt: tokens[2].attempt, at: place)
    try await discardPrevious(tokens[0], of: store)
    try await refuses(2, 1, "after the previous one was discarded")
    try await expect(store, pending: nil, current: tokens[1], previous: nil)
  }

  func goesOnAfterARollback(_ store: any SecretStore) async throws {
    let place = SecretStoreContract.place
    let tokens = (1...3).map { SecretStoreContract.token($0) }
    for token in tokens.prefix(2) { try await put(token, into: store) }
    try await store.rollBack(from: 2, to: 1, at: place)
    try await expectFailure(.conflict, "promoting late what was rolled back") {
      try await store.promote(generation: 2, at: place)
    }
    for late in [tokens[1], SecretStoreContract.token(2, variant: 5)] {
      try await expectFailure(.conflict, "reserving for a generation that was current before") {
        try await store.reserve(place, for: late.planned)
      }
      try await expectFailure(.conflict, "staging a generation that was current before") {
        try await store.stage(late, at: place)
      }
    }
    try await twice { try await store.reserve(place, for: tokens[2].planned) }
    try await twice { try await store.stage(tokens[2], at: place) }
    // The rollback is repeated late, after a successor was staged.
    try await store.rollBack(from: 2, to: 1, at: place)
    try await expectFailure(.conflict, "promoting over a token that was rolled back and not discarded") {
      try await store.promote(generation: 3, at: place)
    }
    try await expect(store, pending: tokens[2], current: tokens[0], previous: tokens[1])
    try await discardPrevious(tokens[1], of: store)
    try await twice { try await store.promote(generation: 3, at: place) }
    try await expect(store, pending: nil, current: tokens[2], previous: tokens[0])
  }

  func withdraws(_ store: any SecretStore) async throws {
    let place = SecretStoreContract.place
    let tokens = (1...3).map { SecretStoreContract.token($0) }
    try await twice { try await store.withdraw(generation: 1, at: place) }
    try await expect(store, pending: nil, current: nil, previous: nil)
    try await put(tokens[0], into: store)
    try await twice { try await store.withdraw(generation: 1, at: place) }
    try await expect(store, pending: nil, current: nil, previous: tokens[0])
    try await expectFailure(.conflict, "promoting late what was withdrawn") {
      try await store.promote(generation: 1, at: place)
    }
    try await expectFailure(.conflict, "staging late what was withdrawn") {
      try await store.stage(tokens[0], at: place)
    }
    // A successor takes the empty place, and nothing is lost by it.
    try await put(tokens[1], into: store)
    try await expect(store, pending: nil, current: tokens[1], previous: tokens[0])
    try await discardPrevious(tokens[0], of: store)
    // What is pending stays.
    try await store.stage(tokens[2], at: place)
    try await twice { try await store.withdraw(generation: 2, at: place) }
    try await expect(store, pending: tokens[2], current: nil, previous: tokens[1])
    try await twice { try await store.promote(generation: 3, at: place) }
    try await expect(store, pending: nil, current: tokens[2], previous: tokens[1])
  }

  func withdrawsOnlyTheCurrent(_ store: any SecretStore) async throws {
    let place = SecretStoreContract.place
    let tokens = (1...2).map { SecretStoreContract.token($0) }
    for token in tokens { try await put(token, into: store) }
    for generation in [1, 3] {
      try await expectFailure(.conflict, "withdrawing generation \(generation) with 2 current") {
        try await store.withdraw(generation: generation, at: place)
      }
    }
    try await expectFailure(.conflict, "withdrawing over a previous token that nobody discarded") {
      try await store.withdraw(generation: 2, at: place)
    }
    try await expect(store, pending: nil, current: tokens[1], previous: tokens[0])
    try await discardPrevious(tokens[0], of: store)
    try await twice { try await store.withdraw(generation: 2, at: place) }
    try await expect(store, pending: nil, current: nil, previous: tokens[1])
  }

  func relocates(_ store: any SecretStore) async throws {
    let tokens = (1...5).map { SecretStoreContract.token($0) }
    var old = SecretStoreContract.place
    let new = StorePlace(job: "plant", name: "line-9")
    try await twice { try await store.relocate(from: old, to: new) }
    try await expect(store, pending: nil, current: nil, previous: nil, at: new)
    for token in tokens.prefix(2) { try await put(token, into: store) }
    try await store.stage(tokens[2], at: old)
    // By name, then by secret, then both, back to where it began.
    for place in [new, StorePlace(job: "plant", name: "line-9", secret: "other"), old] {
      try await twice { try await store.relocate(from: old, to: place) }
      if place != old { try await expect(store, pending: nil, current: nil, previous: nil, at: old) }
      try await expect(store, pending: tokens[2], current: tokens[1], previous: tokens[0], at: place)
      if let flaw = try await store.inspect(place, attempt: tokens[1].attempt) {
        throw Violation(description: "a token that was moved was said to be wrong: \(flaw)")
      }
      old = place
    }
    // Life goes on there, and the old place is anybody's.
    let last = StorePlace(job: "plant", name: "line-10")
    try await store.relocate(from: old, to: last)
    try await store.discard(.previous, attempt: tokens[0].attempt, at: last)
    try await twice { try await store.promote(generation: 3, at: last) }
    let other = StorePlace(job: "plant", name: "line-11", secret: "line-1")
    try await put(tokens[4], into: store, at: other)
    // The move is repeated late.
    try await store.relocate(from: SecretStoreContract.place, to: last)
    try await expect(store, pending: nil, current: tokens[2], previous: tokens[1], at: last)
    try await expect(store, pending: nil, current: tokens[4], previous: nil, at: other)
  }

  func renamesInPlace(_ store: any SecretStore) async throws {
    let tokens = (1...3).map { SecretStoreContract.token($0) }
    let old = StorePlace(job: "plant", name: "line-1", secret: "shared")
    let new = StorePlace(job: "plant", name: "line-2", secret: "shared")
    for token in tokens.prefix(2) { try await put(token, into: store, at: old) }
    try await store.stage(tokens[2], at: old)
    try await twice { try await store.relocate(from: old, to: new) }
    try await expect(store, pending: tokens[2], current: tokens[1], previous: tokens[0], at: new)
    try await expectFailure(.ownedByAnother, "reading under a name that was given up") {
      _ = try await store.read(.current, at: old)
    }
  }

  func relocatesOntoNobody(_ store: any SecretStore) async throws {
    let place = SecretStoreContract.place
    let (token, other) = (SecretStoreContract.token(1), SecretStoreContract.token(1, variant: 7))
    let taken = StorePlace(job: "plant", name: "line-2")
    try await put(token, into: store)
    try await put(other, into: store, at: taken)
    for new in [taken, StorePlace(job: "plant", name: "line-3", secret: "line-2")] {
      try await expectFailure(.ownedByAnother, "moving onto another token") {
        try await store.relocate(from: place, to: new)
      }
    }
    try await expectFailure(.conflict, "moving to another job") {
      try await store.relocate(from: place, to: StorePlace(job: "other", name: "line-4"))
    }
    try await expectFailure(.ownedByAnother, "moving what belongs to another name") {
      try await store.relocate(
        from: StorePlace(job: "plant", name: "line-5", secret: "line-1"),
        to: StorePlace(job: "plant", name: "line-5"))
    }
    try await expect(store, pending: nil, current: token, previous: nil)
    try await expect(store, pending: nil, current: other, previous: nil, at: taken)
  }
}
