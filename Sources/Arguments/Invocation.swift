/// A command line that was understood.
public struct Invocation: Equatable, Sendable {
  public var command: CommandName
  public var options: GivenOptions
  public var operands: [String]
  /// What `help` was asked about.
  public var helpTopic: HelpTopic = .general
}

public enum HelpTopic: Equatable, Sendable {
  case general
  /// The commands that begin with a word, such as `audit`.
  case group(String)
  case command(CommandName)
}

/// The options of an invocation, each allowed for its command and with a value of its kind.
public struct GivenOptions: Equatable, Sendable {
  private var given: [OptionName: [String]] = [:]

  init() {}

  mutating func add(_ name: OptionName, _ value: String) {
    given[name, default: []].append(value)
  }

  /// Which were given, in the order of the table.
  var names: [OptionName] { OptionName.allCases.filter { given[$0] != nil } }

  /// Whether a flag was given, or any value of another option.
  public func flag(_ name: OptionName) -> Bool { given[name] != nil }

  /// The last value given: a wrapper's choice can be overridden by what is written after it.
  public func value(_ name: OptionName) -> String? { given[name]?.last }

  /// All values given, in order.
  public func values(_ name: OptionName) -> [String] { given[name] ?? [] }

  /// The value of an option that takes a whole number.
  public func integer(_ name: OptionName) -> UInt64? { value(name).flatMap { UInt64($0) } }

  /// The value of an option that takes a duration.
  public func duration(_ name: OptionName) -> Duration? { value(name).flatMap(DurationArgument.parse) }
}

/// A command line that was not understood.
public struct UsageError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    case missingCommand = "usage.missing_command"
    case unknownCommand = "usage.unknown_command"
    case unknownOption = "usage.unknown_option"
    case otherCommandsOption = "usage.other_commands_option"
    case missingValue = "usage.missing_value"
    case unwantedValue = "usage.unwanted_value"
    case badValue = "usage.bad_value"
    case conflict = "usage.conflict"
    case missingOption = "usage.missing_option"
    case missingOperand = "usage.missing_operand"
    case unwantedOperand = "usage.unwanted_operand"
    /// Known, and of a later version.
    case notSupportedYet = "usage.not_supported_yet"
  }

  public let code: Code
  /// What is wrong. May quote arguments, which may hold anything: make it safe before showing it.
  public let message: String
  /// What to write instead.
  public let hint: String

  public var description: String { "\(message) (\(hint))" }
}
