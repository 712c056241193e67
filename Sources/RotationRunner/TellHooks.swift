import RotationModel
import RotationPorts

extension Performer {
  /// Tells one hook of one token at once, or lets the token wait until the run has nothing else to do, so that a hook
  /// that is told once a run is told of all.
  func runHook(_ number: Int, _ name: String, work: inout TokenWork) async throws(Stop) -> Next? {
    guard let hook = plan.hook(named: name), let generation = work.machine.generation(number) else {
      return .finished(.failed)
    }
    if work.failedHooks.contains(name) { return .finished(work.outcomeOfProblem) }
    if hook.scope == .run { return .hook(name, generation: number) }
    let result = await plan.tell(hook, [work.hookToken(generation)], ports)
    work.hear(result, of: hook, number)
    return nil
  }
}

extension JobPlan {
  func hook(named name: String) -> Hook? { hooks.first { $0.name == name } }

  func hookNames(_ occasion: Hook.Occasion) -> [String] {
    hooks.filter { $0.occasion == occasion }.map(\.name)
  }

  /// What a hook says; nil: it has done its work.
  func tell(_ hook: Hook, _ tokens: [HookCall.Token], _ ports: RunPorts) async -> HookError? {
    let call = HookCall(
      run: ports.lease.run, job: name, cluster: binding.cluster, host: host, tokens: tokens)
    return await tell(hook, call)
  }

  func tell(_ hook: Hook, _ call: HookCall) async -> HookError? {
    do throws(HookError) {
      try await hookRunner.tell(hook, call)
      return nil
    } catch { return error }
  }
}

extension TokenWork {
  /// What a hook is told of this lineage's generation.
  func hookToken(_ generation: Generation) -> HookCall.Token {
    let other = machine.rollbackTarget == nil ? machine.incumbent ?? machine.predecessor : machine.incumbent
    return HookCall.Token(
      name: name, tokenID: generation.tokenID,
      previousTokenID: generation.isLive && other?.number != generation.number ? other?.tokenID : nil,
      generation: generation.number, expiresAt: generation.expiresAt, labels: desired?.labels ?? [:])
  }

  /// Takes over what a hook has said; the next step puts it on record first.
  mutating func hear(_ error: HookError?, of hook: Hook, _ generation: Int) {
    guard let error else {
      unrecorded.append(.hookDone(generation: generation, hook: hook.name))
      return
    }
    failedHooks.insert(hook.name)
    unrecorded.append(.hookFailed(generation: generation, hook: hook.name, reason: error.message))
    fail(Problem(error).naming(name), as: .undelivered)
  }
}

/// Hooks that are told once a run: whoever waits for them.
extension AdvanceLineages {
  /// Nothing else is to be done in this run: what waits for hooks is told together, one hook after the other.
  mutating func startHook(_ group: inout TaskGroup<Completion>) {
    guard !isTelling, allClaimed, !hasWorkUnderWay, let name = awaitingHooks.first?.hook,
      let hook = plan.hook(named: name),
      ready.isEmpty, paused.count == 0, waiting.count == 0, askable.count == 0, searching.isEmpty
    else { return }
    isTelling = true
    let told = awaitingHooks.filter { $0.hook == name }
    awaitingHooks.removeAll { $0.hook == name }
    let tokens = told.compactMap { awaiting in
      awaiting.work.machine.generation(awaiting.generation).map { awaiting.work.hookToken($0) }
    }
    telling = told
    let (plan, ports) = (plan, ports)
    group.addTask { .told(hook, await plan.tell(hook, tokens, ports)) }
  }

  /// What the hook has said concerns each of the tokens that it was told of; why it failed is said once.
  mutating func finishHook(_ hook: Hook, _ error: HookError?) {
    isTelling = false
    if let error, telling.count > 1 {
      ports.reporter.noticed(plan.name, Problem(error))
    }
    let short = error.map { error in
      telling.count > 1
        ? HookError(message: "hook \(hook.name) failed", hint: "the next run tells it again") : error
    }
    for var awaiting in telling {
      awaiting.work.hear(short, of: hook, awaiting.generation)
      ready.append(awaiting.work)
    }
    telling = []
  }
}
