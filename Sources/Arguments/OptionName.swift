/// Every option there is, by its long name.
public enum OptionName: String, Sendable, CaseIterable {
  // Of every command.
  case defaults
  case state
  case format
  case quiet
  case verbose
  case config
  case profile
  case help
  case version

  // Of some.
  case dryRun = "dry-run"
  case only
  case force
  case compromised
  case verify
  case now
  case waitForLock = "wait-for-lock"
  case jitter
  case metrics
  case ping
  case detailedExitCode = "detailed-exitcode"
  case job
  case output

  // Of `token`, after influxctl.
  case account
  case cluster
  case timeout
  case readDatabase = "read-database"
  case writeDatabase = "write-database"
  case expiresAt = "expires-at"
  case sort
  case includeRevoked = "include-revoked"
  // Beyond it.
  case managementURL = "management-url"
  case host
  case wait
  case store
  case name

  case writeDefaults = "write-defaults"
  case readyFile = "ready-file"

  // Of the sandbox, after `SandboxOptions`.
  case listen
  case product
  case writeProfile = "write-profile"
  case accountID = "account-id"
  case clusterID = "cluster-id"
  case managementTokenFile = "management-token-file"
  case database
  case nodes
  case activationDelay = "activation-delay"
  case activationSpread = "activation-spread"
  case changeDelay = "change-delay"
  case listLag = "list-lag"
  case includesRevoked = "includes-revoked"
  case nodeAssignment = "node-assignment"
  case seed
  case clockSkew = "clock-skew"
  case fault
  case unknownTokenOnWrite = "unknown-token-on-write"
  case refusesQueriesInside = "refuses-queries-inside"
  case refusesEmptyWrites = "refuses-empty-writes"

  /// As it is written.
  public var text: String { "--\(rawValue)" }
}

/// What an option takes, or what an operand is.
public enum OptionValue: Equatable, Sendable {
  /// Nothing: it is there or not.
  case flag
  case text(String)
  case file(String)
  case directory(String)
  case choice([String])
  /// A whole number.
  case integer(String, ClosedRange<UInt64>)
  /// `90s`, `10m`, `24h`, `30d`, `2w`; `200ms` too.
  case duration(String)

  /// The word that stands for the value in help, nil for a flag.
  public var placeholder: String? {
    switch self {
    case .flag: nil
    case .text(let word), .file(let word), .directory(let word), .duration(let word): word
    case .integer(let word, _): word
    case .choice(let words): words.joined(separator: "|")
    }
  }

  /// What is wrong with a value, nil when nothing is.
  func complaint(about value: String) -> String? {
    switch self {
    case .flag, .text, .file, .directory: return nil
    case .choice(let words):
      return words.contains(value) ? nil : "write \(words.joined(separator: " or "))"
    case .integer(_, let range):
      let number = value.utf8.allSatisfy { (48...57).contains($0) } ? UInt64(value) : nil
      guard let number, range.contains(number) else {
        return "write a whole number from \(range.lowerBound) to \(range.upperBound)"
      }
      return nil
    case .duration:
      return DurationArgument.parse(value) == nil
        ? "write a whole number and a unit, such as 500ms, 90s, 10m, 24h, 30d or 2w" : nil
    }
  }
}

/// One option of the table.
public struct OptionSpecification: Equatable, Sendable {
  public let name: OptionName
  /// The one-letter form, as in `-q`.
  public let short: Character?
  public let value: OptionValue
  public let isRepeatable: Bool
  public let isRequired: Bool
  /// What it does, in one phrase.
  public let summary: String

  init(
    _ name: OptionName, _ value: OptionValue, short: Character? = nil, isRepeatable: Bool = false,
    isRequired: Bool = false, _ summary: String
  ) {
    self.name = name
    self.short = short
    self.value = value
    self.isRepeatable = isRepeatable
    self.isRequired = isRequired
    self.summary = summary
  }
}

/// Durations as arguments: like those of a job file, and milliseconds.
enum DurationArgument {
  static func parse(_ text: String) -> Duration? {
    parseParts(text) ?? parseOne(text)
  }

  /// As Go writes them, and so influxctl: `1m0s`, `1h30m`. Each unit once, from the largest down.
  private static func parseParts(_ text: String) -> Duration? {
    var sum: Duration = .zero
    var units = ["h", "m", "s"][...]
    var rest = Substring(text)
    var count = 0
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      guard let unit = rest.dropFirst(digits.count).first.map(String.init),
        let index = units.firstIndex(of: unit),
        let part = parseOne(digits + unit)
      else { return nil }
      sum += part
      units = units[(index + 1)...]
      rest = rest.dropFirst(digits.count + 1)
      count += 1
    }
    return count > 1 ? sum : nil
  }

  private static func parseOne(_ text: String) -> Duration? {
    let digits = text.utf8.prefix { (48...57).contains($0) }
    guard !digits.isEmpty, digits.count <= 12, let number = Int64(String(digits) ?? "") else { return nil }
    let milliseconds: Int64
    switch text.dropFirst(digits.count) {
    case "ms": milliseconds = 1
    case "s": milliseconds = 1000
    case "m": milliseconds = 60_000
    case "h": milliseconds = 3_600_000
    case "d": milliseconds = 86_400_000
    case "w": milliseconds = 604_800_000
    default: return nil
    }
    // A hundred years, as in job files.
    guard number <= 100 * 366 * 86_400_000 / milliseconds else { return nil }
    return .milliseconds(number * milliseconds)
  }
}
