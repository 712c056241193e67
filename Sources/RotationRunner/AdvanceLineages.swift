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
  let probePermits: Permits

  var tally: Tally
  var view: ClusterView
  /// Names in the view that no lineage has claimed yet.
  var unclaimed: Set<String>

  var ready: [TokenWork] = []
  var readyIndex = 0
  var paused = Heap<Timed> { $0.at < $1.at }
  /// Waiting for activation, the next question first.
  var waiting = Heap<Timed> { $0.at < $1.at }
  /// Questions that may be asked now, the oldest token first.
  var askable = Heap<Timed> { ($0.at, $0.order) < ($1.at, $1.order) }
  var searching: [Timed] = []
  /// Those and the ones that are being asked about.
  var waitingTimes = WaitingTimes()
  var order: Int64 = 0
  /// To be told of when nothing else is to be done.
  var awaitingHooks: [AwaitingHook] = []
  /// Hooks that took longer than they may in this run.
  var timedOutHooks: Set<String> = []

  var allClaimed = false
  var isClaiming = false
  var isListing = false
  var isTelling = false
  var advancing = 0
  var probing = 0
  /// When the listing under way was begun.
  var listingBegunAt: Duration = .zero
  var nextListingAt: Duration = .zero
  var nextPermitAt: Duration = .zero
  var timerAt: Duration?
  var stop: Stop?
  /// What a step handed back unfinished because of a stop.
  var left: [TokenWork] = []

  /// Questions under way at once; the rate is limited by the budget, this limits memory and sockets.
  static let probesInFlight = 64
  static let claimSize = 64

  struct Timed: Sendable {
    var at: Duration
    var order: Int64
    var work: TokenWork
  }

  enum Completion: Sendable {
    case claimed(Result<[ClaimedLineage], Stop>)
    case advanced(TokenWork, Result<Next, Stop>)
    case probed(TokenWork, ProbeAnswer)
    case listed(Result<ClusterView, ReadFailure>)
    case told(Hook, [TokenWork], HookError?, Stop?)
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
    probePermits = performer.probes
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
        // A hook that is not told any more hands back at once what waited for it.
        if stop == nil, !hasWorkUnderWay, readyIndex < ready.count { continue }
        let isTimed = stop == nil && setTimer(&group)
        guard hasWorkUnderWay || isTimed else { break }
        guard let completion = await group.next() else { break }
        handle(completion)
      }
      group.cancelAll()
    }
    if let stop { tellWhatIsLeft(by: stop) }
    if let stop { throw stop }
    reportStrangers()
  }

  var hasWorkUnderWay: Bool { advancing > 0 || probing > 0 || isClaiming || isListing || isTelling }

  // MARK: Handling

  mutating func handle(_ completion: Completion) {
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
    case .advanced(var work, let result):
      advancing -= 1
      tally.countCreation(&work)
      tally.countOrphans(&work)
      switch result {
      case .success(let next): park(work, until: next)
      case .failure(let stop):
        left.append(work)
        stopFor(stop)
      }
    case .probed(let work, let answer):
      probing -= 1
      waitingTimes.end(work)
      judge(answer, of: work)
    case .listed(let result):
      isListing = false
      finishSearch(result)
    case .told(let hook, let works, let error, let stop):
      finishHook(hook, works, error)
      if let stop { stopFor(stop) }
    }
    tally.waiting = waiting.count + askable.count + probing
    tally.progress.oldestWaitingSince = waitingTimes.oldest()
    ports.reporter.progressed(plan.name, tally.progress)
  }

  /// The first reason counts, except that a broken journal outranks all: it decides what may still be done.
  mutating func stopFor(_ reason: Stop) {
    switch (stop, reason) {
    case (nil, _), (.some, .journal): stop = reason
    case (.some, _): break
    }
  }

  mutating func begin(_ claimed: ClaimedLineage) {
    unclaimed.subtract(claimed.names)
    guard plan.only?.contains(claimed.name) ?? true else { return }
    do throws(Problem) {
      let work = try plan.takeUp(
        claimed, view, installation: ports.ledger.installation, now: ports.clock.now)
      ready.append(work)
    } catch {
      finish(TokenReport(name: claimed.name, outcome: .failed, problem: error))
    }
  }

  mutating func park(_ work: TokenWork, until next: Next) {
    order += 1
    switch next {
    case .probe: enqueueProbe(work)
    case .search(let after): searching.append(Timed(at: after, order: order, work: work))
    case .hook(let hook, let generation):
      var work = work
      // Its string is on the disk, and nobody reads it any more in this run.
      work.stored = nil
      awaitingHooks.append(AwaitingHook(hook: hook, generation: generation, work: work))
    case .pause(let until): paused.insert(Timed(at: until, order: order, work: work))
    case .finished(let outcome):
      // A lineage without a row that asks for nothing is not this run's business.
      let isTold = work.desired != nil || work.problem != nil || work.concern != nil || outcome == .retired
      if isTold { finish(work.report(outcome)) }
    }
  }

  mutating func enqueueProbe(_ work: TokenWork) {
    guard case .ask(_, let at) = work.schedule?.verdict else { return ready.append(work) }
    order += 1
    waitingTimes.begin(work, now: ports.clock.now)
    waiting.insert(Timed(at: at, order: order, work: work))
  }

  // MARK: Finishing

  mutating func finish(_ report: TokenReport) {
    tally.count(report)
    ports.reporter.tokenFinished(plan.name, report)
  }

  /// A stop leaves lineages where the next run finds them; they are told as what they are.
  mutating func tellWhatIsLeft(by stop: Stop) {
    left +=
      Array(ready[readyIndex...]) + paused.removeAll().map(\.work) + waiting.removeAll().map(\.work)
      + askable.removeAll().map(\.work) + searching.map(\.work)
      + awaitingHooks.map(\.work)
    for work in left { if let report = work.report(leftBy: stop) { finish(report) } }
  }

  /// Markers of this job whose names the ledger has never heard of.
  mutating func reportStrangers() {
    guard !plan.isByHand else { return }
    for name in unclaimed.sorted().prefix(100) {
      for token in view.tokens[name] ?? [] {
        tally.needsPerson = true
        ports.reporter.noticed(plan.name, .stranger(token))
      }
    }
  }
}
