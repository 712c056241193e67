public import RotationPorts
import RotationModel

/// What a person asks for some tokens of a job.
public enum Wish: Equatable, Sendable {
  /// Replace them now; `compromised`: the old ones get no overlap.
  case rotate(compromised: Bool)
  case hold
  case release
  /// Make the previous token current again.
  case rollBack
  /// End them; `now`: without an overlap.
  case retire(now: Bool)
  case rename(to: String)

  /// Whether a run has to follow, so that it comes true.
  var needsRun: Bool {
    switch self {
    case .rotate, .rollBack, .retire, .rename: true
    case .hold, .release: false
    }
  }
}

/// Puts a wish on record, and then runs the job for just these tokens.
///
/// The wish is durable before anything is done about it: a run that dies, or a token that does not become active in
/// time, leaves the rest to the next run, whoever starts it.
public struct RecordWish: Sendable {
  let plan: JobPlan
  let ports: RunPorts
  let wish: Wish
  let names: [String]

  public init(_ wish: Wish, names: [String], plan: JobPlan, ports: RunPorts) {
    self.wish = wish
    self.names = names
    self.plan = plan
    self.ports = ports
  }

  public func run() async -> JobReport {
    // All of it or nothing: a mistyped name is found before the first wish is on record.
    var granted: [(work: TokenWork, events: [Event])] = []
    do throws(Stop) {
      let preparation = PrepareJob(plan: plan, ports: ports)
      try await preparation.checkBinding()
      _ = try await preparation.queueRows()
      for name in names { granted.append(try await grant(name)) }
      for (work, events) in granted where !events.isEmpty { try await record(events, of: work) }
    } catch {
      ports.reporter.jobStarted(plan.name)
      return finish(
        JobReport(exitCode: error.exitCode, counts: [:], problem: error.problem, endsRun: error.endsRun))
    }
    guard wish.needsRun else { return reportAtOnce(granted.map(\.work)) }
    var plan = plan
    plan.only = Set(wish.newName.map { [$0] } ?? names)
    return await RunJob(plan: plan, ports: ports).run()
  }

  private func reportAtOnce(_ granted: [TokenWork]) -> JobReport {
    ports.reporter.jobStarted(plan.name)
    let outcome: TokenOutcome = wish == .hold ? .held : .unchanged
    for work in granted {
      let report = TokenReport(name: work.name, outcome: outcome, tokenID: work.machine.newest?.tokenID)
      ports.reporter.tokenFinished(plan.name, report)
    }
    return finish(JobReport(exitCode: .done, counts: [outcome: names.count], problem: nil))
  }

  private func finish(_ report: JobReport) -> JobReport {
    ports.reporter.jobFinished(plan.name, report)
    return report
  }

  // MARK: What may be asked for

  /// The events that put the wish on record; none where it is so already, or comes by itself.
  private func grant(_ name: String) async throws(Stop) -> (TokenWork, [Event]) {
    let claimed = try await find(name)
    let machine = try claimed.replayed()
    let work = TokenWork(
      lineage: claimed.id, name: claimed.name, isOneOff: claimed.isOneOff, machine: machine,
      listedAt: ports.clock.now)
    switch wish {
    case .rotate(let compromised):
      guard claimed.row != nil else { throw refusal(.rowIsGone(name), .badInput) }
      // A rollback that waits is given up for it, as long as no store was changed: once it is verified one may have
      // been, by a run that died before it said so.
      let mayGiveUp = machine.rollbackTarget.map { !$0.isVerifiedAgain && $0.promotedIn.isEmpty } ?? true
      guard mayGiveUp, machine.wishes.retirement == nil else {
        throw refusal(.busy(name, machine.status.rawValue), .failed)
      }
      var events: [Event] = []
      if let target = machine.wishes.rollbackTarget {
        events.append(.rollbackRefused(generation: target, reason: "a person wants another token instead"))
      }
      // Who has asked for one more does not ask for the one that is on its way. Whoever knows one token may know each:
      // after a rollback the predecessor has the higher number, and a successor may be in the stores already.
      if let target = machine.incumbent ?? machine.successor {
        let known = [target, machine.successor, machine.predecessor].compactMap { $0?.number }
        let number = compromised ? known.max() ?? target.number : target.number
        events.append(.rotationRequested(generation: number, compromised: compromised))
      }
      return (work, events)
    case .hold: return (work, machine.wishes.isHeld ? [] : [.lineageHeld])
    case .release: return (work, machine.wishes.isHeld ? [.lineageReleased] : [])
    case .rollBack:
      if machine.wishes.rollbackTarget != nil { return (work, []) }
      // Owner and mode of the file are the row's.
      guard claimed.row != nil else { throw refusal(.rowIsGone(name), .badInput) }
      // A newer token that every store has, and of which hooks are still to be told, is current enough to be rolled back.
      let (settled, completion) = try machine.settlingDelivery(
        of: name, in: plan.storeNames, at: ports.clock.now)
      guard let previous = settled.predecessor, settled.mayRollBack(to: previous.number) else {
        throw refusal(.nothingToRollBackTo(name, machine), .failed)
      }
      return (work, completion + [.rollbackRequested(generation: previous.number)])
    case .retire(let now):
      guard claimed.row == nil || claimed.isOneOff else { throw refusal(.rowIsThere(name), .badInput) }
      guard machine.hasTokenOfOurs else { throw refusal(.nothingToRetire(name), .failed) }
      guard machine.wishes.rollbackTarget == nil else {
        throw refusal(.busy(name, machine.status.rawValue), .failed)
      }
      return (work, [.retirementRequested(now: now)])
    case .rename(let newName): return (work, [try await grantRename(claimed, machine, to: newName)])
    }
  }

  private func grantRename(
    _ claimed: ClaimedLineage, _ machine: RotationMachine, to newName: String
  ) async throws(Stop) -> Event {
    guard claimed.row == nil else { throw refusal(.rowIsNotRenamed(claimed.name, newName), .badInput) }
    guard machine.maySettle else { throw refusal(.busy(claimed.name, machine.status.rawValue), .failed) }
    guard let target = try await findIfAny(newName), target.row != nil else {
      throw refusal(.noRowOfNewName(newName), .badInput)
    }
    guard target.events.isEmpty else { throw refusal(.nameIsTaken(newName), .badInput) }
    return .lineageRenamed(from: claimed.name)
  }

  private func find(_ name: String) async throws(Stop) -> ClaimedLineage {
    guard let found = try await findIfAny(name) else {
      throw refusal(.unknownName(name, job: plan.name), .badInput)
    }
    return found
  }

  private func findIfAny(_ name: String) async throws(Stop) -> ClaimedLineage? {
    do throws(LedgerError) {
      return try await ports.ledger.lineage(named: name, job: plan.name)
    } catch { throw Stop(error) }
  }

  private func refusal(_ problem: Problem, _ code: ExitCode) -> Stop { .job(problem, code) }

  private func record(_ events: [Event], of work: TokenWork) async throws(Stop) {
    var machine = work.machine
    let now = ports.clock.now
    var entries: [JournalEntry] = []
    for event in events {
      do throws(IllegalEvent) {
        try machine.apply(TimedEvent(event, at: now))
      } catch { throw Stop.illegal(error, name: work.name) }
      var entry = JournalEntry(
        time: now, job: plan.name, cluster: plan.binding.cluster, token: wish.newName ?? work.name,
        event: (work.lineage, event), record: machine.auditRecord(of: event))
      entry.newName = wish.newName
      entries.append(entry)
    }
    try await plan.journal.append(entries)
  }
}

extension RotationMachine {
  /// The machine, and what brings it there, after the delivery of a successor that every store has, whatever hooks are
  /// still to be told: a hook that cannot succeed must not keep a person from going back.
  fileprivate func settlingDelivery(
    of name: String, in stores: [String], at now: Instant
  ) throws(Stop) -> (RotationMachine, [Event]) {
    guard let successor, successor.phase == .delivering, successor.promotedIn.isSuperset(of: stores) else {
      return (self, [])
    }
    let done = Event.deliveryDone(generation: successor.number, at: now)
    var settled = self
    do throws(IllegalEvent) {
      try settled.apply(TimedEvent(done, at: now))
    } catch { throw Stop.illegal(error, name: name) }
    return (settled, [done])
  }
}

extension Wish {
  fileprivate var newName: String? {
    if case .rename(let name) = self { name } else { nil }
  }
}

extension Problem {
  fileprivate static func unknownName(_ name: String, job: String) -> Problem {
    Problem(
      code: "unknown_name", message: "job \(job) has no token \(name), neither in its CSV nor in the ledger",
      hint: "`tokenrotate plan` lists the names; nothing was changed")
  }

  fileprivate static func rowIsGone(_ name: String) -> Problem {
    Problem(
      code: "row_gone", message: "\(name): the CSV has no row for it, so that nobody knows what it may do",
      hint: "put a row into the CSV first; nothing was changed")
  }

  fileprivate static func rowIsThere(_ name: String) -> Problem {
    Problem(
      code: "row_present",
      message: "\(name): the CSV still has a row for it, and the next run would make another token",
      hint: "take the row out first; nothing was changed")
  }

  fileprivate static func rowIsNotRenamed(_ name: String, _ newName: String) -> Problem {
    Problem(
      code: "row_present", message: "\(name): the CSV still has a row of this name",
      hint: "change the row's name to \(newName) in the CSV first; nothing was changed")
  }

  fileprivate static func noRowOfNewName(_ newName: String) -> Problem {
    Problem(
      code: "row_gone", message: "\(newName): the CSV has no row of this name",
      hint: "give the row its new name in the CSV first, and say the same name here; nothing was changed")
  }

  fileprivate static func nameIsTaken(_ name: String) -> Problem {
    Problem(
      code: "name_taken", message: "\(name): the ledger has another token of this name",
      hint: "choose a name that was never used, in the CSV and here; nothing was changed")
  }

  fileprivate static func busy(_ name: String, _ status: String) -> Problem {
    Problem(
      code: "busy", message: "\(name) is \(status), which has to be finished first",
      hint:
        "`tokenrotate run` finishes it; then say this again. If a hook keeps it from that, mend the hook or take it out of the job"
    )
  }

  fileprivate static func nothingToRetire(_ name: String) -> Problem {
    Problem(
      code: "nothing_to_retire", message: "\(name) has no token left that this program made",
      hint: "`tokenrotate plan` shows what there is; nothing was changed")
  }

  fileprivate static func nothingToRollBackTo(_ name: String, _ machine: RotationMachine) -> Problem {
    let reason =
      switch machine.predecessor {
      case nil: "it has no previous token"
      case let previous? where previous.attempt == nil: "the string of its previous token was never ours"
      case let previous? where previous.phase == .revoking || previous.phase == .revoked:
        "its previous token is revoked, or about to be, which cannot be undone"
      case let previous? where machine.isCompromised(previous): "its previous token is compromised"
      case _?: "it is \(machine.status.rawValue), which has to be finished first"
      }
    return Problem(
      code: "nothing_to_roll_back_to", message: "\(name) cannot be rolled back: \(reason)",
      hint: "`tokenrotate rotate` makes a fresh token with the row's permissions")
  }
}
