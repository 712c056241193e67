import RotationModel
import RotationPorts

extension Performer {
  /// Closes what a run left open that died between an intent and its outcome.
  ///
  /// The store is asked first: a string that was staged is adopted, and only when no place holds it is the
  /// attempt unknown, or its token an orphan.
  func recover(_ attempt: AttemptID, of work: inout TokenWork) async throws(Stop) -> Next? {
    guard let known = work.machine.attempts.last(where: { $0.id == attempt }) else { return nil }
    let place = work.place(job: plan.name)
    let found: (place: Event.Place, token: StoredToken)?
    do throws(StoreError) {
      found = try await storedToken(of: attempt, at: place)
      if found == nil { try await plan.stores[0].discard(.pending, attempt: attempt, at: place) }
    } catch {
      return await pauseOrEnd(error, &work, as: .failed)
    }
    await succeeded(in: plan.stores[0], &work)
    if let found {
      try await record(
        takeover(work) + [
          .tokenAdopted(
            generation: found.token.generation, attempt: attempt, tokenID: found.token.tokenID,
            place: found.place, expiresAt: found.token.expiresAt, key: place.secret)
        ], for: &work)
      work.stored = found.token
      return nil
    }
    switch known.state {
    case .answered(let tokenID, _):
      try await record(
        [
          .orphanFound(
            attempt: attempt, tokenID: tokenID, reason: "the run ended before its string was stored")
        ],
        for: &work)
    case .inFlight, .refused, .unknown, .kept, .lost, .closed:
      try await record(
        [.createUnknown(attempt: attempt, reason: "the run ended before an answer was recorded")], for: &work)
    }
    return nil
  }

  /// The attempt's string from wherever the first store has it.
  func storedToken(
    of attempt: AttemptID, at place: StorePlace
  ) async throws(StoreError) -> (place: Event.Place, token: StoredToken)? {
    for which in [Event.Place.pending, .current, .previous] {
      if let stored = try await plan.stores[0].read(which, at: place), stored.attempt == attempt {
        return (which, stored)
      }
    }
    return nil
  }
}
