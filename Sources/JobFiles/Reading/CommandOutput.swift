internal import Glibc
import RotationModel
import RotationPorts

/// Runs a program and takes what it writes to its standard output.
enum CommandOutput {
  /// How much of its standard error an error message shows.
  private static let shownErrorBytes = 1000

  /// Blocks until the program ends. It gets no descriptor of ours, an empty standard input, and of the
  /// environment only PATH, HOME and LANG.
  ///
  /// - Throws: `FileError` when it cannot be started, fails, writes more than `maximumBytes`, or takes
  ///   longer than `timeout`; then it is killed with everything it started in its process group.
  static func read(
    _ arguments: [String], environment: [String: String], timeout: Duration, maximumBytes: Int
  ) throws(FileError) -> [UInt8] {
    guard let program = arguments.first else { throw FileError(.commandFailed, "an empty command") }
    var child = try Child(arguments, environment: environment)
    defer { child.end() }
    let deadline = ContinuousClock.now + timeout
    while child.exitStatus == nil {
      guard ContinuousClock.now < deadline else {
        throw FileError(.commandFailed, "\(program) did not end within \(DurationText.format(timeout))")
      }
      child.waitForOutput(milliseconds: 20)
      // Ended first, drained second: what it wrote before it ended is in the pipe by then.
      child.checkExit()
      child.drain(maximumBytes: maximumBytes, maximumErrorBytes: shownErrorBytes)
      guard child.output.count <= maximumBytes else {
        throw FileError(.tooLong, "\(program) wrote more than \(maximumBytes) bytes")
      }
    }
    guard child.exitStatus == 0 else {
      throw FileError(
        .commandFailed, "\(program) failed (\(child.outcome))\(shown(child.errorOutput))")
    }
    return child.output
  }

  private static func shown(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes, as: UTF8.self).unicodeScalars.map { scalar in
      scalar.properties.generalCategory == .control ? " " : String(scalar)
    }.joined()
    let words = text.split(separator: " ").joined(separator: " ")
    return words.isEmpty ? "" : ": \(words)"
  }
}

/// A running program with pipes on its standard output and standard error.
private struct Child {
  let processID: pid_t
  private var outputEnd: Int32
  private var errorEnd: Int32
  var output: [UInt8] = []
  var errorOutput: [UInt8] = []
  /// As waitpid(2) gives it; nil while it runs.
  var exitStatus: Int32?

  init(_ arguments: [String], environment: [String: String]) throws(FileError) {
    var pipes: [Int32] = [-1, -1, -1, -1]
    let made = pipes.withUnsafeMutableBufferPointer { ends in
      guard let base = ends.baseAddress else { return false }
      return pipe(base) == 0 && pipe(base + 2) == 0
    }
    guard made else {
      let code = errno
      for end in pipes where end >= 0 { close(end) }
      throw FileError(.commandFailed, "cannot make a pipe: \(SystemError.text(code))")
    }
    for end in pipes { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer {
      close(pipes[1])
      close(pipes[3])
    }
    var started: pid_t = 0
    let code = Child.spawn(&started, arguments, environment, output: pipes[1], error: pipes[3])
    guard code == 0 else {
      close(pipes[0])
      close(pipes[2])
      throw FileError(.commandFailed, "cannot start \(arguments[0]): \(SystemError.text(code))")
    }
    processID = started
    outputEnd = pipes[0]
    errorEnd = pipes[2]
    for end in [outputEnd, errorEnd] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
  }

  private static func spawn(
    _ processID: inout pid_t, _ arguments: [String], _ environment: [String: String], output: Int32,
    error: Int32
  ) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_adddup2(&actions, error, 2)
    for descriptor in openDescriptors() where descriptor > 2 {
      posix_spawn_file_actions_addclose(&actions, descriptor)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var noSignals = sigset_t()
    sigemptyset(&noSignals)
    posix_spawnattr_setsigmask(&attributes, &noSignals)
    // A group of its own, so that a timeout also ends what it started.
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK))
    let kept = ["PATH", "HOME", "LANG"].compactMap { name in environment[name].map { "\(name)=\($0)" } }
    var argumentPointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    var environmentPointers: [UnsafeMutablePointer<CChar>?] = kept.map { strdup($0) } + [nil]
    defer { for pointer in argumentPointers + environmentPointers { free(pointer) } }
    return posix_spawnp(
      &processID, arguments[0], &actions, &attributes, &argumentPointers, &environmentPointers)
  }

  /// Those of this process now. One that another thread closes meanwhile does no harm: closing it again in
  /// the child is not an error (posix_spawn_file_actions_addclose(3)).
  private static func openDescriptors() -> [Int32] {
    guard let stream = opendir("/proc/self/fd") else { return [] }
    defer { closedir(stream) }
    var descriptors: [Int32] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if let descriptor = Int32(name) { descriptors.append(descriptor) }
    }
    return descriptors
  }

  func waitForOutput(milliseconds: Int32) {
    var ends = [outputEnd, errorEnd].filter { $0 >= 0 }
      .map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    _ = poll(&ends, nfds_t(ends.count), milliseconds)
  }

  mutating func checkExit() {
    var status: Int32 = 0
    if waitpid(processID, &status, WNOHANG) == processID { exitStatus = status }
  }

  /// Takes what is in the pipes; of the standard error only the beginning is kept.
  mutating func drain(maximumBytes: Int, maximumErrorBytes: Int) {
    Child.drain(&outputEnd, into: &output, keeping: maximumBytes + 1)
    Child.drain(&errorEnd, into: &errorOutput, keeping: maximumErrorBytes)
  }

  private static func drain(_ end: inout Int32, into bytes: inout [UInt8], keeping maximum: Int) {
    guard end >= 0 else { return }
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
    defer {
      Secret.wipe(chunk)
      chunk.deallocate()
    }
    if bytes.capacity < maximum { bytes.reserveCapacity(maximum) }
    // At most a mebibyte a call, so that a program that writes without end meets its deadline.
    for _ in 0..<256 {
      let count = Glibc.read(end, chunk.baseAddress, chunk.count)
      if count == 0 {
        close(end)
        end = -1
      }
      guard count > 0 else { return }
      bytes.append(contentsOf: chunk[..<min(count, maximum - bytes.count)])
    }
  }

  var outcome: String {
    guard let exitStatus else { return "still running" }
    return exitStatus & 0x7F == 0 ? "exit \(exitStatus >> 8 & 0xFF)" : "signal \(exitStatus & 0x7F)"
  }

  /// Kills what still runs, collects it and wipes what it wrote.
  mutating func end() {
    if exitStatus == nil {
      kill(-processID, SIGKILL)
      var status: Int32 = 0
      while waitpid(processID, &status, 0) < 0 && errno == EINTR {}
    }
    for end in [outputEnd, errorEnd] where end >= 0 { close(end) }
    output.wipe()
  }
}
