internal import RotationModel
internal import RotationPorts

/// A store that keeps a record of each place: it says what may be done, its backend does it.
///
/// Each call looks first and decides from what it sees, so that a repeated call finds its work done, half done, or
/// not begun, whoever was cut off where.
final class RecordStore<Backend: RecordBackend>: SecretStore {
  let name: String
  let backend: Backend
  private let jobs: [String]

  /// `jobs`: whose places the store is asked to have had already, by `requireTaken`.
  init(name: String, backend: Backend, jobs: [String]) {
    self.name = name
    self.backend = backend
    self.jobs = jobs
  }

  func open() async throws(StoreError) { try await backend.open() }

  func requireTaken() async throws(StoreError) {
    for job in jobs { try await backend.requireTaken(job: job) }
  }

  func close() async { await backend.close() }

  func reserve(_ place: StorePlace, for token: PlannedToken) async throws(StoreError) {
    let (contents, snapshot) = try await look(place, withStrings: false)
    let rules = PlaceRules(contents: contents, place: place, shown: backend.shown)
    guard try rules.needsStaging(token) else { return }
    let record = PlaceRecord(reservationOf: token, at: place, installation: backend.installation)
    try backend.requireFitting(record.longest, at: place)
    try await backend.reserve(record, at: place, snapshot)
  }

  func stage(_ token: StoredToken, at place: StorePlace) async throws(StoreError) {
    guard TokenText.isUsable(token.accessToken) else {
      throw StoreError(
        .malformed, message: "the string of \(place.name) has characters that no token has",
        hint: "Nothing was stored. Ask the cluster's operator what it gives out.")
    }
    let record = PlaceRecord(token, at: place, installation: backend.installation)
    try backend.requireFitting(record, at: place)
    let (contents, snapshot) = try await look(place, withStrings: true)
    let rules = PlaceRules(contents: contents, place: place, shown: backend.shown)
    guard try rules.needsStaging(token.planned) || contents.pending != nil else {
      return try rules.requireSame(token, in: contents.current)
    }
    if let pending = contents.pending { return try rules.requireSame(token, in: pending) }
    try await backend.stage(record, at: place, snapshot)
  }

  func promote(generation: Int, at place: StorePlace) async throws(StoreError) {
    let (contents, snapshot) = try await look(place, withStrings: true)
    let rules = PlaceRules(contents: contents, place: place, shown: backend.shown)
    guard try rules.mayPromote(generation) else { return }
    try await backend.promote(contents, at: place, snapshot)
  }

  func read(_ which: Event.Place, at place: StorePlace) async throws(StoreError) -> StoredToken? {
    let record: PlaceRecord?
    if which == .previous {
      record = try await look(place, withStrings: true).contents.previousToReaders
    } else {
      record = try await backend.read(which, at: place)
    }
    guard let record else { return nil }
    try requireOwn(record, place)
    guard let string = record.accessToken else {
      throw StoreError(
        .malformed, message: "the \(which.rawValue) string of \(place.name) is not in \(backend.shown)",
        hint: "Restore it from a backup, or replace the token: `tokenrotate rotate JOB.toml \(place.name)`.")
    }
    return record.token(string)
  }

  func inspect(_ place: StorePlace, attempt: AttemptID) async throws(StoreError) -> StoreFlaw? {
    let location = "\(backend.shown), \(try backend.location(of: place))"
    let found: PlaceRecord?
    do throws(StoreError) {
      found = try await backend.read(.current, at: place)
    } catch {
      // What would be somebody else's before a delivery is ours, written over, after it.
      guard error.code == .ownedByAnother else { throw error }
      return StoreFlaw(
        "\(location) was written over and holds no token of this program any more",
        hint: "put it back from a backup, or replace the token: `tokenrotate rotate JOB.toml \(place.name)`")
    }
    guard let found else {
      return StoreFlaw(
        "\(location) is gone",
        hint:
          "put it back from a backup; a string that is gone cannot be had again: then replace the token with "
          + "`tokenrotate rotate JOB.toml \(place.name)`")
    }
    try requireOwn(found, place)
    guard found.attempt != attempt else { return nil }
    return StoreFlaw(
      "\(location) is that of token \(found.tokenID)",
      hint: "if an older copy was restored, put the newest one back")
  }

  func rollBack(from: Int, to: Int, at place: StorePlace) async throws(StoreError) {
    let (contents, snapshot) = try await look(place, withStrings: true)
    let rules = PlaceRules(contents: contents, place: place, shown: backend.shown)
    guard try rules.mayRollBack(from: from, to: to) else { return }
    try await backend.rollBack(contents, at: place, snapshot)
  }

  func withdraw(generation: Int, at place: StorePlace) async throws(StoreError) {
    let (contents, snapshot) = try await look(place, withStrings: true)
    let rules = PlaceRules(contents: contents, place: place, shown: backend.shown)
    try rules.requireWithdrawable(generation)
    try await backend.withdraw(contents, at: place, snapshot)
  }

  func relocate(from old: StorePlace, to place: StorePlace) async throws(StoreError) {
    guard old.job == place.job else {
      throw StoreError.conflict("\(old.name) of job \(old.job) cannot be moved to job \(place.job)")
    }
    let isRename = try backend.location(of: old) == backend.location(of: place)
    let (there, target) = try await look(place, withStrings: true, movedFrom: isRename ? old : nil)
    if isRename {
      if there.displaced != nil {
        throw PlaceRules(contents: there, place: place, shown: backend.shown).halfRolledBack
      }
      return try await backend.relocate(there, from: old, target, to: place, target)
    }
    let found: (contents: PlaceContents, snapshot: Backend.Snapshot)
    do throws(StoreError) {
      found = try await look(old, withStrings: true)
    } catch {
      // The old place was left, and somebody else has it by now.
      guard error.code == .ownedByAnother, !there.isEmpty else { throw error }
      return
    }
    try PlaceRules(contents: found.contents, place: old, shown: backend.shown)
      .requireMovable(onto: there, as: place)
    try await backend.relocate(found.contents, from: old, found.snapshot, to: place, target)
  }

  func discard(
    _ which: Event.Place, attempt: AttemptID, at place: StorePlace
  ) async throws(StoreError) {
    let (contents, snapshot) = try await look(place, withStrings: false)
    let rules = PlaceRules(contents: contents, place: place, shown: backend.shown)
    if try rules.mayDiscard(which, attempt) {
      try await backend.discard(which, at: place, snapshot)
    } else if which == .pending, contents.pending == nil, contents.displaced == nil {
      try await backend.discardReservation(at: place, snapshot)
    }
  }

  // MARK: Looking

  /// What is in a place, all of it this installation's, this job's and this name's, or `old`'s.
  private func look(
    _ place: StorePlace, withStrings: Bool, movedFrom old: StorePlace? = nil
  ) async throws(StoreError) -> (contents: PlaceContents, snapshot: Backend.Snapshot) {
    let found = try await backend.look(place, withStrings: withStrings)
    for record in found.contents.records { try requireOwn(record, place, movedFrom: old) }
    return found
  }

  private func requireOwn(
    _ record: PlaceRecord, _ place: StorePlace, movedFrom old: StorePlace? = nil
  ) throws(StoreError) {
    let isOurs = [place, old].contains { place in
      place.map { record.belongs(to: $0, of: backend.installation) } ?? false
    }
    guard isOurs else {
      throw StoreError(
        .ownedByAnother,
        message:
          "\(try backend.location(of: place)) in \(backend.shown) belongs to \(record.job)/\(record.name) of "
          + "installation \(record.installation), not to \(place.job)/\(place.name) of "
          + "\(backend.installation)",
        hint: "Give the row another secret, or the job another place in the store.")
    }
  }
}
