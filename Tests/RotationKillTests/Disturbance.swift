import Foundation
import RotationTestKit

/// What is done to a call of the program.
enum Disturbance: CustomStringConvertible, Sendable {
  case killed(afterMilliseconds: Int)
  /// At the nth such call of one of its threads, and for an error again at every thread's nth.
  case struck(SystemCall, nth: Int, Effect)

  enum SystemCall: String, CaseIterable, Sendable {
    case fdatasync, fsync, rename, write, pwrite64, connect

    /// About how often a thread that does much of it calls it in a call that rotates all rows.
    var usualCount: Int {
      switch self {
      case .fdatasync: 12
      case .fsync: 6
      case .rename: 2
      case .write: 12
      case .pwrite64: 80
      case .connect: 8
      }
    }
  }

  enum Effect: String, CaseIterable, Sendable {
    case kill = "signal=SIGKILL"
    case io = "error=EIO"
    case noSpace = "error=ENOSPC"
  }

  /// So many milliseconds after its start a call that rotates all rows has usually ended.
  static let usualMilliseconds = 500

  /// An earlier point, for a call that had ended before this one; nil: there is none.
  var earlier: Disturbance? {
    switch self {
    case .killed(let milliseconds): milliseconds < 10 ? nil : .killed(afterMilliseconds: milliseconds / 2)
    case .struck(let call, let nth, let effect): nth < 2 ? nil : .struck(call, nth: nth / 2, effect)
    }
  }

  var description: String {
    switch self {
    case .killed(let milliseconds): "SIGKILL after \(milliseconds) ms"
    case .struck(let call, let nth, let effect): "\(effect.rawValue) at \(call.rawValue) \(nth)"
    }
  }

  /// The command that starts `program` under it.
  func command(_ program: [String], log: String) -> [String] {
    switch self {
    case .killed(let milliseconds):
      // With --foreground, `timeout` kills the program and not itself too, so that it says what it did.
      return ["timeout", "--foreground", "-s", "KILL", "\(Double(milliseconds) / 1000)"] + program
    case .struck(let call, let nth, let effect):
      let injection = "inject=\(call.rawValue):\(effect.rawValue):when=\(nth)"
      return [
        "strace", "-f", "--seccomp-bpf", "-qq", "-o", log, "-e", "trace=\(call.rawValue)", "-e", injection,
      ]
        + program
    }
  }

  /// Whether it has come to pass, and not the program's end before.
  func hasStruck(_ outcome: Spawn.Outcome, log: String) -> Bool {
    switch self {
    case .killed: return outcome.exitCode == 128 + SIGKILL || outcome.signal == SIGKILL
    case .struck(_, _, .kill): return outcome.exitCode == 128 + SIGKILL || outcome.signal == SIGKILL
    case .struck(_, _, .io), .struck(_, _, .noSpace):
      return ((try? String(contentsOfFile: log, encoding: .utf8)) ?? "").contains("(INJECTED)")
    }
  }

  /// The points to be tried, in an order that the seed decides.
  static func points(random: Int, each: Int, _ generator: inout SplitMix) -> [Disturbance] {
    var points = (0..<random).map { _ in
      Disturbance.killed(afterMilliseconds: Int.random(in: 5...usualMilliseconds, using: &generator))
    }
    for call in SystemCall.allCases {
      for effect in Effect.allCases {
        points += (0..<each).map { _ in
          .struck(call, nth: Int.random(in: 1...call.usualCount, using: &generator), effect)
        }
      }
    }
    return points.shuffled(using: &generator)
  }
}

/// A small generator whose every draw follows from its seed.
struct SplitMix: RandomNumberGenerator, Sendable {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
