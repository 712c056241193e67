import RotationModel
import RotationPorts
import RotationTestKit

// What the tests of rotation share: a job with [rotation], and where its tokens stand.
extension Bench {
  static let day: Duration = .seconds(86_400)
  /// Due every 30 days less the spread, a day of overlap, revoked without a quarantine.
  static let rotation = RotationPolicy(
    isOn: true, every: day * 30, renewBefore: nil, overlap: day, quarantine: nil)

  static func rotating(_ names: String...) -> Bench {
    let bench = Bench()
    bench.rows = names.map { Bench.row($0) }
    bench.policy = rotation
    return bench
  }

  /// A job whose tokens were replaced a moment ago: for one token `id-2` is current, and `id-1` its predecessor.
  static func rotated(_ names: String..., quarantine: Duration? = nil) -> Bench? {
    let bench = Bench()
    bench.rows = names.map { Bench.row($0) }
    bench.policy = rotation
    bench.policy.quarantine = quarantine
    guard bench.run()?.exit == 0 else { return nil }
    bench.clock.advance(by: day * 30)
    return bench.run()?.exit == 0 ? bench : nil
  }

  /// The names of a token's events, in order.
  func events(_ name: String = "a") -> [String] {
    audit.lines.compactMap { line in
      let words = line.text.split(separator: " ")
      return words[2] == name ? String(words[1]) : nil
    }
  }

  /// What another run at once would change; empty, as it should be.
  func changesOfAnotherRun() -> [String] {
    let (changes, stored, lines) = (cluster.changes, store.changes, audit.lines.count)
    guard run() != nil else { return ["it came to no end"] }
    var differences: [String] = []
    if cluster.changes != changes {
      differences.append("\(cluster.changes - changes) changes of the cluster")
    }
    if store.changes != stored { differences.append("\(store.changes - stored) changes of the store") }
    return differences + audit.lines[lines...].map(\.text)
  }

  /// Ids of the live tokens on the cluster.
  var liveIDs: [String] { cluster.live.map(\.id).sorted() }
}
