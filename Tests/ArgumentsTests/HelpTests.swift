import Testing

@testable import Arguments

@Suite struct HelpTests {
  static let topics: [HelpTopic] =
    [.general, .group("audit")] + table.commands.map { .command($0.name) }

  @Test(arguments: topics)
  func fitsEightyColumnsAndEndsWithTheDocumentation(topic: HelpTopic) {
    let lines = table.help(topic).split(separator: "\n", omittingEmptySubsequences: false)
    for line in lines {
      #expect(line.count <= 80, "\(line)")
      #expect(line.last != " ", "\(line)")
      #expect(line.unicodeScalars.allSatisfy { (" "..."~").contains($0) })
    }
    #expect(table.help(topic).hasSuffix("\nDocumentation: \(table.documentation)\n"))
  }

  /// Every option that a help mentions at the beginning of a line is accepted by that command.
  @Test(arguments: table.commands.map(\.name))
  func everyOptionShownIsParsed(command: CommandName) throws {
    let specification = try #require(table.command(command))
    let help = table.help(.command(command))
    let shown = help.split(separator: "\n").compactMap { line -> OptionName? in
      let words = line.split(separator: " ").filter { $0 != "-q," && $0 != "-v," && $0 != "-h," }
      guard line.hasPrefix("  "), let word = words.first, word.hasPrefix("--") else { return nil }
      return OptionName(rawValue: String(word.dropFirst(2)))
    }
    let supported = table.options(of: command)
    #expect(Set(shown) == Set(supported.map(\.name)))
    let operands = (0..<specification.operands.minimum).map { index -> String in
      guard case .choice(let words) = specification.operands.kind(at: index) else { return "x" }
      return words[0]
    }
    let required = supported.filter(\.isRequired).flatMap { [$0.name.text, "x"] }
    for option in supported {
      for form in forms(of: option) {
        let line = command.words + form + operands + (option.isRequired ? [] : required)
        let invocation = try table.parse(line).get()
        #expect(invocation.options.flag(option.name))
        #expect(
          invocation.command == (option.name == .help ? .help : option.name == .version ? .version : command))
      }
    }
  }

  private func forms(of option: OptionSpecification) -> [[String]] {
    let value: String
    switch option.value {
    case .flag: return [[option.name.text]] + (option.short.map { [["-\($0)"]] } ?? [])
    case .text, .file, .directory: value = "x"
    case .choice(let words): value = words[0]
    case .integer(_, let range): value = String(range.upperBound)
    case .duration: value = "5m"
    }
    return [[option.name.text, value], ["\(option.name.text)=\(value)"]]
  }

  @Test func everyExampleIsParsed() throws {
    for command in table.commands {
      #expect(!command.examples.isEmpty)
      for example in command.examples {
        let words = example.split(separator: " ").map { String($0) }
        #expect(words[0] == table.program)
        #expect(try table.parse(Array(words.dropFirst())).get().command == command.name)
      }
    }
  }

  @Test func theTableIsConsistent() {
    let helpless: [CommandName] = [.help, .version]
    #expect(table.commands.map(\.name) + helpless == CommandName.allCases)
    for command in CommandName.allCases {
      let names = table.options(of: command).map(\.name)
      #expect(Set(names).count == names.count)
    }
    let used = Set(table.commands.flatMap(\.options).map(\.name) + table.commonOptions.map(\.name))
    #expect(used == Set(OptionName.allCases))
    for command in table.commands {
      #expect(command.exitStatuses.map(\.code) == command.exitStatuses.map(\.code).sorted())
    }
  }

  @Test func theHelpOfACommand() {
    #expect(
      table.help(.command(.auditVerify)) == """
        tokenrotate audit verify: check the chain of an audit log, offline

        Usage: tokenrotate audit verify [OPTION...] [FILE...]

        Checks the state directory's log, that of a job, or the files given.

        Options:
              --job JOB.toml        check the log of this job

        Options of every command:
              --defaults FILE       settings for all jobs (else
                                    $XDG_CONFIG_HOME/tokenrotate/defaults.toml, then
                                    /etc/tokenrotate/defaults.toml)
              --state DIR           ledger, audit log and default store (else
                                    $STATE_DIRECTORY, /var/lib/tokenrotate for root,
                                    $XDG_STATE_HOME/tokenrotate)
              --format table|json   the form of results (else table)
          -q, --quiet               say only what failed or needs a person
          -v, --verbose             say something of every token
              --config FILE         influxctl's configuration file
              --profile NAME        the profile in influxctl's file (else the job's)
          -h, --help                show help and do nothing else
              --version             show the version and do nothing else

        Exit codes:
            0  every chain is whole
            2  bad usage, or a wrong job file or CSV: that job was left alone
            7  a break was found

        Examples:
          tokenrotate audit verify
          tokenrotate audit verify audit.jsonl.1 audit.jsonl

        Documentation: /usr/share/doc/tokenrotate, or the docs folder of the source

        """)
  }
}
