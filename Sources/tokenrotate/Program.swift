import Arguments
import FileSystem
import Glibc
import JobFiles
import Reporting
import RotationModel
import RotationPorts

/// The command line: reads it, sets the process up, hands over to one command and exits with its code.
@main
struct Program {
  static func main() async {
    let program = Program()
    let code = await program.run(Array(CommandLine.arguments.dropFirst()))
    exit(program.isOutputLost ? ExitCode.worst([code, .failed]).rawValue : code.rawValue)
  }

  private let output = FileDescriptorSink.standardOutput
  private let errors = FileDescriptorSink.standardError

  /// Whether what was to be printed is lost; a reader that closed its pipe wanted no more.
  private var isOutputLost: Bool {
    guard let number = output.errorNumber, !output.isBrokenPipe else { return false }
    errors.write("tokenrotate: the results could not be written: \(String(cString: strerror(number)))\n")
    return true
  }

  private func run(_ arguments: [String]) async -> ExitCode {
    occupyStandardDescriptors()
    secureProcess()
    let invocation: Invocation
    switch CommandTable.tokenrotate.parse(arguments) {
    case .success(let parsed): invocation = parsed
    case .failure(let error):
      errors.write(
        "tokenrotate: \(VisibleText.line(error.message))\n  hint: \(VisibleText.line(error.hint))\n")
      return .badInput
    }
    if let text = text(askedForBy: invocation) {
      output.write(text)
      return .done
    }
    do {
      let context = try CommandContext(invocation, output: output, errors: errors)
      return await dispatch(context)
    } catch {
      tell(Problem(any: error))
      return .failed
    }
  }

  /// What some commands print and are done; nil for those that do something.
  private func text(askedForBy invocation: Invocation) -> String? {
    let table = CommandTable.tokenrotate
    switch invocation.command {
    case .help: return table.help(invocation.helpTopic)
    case .version: return "tokenrotate \(Version.text)\n"
    case .completions:
      return invocation.operands.first.flatMap { GeneratedText(rawValue: $0) }
        .map { table.generate($0, version: Version.text) }
    case .run, .plan, .status, .create, .check, .rotate, .rollback, .hold, .release, .retire, .rename, .move,
      .adopt, .import, .tokenCreate, .tokenList, .tokenGet, .tokenUpdate, .tokenRevoke, .auditVerify,
      .auditRepair,
      .report, .sandbox:
      return nil
    }
  }

  private func dispatch(_ context: CommandContext) async -> ExitCode {
    switch context.invocation.command {
    case .run:
      context.options.flag(.dryRun)
        ? await PlanCommand(context: context).run() : await RunCommand(context: context).run()
    case .plan: await PlanCommand(context: context).run()
    case .status: await StatusCommand(context: context).run()
    case .create: await CreateCommand(context: context).run()
    case .check: await CheckCommand(context: context).run()
    case .rotate, .rollback, .hold, .release, .retire, .rename: await WishCommand(context: context).run()
    case .move: await MoveCommand(context: context).run()
    case .adopt: await AdoptCommand(context: context).run()
    case .import: await ImportCommand(context: context).run()
    case .tokenCreate: await TokenCreateCommand(context: context).run()
    case .tokenList: await TokenReadCommand(context: context).list()
    case .tokenGet: await TokenReadCommand(context: context).get()
    case .tokenUpdate: await TokenChangeCommand(context: context).update()
    case .tokenRevoke: await TokenChangeCommand(context: context).revoke()
    case .auditVerify: await AuditCommand(context: context).verify()
    case .auditRepair: await AuditCommand(context: context).repair()
    case .report: await ReportCommand(context: context).run()
    case .sandbox: await SandboxCommand(context: context).run()
    case .completions, .help, .version: .done
    }
  }

  private func tell(_ problem: Problem) {
    errors.write("tokenrotate: \(VisibleText.line(problem.message))\n")
    if let hint = problem.hint { errors.write("  hint: \(VisibleText.line(hint))\n") }
  }

  /// Whoever starts the program may have closed some of the first three descriptors. The next file that is opened
  /// would take their number, and what is printed would go into it: they get one that nothing can be written to.
  private func occupyStandardDescriptors() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
      _ = open("/dev/null", O_RDONLY)
    }
  }

  /// A process that holds a master key leaves no core dump, makes no file that others can read, and is
  /// told of a closed pipe by an error instead of a signal.
  private func secureProcess() {
    var limit = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
    Program.forbidDumps()
    umask(0o077)
    signal(SIGPIPE, SIG_IGN)
    // libcurl would write the keys of TLS sessions to the file that this names.
    unsetenv("SSLKEYLOGFILE")
  }
}

extension Program {
  private typealias ProcessControl = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32

  /// The limit above does not hold for a dump that is piped to a program (core(5)); nor does it keep other processes of
  /// the same user from tracing this one (PR_SET_DUMPABLE in prctl(2)). Swift's view of the C library leaves the call
  /// out, because it is variadic; on Linux's 64-bit platforms that makes no difference to how it is called.
  private static func forbidDumps() {
    let setDumpable: Int32 = 4
    guard let control = dlopen(nil, RTLD_NOW).flatMap({ dlsym($0, "prctl") }) else { return }
    _ = unsafeBitCast(control, to: ProcessControl.self)(setDumpable, 0, 0, 0, 0)
  }
}

extension CommandName {
  /// Whether a first signal is a wish; the others end at once, which changes nothing.
  fileprivate var stopsAtSafePoints: Bool {
    switch self {
    case .run, .plan, .status, .create, .rotate, .rollback, .hold, .release, .retire, .rename, .move, .adopt,
      .tokenCreate, .auditRepair, .report, .sandbox:
      true
    case .check, .import, .tokenList, .tokenGet, .tokenUpdate, .tokenRevoke, .auditVerify, .completions,
      .help,
      .version:
      false
    }
  }
}

/// What every command needs: the invocation and the process around it.
struct CommandContext {
  let invocation: Invocation
  let environment = ProcessEnvironment()
  let interruption = SignalInterruption()
  let clock = SystemClock()
  let output: FileDescriptorSink
  let errors: FileDescriptorSink
  let threads: BlockingThreads
  let files = POSIXFileSystem()

  init(
    _ invocation: Invocation, output: FileDescriptorSink, errors: FileDescriptorSink
  ) throws {
    self.invocation = invocation
    self.output = output
    self.errors = errors
    if invocation.command.stopsAtSafePoints { interruption.install() }
    threads = try BlockingThreads(count: 8)
  }

  var options: GivenOptions { invocation.options }

  var state: StateDirectory {
    StateDirectory(given: options.value(.state), environment: environment, files: files)
  }

  var wiring: Wiring {
    Wiring(
      environment: environment, state: state, files: files, threads: threads,
      profilePath: options.value(.config).map(environment.absolute)
        ?? environment.home + "/.config/influxctl/config.toml",
      profileName: options.value(.profile))
  }

  var style: ReportStyle {
    var style = ReportStyle()
    style.format = options.value(.format).flatMap { ReportFormat(rawValue: $0) } ?? .table
    style.isQuiet = options.flag(.quiet)
    style.isVerbose = options.flag(.verbose)
    style.output = display(output)
    style.errors = display(errors)
    style.wantsColour = ReportStyle.wantsColour(environment.variables)
    style.canRedraw = ReportStyle.canRedraw(environment.variables)
    return style
  }

  private func display(_ sink: FileDescriptorSink) -> Display {
    var display = Display()
    display.isTerminal = sink.isTerminal
    display.columns = { sink.columns }
    return display
  }

  /// The settings for all jobs: the file named, else the first that exists.
  var defaultsPath: String? {
    if let given = options.value(.defaults) { return environment.absolute(given) }
    let variables = environment.variables
    let personal =
      variables["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? environment.home + "/.config"
    return ["\(personal)/tokenrotate/defaults.toml", "/etc/tokenrotate/defaults.toml"].first {
      access($0, F_OK) == 0
    }
  }

  func runReporter() -> RunReporter {
    RunReporter(
      style: style, output: output, errors: errors, clock: clock, spoolDirectory: spoolDirectory)
  }

  func planReporter() -> PlanReporter {
    PlanReporter(
      style: style, output: output, errors: errors, clock: clock, spoolDirectory: spoolDirectory)
  }

  func statusReporter() -> StatusReporter {
    StatusReporter(
      style: style, output: output, errors: errors, clock: clock, spoolDirectory: spoolDirectory)
  }

  var spoolDirectory: String {
    environment.variables["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
  }

  /// Opens the job's CSV, or with `isOneOff` another one for the job's cluster and stores, whose tokens are
  /// made once and not rotated. With `refusingPast` each `expires_at` must be later than now; else anything
  /// goes, because rows of tokens that exist already may well have expired.
  func specification(
    of job: Job, path: String? = nil, isOneOff: Bool = false, refusingPast: Bool = false
  ) throws -> SpecificationFile {
    let rotation = isOneOff ? nil : job.rotation
    return SpecificationFile(
      reader: try SpecificationReader(
        path: path ?? job.specificationPath, shownAs: path ?? job.specificationShownAs,
        policy: job.policy,
        rotation: rotation.map { RotationBounds($0, activationTimeout: job.activation.timeout) },
        now: earliestExpiry(refusingPast: refusingPast)),
      job: job.name, isOneOff: isOneOff, expiresIn: rotation?.expiresIn)
  }

  /// Everything that is wrong with a job whose file is: its CSV's errors too, as far as it is known.
  func problem(of failure: JobSet.Failure, refusingPast: Bool = false) -> Problem {
    Problem(failure.errorsOfBothFiles(now: earliestExpiry(refusingPast: refusingPast)))
  }

  private func earliestExpiry(refusingPast: Bool) -> Instant {
    refusingPast ? clock.now : Instant(milliseconds: .min / 2)
  }
}
