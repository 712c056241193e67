import Testing

@testable import Arguments

@Suite struct GeneratedTextTests {
  /// The scripts skip the value of an option before they know the command, and complete it by its name alone.
  @Test func anOptionTakesTheSameWhereverItStands() {
    var values: [OptionName: OptionValue] = [:]
    for option in table.commonOptions + table.commands.flatMap(\.options) {
      #expect(values[option.name] ?? option.value == option.value, "\(option.name.text)")
      values[option.name] = option.value
    }
  }

  /// A shell has to know what each operand is that can stand.
  @Test func everyOperandHasAKind() {
    for command in table.commands {
      let operands = command.operands
      #expect(operands.kinds.isEmpty == operands.text.isEmpty)
      #expect(
        operands.maximum.map { operands.kinds.count == $0 } ?? (operands.kinds.count <= operands.minimum + 1))
    }
  }

  @Test func whatShellsOfferForAValue() {
    #expect(OptionValue.flag.candidates == .none)
    #expect(OptionValue.text("NAME").candidates == .none)
    #expect(OptionValue.duration("DURATION").candidates == .none)
    #expect(OptionValue.integer("N", 1...2).candidates == .none)
    #expect(OptionValue.choice(["a", "b"]).candidates == .words(["a", "b"]))
    #expect(OptionValue.file("FILE").candidates == .files(ending: nil))
    #expect(OptionValue.file("JOB.toml").candidates == .files(ending: ".toml"))
    #expect(OptionValue.directory("DIR").candidates == .folders)
  }

  @Test func whatStandsAtAPlace() {
    let operands = OperandSpecification(
      text: "A B...", minimum: 2, maximum: nil, kinds: [.file("A"), .text("B")])
    #expect((0...3).map { operands.kind(at: $0) } == [.file("A"), .text("B"), .text("B"), .text("B")])
    #expect(OperandSpecification.none.kind(at: 0) == nil)
  }

  @Test(arguments: GeneratedText.allCases)
  func itIsPlainTextThatEndsWithANewline(text: GeneratedText) {
    let generated = table.generate(text, version: "1.2.3")
    #expect(generated.hasSuffix("\n") && !generated.hasSuffix("\n\n"))
    #expect(generated.unicodeScalars.allSatisfy { $0 == "\n" || (" "..."~").contains($0) })
    #expect(!generated.split(separator: "\n").contains { $0.last == " " })
  }

  /// What a formatter would take for something else is written as the character that is meant.
  @Test func theManualPageIsEscaped() throws {
    let sample = CommandTable(
      program: "sample", summary: "says .so, 'so' and \"so\"",
      commands: [
        CommandSpecification(
          name: .run, summary: "'quoted' first", details: "Uses `a -b` at ~/x\\y^z.", operands: .none,
          options: [OptionSpecification(.only, .text("\"N\""), short: "o", ".dotted")],
          exitStatuses: [.done], examples: [".sample --only 'n'"])
      ], commonOptions: [], laterCommands: [], documentation: "here")
    let page = sample.manualPage(version: "1.2-3")
    let lines = page.split(separator: "\n").map { String($0) }
    #expect(lines[0] == #".TH SAMPLE 1 "" "sample 1.2\-3" "User Commands""#)
    for line in [
      #"sample \- says .so, \(aqso\(aq and \(dqso\(dq"#, #".SS "sample run [OPTION...]""#,
      #"\&\(aqquoted\(aq first. Uses \fBa \-b\fR at \(ti/x\ey\(haz."#, #"\fB\-o, \-\-only \(dqN\(dq\fR"#,
      #"\&.dotted"#, #"\fB.sample \-\-only \(aqn\(aq\fR"#,
    ] {
      #expect(lines.contains(line), "\(line)")
    }
  }
}
