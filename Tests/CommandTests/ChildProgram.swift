import Foundation
import Testing

/// A program that a test starts, with its two streams in files: nothing can fill up, and no thread is held.
final class ChildProgram: Sendable {
  /// How a program ended.
  enum Ending: Equatable, Sendable {
    case exited(Int32)
    case killed(signal: Int32)
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  let identifier: pid_t
  private let lock = NSLock()
  /// Guarded by `lock`: once a process is waited for, its id may belong to another.
  private nonisolated(unsafe) var ending: Ending?

  /// Starts `arguments[0]` in `folder` with exactly this environment; standard input is empty.
  init(
    _ arguments: [String], in folder: String, environment: [String: String], output: String, errors: String
  ) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // What the test's own process blocks or ignores is no business of the program's.
    var none = sigset_t()
    sigemptyset(&none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    // `env` turns into the program, in another folder, with the same process id.
    let command = ["/usr/bin/env", "-C", folder, "--"] + arguments
    var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] =
      environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + variables { free(text) } }
    var identifier: pid_t = 0
    let status = posix_spawn(&identifier, command[0], &actions, &attributes, &words, &variables)
    guard status == 0 else {
      throw Failure(description: "\(arguments[0]) cannot be started: \(String(cString: strerror(status)))")
    }
    self.identifier = identifier
  }

  deinit {
    guard ending == nil else { return }
    kill(identifier, SIGKILL)
    var status: Int32 = 0
    waitpid(identifier, &status, 0)
  }

  var isRunning: Bool { poll() == nil }

  /// Sends a signal to a program that still runs.
  func send(_ signal: Int32) {
    lock.withLock {
      if ending == nil { kill(identifier, signal) }
    }
  }

  /// Waits for the end; a program that goes on for longer than `limit` is killed, which fails the test.
  func end(within limit: Duration) async throws -> Ending {
    let deadline = ContinuousClock.now + limit
    while true {
      if let ending = poll() { return ending }
      guard ContinuousClock.now < deadline else {
        send(SIGKILL)
        throw Failure(description: "process \(identifier) had not ended after \(limit)")
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  private func poll() -> Ending? {
    lock.withLock {
      if ending != nil { return ending }
      var status: Int32 = 0
      guard waitpid(identifier, &status, WNOHANG) == identifier else { return nil }
      let signal = status & 0x7f
      ending = signal == 0 ? .exited((status >> 8) & 0xff) : .killed(signal: signal)
      return ending
    }
  }
}

/// Waits until `condition` holds, and fails the test when it does not within `limit`.
func eventually(
  _ what: String, within limit: Duration = .seconds(20), _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + limit
  while try await !condition() {
    guard ContinuousClock.now < deadline else {
      throw ChildProgram.Failure(description: "not within \(limit): \(what)")
    }
    try await Task.sleep(for: .milliseconds(10))
  }
}
