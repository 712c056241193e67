internal import RotationModel
internal import RotationPorts

/// Somewhere a place's three records are kept as three documents, each read and replaced by itself.
///
/// A change says which version it replaces and does not hold if another is there by then
/// (`StoreError.conflict`). A change whose answer was lost is made again by whoever repeats the call: the space has
/// to take a record that it has already as done.
protocol DocumentSpace: Sendable {
  associatedtype Version: Sendable

  var installation: InstallationID { get }
  var shown: String { get }

  func open() async throws(StoreError)
  func requireTaken(job: String) async throws(StoreError)
  func close() async

  func location(of place: StorePlace) throws(StoreError) -> String
  func requireFitting(_ record: PlaceRecord, at place: StorePlace) throws(StoreError)

  /// The document of one place of a name, and its version; no record when there is none, with the version that
  /// says so. With `withString` the record has its string if the document does. `current` is what consumers read:
  /// a document there that is no record of ours is `StoreError.ownedByAnother`.
  func read(
    _ which: Event.Place, at place: StorePlace, withString: Bool
  ) async throws(StoreError) -> (record: PlaceRecord?, version: Version)
  /// Durable on return.
  func write(
    _ record: PlaceRecord, to which: Event.Place, at place: StorePlace, replacing version: Version
  ) async throws(StoreError)
  /// Removes the document with all that remembers it; success when there is none.
  func remove(
    _ which: Event.Place, at place: StorePlace, version: Version
  ) async throws(StoreError)
}
