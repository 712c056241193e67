import RotationModel
import RotationPorts

/// The loop that works on all lineages of a job at once.
///
/// One task owns all state; what takes time is a child task that hands its result back. A lineage that
/// waits, for a time, a listing or its activation, is plain data in a queue and holds no slot that a
/// creation could use.
struct AdvanceLineages {
  let plan: JobPlan
  let ports: RunPorts
  let performer: Performer
  private let probePermits: Permits

  private(set) var tally: Tally
  private var view: ClusterView
  /// Names in the view that no lineage has claimed yet.
  private var unclaimed: Set<String>

  private var ready: [TokenWork] = []
  private var readyIndex = 0
  private var paused = Heap<Timed> { $0.at < $1.at }
  /// Waiting for activation, the next question first.
  private var waiting = Heap<Timed> { $0.at < $1.at }
  /// Questions that may be asked now, the oldest token first.
  private var askable = Heap<Timed> { ($0.at, $0.order) < ($1.at, $1.order) }
  private var searching: [Timed] = []
  private var order: Int64 = 0

  private var allClaimed = false
  private var isClaiming = false
  private var isListing = false
  private var advancing = 0
  private var probing = 0
  private var nextListingAt: Duration = .zero
  private var nextPermitAt: Duration = .zero
  private var timerAt: Duration?
  private var stop: Stop?

  /// Questions under way at once; the rate is limited by the budget, this limits memory and sockets.
  private static let probesInFlight = 64
  private static let claimSize = 64

  private struct Timed: Sendable {
    var at: Duration
    var order: Int64
    var work: TokenWork
  }

  private enum Completion: Sendable {
    case claimed(Result<[ClaimedLineage], Stop>)
    case advanced(TokenWork, Result<Next, Stop>)
    case probed(TokenWork, ProbeAnswer)
    case listed(Result<ClusterView, ServiceError>)
    case woken
    case interrupted
  }

  init(plan: JobPlan, ports: RunPorts, performer: Performer, view: ClusterView, tally: Tally) {
    self.plan = plan
    self.ports = ports
    self.performer = performer
    self.view = view
    self.tally = tally
    unclaimed = Set(view.tokens.keys)
    probePermits = Permits(.probes, perSecond: plan.limits.probesPerSecond, ports: ports)
  }

  /// Runs until every lineage is finished or waits for a later run; what a stop left is counted too.
  mutating func run() async throws(Stop) {
    await withTaskGroup(of: Completion.self) { group in
      let interruption = ports.interruption
      group.addTask {
        do { try await interruption.requested() } catch { return .woken }
        return .interrupted
      }
      while true {
        if stop == nil {
          do throws(Stop) { try await startWork(&group) } catch { stopFor(error) }
        }
        let isTimed = stop == nil && setTimer(&group)
        guard hasWorkUnderWay || isTimed else { break }
        guard let completion = await group.next() else { break }
        handle(completion)
      }
      group.cancelAll()
    }
    countWhatIsLeft()
    if let stop { throw stop }
    reportStrangers()
  }

  private var hasWorkUnderWay: Bool { advancing > 0 || probing > 0 || isClaiming || isListing }

  // MARK: Starting

  private mutating func startWork(_ group: inout TaskGroup<Completion>) async throws(Stop) {
    let uptime = ports.clock.uptime
    while let due = paused.first, due.at <= uptime, let timed = paused.removeFirst() {
      ready.append(timed.work)
    }
    while advancing < plan.limits.concurrency, let work = takeReady() {
      advancing += 1
      let performer = performer
      group.addTask {
        do throws(Stop) {
          let (advanced, next) = try await performer.advance(work)
          return .advanced(advanced, .success(next))
        } catch { return .advanced(work, .failure(error)) }
      }
    }
    claimMore(&group)
    try await startProbes(&group, uptime: uptime)
    startListing(&group, uptime: uptime)
  }

  private mutating func takeReady() -> TokenWork? {
    guard readyIndex < ready.count else { return nil }
    let work = ready[readyIndex]
    readyIndex += 1
    if readyIndex == ready.count || readyIndex > 1024 {
      ready.removeFirst(readyIndex)
      readyIndex = 0
    }
    return work
  }

  private mutating func claimMore(_ group: inout TaskGroup<Completion>) {
    guard !allClaimed, !isClaiming, ready.count - readyIndex < plan.limits.concurrency else { return }
    isClaiming = true
    let (ledger, job, lease) = (ports.ledger, plan.name, ports.lease)
    group.addTask {
      do throws(LedgerError) {
        return .claimed(
          .success(try await ledger.claim(job: job, limit: AdvanceLineages.claimSize, lease: lease)))
      } catch { return .claimed(.failure(Stop(error))) }
    }
  }

  private mutating func startProbes(
    _ group: inout TaskGroup<Completion>, uptime: Duration
  ) async throws(Stop) {
    while let due = waiting.first, due.at <= uptime, let timed = waiting.removeFirst() {
      // Among the questions that may be asked now, the token that has waited longest comes first.
      let age = timed.work.machine.live?.stagedAt.milliseconds ?? 0
      askable.insert(Timed(at: .milliseconds(age), order: timed.order, work: timed.work))
    }
    let wanted = min(askable.count, AdvanceLineages.probesInFlight - probing)
    guard wanted > 0, nextPermitAt <= uptime else { return }
    let (granted, nextAt) = try await probePermits.takeUp(to: wanted)
    nextPermitAt = granted < wanted ? max(nextAt, uptime + .milliseconds(1)) : .zero
    for _ in 0..<granted {
      guard var work = askable.removeFirst()?.work, case .ask(let target, _) = work.schedule?.verdict,
        let stored = work.stored
      else { continue }
      work.schedule?.asked(at: ports.clock.uptime)
      probing += 1
      let (probe, asked, question) = (plan.probe, work, work.targets[target])
      group.addTask {
        .probed(asked, await probe.probe(question, accessToken: stored.accessToken))
      }
    }
  }

  private mutating func startListing(_ group: inout TaskGroup<Completion>, uptime: Duration) {
    guard !isListing, let earliest = searching.map(\.at).min(), max(earliest, nextListingAt) <= uptime
    else { return }
    isListing = true
    let performer = performer
    group.addTask {
      do throws(ServiceError) {
        return .listed(.success(try await performer.view()))
      } catch { return .listed(.failure(error)) }
    }
  }

  /// Makes sure that the loop wakes for the next thing that waits for a time; false: nothing does.
  private mutating func setTimer(_ group: inout TaskGroup<Completion>) -> Bool {
    guard let wake = nextWake else { return false }
    if timerAt.map({ $0 <= wake }) ?? false { return true }
    timerAt = wake
    let clock = ports.clock
    group.addTask {
      try? await clock.sleep(until: wake)
      return .woken
    }
    return true
  }

  /// Only what the clock alone decides: what waits for a child task is woken by that.
  private var nextWake: Duration? {
    var times: [Duration] = []
    if let at = paused.first?.at { times.append(at) }
    if let at = waiting.first?.at { times.append(at) }
    if !askable.isEmpty, probing < AdvanceLineages.probesInFlight { times.append(nextPermitAt) }
    if !isListing, let at = searching.map(\.at).min() { times.append(max(at, nextListingAt)) }
    return times.min()
  }

  // MARK: Handling

  private mutating func handle(_ completion: Completion) {
    switch completion {
    case .woken:
      timerAt = nil
    case .interrupted:
      stopFor(.interrupted)
    case .claimed(let result):
      isClaiming = false
      switch result {
      case .success(let lineages):
        allClaimed = lineages.isEmpty
        for lineage in lineages { begin(lineage) }
      case .failure(let stop): stopFor(stop)
      }
    case .advanced(let work, let result):
      advancing -= 1
      switch result {
      case .success(let next): park(work, until: next)
      case .failure(let stop):
        tally.leave(work)
        stopFor(stop)
      }
    case .probed(let work, let answer):
      probing -= 1
      judge(answer, of: work)
    case .listed(let result):
      isListing = false
      finishSearch(result)
    }
    tally.waiting = waiting.count + askable.count + probing
    ports.reporter.progressed(plan.name, tally.progress)
  }

  /// The first reason counts, except that a broken journal outranks all: it decides what may still be done.
  private mutating func stopFor(_ reason: Stop) {
    switch (stop, reason) {
    case (nil, _), (.some, .journal): stop = reason
    case (.some, _): break
    }
  }

  private mutating func begin(_ claimed: ClaimedLineage) {
    unclaimed.remove(claimed.name)
    let machine: RotationMachine
    do throws(IllegalEvent) {
      machine = try RotationMachine(replaying: claimed.events)
    } catch {
      let problem = Stop.illegal(error, name: claimed.name).problem
      finish(
        TokenReport(name: claimed.name, outcome: .failed, problem: problem))
      return
    }
    var work = TokenWork(
      lineage: claimed.id, name: claimed.name, isOneOff: claimed.isOneOff, machine: machine)
    work.sightings = view.sightings(of: claimed.name, installation: ports.ledger.installation)
    // Whatever an earlier run left unknown is already searched, if this run's listing came late enough.
    work.searched = searchedAttempts(of: work, in: view)
    do throws(RowError) {
      work.desired = try claimed.row.map { (queued) throws(RowError) in
        try plan.specification.row(queued)
      }
    } catch {
      work.fail(Problem(code: "row_changed", message: error.message, hint: error.hint))
    }
    for concern in Concern.of(work, view: view, installation: ports.ledger.installation) {
      work.fail(concern, as: .attention)
    }
    ready.append(work)
  }

  private mutating func park(_ work: TokenWork, until next: Next) {
    order += 1
    switch next {
    case .probe: enqueueProbe(work)
    case .search(let after): searching.append(Timed(at: after, order: order, work: work))
    case .pause(let until): paused.insert(Timed(at: until, order: order, work: work))
    case .finished(let outcome):
      // A lineage without a row that asks for nothing is not this run's business.
      if work.desired != nil || work.problem != nil { finish(work.report(outcome)) }
    }
  }

  private mutating func enqueueProbe(_ work: TokenWork) {
    guard case .ask(_, let at) = work.schedule?.verdict else { return ready.append(work) }
    order += 1
    waiting.insert(Timed(at: at, order: order, work: work))
  }

  private mutating func judge(_ answer: ProbeAnswer, of asked: TokenWork) {
    var work = asked
    let uptime = ports.clock.uptime
    let jitter = ports.random.fraction()
    guard let generation = work.machine.live else { return finish(work.report(.failed)) }
    var reason = ""
    switch answer {
    case .accepted:
      work.schedule?.accepted(at: uptime)
    case .refused(let status, let message):
      work.schedule?.refused(at: uptime, now: ports.clock.now, jitter: jitter)
      reason = "the cluster still answers \(status): \(message)"
    case .unavailable(let error):
      work.schedule?.unavailable(at: uptime, retryAfter: error.retryAfter, jitter: jitter)
      reason = error.message
    case .impossible(let error):
      work.unrecorded.append(
        .activationTimedOut(generation: generation.number, refusedSince: nil, reason: error.message))
      work.fail(Problem(error).naming(work.name))
      work.hasWaited = true
      return ready.append(work)
    }
    switch work.schedule?.verdict {
    case .ask: enqueueProbe(work)
    case .confirmed:
      work.unrecorded.append(
        .activationConfirmed(
          generation: generation.number, after: max(.zero, ports.clock.now - generation.stagedAt)))
      ready.append(work)
    case .timedOut(let refused):
      let before = work.schedule?.wasAccepted == true ? nil : generation.refusedSince
      let since = refused ? before ?? work.schedule?.refusedSince : nil
      work.unrecorded.append(
        .activationTimedOut(generation: generation.number, refusedSince: since, reason: reason))
      work.hasWaited = true
      work.waitingFor = reason
      ready.append(work)
    case nil: finish(work.report(.failed))
    }
  }

  // MARK: Searching

  private mutating func finishSearch(_ result: Result<ClusterView, ServiceError>) {
    switch result {
    case .success(let listed):
      view = listed
      // Listings are not free: they are spaced by what they cost, and one serves all that wait.
      nextListingAt = ports.clock.uptime + max(.seconds(1), (ports.clock.uptime - listed.begunAt) * 4)
      let served = searching.filter { $0.at <= listed.begunAt }
      searching.removeAll { $0.at <= listed.begunAt }
      for timed in served {
        var work = timed.work
        work.sightings = listed.sightings(of: work.name, installation: ports.ledger.installation)
        work.searched.formUnion(work.machine.attempts.filter { $0.state == .unknown }.map(\.id))
        ready.append(work)
      }
    case .failure(let error):
      if error.code == .credentialRefused { return stopFor(.credential(Problem(error))) }
      for timed in searching {
        var work = timed.work
        work.fail(Problem(error).naming(work.name))
        finish(work.report(work.outcomeOfProblem))
      }
      searching = []
    }
  }

  private func searchedAttempts(of work: TokenWork, in view: ClusterView) -> Set<AttemptID> {
    Set(
      work.machine.attempts.filter { $0.state == .unknown && $0.deadline <= view.begunAtWall }
        .map(\.id))
  }

  // MARK: Finishing

  private mutating func finish(_ report: TokenReport) {
    tally.count(report)
    ports.reporter.tokenFinished(plan.name, report)
  }

  /// A stop leaves lineages where the next run finds them; they are told as what they are.
  private mutating func countWhatIsLeft() {
    let left =
      Array(ready[readyIndex...]) + paused.removeAll().map(\.work) + waiting.removeAll().map(\.work)
      + askable.removeAll().map(\.work) + searching.map(\.work)
    for work in left { tally.leave(work) }
  }

  /// Markers of this job whose names the ledger has never heard of.
  private mutating func reportStrangers() {
    for name in unclaimed.sorted().prefix(100) {
      for token in view.tokens[name] ?? [] {
        tally.needsPerson = true
        ports.reporter.noticed(plan.name, .stranger(token))
      }
    }
  }
}
