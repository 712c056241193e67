/// A store's single steps, one of which fails: the n-th, before its effect or after it.
///
/// Put around each request or file operation of a store under test, it lets a contract be gone through with a
/// failure at every step that the store makes.
public final class FaultySteps: @unchecked Sendable {
  public enum Moment: String, CaseIterable, Sendable {
    case beforeItsEffect
    case afterItsEffect
  }

  private let position: Int
  private let moment: Moment
  private let length: Int
  private var count = 0

  /// `length`: how many steps in a row fail.
  public init(at position: Int, _ moment: Moment, length: Int = 1) {
    self.position = position
    self.moment = moment
    self.length = length
  }

  /// Whether the step that fails was reached.
  public var hasHappened: Bool { count > position }

  /// Does the step; throws `fault` when it is the one. Steps are made one after the other.
  public func step<Result, Failure: Error>(
    _ fault: @autoclosure () -> Failure, _ body: () async throws(Failure) -> Result
  ) async throws(Failure) -> Result {
    let isFaulty = (position..<position + length).contains(count)
    count += 1
    if isFaulty, moment == .beforeItsEffect { throw fault() }
    let result = try await body()
    if isFaulty { throw fault() }
    return result
  }
}
