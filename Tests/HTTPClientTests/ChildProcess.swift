import Foundation
import Testing

/// A program run beside the tests. Not Foundation's `Process`, whose `waitUntilExit` holds one of the few
/// threads that all tests share and whose pipes other children may inherit.
final class ChildProcess: Sendable {
  private let identifier: pid_t
  /// Our end of the child's standard input: it closes when the tests end, however they end.
  private let input: Int32

  /// Starts `arguments` and reads the first line that it prints, nil when it ends without one.
  static func start(_ arguments: [String]) async throws -> (process: ChildProcess, line: String?) {
    try await onThread {
      let output = try pipe()
      let input = try pipe()
      defer {
        close(output.read)
        close(input.read)
      }
      let identifier = try spawn(arguments, input: input.read, output: output.write)
      close(output.write)
      return (ChildProcess(identifier, input: input.write), readLine(from: output.read))
    }
  }

  /// Runs a shell script to its end; its status.
  static func run(_ script: String) async throws -> Int32 {
    try await onThread {
      let identifier = try spawn(["/bin/sh", "-c", script], input: nil, output: nil)
      var status: Int32 = -1
      while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
      return status
    }
  }

  private init(_ identifier: pid_t, input: Int32) {
    self.identifier = identifier
    self.input = input
  }

  func stop() { kill(identifier, SIGKILL) }

  deinit {
    close(input)
    stop()
    var status: Int32 = 0
    waitpid(identifier, &status, 0)
  }

  private static func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws
    -> Value
  {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
    }
  }

  private static func pipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    try #require(
      socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
    return (ends[0], ends[1])
  }

  /// Streams that are nil, and standard error, go nowhere.
  private static func spawn(_ arguments: [String], input: Int32?, output: Int32?) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (stream, end) in [(Int32(0), input), (1, output), (2, nil)] {
      if let end {
        posix_spawn_file_actions_adddup2(&actions, end, stream)
      } else {
        posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_RDWR, 0)
      }
    }
    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    defer { for word in words { free(word) } }
    words.append(nil)
    var identifier: pid_t = 0
    try #require(posix_spawnp(&identifier, arguments[0], &actions, nil, &words, environ) == 0)
    return identifier
  }

  private static func readLine(from descriptor: Int32) -> String? {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while line.count < 4096, read(descriptor, &byte, 1) == 1 {
      if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
      line.append(byte)
    }
    return nil
  }
}
