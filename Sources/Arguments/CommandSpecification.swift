/// The commands of this version.
public enum CommandName: String, Sendable, CaseIterable {
  case run
  case plan
  case status
  case create
  case check
  case rotate
  case rollback
  case hold
  case release
  case retire
  case rename
  case move
  case adopt
  case `import`
  case tokenCreate = "token create"
  case tokenList = "token list"
  case tokenGet = "token get"
  case tokenUpdate = "token update"
  case tokenRevoke = "token revoke"
  case auditVerify = "audit verify"
  case auditRepair = "audit repair"
  case report
  case sandbox
  case completions
  /// `help`, or `--help` anywhere: see `Invocation.helpTopic`.
  case help
  case version

  /// The one or two words by which it is called.
  public var words: [String] { rawValue.split(separator: " ").map { String($0) } }
}

/// What stands after a command and is no option.
public struct OperandSpecification: Equatable, Sendable {
  /// As help shows it.
  public let text: String
  public let minimum: Int
  /// nil: as many as there are.
  public let maximum: Int?
  /// What each of them is, in order; the last stands for all that follow.
  public let kinds: [OptionValue]

  static let none = OperandSpecification(text: "", minimum: 0, maximum: 0, kinds: [])
}

/// A process exit code and what it means for a command.
public struct ExitStatus: Equatable, Sendable {
  public let code: Int
  public let meaning: String
}

/// One command of the table.
public struct CommandSpecification: Equatable, Sendable {
  public let name: CommandName
  /// One line, for the list of commands.
  public let summary: String
  /// A few sentences more, for its own help.
  public let details: String
  public let operands: OperandSpecification
  /// Without those that every command has.
  public let options: [OptionSpecification]
  public let exitStatuses: [ExitStatus]
  /// Command lines to copy.
  public let examples: [String]

  func option(_ name: OptionName) -> OptionSpecification? {
    options.first { $0.name == name }
  }
}
