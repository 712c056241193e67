import RotationModel

/// Any number of spans in bounded memory, of which quantiles are known to within one per cent.
///
/// Spans are counted by their eight leading binary digits.
struct Latencies: Equatable {
  private var counts: [Int64: Int] = [:]
  private(set) var count = 0
  private(set) var shortest: Duration?
  private(set) var longest: Duration?

  mutating func add(_ span: Duration) {
    let span = max(.zero, span)
    counts[Latencies.bucket(span.milliseconds), default: 0] += 1
    count += 1
    shortest = min(shortest ?? span, span)
    longest = max(longest ?? span, span)
  }

  mutating func add(_ other: Latencies) {
    counts.merge(other.counts, uniquingKeysWith: +)
    count += other.count
    shortest = [shortest, other.shortest].compactMap(\.self).min()
    longest = [longest, other.longest].compactMap(\.self).max()
  }

  /// The span that this fraction of all does not exceed, by the nearest rank; nil where there is none.
  func quantile(_ fraction: Double) -> Duration? {
    guard let shortest, let longest else { return nil }
    let rank = min(count, max(1, Int((fraction * Double(count)).rounded(.up))))
    // The ends are known exactly.
    if rank == count { return longest }
    var passed = 0
    for bucket in counts.keys.sorted() {
      passed += counts[bucket] ?? 0
      if passed >= rank {
        return min(longest, max(shortest, .milliseconds(Latencies.middle(of: bucket))))
      }
    }
    return longest
  }

  var median: Duration? { quantile(0.5) }

  private static func bucket(_ milliseconds: Int64) -> Int64 {
    let shift = Int64(max(0, 56 - milliseconds.leadingZeroBitCount))
    return shift * 128 + milliseconds >> shift
  }

  private static func middle(of bucket: Int64) -> Int64 {
    guard bucket >= 256 else { return bucket }
    let shift = bucket / 128 - 1
    return (bucket - shift * 128) << shift + (1 << shift) / 2
  }
}

/// How many values lie between bounds.
struct Buckets: Equatable {
  /// Ascending; a value that is a bound counts below it.
  let bounds: [Duration]
  /// One more than bounds: the last is for what lies above all of them.
  private(set) var counts: [Int]

  init(bounds: [Duration]) {
    self.bounds = bounds
    counts = [Int](repeating: 0, count: bounds.count + 1)
  }

  mutating func add(_ value: Duration) {
    counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
  }

  var total: Int { counts.reduce(0, +) }

  /// Those between the first and the last with something in it.
  var occupied: ClosedRange<Int>? {
    guard let first = counts.firstIndex(where: { $0 > 0 }), let last = counts.lastIndex(where: { $0 > 0 })
    else { return nil }
    return first...last
  }
}

/// The first few by some order, of any number.
struct FirstFew<Element> {
  private let limit: Int
  private let isBefore: (Element, Element) -> Bool
  private(set) var elements: [Element] = []
  /// How many there were.
  private(set) var total = 0

  init(_ limit: Int, _ isBefore: @escaping (Element, Element) -> Bool) {
    self.limit = limit
    self.isBefore = isBefore
  }

  /// What comes later stands behind its equals.
  mutating func add(_ element: Element) {
    total += 1
    var index = elements.endIndex
    while index > 0, isBefore(element, elements[index - 1]) { index -= 1 }
    guard index < limit else { return }
    elements.insert(element, at: index)
    if elements.count > limit { elements.removeLast() }
  }
}
