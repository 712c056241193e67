internal import RotationModel
internal import RotationPorts

/// What may be done with a place, judged from what is in it. Pure: the same for every backend.
struct PlaceRules {
  let contents: PlaceContents
  let place: StorePlace
  /// The store as messages name it.
  let shown: String

  /// Whether the token is still to be put into the pending place; false when it is there or current already.
  /// A generation as new as it from another attempt is a conflict, and so is one that was current before: numbers
  /// only grow, also when the current one was taken back.
  func needsStaging(_ token: PlannedToken) throws(StoreError) -> Bool {
    if contents.displaced != nil { throw halfRolledBack }
    if let pending = contents.pending {
      guard pending.attempt == token.attempt else { throw isPending(pending) }
      return false
    }
    if let current = contents.current, current.generation >= token.generation,
      current.attempt == token.attempt
    {
      return false
    }
    for (known, word) in [(contents.current, "current"), (contents.previous, "previous")] {
      guard let known, known.generation >= token.generation else { continue }
      throw StoreError.conflict(
        "generation \(known.generation) of \(place.name) is \(word) in \(shown), so generation "
          + "\(token.generation) cannot be staged")
    }
    return true
  }

  /// A repeated staging has to bring the string that is there.
  func requireSame(_ token: StoredToken, in record: PlaceRecord?) throws(StoreError) {
    guard let string = record?.accessToken, string != token.accessToken else { return }
    throw StoreError.conflict(
      "\(shown) holds another string than generation \(token.generation) of \(place.name)",
      hint: "Look who changed it, and put the newest one back.")
  }

  /// Whether there is anything to promote; false when the generation is current and nothing is left to be done.
  func mayPromote(_ generation: Int) throws(StoreError) -> Bool {
    if contents.displaced != nil { throw halfRolledBack }
    if let current = contents.current, current.generation > generation {
      throw StoreError.conflict(
        "generation \(current.generation) of \(place.name) is current in \(shown), which is newer than "
          + "generation \(generation)")
    }
    guard let pending = contents.pending, pending.generation == generation else {
      guard contents.current?.generation == generation else {
        throw StoreError.conflict("generation \(generation) of \(place.name) is not pending in \(shown)")
      }
      return false
    }
    guard let current = contents.current, current.attempt != pending.attempt else { return true }
    guard current.generation != generation else {
      throw StoreError.conflict(
        "generation \(generation) of \(place.name) is current in \(shown) from another attempt")
    }
    try requirePreviousFree(for: current)
    return true
  }

  /// Whether there is anything to roll back or to complete.
  func mayRollBack(from: Int, to: Int) throws(StoreError) -> Bool {
    if let displaced = contents.displaced {
      guard displaced.generation == from, displaced.rolledBackTo == to else { throw halfRolledBack }
      return true
    }
    if contents.current?.generation == to, contents.previous?.generation == from { return false }
    guard let current = contents.current, current.generation == from else {
      throw StoreError.conflict("generation \(from) of \(place.name) is not current in \(shown)")
    }
    if let pending = contents.pending, pending.attempt != current.attempt { throw isPending(pending) }
    guard contents.previous?.generation == to, from != to else {
      throw StoreError.conflict(
        "generation \(to) of \(place.name) is not the previous one in \(shown)",
        hint: "It was discarded, or never replaced: create another token instead.")
    }
    return true
  }

  func requireWithdrawable(_ generation: Int) throws(StoreError) {
    if contents.displaced != nil { throw halfRolledBack }
    guard let current = contents.current else { return }
    guard current.generation == generation else {
      throw StoreError.conflict(
        "generation \(current.generation) of \(place.name) is current in \(shown), not generation "
          + "\(generation)")
    }
    // Its promotion is half done, and repeating that would bring it back.
    if let pending = contents.pending, pending.attempt == current.attempt { throw isPending(pending) }
    try requirePreviousFree(for: current)
  }

  /// Whether the place holds this attempt and may be emptied of it.
  func mayDiscard(_ which: Event.Place, _ attempt: AttemptID) throws(StoreError) -> Bool {
    switch which {
    case .current: throw StoreError.conflict("the current token of \(place.name) cannot be discarded")
    // To its readers a rollback leaves the pending place empty.
    case .pending: return contents.pending?.attempt == attempt
    case .previous:
      // One of them is the previous token by now, and which it is may have to be told by its record.
      if let displaced = contents.displaced,
        [displaced.attempt, contents.previous?.attempt].contains(attempt)
      {
        throw halfRolledBack
      }
      return contents.previous?.attempt == attempt
    }
  }

  /// What is at the new place has to be this token's, from a call that was cut off.
  func requireMovable(onto there: PlaceContents, as new: StorePlace) throws(StoreError) {
    if contents.displaced != nil { throw halfRolledBack }
    // The current token moves last and leaves first: beside it, all that is still here has to be there.
    let isAllThere = there.current != nil
    for which in [Event.Place.previous, .pending, .current] {
      let (here, known) = (contents[which], there[which])
      guard let found = known ?? (isAllThere ? here : nil) else { continue }
      let isSame = here.map { $0.attempt == known?.attempt } ?? (isAllThere || contents.isEmpty)
      guard isSame else {
        throw StoreError(
          .ownedByAnother,
          message: "\(new.name) has generation \((known ?? found).generation) in \(shown) already",
          hint: "Give the row another name or secret.")
      }
    }
  }

  // MARK: Errors

  /// The previous place may hold the only copy of a string that is in use.
  private func requirePreviousFree(for current: PlaceRecord) throws(StoreError) {
    guard let previous = contents.previous, previous.attempt != current.attempt else { return }
    throw StoreError.conflict(
      "generation \(previous.generation) of \(place.name) is still the previous one in \(shown), so generation "
        + "\(current.generation) cannot take its place",
      hint: "A run retires it first, and discards its string then.")
  }

  var halfRolledBack: StoreError {
    StoreError.conflict(
      "a rollback of \(place.name) is half done in \(shown)",
      hint: "Roll it back again, which completes it; both strings are kept.")
  }

  private func isPending(_ pending: PlaceRecord) -> StoreError {
    StoreError.conflict(
      "attempt \(pending.attempt) (generation \(pending.generation)) of \(place.name) is pending in \(shown)",
      hint: "Promote or discard it first; `tokenrotate run` does so.")
  }
}
