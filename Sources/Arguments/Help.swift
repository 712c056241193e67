extension CommandTable {
  /// The text of `--help`, at most 80 columns wide, with a newline at its end.
  public func help(_ topic: HelpTopic) -> String {
    switch topic {
    case .general: return overview(commands, title: "\(program) \(summary).")
    case .group(let word):
      return overview(
        commands.filter { $0.name.words[0] == word }, title: "The commands that begin with \(word).")
    case .command(let name):
      // `help` and `version` have nothing to say that the overview does not.
      return command(name).map { details(of: $0) } ?? help(.general)
    }
  }

  /// `tokenrotate create [OPTION...] --job JOB.toml SPEC.csv`
  func usage(of command: CommandSpecification) -> String {
    let required = command.options.filter(\.isRequired).map(\.form)
    let words = [program, command.name.rawValue, "[OPTION...]"] + required + [command.operands.text]
    return words.filter { !$0.isEmpty }.joined(separator: " ")
  }

  private func overview(_ commands: [CommandSpecification], title: String) -> String {
    var page = HelpPage()
    page.paragraph(title)
    page.heading("Usage: \(program) COMMAND [OPTION...] [OPERAND...]")
    page.heading("Commands:")
    page.entries(commands.map { ($0.name.rawValue, $0.summary) }, indent: 2, column: 17)
    page.heading("Options of every command:")
    page.options(commonOptions)
    page.heading("`\(program) help COMMAND` shows a command's options, exit codes and examples.")
    page.heading("Documentation: \(documentation)")
    return page.text
  }

  private func details(of command: CommandSpecification) -> String {
    var page = HelpPage()
    page.paragraph("\(program) \(command.name.rawValue): \(command.summary)")
    page.heading("Usage: \(usage(of: command))")
    page.heading(command.details)
    if !command.options.isEmpty {
      page.heading("Options:")
      page.options(command.options)
    }
    page.heading("Options of every command:")
    page.options(commonOptions)
    page.heading("Exit codes:")
    page.entries(command.exitStatuses.map { (padded($0.code), $0.meaning) }, indent: 2, column: 7)
    page.heading(command.examples.count == 1 ? "Example:" : "Examples:")
    for example in command.examples { page.paragraph(example, indent: 2) }
    page.heading("Documentation: \(documentation)")
    return page.text
  }

  private func padded(_ code: Int) -> String {
    let digits = String(code)
    return String(repeating: " ", count: max(0, 3 - digits.count)) + digits
  }
}

extension OptionSpecification {
  /// `--state DIR`
  var form: String {
    value.placeholder.map { "\(name.text) \($0)" } ?? name.text
  }

  /// `-q, --quiet`, aligned with those that have no short form.
  fileprivate var alignedForm: String {
    (short.map { "-\($0), " } ?? "    ") + form
  }
}

/// Lays text out in 80 columns.
private struct HelpPage {
  private static let columns = 80
  private(set) var text = ""

  /// A paragraph after an empty line.
  mutating func heading(_ content: String) {
    text += "\n"
    paragraph(content)
  }

  mutating func paragraph(_ content: String, indent: Int = 0) {
    text += HelpPage.wrap(content, from: 0, indent: indent)
  }

  mutating func options(_ options: [OptionSpecification]) {
    entries(options.map { ($0.alignedForm, $0.summary) }, indent: 2, column: 28)
  }

  /// Terms on the left, what they mean from `column` on; a term that is too long has a line of its own.
  mutating func entries(_ entries: [(term: String, meaning: String)], indent: Int, column: Int) {
    for (term, meaning) in entries {
      let left = String(repeating: " ", count: indent) + term
      text += left
      if left.count + 2 > column {
        text += "\n"
        text += HelpPage.wrap(meaning, from: 0, indent: column)
      } else {
        text += HelpPage.wrap(meaning, from: left.count, indent: column)
      }
    }
  }

  /// The words of `content` in lines that begin at column `indent`; the cursor stands at `start`.
  private static func wrap(_ content: String, from start: Int, indent: Int) -> String {
    var wrapped = String(repeating: " ", count: max(0, indent - start))
    var column = indent
    for word in content.split(separator: " ") {
      if column > indent, column + 1 + word.count > columns {
        wrapped += "\n" + String(repeating: " ", count: indent)
        column = indent
      }
      if column > indent {
        wrapped += " "
        column += 1
      }
      wrapped += word
      column += word.count
    }
    return wrapped + "\n"
  }
}
