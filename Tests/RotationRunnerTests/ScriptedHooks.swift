import RotationModel
import RotationPorts
import RotationTestKit

/// Hooks that remember what they were told, and fail when they are told to.
final class ScriptedHooks: Hooks, @unchecked Sendable {
  // Only ever touched by the thread of the deterministic executor.
  var hooks: [Hook] = []
  /// By hook: what it says, one answer a call; without one it has done its work.
  var errors: [String: [HookError]] = [:]
  /// `reload a,b`: every call that reached a hook.
  private(set) var told: [String] = []
  private(set) var calls: [HookCall] = []
  var life = Life()
  /// Done while a hook runs, before it ends.
  var during: () -> Void = {}
  private var isRunning = false
  let clock: SimulatedClock

  init(clock: SimulatedClock) {
    self.clock = clock
  }

  func tell(_ hook: Hook, _ call: HookCall) async throws(HookError) {
    let dead = HookError(message: "the process is dead")
    guard life.reaches("hook \(hook.name)") else { throw dead }
    told.append("\(hook.name) \(call.tokens.map(\.name).sorted().joined(separator: ","))")
    calls.append(call)
    precondition(!isRunning, "two hooks at once")
    isRunning = true
    try? await clock.sleep(for: .milliseconds(100))
    during()
    isRunning = false
    guard life.reaches("hook \(hook.name)'s end") else { throw dead }
    if var mine = errors[hook.name], !mine.isEmpty {
      let error = mine.removeFirst()
      errors[hook.name] = mine
      throw error
    }
  }

  func forget() { (told, calls) = ([], []) }

  static let failure = HookError(message: "hook reload: reload failed (exit 1)", output: "no such unit")
}

/// A signal that comes when a test says so.
final class Moment: Interruption, @unchecked Sendable {
  // Only ever touched by the thread of the deterministic executor.
  var isNow = false
  private let clock: SimulatedClock

  init(_ clock: SimulatedClock) {
    self.clock = clock
  }

  var isRequested: Bool { isNow }

  func requested() async throws {
    while !isNow { try await clock.sleep(for: .milliseconds(10)) }
  }
}
