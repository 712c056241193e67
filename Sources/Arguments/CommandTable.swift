/// The one table of commands and options: parsing, help, suggestions, completions and the manual page all come
/// from it.
public struct CommandTable: Sendable {
  public let program: String
  /// What the program is for, in one line.
  public let summary: String
  public let commands: [CommandSpecification]
  public let commonOptions: [OptionSpecification]
  /// Commands that are known and belong to a later version, such as `audit show`.
  public let laterCommands: [String]
  /// Other words for commands, as influxctl has them.
  let aliases: [String: CommandName] = ["token delete": .tokenRevoke]
  /// Where to read on.
  public let documentation: String

  public func command(_ name: CommandName) -> CommandSpecification? {
    commands.first { $0.name == name }
  }

  /// All the options that a command takes.
  public func options(of command: CommandName?) -> [OptionSpecification] {
    (command.flatMap { self.command($0) }?.options ?? []) + commonOptions
  }

  /// The table of this version.
  public static let tokenrotate = CommandTable(
    program: "tokenrotate",
    summary: "creates and rotates InfluxDB database tokens",
    commands: [
      .run, .plan, .status, .create, .check, .rotate, .rollback, .hold, .release, .retire, .rename, .move,
      .adopt,
      .import, .tokenCreate, .tokenList, .tokenGet, .tokenUpdate, .tokenRevoke, .auditVerify, .auditRepair,
      .report,
      .sandbox, .completions,
    ],
    commonOptions: [
      OptionSpecification(
        .defaults, .file("FILE"),
        "settings for all jobs (else $XDG_CONFIG_HOME/tokenrotate/defaults.toml, then /etc/tokenrotate/defaults.toml)"
      ),
      OptionSpecification(
        .state, .directory("DIR"),
        "ledger, audit log and default store (else $STATE_DIRECTORY, /var/lib/tokenrotate for root, $XDG_STATE_HOME/tokenrotate)"
      ),
      OptionSpecification(.format, .choice(["table", "json"]), "the form of results (else table)"),
      OptionSpecification(.quiet, .flag, short: "q", "say only what failed or needs a person"),
      OptionSpecification(.verbose, .flag, short: "v", "say something of every token"),
      OptionSpecification(.config, .file("FILE"), "influxctl's configuration file"),
      OptionSpecification(.profile, .text("NAME"), "the profile in influxctl's file (else the job's)"),
      OptionSpecification(.help, .flag, short: "h", "show help and do nothing else"),
      OptionSpecification(.version, .flag, "show the version and do nothing else"),
    ],
    laterCommands: ["audit show", "audit export"],
    documentation: "/usr/share/doc/tokenrotate, or the docs folder of the source")
}
