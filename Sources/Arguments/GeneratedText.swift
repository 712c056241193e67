/// The texts for other programs that are made from the table, by the operand that asks for them.
public enum GeneratedText: String, Sendable, CaseIterable {
  case bash
  case zsh
  case fish
  case man
}

extension CommandTable {
  /// A completion script, or the manual page, which names the version.
  public func generate(_ text: GeneratedText, version: String) -> String {
    switch text {
    case .bash: bashCompletion()
    case .zsh: zshCompletion()
    case .fish: fishCompletion()
    case .man: manualPage(version: version)
    }
  }
}

extension CommandSpecification {
  static let completions = CommandSpecification(
    name: .completions,
    summary: "print what a shell completes by, or the manual page",
    details:
      "A script for bash goes into ~/.local/share/bash-completion/completions/tokenrotate, one for zsh into a file _tokenrotate in a folder of $fpath, one for fish into ~/.config/fish/completions/tokenrotate.fish. `make install` puts these and the manual page where all users have them.",
    operands: OperandSpecification(
      text: GeneratedText.allCases.map(\.rawValue).joined(separator: "|"), minimum: 1, maximum: 1,
      kinds: [.choice(GeneratedText.allCases.map(\.rawValue))]),
    options: [],
    exitStatuses: [
      ExitStatus(code: 0, meaning: "printed"), ExitStatus(code: 2, meaning: "bad usage"),
    ],
    examples: ["tokenrotate completions bash", "tokenrotate completions man"])
}
