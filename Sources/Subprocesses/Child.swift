internal import Glibc
internal import Locks
import RotationPorts

/// A running program with pipes on its standard streams.
struct Child {
  private let processID: pid_t
  private var inputEnd: Int32 = -1
  private var outputEnd: Int32 = -1
  private var errorEnd: Int32 = -1
  private var input: ArraySlice<UInt8>
  private(set) var output: Collected
  private(set) var errors: Collected
  /// As waitpid(2) gives it; nil while it runs.
  private(set) var exitStatus: Int32?

  init(_ subprocess: Subprocess) throws(SubprocessError) {
    guard let program = subprocess.arguments.first else {
      throw SubprocessError(message: "an empty command")
    }
    let pipes = try Pipes()
    defer { pipes.closeChildsEnds() }
    let isTogether = subprocess.errors == .withOutput
    var started: pid_t = 0
    let code = Child.spawn(
      &started, subprocess, input: subprocess.input.isEmpty ? nil : pipes.input.read,
      output: pipes.output.write,
      error: isTogether ? pipes.output.write : pipes.error.write)
    guard code == 0 else {
      pipes.closeOurEnds()
      throw SubprocessError(message: "cannot start \(program): \(String(cString: strerror(code)))")
    }
    processID = started
    input = subprocess.input[...]
    (inputEnd, outputEnd, errorEnd) = (pipes.input.write, pipes.output.read, pipes.error.read)
    output = Collected(subprocess.output)
    errors = Collected(isTogether ? .first(bytes: 0) : subprocess.errors)
    for end in [inputEnd, outputEnd, errorEnd] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    if input.isEmpty { Child.close(&inputEnd) }
  }

  private static func spawn(
    _ processID: inout pid_t, _ subprocess: Subprocess, input: Int32?, output: Int32, error: Int32
  ) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let input {
      posix_spawn_file_actions_adddup2(&actions, input, 0)
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_adddup2(&actions, error, 2)
    for descriptor in openDescriptors() where descriptor > 2 {
      posix_spawn_file_actions_addclose(&actions, descriptor)
    }
    if let directory = subprocess.directory {
      guard let addChangeOfDirectory else { return ENOSYS }
      _ = addChangeOfDirectory(&actions, directory)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var noSignals = sigset_t()
    sigemptyset(&noSignals)
    posix_spawnattr_setsigmask(&attributes, &noSignals)
    // What we ignore, such as SIGPIPE, a script relies on.
    var allSignals = sigset_t()
    sigfillset(&allSignals)
    posix_spawnattr_setsigdefault(&attributes, &allSignals)
    // A group of its own, so that a timeout also ends what it started.
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    let variables = subprocess.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    var arguments: [UnsafeMutablePointer<CChar>?] = subprocess.arguments.map { strdup($0) } + [nil]
    var environment: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
    defer { for pointer in arguments + environment { free(pointer) } }
    return posix_spawnp(
      &processID, subprocess.arguments[0], &actions, &attributes, &arguments, &environment)
  }

  private typealias AddChangeOfDirectory =
    @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, UnsafePointer<CChar>) -> Int32

  /// A call that Swift's view of the C library leaves out, because it is taken without `_GNU_SOURCE`.
  private static let addChangeOfDirectory: AddChangeOfDirectory? =
    dlopen(nil, RTLD_NOW).flatMap { dlsym($0, "posix_spawn_file_actions_addchdir_np") }
    .map { unsafeBitCast($0, to: AddChangeOfDirectory.self) }

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

  /// Waits until it has written something, or takes something, or the time has passed.
  func wait(milliseconds: Int32) {
    var ends = [outputEnd, errorEnd].filter { $0 >= 0 }
      .map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    if inputEnd >= 0 { ends.append(pollfd(fd: inputEnd, events: Int16(POLLOUT), revents: 0)) }
    // A pipe that it has closed would be ready at once, for ever.
    if ends.isEmpty {
      usleep(UInt32(milliseconds) * 1000)
    } else {
      _ = poll(&ends, nfds_t(ends.count), milliseconds)
    }
  }

  mutating func checkExit() {
    var status: Int32 = 0
    if waitpid(processID, &status, WNOHANG) == processID { exitStatus = status }
  }

  func signal(_ number: Int32) { kill(-processID, number) }

  /// Gives it what it is to read, and takes what is in the pipes.
  mutating func transfer() {
    feed()
    Child.drain(&outputEnd, into: &output)
    Child.drain(&errorEnd, into: &errors)
  }

  private mutating func feed() {
    guard inputEnd >= 0 else { return }
    let end = inputEnd
    var count = 0
    let failure = withoutPipeSignal {
      count = input.withUnsafeBytes { write(end, $0.baseAddress, min($0.count, 65_536)) }
      return count < 0 ? errno : nil
    }
    if count > 0 { input = input.dropFirst(count) }
    // A program that does not read to the end has had what it wanted.
    let hasFailed = failure.map { $0 != EAGAIN && $0 != EINTR } ?? false
    if input.isEmpty || hasFailed { Child.close(&inputEnd) }
  }

  private static func drain(_ end: inout Int32, into collected: inout Collected) {
    guard end >= 0 else { return }
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    defer {
      Secret.wipe(chunk)
      chunk.deallocate()
    }
    // At most four mebibytes a call, so that a program that writes without end meets its deadline.
    for _ in 0..<64 {
      let count = Glibc.read(end, chunk.baseAddress, chunk.count)
      if count == 0 { close(&end) }
      guard count > 0 else { return }
      collected.add(UnsafeRawBufferPointer(rebasing: chunk[..<count]))
    }
  }

  private static func close(_ end: inout Int32) {
    if end >= 0 { Glibc.close(end) }
    end = -1
  }

  /// Kills what still runs, collects it and wipes what it wrote.
  mutating func end() {
    if exitStatus == nil {
      signal(SIGKILL)
      var status: Int32 = 0
      while waitpid(processID, &status, 0) < 0 && errno == EINTR {}
    }
    Child.close(&inputEnd)
    Child.close(&outputEnd)
    Child.close(&errorEnd)
    output.wipe()
  }
}

/// What is kept of a stream.
struct Collected {
  private let kept: Subprocess.Kept
  private(set) var bytes: [UInt8] = []
  /// How many there were.
  private(set) var total = 0

  init(_ kept: Subprocess.Kept) {
    self.kept = kept
    // Growing would leave copies of what may be a secret behind.
    switch kept {
    case .first(let count): bytes.reserveCapacity(count)
    case .last(let count): bytes.reserveCapacity(2 * count)
    case .withOutput: break
    }
  }

  mutating func add(_ chunk: UnsafeRawBufferPointer) {
    total += chunk.count
    switch kept {
    case .first(let count): bytes.append(contentsOf: chunk.prefix(count - bytes.count))
    case .last(let count):
      bytes.append(contentsOf: chunk.suffix(count))
      if bytes.count > count { bytes.removeFirst(bytes.count - count) }
    case .withOutput: break
    }
  }

  mutating func wipe() {
    bytes.withUnsafeMutableBytes { Secret.wipe($0) }
  }
}

/// Three pipes, closed in whatever the program becomes.
private struct Pipes {
  typealias Ends = (read: Int32, write: Int32)
  let input: Ends
  let output: Ends
  let error: Ends

  init() throws(SubprocessError) {
    var ends = [Int32](repeating: -1, count: 6)
    let isMade = ends.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return false }
      return pipe(base) == 0 && pipe(base + 2) == 0 && pipe(base + 4) == 0
    }
    guard isMade else {
      let code = errno
      for end in ends where end >= 0 { close(end) }
      throw SubprocessError(message: "cannot make a pipe: \(String(cString: strerror(code)))")
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    input = (ends[0], ends[1])
    output = (ends[2], ends[3])
    error = (ends[4], ends[5])
  }

  func closeChildsEnds() {
    for end in [input.read, output.write, error.write] { close(end) }
  }

  func closeOurEnds() {
    for end in [input.write, output.read, error.read] { close(end) }
  }
}
