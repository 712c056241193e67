public import RotationPorts
internal import JSONText
internal import RotationModel
internal import Subprocesses

/// Hooks that are programs: each gets what it is told as variables, and what is told of many tokens as JSON on its
/// standard input as well.
public struct CommandHooks: Hooks {
  /// How one hook is run.
  public struct Command: Equatable, Sendable {
    public var arguments: [String]
    public var timeout: Duration

    public init(arguments: [String], timeout: Duration) {
      self.arguments = arguments
      self.timeout = timeout
    }
  }

  private let commands: [String: Command]
  private let directory: String
  private let environment: [String: String]
  private let executor: (any TaskExecutor)?

  /// How long a hook has to clean up when its time is over.
  private static let grace: Duration = .seconds(2)
  /// How much of what it wrote last is shown when it fails.
  private static let shownBytes = 2000

  /// - Parameters:
  ///   - commands: by the hook's name.
  ///   - directory: where hooks start.
  ///   - environment: of this process; little of it is handed on.
  ///   - executor: where the waiting is done.
  public init(
    commands: [String: Command], directory: String, environment: [String: String],
    executor: (any TaskExecutor)? = nil
  ) {
    self.commands = commands
    self.directory = directory
    self.environment = environment.filter { Subprocess.inheritedVariables.contains($0.key) }
    self.executor = executor
  }

  public func tell(_ hook: Hook, _ call: HookCall) async throws(HookError) {
    guard let command = commands[hook.name] else {
      throw HookError(message: "hook \(hook.name) is not known; this is a fault of tokenrotate")
    }
    let subprocess = Subprocess(
      command.arguments,
      environment: environment.merging(HookText.variables(hook, call)) { _, own in own },
      directory: directory, input: hook.scope == .run ? HookText.json(hook, call) : [],
      timeout: command.timeout, grace: CommandHooks.grace, output: .last(bytes: 2 * CommandHooks.shownBytes),
      errors: .withOutput)
    let program = command.arguments.first ?? hook.name
    let result: Subprocess.Result
    do throws(SubprocessError) {
      result = try await withTaskExecutorPreference(executor) { () async throws(SubprocessError) in
        try subprocess.run()
      }
    } catch {
      throw HookError(
        message: "hook \(hook.name): \(error.message)", hint: "put \(program) where the job says it is")
    }
    let failure: String
    switch result.ending {
    case .exited(0): return
    case .timedOut: failure = "did not end within \(DurationText.format(command.timeout))"
    case .exited, .signalled: failure = "failed (\(result.ending.words))"
    }
    throw HookError(
      message: "hook \(hook.name): \(program) \(failure)",
      output: HookText.shown(result.output, bytes: CommandHooks.shownBytes),
      hint: hook.occasion == .failed ? nil : "mend the hook: the next run tells it again",
      timedOut: result.ending == .timedOut)
  }
}
