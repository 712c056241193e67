import RotationModel
import RotationPorts
import RotationTestKit

/// Programs that are told what became of tokens: they fail, the process dies around them, and what they were told is
/// held against what is so.
struct SimulatedHooks: Hooks {
  let world: World

  static let reload = "reload"
  static let mourn = "mourn"

  static func draw(_ draw: inout SimulatedDisk.Generator) -> [Hook] {
    guard draw.next() % 2 == 0 else { return [] }
    func scope(_ drawn: UInt64) -> Hook.Scope { drawn % 2 == 0 ? .run : .token }
    return [
      Hook(name: reload, occasion: .delivered, scope: scope(draw.next())),
      Hook(name: mourn, occasion: .retired, scope: scope(draw.next())),
    ]
  }

  func tell(_ hook: Hook, _ call: HookCall) async throws(HookError) {
    let dead = HookError(message: "the process is dead")
    world.step("before hook \(hook.name)")
    guard !world.isDead else { throw dead }
    if hook.scope == .token, call.tokens.count != 1 {
      world.broken("hooks", "\(hook.name): not of one token")
    }
    for token in call.tokens { check(hook, token) }
    try? await world.clock.sleep(for: .milliseconds(Int64(world.hookDraw.next() % 3_000)))
    world.reports.append("\(call)")
    world.hookCalls += 1
    let fails = world.trouble.hookFailsPercent > world.hookDraw.next() % 100
    // What fails may have had its effect all the same, and counts as nothing.
    if !fails {
      for id in call.tokens.compactMap(\.tokenID) {
        world.told[hook.name, default: []].insert(id)
        if hook.occasion == .delivered { world.toldAt[id] = world.now }
      }
    }
    world.step("after hook \(hook.name)")
    guard !world.isDead else { throw dead }
    if !fails { world.successes += call.tokens.map { (hook.name, $0.name, $0.generation ?? 0) } }
    if fails { throw HookError(message: "hook \(hook.name) failed (exit 1)") }
  }

  private func check(_ hook: Hook, _ token: HookCall.Token) {
    guard let lineage = world.lineages.values.first(where: { $0.name == token.name }),
      let generation = lineage.machine.generations.last(where: { $0.tokenID == token.tokenID })
    else { return world.broken("hooks", "\(hook.name) is told of \(token.name), which is nowhere") }
    if generation.hooksDone.contains(hook.name) {
      world.broken("hooks", "\(token.name): \(hook.name) is told again of \(generation.tokenID)")
    }
    switch hook.occasion {
    case .delivered:
      guard let string = world.strings[generation.tokenID], !world.wasRestored else { return }
      for path in world.storePaths where world.disk.content(of: "\(path)/\(token.name)") != Array(string.utf8)
      {
        world.broken("hooks", "\(token.name): \(hook.name) is told of a token that \(path) does not have")
      }
    case .retired:
      // Whether it is gone `checkOutcome` says; here, that nobody is told too early.
      if !generation.isConfirmedGone {
        world.broken("hooks", "\(token.name): \(hook.name) is told too early")
      }
    case .failed: break
    }
  }
}

extension Invariants {
  /// What a hook has said to a process that has lived on is on record, however the process ended.
  static func checkSuccesses(_ world: World) {
    guard !world.isDead, !world.trouble.mayFail else { return }
    for (hook, name, number) in world.successes {
      let machine = world.lineages.values.first { $0.name == name }?.machine
      if machine?.generation(number)?.hooksDone.contains(hook) != true {
        world.broken("hooks", "\(name): \(hook) has done its work, and nobody has written it down")
      }
    }
  }

  /// A delivery, a rollback and the end of a token are complete only when every hook was told.
  static func checkTold(_ world: World, _ event: Event, _ machine: RotationMachine?) {
    let (number, hook): (Int, String)
    switch event {
    case .deliveryDone(let generation, _):
      // What is to be retired is announced to nobody, and who goes back does not wait for the newer one's hooks.
      if machine?.wishes.retirement != nil || world.isGrantingRollback { return }
      (number, hook) = (generation, SimulatedHooks.reload)
    case .rollbackDone(let generation, _): (number, hook) = (generation, SimulatedHooks.reload)
    case .hooksSettled(let generation): (number, hook) = (generation, SimulatedHooks.mourn)
    case .rollbackRequested(let generation):
      if let id = machine?.generation(generation)?.tokenID { world.told[SimulatedHooks.reload]?.remove(id) }
      return
    default: return
    }
    guard !world.hooks.isEmpty, world.hooksMatter, let id = machine?.generation(number)?.tokenID else {
      return
    }
    if world.told[hook]?.contains(id) != true {
      world.broken("hooks", "\(event.record.name) of \(id), of which \(hook) was not told")
    }
  }
}
