import RotationModel
import RotationPorts
import RotationTestKit
import Testing

@testable import RotationRunner

struct PermitsTests {
  private func withPermits<Result: Sendable>(
    perSecond: Int, _ body: @escaping @Sendable (Permits, SimulatedClock) async -> Result
  ) -> Result? {
    let clock = SimulatedClock()
    let ledger = InMemoryLedger(random: SeededRandom(seed: 1))
    return DeterministicExecutor(seed: 1, clock: clock).run { () async -> Result? in
      guard let lease = try? await ledger.acquireLease(run: RunID(bits: 1), now: clock.now) else {
        return nil
      }
      let ports = RunPorts(
        ledger: ledger, clock: clock, random: SeededRandom(seed: 2),
        interruption: TimedInterruption(clock: clock), reporter: KeepingReporter(), lease: lease)
      return await body(Permits(.management, perSecond: perSecond, ports: ports), clock)
    } ?? nil
  }

  @Test(arguments: [1, 7, 50, 400])
  func theRateIsNeverExceeded(perSecond: Int) throws {
    let count = min(600, perSecond * 5)
    let times = try #require(
      withPermits(perSecond: perSecond) { permits, clock in
        await withTaskGroup(of: [Duration].self) { group in
          for _ in 0..<8 {
            group.addTask {
              var times: [Duration] = []
              for _ in 0..<(count / 8 + 1) {
                try? await permits.take()
                times.append(clock.uptime)
              }
              return times
            }
          }
          return await group.reduce(into: []) { $0 += $1 }
        }
      })
    #expect(busiestSecond(times) <= perSecond + max(1, perSecond / 10) + 1)
    let span = (times.max() ?? .zero) - (times.min() ?? .zero)
    #expect(span.seconds >= Double(times.count) / Double(perSecond) - 1.2)
    #expect(span.seconds <= Double(times.count) / Double(perSecond) + 1, "the budget is not used up")
  }

  @Test func whatIsTakenUpIsNeverMoreThanWasWanted() throws {
    let takes = try #require(
      withPermits(perSecond: 20) { permits, clock in
        var takes: [(wanted: Int, got: Int, nextAt: Duration, at: Duration)] = []
        for wanted in [1, 5, 1, 100, 3, 1] {
          guard let taken = try? await permits.takeUp(to: wanted) else { break }
          takes.append((wanted, taken.count, taken.nextAt, clock.uptime))
          clock.advance(by: .milliseconds(30))
        }
        return takes
      })
    #expect(takes.count == 6)
    for take in takes {
      #expect((0...take.wanted).contains(take.got))
      if take.got < take.wanted { #expect(take.nextAt > take.at) }
    }
    #expect(takes.map(\.got).reduce(0, +) <= 2 + 3)
  }
}

struct HeapTests {
  @Test func theLeastComesFirstWhateverTheOrder() {
    var generator = SimulatedDisk.Generator(seed: 3)
    for _ in 0..<200 {
      var heap = Heap<Int> { $0 < $1 }
      var model: [Int] = []
      for _ in 0..<100 {
        if generator.next() % 3 > 0 {
          let number = Int(generator.next() % 20)
          heap.insert(number)
          model.append(number)
        } else {
          let least = model.min()
          if let least, let index = model.firstIndex(of: least) { model.remove(at: index) }
          #expect(heap.removeFirst() == least)
        }
        #expect(heap.first == model.min() && heap.count == model.count && heap.isEmpty == model.isEmpty)
      }
      #expect(heap.removeAll().sorted() == model.sorted() && heap.isEmpty && heap.removeFirst() == nil)
    }
  }
}

struct CircuitTests {
  private let error = ServiceError(.unavailable, status: 503, message: "down")

  @Test func itOpensWhenManyInARowFail() async {
    let circuit = Circuit(limit: 3)
    for _ in 0..<2 { await circuit.failed(error) }
    #expect(await circuit.problem == nil)
    await circuit.failed(error)
    let problem = await circuit.problem
    #expect(problem?.code == "circuit_open" && problem?.message.contains("down") == true)
  }

  @Test func aSuccessBeginsTheCountAnew() async {
    let circuit = Circuit(limit: 3)
    for _ in 0..<2 { await circuit.failed(error) }
    await circuit.succeeded()
    for _ in 0..<2 { await circuit.failed(error) }
    #expect(await circuit.problem == nil)
    await circuit.failed(error)
    #expect(await circuit.problem != nil)
  }

  @Test func itIsClosedBeforeAnythingHappened() async {
    #expect(await Circuit(limit: 0).problem == nil)
  }
}

struct FlawTests {
  private func flaw(
    _ string: String, asked: Instant? = nil, answered: Instant? = nil
  ) -> String? {
    CreatedToken(id: "id", accessToken: Secret(Array(string.utf8)), expiresAt: answered)
      .flaw(asked: TokenRequest(description: "d", permissions: PermissionSet([]), expiresAt: asked))
  }

  private let good = "apiv1_0123456789"

  @Test func lengthsFromSixteenTo4096ArePossible() {
    #expect(flaw(String(repeating: "x", count: 16)) == nil)
    #expect(flaw(String(repeating: "x", count: 4096)) == nil)
    #expect(flaw(String(repeating: "x", count: 15)) != nil)
    #expect(flaw(String(repeating: "x", count: 4097)) != nil)
    #expect(flaw("") != nil)
  }

  @Test func onlyTheCharactersOfTheInterfaceArePossible() {
    for byte in UInt8.min...UInt8.max {
      let string = Array(good.utf8) + [byte]
      let token = CreatedToken(id: "id", accessToken: Secret(string), expiresAt: nil)
      let flaw = token.flaw(
        asked: TokenRequest(description: "d", permissions: PermissionSet([]), expiresAt: nil))
      let character = Character(UnicodeScalar(byte))
      let isPossible =
        byte < 128 && (character.isLetter || character.isNumber || "._~+/=-".contains(character))
      #expect((flaw == nil) == isPossible, "byte \(byte)")
    }
    #expect(flaw(good + "\n") != nil && flaw("\n" + good) != nil && flaw(good + "\r\n") != nil)
  }

  @Test func theExpiryMustBeTheOneThatWasAskedForToTheSecond() {
    let asked = Instant(milliseconds: 1_800_000_000_000)
    #expect(flaw(good, asked: asked, answered: asked) == nil)
    #expect(flaw(good, asked: asked, answered: asked + .milliseconds(999)) == nil)
    #expect(flaw(good, asked: asked, answered: asked + .seconds(1)) != nil)
    #expect(flaw(good, asked: asked, answered: nil) != nil)
    #expect(flaw(good, asked: nil, answered: asked) != nil)
    #expect(flaw(good, asked: nil, answered: nil) == nil)
  }

  @Test func noFlawSaysAnythingOfTheString() {
    for text in [flaw("secret-part\n\n\n\n\n\n"), flaw("secret-part")] {
      #expect(text?.contains("secret") == false)
    }
  }
}
