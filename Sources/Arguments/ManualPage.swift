extension CommandTable {
  /// The page for section 1, in the macros of man(7), which every formatter knows.
  func manualPage(version: String) -> String {
    var page = Roff(title: program, version: version)
    page.section("NAME")
    page.text("\(program) - \(summary)")
    page.section("SYNOPSIS")
    page.literal("\(program) COMMAND [OPTION...] [OPERAND...]")
    page.section("DESCRIPTION")
    for paragraph in ManualText.description { page.paragraph(paragraph) }
    page.section("COMMANDS")
    for command in commands { describe(command, on: &page) }
    page.section("OPTIONS")
    page.text("Every command takes these, and they may stand before it too.")
    for option in commonOptions { page.entry(option.everyForm, option.summary) }
    page.section("EXIT STATUS")
    for code in Set(commands.flatMap { $0.exitStatuses.map(\.code) }).sorted() {
      page.entry(String(code), meanings(of: code))
    }
    page.paragraph(ManualText.severalCodes)
    page.section("FILES")
    for file in ManualText.files { page.entry(file.name, file.meaning) }
    page.section("ENVIRONMENT")
    for variable in ManualText.environment { page.entry(variable.name, variable.meaning) }
    page.section("EXAMPLES")
    page.examples(commands.flatMap(\.examples))
    page.section("SEE ALSO")
    page.text(ManualText.seeAlso)
    page.paragraph("Documentation: \(documentation).")
    return page.source
  }

  private func describe(_ command: CommandSpecification, on page: inout Roff) {
    page.subsection(usage(of: command))
    page.text("\(command.summary.firstUppercased). \(command.details)")
    for option in command.options { page.entry(option.everyForm, option.summary) }
  }

  /// What most commands mean by a code, then what others do, by name.
  private func meanings(of code: Int) -> String {
    var meanings: [(meaning: String, commands: [String])] = []
    for command in commands {
      for status in command.exitStatuses where status.code == code {
        if let index = meanings.firstIndex(where: { $0.meaning == status.meaning }) {
          meanings[index].commands.append(command.name.rawValue)
        } else {
          meanings.append((status.meaning, [command.name.rawValue]))
        }
      }
    }
    let most = meanings.map(\.commands.count).max() ?? 0
    let general = meanings.firstIndex { $0.commands.count == most && most > 1 }
    let others = meanings.indices.filter { $0 != general }.map {
      "\(meanings[$0].commands.map { "`\($0)`" }.joined(separator: ", ")): \(meanings[$0].meaning)."
    }
    return ((general.map { ["\(meanings[$0].meaning)."] } ?? []) + others).joined(separator: " ")
  }
}

extension OptionSpecification {
  /// `-q, --quiet`, `--state DIR`
  fileprivate var everyForm: String { forms.dropLast().map { "\($0), " }.joined() + form }
}

extension String {
  fileprivate var firstUppercased: String { prefix(1).uppercased() + dropFirst() }
}

/// Writes a page. What is given is plain text, in which `these quotes` mark what is to be typed.
private struct Roff {
  private(set) var source: String

  init(title: String, version: String) {
    source = ".TH \(title.uppercased()) 1 \"\" \"\(Roff.escaped("\(title) \(version)"))\" \"User Commands\"\n"
    // Neither hyphens that cut paths in two nor stretched lines.
    source += ".nh\n.ad l\n"
  }

  mutating func section(_ title: String) { source += ".SH \(title)\n" }

  mutating func subsection(_ title: String) {
    // An argument in quotes: a quote within it would end it, and is a character of its own when escaped.
    source += ".SS \"\(Roff.escaped(title))\"\n"
  }

  mutating func text(_ content: String) { source += Roff.line(content) }

  mutating func paragraph(_ content: String) {
    // The first paragraph of a section has its space already.
    if !source.hasLastLine(beginningWith: ".S") { source += ".PP\n" }
    text(content)
  }

  mutating func literal(_ content: String) { source += "\\fB\(Roff.escaped(content))\\fR\n" }

  mutating func entry(_ term: String, _ meaning: String) {
    source += ".TP\n"
    literal(term)
    text(meaning)
  }

  mutating func examples(_ lines: [String]) {
    source += ".nf\n"
    for line in lines { literal(line) }
    source += ".fi\n"
  }

  private static func line(_ content: String) -> String {
    let parts = content.split(separator: "`", omittingEmptySubsequences: false)
    let text = parts.enumerated().map { index, part in
      index % 2 == 0 ? escaped(String(part)) : "\\fB\(escaped(String(part)))\\fR"
    }.joined()
    // A dot or an apostrophe that begins a line would be a request.
    return (text.hasPrefix(".") || text.hasPrefix("\\(aq") ? "\\&" : "") + text + "\n"
  }

  /// Formatters take some ASCII characters for others of print: a hyphen that cannot be copied into a shell, a
  /// curly quote, an accent.
  private static func escaped(_ text: String) -> String {
    text.map { character in
      switch character {
      case "\\": "\\e"
      case "-": "\\-"
      case "'": "\\(aq"
      case "\"": "\\(dq"
      case "`": "\\(ga"
      case "~": "\\(ti"
      case "^": "\\(ha"
      default: String(character)
      }
    }.joined()
  }
}

extension String {
  fileprivate func hasLastLine(beginningWith start: String) -> Bool {
    split(separator: "\n").last?.hasPrefix(start) ?? false
  }
}
