/// One thing that goes wrong on request.
///
/// Written `OPERATION:EFFECT[:CONDITION]…`; `parse` reads it, `docs/sandbox.md` explains it.
public struct Fault: Equatable, Sendable {
  public enum Effect: Equatable, Sendable {
    /// The effect happens, the connection is closed without an answer.
    case answerLost
    /// Nothing happens, the connection is closed without an answer.
    case requestLost
    /// The connection is closed, or `status` answered, now; the effect happens later.
    case lateEffect(after: Duration, status: Int?)
    /// An error and no effect.
    case errorBefore(status: Int)
    /// The effect, and still an error.
    case errorAfter(status: Int)
    /// An error with `Retry-After`, and no effect.
    case throttle(status: Int, retryAfterSeconds: Int?)
    /// The effect at once, the answer later. Adds up with other faults.
    case slow(Duration)
    /// The effect, and a success whose body is spoiled.
    case malformed(Malformation)
    /// Two tokens for one POST; the answer shows the second.
    case duplicate
    /// A token that expires at another time than was asked for.
    case wrongExpiry
  }

  /// How a successful body is spoiled.
  public enum Malformation: String, Sendable, CaseIterable {
    /// The body has no `accessToken`.
    case missing
    /// The access token holds a line break.
    case newline
    /// The access token is shorter than any real one.
    case short
    /// The body ends in its middle.
    case truncated
    /// No body at all.
    case empty
    /// A proxy's HTML page.
    case html
  }

  /// To which of the matching requests it happens.
  public enum Occurrence: Equatable, Sendable {
    case always
    /// Only the nth, counted from 1.
    case nth(Int)
    /// The first N.
    case next(Int)
    /// Each with this probability, above 0 and at most 1.
    case probability(Double)
  }

  /// Nil is any operation.
  public var operation: ClusterOperation?
  public var effect: Effect
  public var occurrence: Occurrence
  /// Only requests that reach this node, counted from 0.
  public var node: Int?
  /// Only requests about a token whose description holds this text.
  public var match: String?
  /// As it was written.
  public let text: String

  /// Whether a request is one that this fault is about; whether it happens is for `occurrence` to say.
  func matches(_ operation: ClusterOperation, node: Int, description: String?) -> Bool {
    if let wanted = self.operation, wanted != operation { return false }
    if let wanted = self.node, wanted != node || !operation.isData { return false }
    guard let match else { return true }
    return description.map { TextSearch.contains($0, match) } ?? false
  }
}

extension Fault {
  init(
    operation: ClusterOperation?, effect: Effect, occurrence: Occurrence, node: Int?, match: String?,
    writtenAs text: String
  ) {
    self.operation = operation
    self.effect = effect
    self.occurrence = occurrence
    self.node = node
    self.match = match
    self.text = text
  }
}

/// The faults in force, in the order in which they are asked.
public struct FaultPlan: Sendable {
  /// A fault with how many requests matched it and how many it happened to.
  public struct Entry: Equatable, Sendable {
    public let fault: Fault
    public internal(set) var seen = 0
    public internal(set) var fired = 0
  }

  public private(set) var entries: [Entry]
  /// Whether any fault has a `match`, so that a description is looked up only for those.
  let looksAtDescriptions: Bool
  private var generator: SeededGenerator

  init(_ faults: [Fault], generator: SeededGenerator) {
    entries = faults.map { Entry(fault: $0) }
    looksAtDescriptions = faults.contains { $0.match != nil }
    self.generator = generator
  }

  public var isEmpty: Bool { entries.isEmpty }

  /// Puts other faults in the place of these, with new counts; chance goes on where it was.
  public mutating func replace(with faults: [Fault]) {
    self = FaultPlan(faults, generator: generator)
  }

  /// Which fault happens to a request, and how long its answer waits.
  ///
  /// Faults are asked in order. Every `slow` that fires adds its time; the first other one that fires is
  /// the effect, and later ones neither see nor count the request.
  mutating func draw(
    for operation: ClusterOperation, node: Int, description: String?
  ) -> (effect: Fault.Effect?, delay: Duration) {
    var effect: Fault.Effect?
    var delay = Duration.zero
    for index in entries.indices {
      let fault = entries[index].fault
      if case .slow(let time) = fault.effect {
        if fires(index, operation, node, description) { delay += time }
      } else if effect == nil, fires(index, operation, node, description) {
        effect = fault.effect
      }
    }
    return (effect, delay)
  }

  private mutating func fires(
    _ index: Int, _ operation: ClusterOperation, _ node: Int, _ description: String?
  ) -> Bool {
    guard entries[index].fault.matches(operation, node: node, description: description) else { return false }
    entries[index].seen += 1
    let fires =
      switch entries[index].fault.occurrence {
      case .always: true
      case .nth(let number): entries[index].seen == number
      case .next(let count): entries[index].seen <= count
      case .probability(let probability): Double.random(in: 0..<1, using: &generator) < probability
      }
    if fires { entries[index].fired += 1 }
    return fires
  }
}

/// Finding one text in another without Foundation.
enum TextSearch {
  static func contains(_ text: some StringProtocol, _ needle: some StringProtocol) -> Bool {
    let hay = Array(text.utf8)
    let wanted = Array(needle.utf8)
    guard !wanted.isEmpty, hay.count >= wanted.count else { return wanted.isEmpty }
    return (0...(hay.count - wanted.count)).contains { hay[$0...].starts(with: wanted) }
  }
}
