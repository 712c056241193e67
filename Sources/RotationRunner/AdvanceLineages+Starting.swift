import RotationModel
import RotationPorts

/// What the loop starts, whenever it comes round: steps, claims, probes, listings, and the timer that wakes it.
extension AdvanceLineages {
  /// While so many lineages for each that is worked on are paused, as all are when the service asks for
  /// patience, no more are claimed: they would be paused as well, and memory would grow with the CSV.
  static let pausedPerSlot = 4

  mutating func startWork(_ group: inout TaskGroup<Completion>) async throws(Stop) {
    let uptime = ports.clock.uptime
    while let due = paused.first, due.at <= uptime, let timed = paused.removeFirst() {
      ready.append(timed.work)
    }
    while advancing < plan.limits.concurrency, let work = takeReady() {
      advancing += 1
      let performer = performer
      group.addTask {
        let (advanced, next) = await performer.advance(work)
        return .advanced(advanced, next)
      }
    }
    claimMore(&group)
    try await startProbes(&group, uptime: uptime)
    startListing(&group, uptime: uptime)
    startHook(&group)
  }

  mutating func takeReady() -> TokenWork? {
    guard readyIndex < ready.count else { return nil }
    let work = ready[readyIndex]
    readyIndex += 1
    if readyIndex == ready.count || readyIndex > 1024 {
      ready.removeFirst(readyIndex)
      readyIndex = 0
    }
    return work
  }

  mutating func claimMore(_ group: inout TaskGroup<Completion>) {
    guard !allClaimed, !isClaiming, ready.count - readyIndex < plan.limits.concurrency,
      paused.count < AdvanceLineages.pausedPerSlot * plan.limits.concurrency, !isFullOfAwaiting
    else { return }
    isClaiming = true
    let (ledger, job, lease) = (ports.ledger, plan.name, ports.lease)
    group.addTask {
      do throws(LedgerError) {
        return .claimed(
          .success(try await ledger.claim(job: job, limit: AdvanceLineages.claimSize, lease: lease)))
      } catch { return .claimed(.failure(Stop(error))) }
    }
  }

  mutating func startProbes(
    _ group: inout TaskGroup<Completion>, uptime: Duration
  ) async throws(Stop) {
    while let due = waiting.first, due.at <= uptime, let timed = waiting.removeFirst() {
      // Among the questions that may be asked now, the token that has waited longest comes first.
      let age = timed.work.machine.probed?.stagedAt.milliseconds ?? 0
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

  mutating func startListing(_ group: inout TaskGroup<Completion>, uptime: Duration) {
    guard !isListing, let earliest = searching.map(\.at).min(), max(earliest, nextListingAt) <= uptime
    else { return }
    isListing = true
    listingBegunAt = uptime
    let performer = performer
    group.addTask {
      do throws(ReadFailure) {
        return .listed(.success(try await performer.view()))
      } catch { return .listed(.failure(error)) }
    }
  }

  /// Makes sure that the loop wakes for the next thing that waits for a time; false: nothing does.
  mutating func setTimer(_ group: inout TaskGroup<Completion>) -> Bool {
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
  var nextWake: Duration? {
    var times: [Duration] = []
    if let at = paused.first?.at { times.append(at) }
    if let at = waiting.first?.at { times.append(at) }
    if !askable.isEmpty, probing < AdvanceLineages.probesInFlight { times.append(nextPermitAt) }
    if !isListing, let at = searching.map(\.at).min() { times.append(max(at, nextListingAt)) }
    return times.min()
  }
}
