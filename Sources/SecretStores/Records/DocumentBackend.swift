internal import RotationModel
internal import RotationPorts

/// The steps of every change where a place is three documents. Their order never leaves a reader without a token
/// nor the store without a string, and each may be repeated.
///
/// While a rollback is under way, the pending document has the displaced token, marked, so that it is never taken
/// for a promotion.
struct DocumentBackend<Space: DocumentSpace>: RecordBackend {
  let space: Space

  /// The version of each document.
  struct Snapshot: Sendable {
    var pending: Space.Version
    var current: Space.Version
    var previous: Space.Version
    /// Whether the pending document is a reservation.
    var isReserved = false
  }

  var installation: InstallationID { space.installation }
  var shown: String { space.shown }

  func open() async throws(StoreError) { try await space.open() }
  func requireTaken(job: String) async throws(StoreError) { try await space.requireTaken(job: job) }
  func close() async { await space.close() }
  func location(of place: StorePlace) throws(StoreError) -> String { try space.location(of: place) }
  func requireFitting(_ record: PlaceRecord, at place: StorePlace) throws(StoreError) {
    try space.requireFitting(record, at: place)
  }

  // MARK: Looking

  func look(
    _ place: StorePlace, withStrings: Bool
  ) async throws(StoreError) -> (contents: PlaceContents, snapshot: Snapshot) {
    let pending = try await space.read(.pending, at: place, withString: withStrings)
    let current = try await space.read(.current, at: place, withString: withStrings)
    let previous = try await space.read(.previous, at: place, withString: withStrings)
    var contents = PlaceContents(current: current.record, previous: previous.record)
    var snapshot = Snapshot(pending: pending.version, current: current.version, previous: previous.version)
    if let record = pending.record {
      snapshot.isReserved = record.isReservation
      if record.rolledBackTo != nil {
        contents.displaced = record
      } else if !record.isReservation {
        contents.pending = record
      }
    }
    return (contents, snapshot)
  }

  func read(_ which: Event.Place, at place: StorePlace) async throws(StoreError) -> PlaceRecord? {
    guard let record = try await space.read(which, at: place, withString: true).record,
      record.rolledBackTo == nil, !record.isReservation
    else { return nil }
    return record
  }

  // MARK: Changing

  func reserve(_ record: PlaceRecord, at place: StorePlace, _ snapshot: Snapshot) async throws(StoreError) {
    try await space.write(record, to: .pending, at: place, replacing: snapshot.pending)
  }

  func stage(_ record: PlaceRecord, at place: StorePlace, _ snapshot: Snapshot) async throws(StoreError) {
    try await space.write(record, to: .pending, at: place, replacing: snapshot.pending)
  }

  func promote(
    _ contents: PlaceContents, at place: StorePlace, _ snapshot: Snapshot
  ) async throws(StoreError) {
    guard let pending = contents.pending else { return }
    if contents.current?.attempt != pending.attempt {
      if let current = contents.current { try await keep(current, contents, at: place, snapshot) }
      try await space.write(pending, to: .current, at: place, replacing: snapshot.current)
    }
    try await space.remove(.pending, at: place, version: snapshot.pending)
  }

  func rollBack(
    _ contents: PlaceContents, at place: StorePlace, _ snapshot: Snapshot
  ) async throws(StoreError) {
    guard let previous = contents.previous else { throw lost(place) }
    guard let displaced = contents.displaced else {
      guard var current = contents.current else { throw lost(place) }
      current.rolledBackTo = previous.generation
      try requireString(previous, place)
      try requireString(current, place)
      try await space.write(current, to: .pending, at: place, replacing: snapshot.pending)
      // Looked at again for the version that the mark has now.
      let (marked, snapshot) = try await look(place, withStrings: true)
      guard marked.displaced?.attempt == current.attempt else { throw changed(place) }
      return try await rollBack(marked, at: place, snapshot)
    }
    if previous.attempt != displaced.attempt {
      if contents.current?.attempt != previous.attempt {
        guard contents.current == nil || contents.current?.attempt == displaced.attempt else {
          throw changed(place)
        }
        try await space.write(previous, to: .current, at: place, replacing: snapshot.current)
      }
      var old = displaced
      old.rolledBackTo = nil
      try await space.write(old, to: .previous, at: place, replacing: snapshot.previous)
    }
    try await space.remove(.pending, at: place, version: snapshot.pending)
  }

  func withdraw(
    _ contents: PlaceContents, at place: StorePlace, _ snapshot: Snapshot
  ) async throws(StoreError) {
    guard let current = contents.current else { return }
    try await keep(current, contents, at: place, snapshot)
    try await space.remove(.current, at: place, version: snapshot.current)
  }

  func discard(
    _ which: Event.Place, at place: StorePlace, _ snapshot: Snapshot
  ) async throws(StoreError) {
    switch which {
    case .pending: try await space.remove(.pending, at: place, version: snapshot.pending)
    case .previous: try await space.remove(.previous, at: place, version: snapshot.previous)
    case .current: break
    }
  }

  func discardReservation(at place: StorePlace, _ snapshot: Snapshot) async throws(StoreError) {
    guard snapshot.isReserved else { return }
    try await space.remove(.pending, at: place, version: snapshot.pending)
  }

  func relocate(
    _ contents: PlaceContents, from old: StorePlace, _ snapshot: Snapshot, to place: StorePlace,
    _ target: Snapshot
  ) async throws(StoreError) {
    let isRename = try space.location(of: old) == space.location(of: place)
    let there = isRename ? PlaceContents() : try await look(place, withStrings: false).contents
    for (which, version) in Self.inOrder(target) {
      guard let record = contents[which] else { continue }
      if isRename ? record.name == place.name : there[which]?.attempt == record.attempt { continue }
      try await space.write(record.renamed(place.name), to: which, at: place, replacing: version)
    }
    guard !isRename else { return }
    // The current one first: until it is gone, consumers find the token under both names.
    for (which, version) in Self.inOrder(snapshot).reversed() {
      guard contents[which] != nil || which == .pending && snapshot.isReserved else { continue }
      try await space.remove(which, at: old, version: version)
    }
  }

  private static func inOrder(_ snapshot: Snapshot) -> [(Event.Place, Space.Version)] {
    [(.previous, snapshot.previous), (.pending, snapshot.pending), (.current, snapshot.current)]
  }

  /// Makes what is current the previous one as well, before it is replaced or taken away.
  private func keep(
    _ current: PlaceRecord, _ contents: PlaceContents, at place: StorePlace, _ snapshot: Snapshot
  ) async throws(StoreError) {
    guard contents.previous?.attempt != current.attempt else { return }
    try await space.write(current, to: .previous, at: place, replacing: snapshot.previous)
  }

  // MARK: Errors

  private func requireString(_ record: PlaceRecord, _ place: StorePlace) throws(StoreError) {
    if record.accessToken == nil { throw lost(place) }
  }

  private func lost(_ place: StorePlace) -> StoreError {
    StoreError(
      .malformed, message: "a string of \(place.name) that is needed is not in \(shown)",
      hint: "Restore it from a backup, or replace the token: `tokenrotate rotate JOB.toml \(place.name)`.")
  }

  private func changed(_ place: StorePlace) -> StoreError {
    StoreError.conflict(
      "somebody else changed \(place.name) in \(shown) at the same time",
      hint: "Look who else writes there; the next run looks at it anew.")
  }
}
