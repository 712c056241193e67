public import RotationModel

/// Where the tokens of one job stand, counted: for who watches jobs and not tokens.
public struct TokenCensus: Equatable, Sendable {
  /// Names by where they stand; those of which nothing is left and that have no row are not counted.
  public var states: [LineageStatus: Int] = [:]
  public var held = 0
  /// Active, and not in every store or not told to every hook.
  public var undelivered = 0
  /// When the oldest token in use was made by us.
  public var oldestMadeAt: Instant?
  /// When the clock alone makes the next one due.
  public var nextDueAt: Instant?
  /// When the first token in use expires.
  public var nextExpiryAt: Instant?
  /// Since the ledger began.
  public var created = 0
  public var revoked = 0
  /// How long activations took, since the ledger began.
  public var activations = ActivationTimes()

  public init() {}
}

/// How many activations took how long.
public struct ActivationTimes: Equatable, Sendable {
  /// Upper bounds in seconds; what took longer than the last is counted in `count` only.
  public static let bounds: [Int] = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800]

  /// By bound, each with those of the bounds below it.
  public private(set) var within = [Int](repeating: 0, count: ActivationTimes.bounds.count)
  public private(set) var count = 0
  public private(set) var sum: Duration = .zero

  public init() {}

  public mutating func add(_ took: Duration) {
    count += 1
    sum += took
    for (index, bound) in ActivationTimes.bounds.enumerated() where took <= .seconds(bound) {
      within[index] += 1
    }
  }
}
