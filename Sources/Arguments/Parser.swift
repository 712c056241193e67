extension CommandTable {
  /// Understands a command line, the program's own name left out. Reads nothing but its arguments.
  ///
  /// Options may stand before and after operands as `--name value` or `--name=value`; those of every command
  /// also before the command word. After `--` everything is an operand.
  public func parse(_ arguments: [String]) -> Result<Invocation, UsageError> {
    var parser = Parser(table: self, rest: arguments[...])
    do {
      return .success(try parser.parse())
    } catch {
      return .failure(error)
    }
  }
}

private struct Parser {
  let table: CommandTable
  var rest: ArraySlice<String>
  var command: CommandName?
  /// The first word of a command that has two, before the second was seen.
  var group: String?
  var options = GivenOptions()
  var operands: [String] = []

  init(table: CommandTable, rest: ArraySlice<String>) {
    self.table = table
    self.rest = rest
  }

  mutating func parse() throws(UsageError) -> Invocation {
    while let argument = rest.popFirst() {
      if argument == "--" {
        for operand in rest { try takeWord(operand) }
        rest = []
      } else if argument.hasPrefix("--") {
        try takeLong(argument.dropFirst(2))
      } else if argument.hasPrefix("-"), argument != "-" {
        try takeShort(argument.dropFirst())
      } else {
        try takeWord(argument)
      }
    }
    return try finish()
  }

  // MARK: Words

  private mutating func takeWord(_ word: String) throws(UsageError) {
    guard !word.isEmpty else {
      throw UsageError(
        code: .badValue, message: "an argument is empty", hint: "is a variable not set that should be?")
    }
    if command != nil { return operands.append(word) }
    switch try table.resolve(group.map { [$0, word] } ?? [word]) {
    case .command(let name): command = name
    case .group(let word): group = word
    case .general: break
    }
  }

  // MARK: Options

  private mutating func takeLong(_ text: Substring) throws(UsageError) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    guard let option = option(called: name) else { throw table.unknownOption(name, command) }
    try take(option, value: parts.count > 1 ? String(parts[1]) : nil)
  }

  /// Before the command is known, an option of any command may be meant for it: influxctl takes its options for the
  /// cluster there. Whether the command has it is seen at the end.
  private func option(called name: String) -> OptionSpecification? {
    let known =
      command == nil ? table.commonOptions + table.commands.flatMap(\.options) : table.options(of: command)
    return known.first { $0.name.rawValue == name }
  }

  private mutating func takeShort(_ text: Substring) throws(UsageError) {
    let known = table.options(of: command)
    if text.count == 1, let option = known.first(where: { $0.short == text.first }) {
      return try take(option, value: nil)
    }
    let isCombined = text.count > 1 && text.allSatisfy { letter in known.contains { $0.short == letter } }
    let long = known.first { $0.name.rawValue == text.prefix { $0 != "=" } }
    let hint =
      isCombined
      ? "write each by itself: \(text.map { "-\($0)" }.joined(separator: " "))"
      : long.map { "did you mean \($0.name.text)?" } ?? table.seeHelp(command)
    throw UsageError(code: .unknownOption, message: "there is no option -\(text.prefix(60))", hint: hint)
  }

  private mutating func take(_ option: OptionSpecification, value inline: String?) throws(UsageError) {
    let name = option.name.text
    guard let placeholder = option.value.placeholder else {
      guard inline == nil else {
        throw UsageError(
          code: .unwantedValue, message: "\(name) takes no value", hint: "write \(name) alone")
      }
      return options.add(option.name, "")
    }
    let value: String
    if let inline { value = inline } else { value = try nextValue(of: name, placeholder) }
    guard !value.isEmpty else {
      throw UsageError(
        code: .badValue, message: "the value of \(name) is empty",
        hint: "is a variable not set that should be?")
    }
    if let complaint = option.value.complaint(about: value) {
      throw UsageError(
        code: .badValue, message: "\(name) cannot be '\(value.prefix(60))'", hint: complaint)
    }
    options.add(option.name, value)
  }

  /// An option in the value's place was hardly meant as one.
  private mutating func nextValue(of name: String, _ placeholder: String) throws(UsageError) -> String {
    guard let next = rest.first else {
      throw UsageError(
        code: .missingValue, message: "\(name) needs a value", hint: "write \(name) \(placeholder)")
    }
    let isOption =
      next == "--" || table.options(of: command).contains { $0.short.map { "-\($0)" } == next }
      || OptionName.allCases.contains { next == $0.text || next.hasPrefix("\($0.text)=") }
    guard !isOption else {
      throw UsageError(
        code: .missingValue, message: "\(name) needs a value, and \(next.prefix(60)) follows it",
        hint: "write \(name) \(placeholder); if that is the value, \(name)=\(next.prefix(60))")
    }
    rest.removeFirst()
    return next
  }

  // MARK: The end

  private func finish() throws(UsageError) -> Invocation {
    if command == .help || options.flag(.help) {
      let asked = command == .help ? operands : command?.words ?? group.map { [$0] } ?? []
      var invocation = Invocation(command: .help, options: options, operands: [])
      invocation.helpTopic = try table.resolve(asked)
      return invocation
    }
    if command == .version || options.flag(.version) {
      return Invocation(command: .version, options: options, operands: [])
    }
    guard let command, let specification = table.command(command) else { throw missingCommand }
    try check(specification)
    return Invocation(command: command, options: options, operands: operands)
  }

  private var missingCommand: UsageError {
    guard let group else {
      return UsageError(
        code: .missingCommand, message: "no command was given",
        hint: "`\(table.program) --help` lists them")
    }
    let words = table.secondWords(of: group).joined(separator: ", ")
    return UsageError(
      code: .missingCommand, message: "\(group) needs a second word", hint: "one of \(words)")
  }

  private func check(_ specification: CommandSpecification) throws(UsageError) {
    let name = specification.name.rawValue
    let usage = "usage: \(table.usage(of: specification))"
    if options.flag(.quiet), options.flag(.verbose) {
      throw UsageError(
        code: .conflict, message: "--quiet and --verbose exclude each other", hint: "leave one out")
    }
    let own = Set(table.options(of: specification.name).map(\.name))
    if let strange = options.names.first(where: { !own.contains($0) }) {
      throw table.unknownOption(strange.rawValue, specification.name)
    }
    if let missing = specification.options.first(where: { $0.isRequired && !options.flag($0.name) }) {
      throw UsageError(code: .missingOption, message: "\(name) needs \(missing.name.text)", hint: usage)
    }
    let wanted = specification.operands
    if operands.count < wanted.minimum {
      throw UsageError(
        code: .missingOperand, message: "\(name) needs \(wanted.text)", hint: usage)
    }
    if let maximum = wanted.maximum, operands.count > maximum {
      throw UsageError(
        code: .unwantedOperand, message: "\(name) has no use for '\(operands[maximum].prefix(60))'",
        hint: usage)
    }
    for (index, operand) in operands.enumerated() {
      guard let complaint = wanted.kind(at: index)?.complaint(about: operand) else { continue }
      throw UsageError(
        code: .badValue, message: "\(name) knows no '\(operand.prefix(60))'", hint: complaint)
    }
  }
}
