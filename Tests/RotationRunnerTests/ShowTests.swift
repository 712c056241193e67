import RotationModel
import RotationPorts
import RotationRunner
import RotationTestKit
import Testing

/// A person who waits for a string, or has gone.
final class ScriptedDisplay: SecretDisplay, @unchecked Sendable {
  // Only ever touched by the thread of the deterministic executor.
  /// Ids of the tokens whose strings were shown.
  private(set) var shown: [String] = []
  var errors: [DisplayError] = []
  let life: Life

  init(life: Life) { self.life = life }

  func show(_ token: ShownToken) async throws(DisplayError) {
    guard life.reaches("showing") else { throw DisplayError(message: "the process is dead") }
    if !errors.isEmpty { throw errors.removeFirst() }
    shown.append(token.id)
    guard life.reaches("showing's end") else { throw DisplayError(message: "the process is dead") }
  }
}

/// Tokens whose strings are shown to a person and kept nowhere.
struct ShowTests {
  private func bench(_ name: String) -> (Bench, ScriptedDisplay) {
    let bench = Bench(name)
    bench.isOneOff = true
    let display = ScriptedDisplay(life: bench.life)
    bench.display = display
    return (bench, display)
  }

  private func live(_ bench: Bench) -> [String] { bench.cluster.live.map(\.id).sorted() }

  /// The audit log's events, in order.
  private func events(_ bench: Bench) -> [String] {
    bench.audit.lines.map { String($0.text.split(separator: " ")[1]) }
  }

  @Test func aShownTokenIsKeptNowhereAndLeftAlone() throws {
    let (bench, display) = bench("a")
    let result = try #require(bench.run())
    #expect(result.exit == 0 && display.shown == ["id-1"] && live(bench) == ["id-1"])
    #expect(bench.store.pending.isEmpty && bench.store.current.isEmpty && bench.store.previous.isEmpty)
    #expect(
      events(bench) == ["create.intended", "create.done", "store.staged", "secret.shown", "token.forgotten"])
    // The next call is about another token, and has nothing to say about this one.
    bench.rows = [Bench.row("b")]
    let next = try #require(bench.run())
    #expect(next.exit == 0 && next.noticed.isEmpty && next.tokens.allSatisfy { $0.problem == nil })
    #expect(display.shown == ["id-1", "id-2"] && live(bench) == ["id-1", "id-2"])
    #expect(bench.cluster.probes.isEmpty, "a token was tried whose string nobody keeps")
  }

  @Test func whatCannotBeShownIsRevoked() throws {
    let (bench, display) = bench("a")
    display.errors = [DisplayError(message: "standard output: No space left on device")]
    let result = try #require(bench.run())
    #expect(result.exit == 1 && result.token("a")?.problem?.code == "not_shown")
    #expect(display.shown.isEmpty && live(bench).isEmpty && bench.cluster.posts.count == 1)
    #expect(bench.store.pending.isEmpty)
    #expect(events(bench).suffix(2) == ["revoke.intended", "revoke.done"])
  }

  @Test func anAnswerThatIsLostIsLookedForAndAnotherIsMade() throws {
    let (bench, display) = bench("a")
    bench.cluster.creations = ["a": [.vanish(effectAfter: .seconds(1))]]
    #expect(bench.run()?.exit == 0)
    #expect(bench.cluster.posts.count == 2 && display.shown == live(bench) && display.shown.count == 1)
  }

  /// Whoever waited for a string got an exit code that says that it failed: the token may not live on unknown.
  @Test func thereIsNoBadMomentToDie() throws {
    var ends = Set<String>()
    for effects in 0..<40 {
      let (bench, display) = bench("a")
      bench.life.begin(effects: effects)
      let died = bench.run()
      ends.insert(bench.life.end ?? "none")
      bench.life.begin(effects: nil)
      let wasShown = bench.life.end == nil && died?.exit == 0 ? display.shown : []
      bench.clock.advance(by: .seconds(10))
      bench.rows = [Bench.row("b")]
      _ = try #require(bench.run())
      // What a listing shows late is found by the one after it.
      bench.clock.advance(by: .seconds(40))
      bench.rows = [Bench.row("c")]
      #expect(bench.run()?.exit == 0)
      let ofB = try #require(bench.machine("b")?.generations.last?.tokenID)
      let ofC = try #require(bench.machine("c")?.generations.last?.tokenID)
      let recorded = try bench.machine("a")?.generations.filter(\.wasShown).map(\.tokenID) ?? []
      #expect(
        Set(live(bench)) == Set(recorded + [ofB, ofC]),
        "died at \(effects): \(ends), shown \(display.shown), recorded \(recorded)")
      #expect(Set(wasShown).isSubset(of: recorded))
      #expect(bench.store.pending.isEmpty && bench.store.current.isEmpty)
    }
    #expect(ends.contains("showing") && ends.contains("showing's end"), "\(ends)")
  }
}
