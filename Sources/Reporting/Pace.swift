import RotationModel

/// How fast tokens are finished, seen over the last seconds: a run begins with many that need nothing, whose
/// pace says nothing about the others.
struct Pace {
  /// Long enough for few to tell something.
  private static let window: Duration = .seconds(15)
  /// Where fewer than this were finished in it, the pace is seen over a longer time.
  private static let telling = 5
  private static let longestWindow: Duration = .seconds(120)

  private var samples: [(at: Duration, finished: Int)] = []

  /// To be told also when nothing was finished: that is a pace too.
  mutating func note(finished: Int, at now: Duration) {
    if let last = samples.last, now - last.at < .seconds(1) { return }
    samples.append((now, finished))
    // The oldest kept is the last one outside the longest window, at most 122 in all.
    while samples.count > 2, now - samples[1].at >= Pace.longestWindow { samples.removeFirst() }
  }

  /// Tokens a second; nil while there is too little to judge by.
  private var tokensPerSecond: Double? {
    guard let last = samples.last else { return nil }
    var seen: Double?
    for sample in samples.dropLast().reversed() {
      let (span, count) = (last.at - sample.at, last.finished - sample.finished)
      guard span >= .seconds(2) else { continue }
      seen = count > 0 ? Double(count) / span.seconds : nil
      if span >= Pace.window, count >= Pace.telling { break }
    }
    return seen
  }

  /// As `3.2/s`, a minute where that is more readable, or an hour.
  var rate: String? {
    guard let perSecond = tokensPerSecond else { return nil }
    switch perSecond {
    case 9.95...: return "\(Int(perSecond.rounded()))/s"
    case 1...:
      let tenths = Int((perSecond * 10).rounded())
      return "\(tenths / 10).\(tenths % 10)/s"
    case (1 / 60)...: return "\(Int((perSecond * 60).rounded()))/min"
    default: return "\(max(1, Int((perSecond * 3600).rounded())))/h"
    }
  }

  /// How long `count` tokens will take.
  func left(of count: Int) -> String? {
    guard count > 0, let perSecond = tokensPerSecond else { return nil }
    let seconds = Double(count) / perSecond
    switch seconds {
    case ..<99.5: return "about \(max(1, Int(seconds.rounded()))) s left"
    case ..<5400: return "about \(Int((seconds / 60).rounded())) min left"
    case ..<172_800: return "about \(Int((seconds / 3600).rounded())) h left"
    default: return "days left"
    }
  }
}
