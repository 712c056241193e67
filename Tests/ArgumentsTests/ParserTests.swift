import Testing

@testable import Arguments

let table = CommandTable.tokenrotate

/// Words as a shell would split them, without quotes.
func parse(_ line: String) -> Result<Invocation, UsageError> {
  table.parse(line.split(separator: " ").map { String($0) })
}

@Suite struct ParserTests {
  @Test(arguments: [
    ("run jobs", CommandName.run, ["jobs"]),
    ("run a.toml b.toml", .run, ["a.toml", "b.toml"]),
    ("plan jobs --detailed-exitcode", .plan, ["jobs"]),
    ("create --job j.toml new.csv", .create, ["new.csv"]),
    ("create new.csv --job=j.toml", .create, ["new.csv"]),
    ("check -q a.toml", .check, ["a.toml"]),
    ("adopt a.toml", .adopt, ["a.toml"]),
    ("audit verify", .auditVerify, []),
    ("audit verify 1.jsonl 2.jsonl", .auditVerify, ["1.jsonl", "2.jsonl"]),
    ("audit --state d verify", .auditVerify, []),
    ("--state d audit repair", .auditRepair, []),
    ("sandbox --listen 0", .sandbox, []),
    ("token create --read-database a --read-database * Lab", .tokenCreate, ["Lab"]),
    ("--account 5 --timeout 1m0s token list", .tokenList, []),
    ("token delete --force 1 2", .tokenRevoke, ["1", "2"]),
    ("completions zsh", .completions, ["zsh"]),
    ("run -- --odd -q", .run, ["--odd", "-q"]),
    ("run -", .run, ["-"]),
    ("--version", .version, []),
    ("run --version", .version, []),
    ("version", .version, []),
  ])
  func commandsAndOperands(line: String, command: CommandName, operands: [String]) throws {
    let invocation = try parse(line).get()
    #expect(invocation.command == command)
    #expect(invocation.operands == operands)
  }

  @Test(arguments: [
    "run --state dir --only a jobs --only=b --wait-for-lock 5m -v",
    "--state dir -v run --only a --only b jobs --wait-for-lock=5m",
    "--state=old run -v jobs --state=dir --only=a --only b --wait-for-lock 1s --wait-for-lock 5m",
  ])
  func optionsStandAnywhere(line: String) throws {
    let invocation = try parse(line).get()
    #expect(invocation.operands == ["jobs"])
    #expect(invocation.options.value(.state) == "dir")
    #expect(invocation.options.values(.only) == ["a", "b"])
    #expect(invocation.options.duration(.waitForLock) == .seconds(300))
    #expect(invocation.options.flag(.verbose))
    #expect(!invocation.options.flag(.quiet))
    #expect(invocation.options.value(.defaults) == nil)
  }

  /// As Go writes durations, and influxctl its default.
  @Test(arguments: [
    ("1m0s", Duration.seconds(60)), ("1h30m", .seconds(5400)), ("90s", .seconds(90)),
    ("2h0m1s", .seconds(7201)),
  ])
  func durations(text: String, duration: Duration) throws {
    #expect(try parse("token list --timeout \(text)").get().options.duration(.timeout) == duration)
  }

  @Test(arguments: ["1s1m", "1m1m", "1m0", "m", "1m-1s"])
  func whatIsNoDuration(text: String) {
    #expect(throws: UsageError.self) { try parse("token list --timeout \(text)").get() }
  }

  @Test func valuesOfTheSandbox() throws {
    let options = try parse(
      "sandbox --nodes 5 --seed 18446744073709551615 --activation-delay 200ms --database a --database b --fault create:answer-lost:p=0.1 --node-assignment round-robin"
    ).get().options
    #expect(options.integer(.nodes) == 5)
    #expect(options.integer(.seed) == .max)
    #expect(options.duration(.activationDelay) == .milliseconds(200))
    #expect(options.values(.database) == ["a", "b"])
    #expect(options.value(.fault) == "create:answer-lost:p=0.1")
    #expect(options.value(.nodeAssignment) == "round-robin")
  }

  @Test(arguments: [
    ("", UsageError.Code.missingCommand, "no command was given", "`tokenrotate --help` lists them"),
    ("-q", .missingCommand, "no command was given", "`tokenrotate --help` lists them"),
    ("audit", .missingCommand, "audit needs a second word", "one of verify, repair"),
    ("rnu jobs", .unknownCommand, "there is no command 'rnu'", "did you mean `run`?"),
    ("audit verfiy", .unknownCommand, "there is no command 'audit verfiy'", "did you mean `audit verify`?"),
    ("adit", .unknownCommand, "there is no command 'adit'", "did you mean `audit`?"),
    ("xyzzy", .unknownCommand, "there is no command 'xyzzy'", "`tokenrotate --help` lists them"),
    ("run jobs --onyl a", .unknownOption, "there is no option --onyl", "did you mean --only?"),
    ("--stat d run jobs", .unknownOption, "there is no option --stat", "did you mean --state?"),
    ("run jobs --xyzzy", .unknownOption, "there is no option --xyzzy", "see `tokenrotate help run`"),
    ("run -x jobs", .unknownOption, "there is no option -x", "see `tokenrotate help run`"),
    ("run -qv jobs", .unknownOption, "there is no option -qv", "write each by itself: -q -v"),
    ("run -state d jobs", .unknownOption, "there is no option -state", "did you mean --state?"),
    (
      "run jobs --detailed-exitcode", .otherCommandsOption,
      "--detailed-exitcode belongs to plan, not to run", "see `tokenrotate help run`"
    ),
    (
      "adopt j.toml --wait-for-lock 5m", .otherCommandsOption,
      "--wait-for-lock belongs to run, token create, token update, token revoke, not to adopt",
      "see `tokenrotate help adopt`"
    ),
    (
      "--only a adopt j.toml", .otherCommandsOption, "--only belongs to run, not to adopt",
      "see `tokenrotate help adopt`"
    ),
    ("run jobs --state", .missingValue, "--state needs a value", "write --state DIR"),
    (
      "run jobs --state --quiet", .missingValue, "--state needs a value, and --quiet follows it",
      "write --state DIR; if that is the value, --state=--quiet"
    ),
    ("run --quiet=yes jobs", .unwantedValue, "--quiet takes no value", "write --quiet alone"),
    (
      "run --state= jobs", .badValue, "the value of --state is empty",
      "is a variable not set that should be?"
    ),
    ("run --format xml jobs", .badValue, "--format cannot be 'xml'", "write table or json"),
    (
      "run --wait-for-lock 5 jobs", .badValue, "--wait-for-lock cannot be '5'",
      "write a whole number and a unit, such as 500ms, 90s, 10m, 24h, 30d or 2w"
    ),
    ("sandbox --nodes 65", .badValue, "--nodes cannot be '65'", "write a whole number from 1 to 64"),
    ("sandbox --nodes +5", .badValue, "--nodes cannot be '+5'", "write a whole number from 1 to 64"),
    ("run -q -v jobs", .conflict, "--quiet and --verbose exclude each other", "leave one out"),
    (
      "create a.csv", .missingOption, "create needs --job",
      "usage: tokenrotate create [OPTION...] --job JOB.toml SPEC.csv"
    ),
    (
      "run", .missingOperand, "run needs JOB.toml...|DIR",
      "usage: tokenrotate run [OPTION...] JOB.toml...|DIR"
    ),
    (
      "adopt a b", .unwantedOperand, "adopt has no use for 'b'",
      "usage: tokenrotate adopt [OPTION...] JOB.toml"
    ),
    (
      "sandbox x", .unwantedOperand, "sandbox has no use for 'x'",
      "usage: tokenrotate sandbox [OPTION...]"
    ),
    (
      "completions tcsh", .badValue, "completions knows no 'tcsh'", "write bash or zsh or fish or man"
    ),
    (
      "help audit show", .notSupportedYet, "audit show is not supported by this version yet",
      "`tokenrotate --help` lists what is"
    ),
    ("help nosuch", .unknownCommand, "there is no command 'nosuch'", "`tokenrotate --help` lists them"),
  ])
  func errors(line: String, code: UsageError.Code, message: String, hint: String) {
    #expect(parse(line) == .failure(UsageError(code: code, message: message, hint: hint)))
  }

  @Test(arguments: [
    "audit show", "audit export",
  ])
  func whatIsPromisedForLaterIsRefusedAsSuch(line: String) {
    guard case .failure(let error) = parse(line) else {
      Issue.record("was accepted")
      return
    }
    #expect(error.code == .notSupportedYet)
    #expect(error.message.hasSuffix("is not supported by this version yet"))
  }

  @Test(arguments: [
    ("rotate j.toml a b --compromised", CommandName.rotate, ["j.toml", "a", "b"]),
    ("rollback j a", .rollback, ["j", "a"]),
    ("hold j a b", .hold, ["j", "a", "b"]), ("release j a", .release, ["j", "a"]),
    ("retire j a --now", .retire, ["j", "a"]), ("rename j a b", .rename, ["j", "a", "b"]),
    ("run jobs --force", .run, ["jobs"]), ("move j", .move, ["j"]),
  ])
  func wishesNameTheJobAndThenTokens(line: String, command: CommandName, operands: [String]) throws {
    let invocation = try parse(line).get()
    #expect(invocation.command == command && invocation.operands == operands)
    for option in [OptionName.compromised, .now, .force] {
      #expect(invocation.options.flag(option) == line.contains(option.text))
    }
  }

  @Test(arguments: [
    ("rotate j", UsageError.Code.missingOperand), ("rollback j a b", .unwantedOperand),
    ("rename j a", .missingOperand),
    ("rename j a b c", .unwantedOperand), ("hold j a --now", .otherCommandsOption),
    ("retire j a --compromised", .otherCommandsOption),
  ])
  func wishesThatSayTooLittleOrTooMuchAreRefused(line: String, code: UsageError.Code) {
    guard case .failure(let error) = parse(line) else {
      Issue.record("was accepted")
      return
    }
    #expect(error.code == code)
  }

  @Test func emptyArgumentsAreNoOperands() {
    guard case .failure(let error) = table.parse(["run", ""]) else {
      Issue.record("was accepted")
      return
    }
    #expect(error.code == .badValue)
  }

  @Test(arguments: [
    ("--help", HelpTopic.general), ("-h", .general), ("help", .general), ("help --help", .general),
    ("run --help", .command(.run)), ("--help run", .command(.run)), ("create -h", .command(.create)),
    ("help run", .command(.run)), ("help audit verify", .command(.auditVerify)),
    ("audit verify --help", .command(.auditVerify)), ("help audit", .group("audit")),
    ("audit --help", .group("audit")), ("run --help --version", .command(.run)),
  ])
  func helpAsksForNothingElse(line: String, topic: HelpTopic) throws {
    let invocation = try parse(line).get()
    #expect(invocation.command == .help)
    #expect(invocation.helpTopic == topic)
  }

  @Test(arguments: [
    ("0s", Duration.zero), ("90s", .seconds(90)), ("10m", .seconds(600)), ("24h", .seconds(86_400)),
    ("30d", .seconds(2_592_000)), ("2w", .seconds(1_209_600)), ("200ms", .milliseconds(200)),
    ("", nil), ("s", nil), ("5", nil), ("-5s", nil), ("5 s", nil), ("1.5s", nil), ("5S", nil),
    ("99999999999w", nil), ("9999999999999999s", nil),
  ])
  func durations(text: String, duration: Duration?) {
    #expect(DurationArgument.parse(text) == duration)
  }
}
