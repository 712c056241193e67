import RotationModel
import RotationPorts

/// Tells the hooks of failures what has failed in a run, once it is known. Each run tells what failed in it; nothing
/// of it is owed to a later one, because what still fails then is told again.
struct TellFailure: Sendable {
  let plan: JobPlan
  let ports: RunPorts

  func tell(_ tally: inout Tally, _ stop: Stop?) async {
    // Who interrupts a run knows that it is not complete.
    guard stop != .interrupted, stop?.problem != nil || tally.failureCount > 0 else { return }
    for hook in plan.hooks where hook.occasion == .failed {
      for call in calls(of: hook, tally, stop) {
        if ports.interruption.isRequested { return }
        let error = await plan.tell(hook, call)
        await record(hook, call, error)
        guard let error else { continue }
        tally.hookFailed = true
        ports.reporter.noticed(plan.name, Problem(error))
        // What has failed once may take its whole time for each of many tokens.
        break
      }
    }
  }

  private func calls(of hook: Hook, _ tally: Tally, _ stop: Stop?) -> [HookCall] {
    func call(_ tokens: [HookCall.Token], count: Int) -> HookCall {
      HookCall(
        run: ports.lease.run, job: plan.name, cluster: plan.binding.cluster, host: plan.host, tokens: tokens,
        count: count, problem: stop?.problem)
    }
    switch hook.scope {
    case .run: return [call(tally.failures, count: tally.failureCount)]
    case .token:
      let ofTokens = tally.failures.map { call([$0], count: 1) }
      return stop?.problem == nil ? ofTokens : [call([], count: 0)] + ofTokens
    }
  }

  /// Where nothing can be recorded any more, being told is worth more than a line.
  private func record(_ hook: Hook, _ call: HookCall, _ error: HookError?) async {
    let record =
      error.map { EventRecord(name: "hook.failed", hook: hook.name, reason: $0.message) }
      ?? EventRecord(name: "hook.done", hook: hook.name)
    let entry = JournalEntry(
      time: ports.clock.now, job: plan.name, cluster: plan.binding.cluster,
      token: hook.scope == .token ? call.tokens.first?.name : nil, record: record)
    try? await plan.journal.append([entry])
  }
}
