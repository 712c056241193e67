import Foundation
import Testing

/// A fresh folder with the program in it, as a user has it: `work` to stand in, a home, and nothing else in
/// the environment.
final class Workspace: Sendable {
  /// What a call of the program left behind.
  struct Outcome: Sendable {
    var ending: ChildProgram.Ending
    var output: String
    var errors: String

    var code: Int32? {
      if case .exited(let code) = ending { code } else { nil }
    }
    /// Both streams, for messages of tests that fail.
    var everything: String { "\(ending)\n\(output)\(errors)" }
  }

  /// A call that goes on.
  struct Call: Sendable {
    let program: ChildProgram
    let outputPath: String
    let errorsPath: String

    /// Ample: a whole run takes about two seconds on an idle machine.
    static let limit: Duration = .seconds(90)

    func outcome() async throws -> Outcome {
      let ending = try await program.end(within: Call.limit)
      return Outcome(
        ending: ending, output: Workspace.text(of: outputPath), errors: Workspace.text(of: errorsPath))
    }
  }

  let root: String
  /// Where commands are run.
  let folder: String
  let environment: [String: String]
  private let calls = Counter()

  init() throws {
    var template = Array("/tmp/tokenrotate-command-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw ChildProgram.Failure(description: "no temporary folder can be made")
    }
    root = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    // A root that others could write to would be refused, and that is a test of its own.
    chmod(root, 0o755)
    folder = root + "/work"
    for name in ["work", "home", "config", "config/tokenrotate", "state-home", "bin", "output"] {
      mkdir("\(root)/\(name)", 0o755)
      chmod("\(root)/\(name)", 0o755)
    }
    symlink(try Workspace.binary.get(), root + "/bin/tokenrotate")
    environment = [
      "HOME": root + "/home", "XDG_CONFIG_HOME": root + "/config", "XDG_STATE_HOME": root + "/state-home",
      "PATH": "\(root)/bin:/usr/bin:/bin",
    ]
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  /// The built program: `$TOKENROTATE_BINARY`, else what lies beside the tests.
  static let binary = Result<String, ChildProgram.Failure> { () throws(ChildProgram.Failure) in
    let given = ProcessInfo.processInfo.environment["TOKENROTATE_BINARY"]
    let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let path = given ?? (tests as NSString).deletingLastPathComponent + "/tokenrotate"
    guard access(path, X_OK) == 0 else {
      throw ChildProgram.Failure(description: "\(path) is missing: swift build, or set TOKENROTATE_BINARY")
    }
    return path
  }

  // MARK: Files

  func path(_ name: String) -> String { name.hasPrefix("/") ? name : "\(folder)/\(name)" }

  func write(_ name: String, _ text: String, mode: mode_t = 0o644) throws {
    let path = path(name)
    let parent = (path as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(
      atPath: parent, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    chmod(path, mode)
  }

  /// A file's text; empty when it is missing.
  func read(_ name: String) -> String { Workspace.text(of: path(name)) }

  func exists(_ name: String) -> Bool { access(path(name), F_OK) == 0 }

  func makeFolder(_ name: String, mode: mode_t = 0o755) {
    mkdir(path(name), mode)
    chmod(path(name), mode)
  }

  func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path(name)) }

  /// The names in a folder, hidden ones left out.
  func list(_ name: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path(name))) ?? [])
      .filter { !$0.hasPrefix(".") }.sorted()
  }

  static func text(of path: String) -> String {
    String(decoding: (try? Data(contentsOf: URL(fileURLWithPath: path))) ?? Data(), as: UTF8.self)
  }

  // MARK: Calls

  /// Runs the program to its end.
  func run(_ arguments: String...) async throws -> Outcome {
    try await start(arguments).outcome()
  }

  func start(_ arguments: [String]) throws -> Call {
    try spawn([root + "/bin/tokenrotate"] + arguments, environment)
  }

  /// Runs a line of shell to its end.
  func shell(_ line: String, _ more: [String: String] = [:]) async throws -> Outcome {
    try await spawn(["/bin/sh", "-c", line], environment.merging(more) { $1 }).outcome()
  }

  /// Starts another program, which goes on.
  func startProgram(_ arguments: [String]) throws -> Call { try spawn(arguments, environment) }

  private func spawn(_ arguments: [String], _ environment: [String: String]) throws -> Call {
    let number = calls.next()
    let (output, errors) = ("\(root)/output/\(number).out", "\(root)/output/\(number).err")
    return Call(
      program: try ChildProgram(
        arguments, in: folder, environment: environment, output: output, errors: errors),
      outputPath: output, errorsPath: errors)
  }
}

private final class Counter: Sendable {
  private let lock = NSLock()
  private nonisolated(unsafe) var count = 0

  func next() -> Int {
    lock.withLock {
      count += 1
      return count
    }
  }
}

/// Each test runs several processes: a few tests at a time, so that a small machine keeps their times.
struct FewAtATime: TestTrait, SuiteTrait, TestScoping {
  private static let places = Places(3)

  var isRecursive: Bool { true }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    guard testCase != nil else { return try await function() }
    await FewAtATime.places.take()
    do { try await function() } catch {
      await FewAtATime.places.giveBack()
      throw error
    }
    await FewAtATime.places.giveBack()
  }

  private actor Places {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ count: Int) { free = count }

    func take() async {
      if free > 0 {
        free -= 1
      } else {
        await withCheckedContinuation { waiting.append($0) }
      }
    }

    func giveBack() {
      if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
  }
}

extension Trait where Self == FewAtATime {
  static var fewAtATime: FewAtATime { FewAtATime() }
}
