import Foundation
import RotationTestKit
import Testing

/// The real program rotates again and again against a sandbox that loses answers, and is killed or refused by its
/// system at one point after the other. After each, one call that nothing disturbs has to put everything right.
@Suite struct RotationKillTests {
  /// How many points are tried: so many at random moments, and so many for each system call and effect.
  static let randomPoints = 90
  static let pointsEach = 7
  /// Points that struck nothing, because the call had ended before, are tried again earlier; so many must strike.
  static let wanted = 200

  /// Tracing is forbidden in some containers.
  static let canTrace: Bool = {
    var status: Int32 = 1
    var identifier: pid_t = 0
    let words = ["/usr/bin/strace", "-qq", "-o", "/dev/null", "/bin/true"]
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for word in arguments { free(word) } }
    guard posix_spawn(&identifier, words[0], nil, nil, &arguments, nil) == 0 else { return false }
    waitpid(identifier, &status, 0)
    return status == 0
  }()
  /// Where nothing is to be skipped unnoticed, a missing permission fails.
  static let isRequired = ProcessInfo.processInfo.environment["CI"] == "true"

  @Test(.enabled(if: canTrace || isRequired, "strace is missing, or may not trace here"))
  func whateverInterruptsARotationTheNextRunPutsRight() async throws {
    let given = ProcessInfo.processInfo.environment["TOKENROTATE_KILL_SEED"].flatMap { UInt64($0) }
    let seed = given ?? UInt64.random(in: 1...UInt64(UInt32.max))
    tell("rotations are killed with seed \(seed); TOKENROTATE_KILL_SEED=\(seed) draws the same points")
    var generator = SplitMix(state: seed)
    let points = Disturbance.points(random: Self.randomPoints, each: Self.pointsEach, &generator)
    let queue = PointQueue(points)
    let folder = try TemporaryFolder()
    // Side by side, because each campaign waits most of its time: the cluster's clock has whole seconds.
    let campaigns =
      Campaign.Kind.allCases + Campaign.Kind.allCases + [.disableThenRevoke, .revoke, .rollback]
    let struck = try await withThrowingTaskGroup(of: Int.self) { group in
      for (index, kind) in campaigns.enumerated() {
        let state = generator.next()
        group.addTask {
          var campaign = Campaign(kind, seed: state)
          return try await campaign.run(queue, in: "\(folder.path)/\(index)")
        }
      }
      return try await group.reduce(0, +)
    }
    tell("rotations were struck at \(struck) points")
    #expect(struck >= Self.wanted)
  }
}

/// Says something that is worth knowing about a run of the tests, failed or not.
func tell(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

/// A folder that is gone with the test.
final class TemporaryFolder: Sendable {
  let path = NSTemporaryDirectory() + "tokenrotate-rotation-\(UUID().uuidString)"

  init() throws {
    // Not the temporary directory itself: as root the program refuses jobs in folders that others can write.
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
