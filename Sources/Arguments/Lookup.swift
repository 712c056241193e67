extension CommandTable {
  /// What one or two words stand for; throws when nothing, or nothing yet.
  func resolve(_ words: [String]) throws(UsageError) -> HelpTopic {
    guard !words.isEmpty else { return .general }
    let text = words.joined(separator: " ")
    if let name = CommandName(rawValue: text) ?? aliases[text] { return .command(name) }
    if let later = laterCommands.first(where: { $0 == text || text.hasPrefix("\($0) ") }) {
      throw UsageError(
        code: .notSupportedYet, message: "\(later) is not supported by this version yet",
        hint: "`\(program) --help` lists what is")
    }
    if words.count == 1, !secondWords(of: text).isEmpty { return .group(text) }
    throw unknownCommand(words)
  }

  /// `verify` and `repair` for `audit`.
  func secondWords(of group: String) -> [String] {
    commands.map(\.name.words).filter { $0.count == 2 && $0[0] == group }.map { $0[1] }
  }

  private func unknownCommand(_ words: [String]) -> UsageError {
    let text = words.joined(separator: " ")
    let known = CommandName.allCases.map(\.rawValue) + laterCommands + commands.map { $0.name.words[0] }
    let suggestion = nearest(to: text, among: known)
    return UsageError(
      code: .unknownCommand, message: "there is no command '\(text.prefix(60))'",
      hint: suggestion.map { "did you mean `\($0)`?" } ?? "`\(program) --help` lists them")
  }

  /// Why `command` does not take `--name`.
  func unknownOption(_ name: String, _ command: CommandName?) -> UsageError {
    let owners = commands.filter { $0.options.contains { $0.name.rawValue == name } }.map(\.name.rawValue)
    if let command, !owners.isEmpty {
      let list = owners.joined(separator: ", ")
      return UsageError(
        code: .otherCommandsOption, message: "--\(name) belongs to \(list), not to \(command.rawValue)",
        hint: seeHelp(command))
    }
    let own = options(of: command).map(\.name.rawValue)
    return UsageError(
      code: .unknownOption, message: "there is no option --\(name.prefix(60))",
      hint: nearest(to: name, among: own).map { "did you mean --\($0)?" } ?? seeHelp(command))
  }

  func seeHelp(_ command: CommandName?) -> String {
    "see `\(program) \(command.map { "help \($0.rawValue)" } ?? "--help")`"
  }
}
