internal import Subprocesses
import RotationModel
import TOMLReader

extension StoreSettings {
  /// `kind = "command"`: whatever a program puts strings into.
  public struct Command: Equatable, Sendable {
    /// What the ledger knows the store by: the programs may change while the strings stay where they are.
    public var name: String
    public var promote: [String]
    public var stage: [String]?
    public var read: [String]?
    public var discard: [String]?
    public var timeout: Duration = .seconds(30)
    public var pendingKey: SecretSource?

    public init(name: String, promote: [String]) {
      self.name = name
      self.promote = promote
    }
  }

  /// The settings of a command store; nil for another kind.
  public var command: Command? {
    if case .command(let settings) = self { settings } else { nil }
  }

  /// The programs that the store starts, and gives strings to or is reached with.
  var programs: [String] {
    switch self {
    case .file, .awsSecretsManager: return []
    case .command(let command):
      let commands = [command.promote, command.stage, command.read, command.discard].compactMap(\.self)
      return commands.map { $0[0] } + [command.pendingKey].compactMap { $0?.program }
    case .vault(let vault):
      switch vault.authentication {
      case .token(let source), .appRole(_, _, let source): return [source.program].compactMap(\.self)
      case .kubernetes, .agent: return []
      }
    }
  }
}

/// Reads a `[[store]]` of the kind `command`.
struct CommandStoreDecoder {
  static let keys = ["name", "promote", "stage", "read", "discard", "timeout", "pending_key"]

  let section: Section
  let paths: PathResolver

  func decode(beside others: [StoreSettings.Command]) -> StoreSettings.Command? {
    if !section.has("promote") {
      section.missing(
        "promote", hint: "write promote = [\"program\", \"argument\"]; it gets the string on standard input")
    }
    let promote = command("promote")
    let (stage, read, discard) = (command("stage"), command("read"), command("discard"))
    let timeout = section.duration("timeout", in: .seconds(1)...(.seconds(3600)))
    let pendingKey = section.secretSource("pending_key", paths)
    if section.has("stage") {
      for key in ["read", "discard"] where !section.has(key) {
        section.missing(
          key, hint: "a store that `stage` puts strings into has to give them back and be rid of them")
      }
    }
    guard let promote else { return nil }
    let program = promote[0].split(separator: "/").last.map(String.init) ?? promote[0]
    let name = section.string("name")?.value ?? program
    if !Name.isValid(name) {
      section.log.add(
        "`name`: \"\(name)\" is not a name for a store", at: section.position(of: "name"),
        hint: "use letters, digits, dots, underscores and dashes, and begin with a letter or digit")
    }
    if others.contains(where: { $0.name == name }) {
      section.log.add(
        "two command stores are called \(name)", at: section.position, hint: "give each a `name` of its own")
    }
    var settings = StoreSettings.Command(name: name, promote: promote)
    (settings.stage, settings.read, settings.discard) = (stage, read, discard)
    settings.timeout = timeout ?? settings.timeout
    settings.pendingKey = pendingKey
    return settings
  }

  private func command(_ key: String) -> [String]? {
    guard let words = section.command(key).map(paths.command) else { return nil }
    if Subprocess.find(words[0]) == nil {
      section.log.add(
        "`\(key)`: there is no program \(words[0])", at: section.position(of: key),
        hint: words[0].contains("/")
          ? "it has to be a file that may be executed"
          : "it is looked for in PATH; better name its whole path")
    }
    return words
  }
}
