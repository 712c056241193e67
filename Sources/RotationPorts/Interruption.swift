/// A person's or a supervisor's wish that the run stop at a safe point.
public protocol Interruption: Sendable {
  /// Whether the wish was voiced.
  var isRequested: Bool { get }
  /// Returns once the wish was voiced; throws `CancellationError` when the task is cancelled before.
  func requested() async throws
}
