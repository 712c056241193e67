internal import RotationModel
internal import RotationPorts

/// What the three places of one name hold, as a backend has found them.
///
/// A step that was cut off shows: `displaced` while a rollback is half done, the pending token beside the same
/// current one while a promotion is.
struct PlaceContents: Equatable, Sendable {
  var pending: PlaceRecord?
  var current: PlaceRecord?
  var previous: PlaceRecord?
  /// The token that a half done rollback takes out of the current place; `rolledBackTo` says for which.
  var displaced: PlaceRecord?

  subscript(which: Event.Place) -> PlaceRecord? {
    switch which {
    case .pending: pending
    case .current: current
    case .previous: previous
    }
  }

  var isEmpty: Bool { pending == nil && current == nil && previous == nil && displaced == nil }

  /// All that there is, for questions that every record has to answer.
  var records: [PlaceRecord] { [pending, current, previous, displaced].compactMap(\.self) }

  /// What readers of the previous place see: what a half done rollback displaced, once the other one is current.
  var previousToReaders: PlaceRecord? {
    guard let displaced, current?.attempt != displaced.attempt else { return previous }
    return displaced
  }
}
