import RotationModel
import RotationPorts

/// A lineage that waits until a hook is told of it.
struct AwaitingHook: Sendable {
  var hook: Hook
  var generation: Int
  var work: TokenWork
}

extension Performer {
  /// Lets the lineage wait for its turn with the hook: hooks run one at a time, and hold no slot that a creation could
  /// use. One that has failed for it in this run is not told again.
  func runHook(_ number: Int, _ name: String, work: inout TokenWork) -> Next {
    guard let hook = plan.hook(named: name), work.machine.generation(number) != nil else {
      return .finished(.failed)
    }
    return work.failedHooks.contains(name)
      ? .finished(work.outcomeOfProblem) : .hook(hook, generation: number)
  }

  /// Tells the hook of these lineages, and puts what it has said on record before anything else can happen: a success
  /// that a signal made forgotten would be told again.
  func tell(_ hook: Hook, of waiting: [AwaitingHook]) async -> ([TokenWork], HookError?, Stop?) {
    let tokens = waiting.compactMap { one in
      one.work.machine.generation(one.generation).map { one.work.hookToken($0) }
    }
    let error = await plan.tell(
      hook,
      HookCall(
        run: ports.lease.run, job: plan.name, cluster: plan.binding.cluster, host: plan.host, tokens: tokens))
    // What went wrong is said once, and not with each of many tokens.
    let short = waiting.count == 1 ? error : error.map { $0.withoutOutput }
    return await withTaskGroup(of: (TokenWork, Stop?).self) { group in
      var (works, stop) = ([TokenWork](), Stop?.none)
      var next = 0
      func startOne() {
        guard next < waiting.count else { return }
        let one = waiting[next]
        next += 1
        group.addTask { await record(short, of: hook, one) }
      }
      // So many share a commit; more in flight would only wait for each other.
      for _ in 0..<Performer.recordingsInFlight { startOne() }
      while let (work, failure) = await group.next() {
        works.append(work)
        stop = stop ?? failure
        startOne()
      }
      return (works, error, stop)
    }
  }

  private static let recordingsInFlight = 64

  private func record(
    _ error: HookError?, of hook: Hook, _ waiting: AwaitingHook
  ) async -> (TokenWork, Stop?) {
    var work = waiting.work
    let event: Event
    if let error {
      event = .hookFailed(generation: waiting.generation, hook: hook.name, reason: error.message)
      work.note(error, of: hook)
    } else {
      event = .hookDone(generation: waiting.generation, hook: hook.name)
    }
    do throws(Stop) {
      try await record([event], for: &work)
    } catch {
      guard case .lineage(let problem) = error else { return (work, error) }
      work.failedHooks.insert(hook.name)
      work.fail(problem)
    }
    return (work, nil)
  }
}

extension JobPlan {
  func hook(named name: String) -> Hook? { hooks.first { $0.name == name } }

  func hookNames(_ occasion: Hook.Occasion) -> [String] {
    hooks.filter { $0.occasion == occasion }.map(\.name)
  }

  /// What a hook says; nil: it has done its work.
  func tell(_ hook: Hook, _ call: HookCall) async -> HookError? {
    do throws(HookError) {
      try await hookRunner.tell(hook, call)
      return nil
    } catch { return error }
  }
}

extension TokenWork {
  /// What a hook is told of this lineage's generation.
  fileprivate func hookToken(_ generation: Generation) -> HookCall.Token {
    let other = machine.rollbackTarget == nil ? machine.incumbent ?? machine.predecessor : machine.incumbent
    return HookCall.Token(
      name: name, tokenID: generation.tokenID,
      previousTokenID: generation.isLive && other?.number != generation.number ? other?.tokenID : nil,
      generation: generation.number, expiresAt: generation.expiresAt, labels: desired?.labels ?? [:])
  }

  /// The hook has failed for the lineage, or is not told of it in this run.
  mutating func note(_ error: HookError, of hook: Hook) {
    failedHooks.insert(hook.name)
    fail(Problem(error).naming(name), as: .undelivered)
  }
}

extension HookError {
  fileprivate var withoutOutput: HookError {
    HookError(message: message, hint: hint, timedOut: timedOut)
  }
}

/// Lineages that wait for hooks.
extension AdvanceLineages {
  /// Of more tokens than this no hook is told at once: what waits is in memory.
  static let tokensPerHookCall = 10_000

  /// Starts the next hook, unless one runs: one that is told of each token at once, one that is told once a run when
  /// nothing else is to be done, or when so many wait that they have to be told.
  mutating func startHook(_ group: inout TaskGroup<Completion>) {
    while !isTelling, let waiting = takeAwaiting() {
      let (performer, hook) = (performer, waiting[0].hook)
      guard !timedOutHooks.contains(hook.name) else {
        for one in waiting {
          var work = one.work
          work.note(.notToldAgain(hook), of: hook)
          ready.append(work)
        }
        continue
      }
      isTelling = true
      group.addTask {
        let (works, error, stop) = await performer.tell(hook, of: waiting)
        return .told(hook, works, error, stop)
      }
    }
  }

  private mutating func takeAwaiting() -> [AwaitingHook]? {
    if let index = awaitingHooks.firstIndex(where: { $0.hook.scope == .token }) {
      return [awaitingHooks.remove(at: index)]
    }
    let isIdle =
      allClaimed && !hasWorkUnderWay && ready.isEmpty && paused.isEmpty && waiting.isEmpty && askable.isEmpty
      && searching.isEmpty
    guard let hook = awaitingHooks.first?.hook, isIdle || isFullOfAwaiting else { return nil }
    let taken = awaitingHooks.filter { $0.hook == hook }
    awaitingHooks.removeAll { $0.hook == hook }
    return taken
  }

  /// Whether so many wait for hooks that no more are taken up.
  var isFullOfAwaiting: Bool { awaitingHooks.count >= AdvanceLineages.tokensPerHookCall }

  /// What the hook has said is on record; what has failed for many tokens is said once.
  mutating func finishHook(_ hook: Hook, _ works: [TokenWork], _ error: HookError?) {
    isTelling = false
    if let error {
      if works.count > 1 { ports.reporter.noticed(plan.name, Problem(error)) }
      // Each of many tokens would take its whole time.
      if error.timedOut { timedOutHooks.insert(hook.name) }
    }
    ready += works
  }
}

extension HookError {
  fileprivate static func notToldAgain(_ hook: Hook) -> HookError {
    HookError(
      message: "hook \(hook.name) did not end in time for another token, and is not told again in this run",
      hint: "the next run tells it")
  }
}
