internal import Glibc
import RotationModel

/// A program of somebody else's, run to its end: with a time limit, an environment that is said in full, and none of
/// our descriptors.
public struct Subprocess: Sendable {
  /// The program and its arguments. A program without a slash is looked for in our own PATH.
  public var arguments: [String]
  /// Its whole environment.
  public var environment: [String: String]
  /// Where it starts; nil: where we are.
  public var directory: String?
  /// What it reads from its standard input.
  public var input: [UInt8] = []
  /// How long it may take.
  public var timeout: Duration
  /// How long it has after the timeout to clean up, from the SIGTERM to the SIGKILL; both go to all that it has
  /// started and left in its process group.
  public var grace: Duration = .zero
  public var output: Kept
  public var errors: Kept

  /// What is kept of what it writes; the rest is read and dropped, so that it never waits for us.
  public enum Kept: Equatable, Sendable {
    case first(bytes: Int)
    case last(bytes: Int)
    /// Together with the standard output, in the order in which it was written.
    case withOutput
  }

  public init(
    _ arguments: [String], environment: [String: String], directory: String? = nil, input: [UInt8] = [],
    timeout: Duration, grace: Duration = .zero, output: Kept, errors: Kept
  ) {
    self.arguments = arguments
    self.environment = environment
    self.directory = directory
    self.input = input
    self.timeout = timeout
    self.grace = grace
    self.output = output
    self.errors = errors
  }

  /// How it ended, and what it wrote.
  public struct Result: Sendable {
    public var ending: Ending
    public var output: [UInt8]
    /// Whether it wrote more than was kept.
    public var outputIsCut: Bool
    public var errors: [UInt8]
  }

  public enum Ending: Equatable, Sendable {
    case exited(Int32)
    case signalled(Int32)
    /// It was ended by us.
    case timedOut
  }

  /// Runs it; blocks until it has ended. Throws when it cannot be started.
  public func run() throws(SubprocessError) -> Result {
    var child = try Child(self)
    defer { child.end() }
    let deadline = ContinuousClock.now + timeout
    var isTermSent = false
    while child.exitStatus == nil {
      let now = ContinuousClock.now
      if now >= deadline + grace || now >= deadline && grace == .zero { break }
      if now >= deadline, !isTermSent {
        child.signal(SIGTERM)
        isTermSent = true
      }
      child.wait(milliseconds: 20)
      // Ended first, drained second: what it wrote before it ended is in the pipe by then.
      child.checkExit()
      child.transfer()
      if isTermSent, child.exitStatus != nil { break }
      // A caller that wants only the beginning has no use for a program that writes on.
      if case .first(let bytes) = output, child.output.total > bytes { break }
    }
    let ending: Ending
    if let status = child.exitStatus, !isTermSent {
      ending = status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .signalled(status & 0x7F)
    } else {
      ending = .timedOut
      // What it has started may be slower to go than itself.
      child.signal(SIGKILL)
    }
    return Result(
      ending: ending, output: child.output.bytes, outputIsCut: child.output.total > child.output.bytes.count,
      errors: child.errors.bytes)
  }
}

/// A program that was not started.
public struct SubprocessError: Error, Equatable, Sendable {
  public var message: String
}

extension Subprocess.Ending {
  /// In words for people.
  public var words: String {
    switch self {
    case .exited(let code): "exit \(code)"
    case .signalled(let signal): "signal \(signal)"
    case .timedOut: "ended by its time limit"
    }
  }
}

extension Subprocess {
  /// What programs get of our environment: nothing in it is a secret, and little works without.
  public static let inheritedVariables: Set<String> = ["PATH", "HOME", "LANG"]

  /// The file that a program is, looked for in our own PATH unless it has a slash; nil: there is none that we may run.
  public static func find(_ program: String) -> String? {
    if program.contains("/") { return isProgram(program) ? program : nil }
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
    return path.split(separator: ":").map { "\($0)/\(program)" }.first(where: isProgram)
  }

  private static func isProgram(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
  }

  /// What it wrote, on one line.
  public static func oneLine(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes, as: UTF8.self).unicodeScalars.map { scalar in
      scalar.properties.generalCategory == .control ? " " : String(scalar)
    }.joined()
    return text.split(separator: " ").joined(separator: " ")
  }
}
