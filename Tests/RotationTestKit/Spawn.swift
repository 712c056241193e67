import Foundation

/// Runs programs to their end, beside the tests.
///
/// Not Foundation's `Process`: its `waitUntilExit` holds one of the few threads that all tests share.
public enum Spawn {
  public struct Outcome: Sendable {
    /// The exit code; nil when a signal ended it.
    public var exitCode: Int32?
    public var signal: Int32?
    public var output: String
    public var errors: String
    /// The most memory it had resident, in KiB, as it was last seen alive. (What `wait4` tells includes the
    /// memory of the process that started it.)
    public var peakKibibytes: Int
  }

  /// What went wrong before the program ran.
  public struct Failure: Error {
    public var message: String
  }

  /// Runs `arguments[0]`, looked up in PATH, with just `environment`, in `directory`; both outputs go through
  /// files, so that no pipe can fill up.
  public static func run(
    _ arguments: [String], environment: [String: String] = [:], directory: String
  ) async throws -> Outcome {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(
          with: Result { try runBlocking(arguments, environment: environment, directory: directory) })
      }
    }
  }

  private static func runBlocking(
    _ arguments: [String], environment: [String: String], directory: String
  ) throws -> Outcome {
    let id = UUID().uuidString
    let outputPath = "\(directory)/.\(id).out"
    let errorPath = "\(directory)/.\(id).err"
    defer {
      unlink(outputPath)
      unlink(errorPath)
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_EXCL, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT | O_EXCL, 0o600)
    // posix_spawn's own way to change the directory is not visible to Swift.
    let command = ["/usr/bin/env", "-C", directory] + arguments
    var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] =
      environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + variables { free(text) } }
    var identifier: pid_t = 0
    let result = posix_spawn(&identifier, command[0], &actions, nil, &words, &variables)
    guard result == 0 else {
      throw Failure(message: "\(arguments[0]): \(String(cString: strerror(result)))")
    }
    var status: Int32 = 0
    var peakKibibytes = 0
    while waitpid(identifier, &status, WNOHANG) == 0 {
      peakKibibytes = max(peakKibibytes, peak(of: identifier))
      usleep(20_000)
    }
    let signal = status & 0x7f
    return Outcome(
      exitCode: signal == 0 ? (status >> 8) & 0xff : nil, signal: signal == 0 ? nil : signal,
      output: text(outputPath), errors: text(errorPath), peakKibibytes: peakKibibytes)
  }

  private static func peak(of identifier: pid_t) -> Int {
    let status = (try? String(contentsOfFile: "/proc/\(identifier)/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
  }

  private static func text(_ path: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
  }

  /// The program under test: TOKENROTATE_BINARY, else the one built beside the tests.
  public static var program: String {
    if let given = ProcessInfo.processInfo.environment["TOKENROTATE_BINARY"] { return given }
    return URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
      .appendingPathComponent("tokenrotate").path
  }
  /// Whether the program under test is an optimized build.
  public static var isRelease: Bool { program.contains("/release/") }
}
