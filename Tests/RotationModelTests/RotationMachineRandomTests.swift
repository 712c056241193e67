import RotationModel
import Testing

/// Random events in random states: whatever a damaged ledger or a faulty runner brings.
struct RotationMachineRandomTests {
  @Test func noOrderOfEventsBreaksTheMachine() throws {
    var taken: [String: Int] = [:]
    for seed in UInt64(1)...400 {
      var seeded = Seeded(seed)
      var machine = RotationMachine()
      var history: [TimedEvent] = []
      for step in 0..<120 {
        let timed = TimedEvent(randomEvent(&seeded, machine), at: start + .seconds(Int64(step)))
        let before = machine
        do throws(IllegalEvent) {
          try machine.apply(timed)
        } catch {
          #expect(machine == before, "seed \(seed): refused \(timed.event), and changed")
          continue
        }
        history.append(timed)
        taken[timed.event.record.name, default: 0] += 1
        if let fault = fault(before, machine) ?? actionFault(machine, at: timed.time) {
          Issue.record("seed \(seed): \(fault), after \(history.map(\.event.record.name))")
          return
        }
      }
      #expect(try RotationMachine(replaying: history) == machine, "seed \(seed)")
      let reread = try history.map { timed in
        TimedEvent(try #require(Event(record: timed.event.record)), at: timed.time)
      }
      #expect(try RotationMachine(replaying: reread) == machine, "seed \(seed)")
    }
    let all = EventRecordTests.samples.map(\.record.name)
    #expect(Set(taken.keys) == Set(all), "some events were never taken, so nothing was shown about them")
  }

  /// Mostly about what there is, now and then about anything.
  private func randomEvent(_ seeded: inout Seeded, _ machine: RotationMachine) -> Event {
    let isWild = Int.random(in: 0..<10, using: &seeded) == 0
    let known = machine.attempts.suffix(3).map(\.id)
    let id = isWild ? nil : known.randomElement(using: &seeded)
    let latest = machine.newest?.number ?? machine.nextGeneration
    let ids =
      machine.generations.suffix(1).map(\.tokenID)
      + machine.attempts.suffix(2).flatMap { $0.orphans.map(\.tokenID) } + ["t\(seeded.next() % 4)"]
    let events = everyEvent(
      attempt: id ?? attempt(seeded.next() % 6), fresh: attempt(seeded.next() % 1000),
      generation: isWild ? Int.random(in: 0...4, using: &seeded) : latest,
      tokenID: ids.randomElement(using: &seeded) ?? "t")
    return events.randomElement(using: &seeded) ?? events[0]
  }

  private func fault(_ before: RotationMachine, _ after: RotationMachine) -> String? {
    if after.generations.count(where: { $0.phase != .revoked }) > 1 { return "two live generations" }
    if after.attempts.count(where: \.isOpenInTest) > 1 { return "two open attempts" }
    if after.newest != nil, after.attempts.contains(where: \.isOpenInTest) {
      return "an open attempt beside a live generation"
    }
    if Set(after.attempts.map(\.id)).count != after.attempts.count { return "an attempt twice" }
    if Set(after.generations.map(\.number)).count != after.generations.count { return "a generation twice" }
    if after.attempts.count < before.attempts.count || after.generations.count < before.generations.count {
      return "something was forgotten"
    }
    for (old, new) in zip(before.attempts, after.attempts) where old.state.word != new.state.word {
      guard old.state.leavesTo.contains(new.state.word) else {
        return "attempt \(old.state.word) → \(new.state.word)"
      }
    }
    for (old, new) in zip(before.attempts, after.attempts) {
      for (was, becomes) in zip(old.orphans, new.orphans) where was.state != becomes.state {
        let isDocumented =
          was.state == .found || (was.state == .revoking && becomes.state != .revoking)
          || (was.state == .revoked && becomes.state == .found)
        if !isDocumented { return "orphan \(was.state) → \(becomes.state)" }
      }
    }
    for (old, new) in zip(before.generations, after.generations) where old.phase != new.phase {
      guard old.phase.leavesTo.contains(new.phase) else { return "phase \(old.phase) → \(new.phase)" }
    }
    return nil
  }

  private func actionFault(_ machine: RotationMachine, at now: Instant) -> String? {
    for isWanted in [true, false] {
      let context = ActionContext(
        isWanted: isWanted, stores: ["file", "vault"], abandonAfter: .seconds(30), now: now)
      let action = machine.nextAction(context)
      if action != machine.nextAction(context) { return "\(action) is not what it says the second time" }
      guard case .create(let generation) = action else { continue }
      if !isWanted { return "create what nobody wants" }
      if machine.newest != nil || generation != machine.nextGeneration { return "create a second generation" }
      if machine.attempts.contains(where: { $0.orphans.contains { $0.state != .revoked } }) {
        return "create before an orphan is gone"
      }
      if machine.attempts.contains(where: { $0.state == .unknown && !$0.wasSearched }) {
        return "create while an unknown attempt is unsearched"
      }
    }
    return nil
  }
}

extension Attempt {
  fileprivate var isOpenInTest: Bool {
    switch state {
    case .inFlight, .answered: true
    case .refused, .unknown, .kept, .lost, .closed: false
    }
  }
}

extension Attempt.State {
  fileprivate var word: String {
    switch self {
    case .inFlight: "inFlight"
    case .answered: "answered"
    case .refused: "refused"
    case .unknown: "unknown"
    case .kept: "kept"
    case .lost: "lost"
    case .closed: "closed"
    }
  }

  /// As the declarations document it.
  fileprivate var leavesTo: Set<String> {
    switch self {
    case .inFlight: ["answered", "refused", "unknown", "kept"]
    case .answered: ["kept", "lost"]
    case .unknown: ["kept", "lost", "closed"]
    case .closed: ["lost"]
    case .kept: ["lost"]
    case .refused, .lost: []
    }
  }
}

extension Generation.Phase {
  fileprivate var leavesTo: Set<Generation.Phase> {
    switch self {
    case .staged: [.active, .revoking]
    case .active: [.delivering, .revoking]
    case .delivering: [.current]
    case .current: []
    case .revoking: [.revoked]
    case .revoked: []
    }
  }
}
