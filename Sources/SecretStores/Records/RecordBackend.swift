internal import RotationModel
internal import RotationPorts

/// What a store of records is kept in: a server, a program, a folder. `RecordStore` knows what may be done; a
/// backend does it, in steps that may be cut off anywhere and are completed by the same call said again.
protocol RecordBackend: Sendable {
  /// What a look has shown beside the records, such as versions: a change made with it holds only if nobody else
  /// has changed the place since, and is `StoreError.conflict` otherwise.
  associatedtype Snapshot: Sendable

  var installation: InstallationID { get }
  /// The store as messages name it: where it is, without a secret.
  var shown: String { get }

  func open() async throws(StoreError)
  func requireTaken(job: String) async throws(StoreError)
  func close() async

  /// Where a place is. Two places with one location are one.
  func location(of place: StorePlace) throws(StoreError) -> String
  /// Throws when the backend cannot hold such a record: too long, or of other characters than it takes.
  func requireFitting(_ record: PlaceRecord, at place: StorePlace) throws(StoreError)
  /// Looks. A record comes with its string if `withStrings`; it may without. What is there and was not written by
  /// this program is `StoreError.ownedByAnother`.
  func look(
    _ place: StorePlace, withStrings: Bool
  ) async throws(StoreError) -> (contents: PlaceContents, snapshot: Snapshot)
  /// The record of one place with its string, at less cost than a look where that is possible.
  func read(_ which: Event.Place, at place: StorePlace) async throws(StoreError) -> PlaceRecord?

  /// Makes sure, as far as can be known, that `stage` will be taken.
  func reserve(_ record: PlaceRecord, at place: StorePlace, _ snapshot: Snapshot) async throws(StoreError)
  /// Makes the record durable in the pending place, which is empty, reserved, or has it already.
  func stage(_ record: PlaceRecord, at place: StorePlace, _ snapshot: Snapshot) async throws(StoreError)
  /// Makes the pending token current and the current one previous, then empties the pending place.
  func promote(_ contents: PlaceContents, at place: StorePlace, _ snapshot: Snapshot) async throws(StoreError)
  /// Makes the previous token current and the current one previous. With `displaced` it completes that.
  func rollBack(_ contents: PlaceContents, at place: StorePlace, _ snapshot: Snapshot)
    async throws(StoreError)
  /// Makes the current token previous and leaves the current place empty; completes it when it is empty.
  func withdraw(_ contents: PlaceContents, at place: StorePlace, _ snapshot: Snapshot)
    async throws(StoreError)
  /// Empties a place, `pending` (or a reservation) or `previous`.
  func discard(_ which: Event.Place, at place: StorePlace, _ snapshot: Snapshot) async throws(StoreError)
  /// Takes back room that was reserved; success when there is none.
  func discardReservation(at place: StorePlace, _ snapshot: Snapshot) async throws(StoreError)
  /// Puts what is at one place to another, under its name, then empties the first; one location: only the name
  /// changes.
  func relocate(
    _ contents: PlaceContents, from old: StorePlace, _ snapshot: Snapshot, to place: StorePlace,
    _ target: Snapshot
  ) async throws(StoreError)
}
