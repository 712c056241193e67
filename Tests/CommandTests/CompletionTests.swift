import Arguments
import Foundation
import Testing

/// The completion scripts, each in its own shell.
@Suite(
  .fewAtATime,
  .enabled(
    if: CompletionShell.areInstalled || CompletionShell.isRequired,
    "bash, zsh or fish is missing: apt-get install zsh fish"))
struct CompletionTests {
  static let table = CommandTable.tokenrotate

  private func workspace() throws -> Workspace {
    let workspace = try Workspace()
    for file in ["a.toml", "new.csv", "notes.txt", "jobs/plant/job.toml"] { try workspace.write(file, "") }
    return workspace
  }

  private func expect(
    _ wanted: [(line: String, words: Set<String>)], from shell: CompletionShell
  ) async throws {
    let offers = try await shell.offers(wanted.map(\.line), in: try workspace())
    for (wanted, offer) in zip(wanted, offers) {
      #expect(offer.set == wanted.words, "\(shell): \(wanted.line)")
    }
  }

  @Test(arguments: CompletionShell.allCases)
  func wordsOfCommands(shell: CompletionShell) async throws {
    let first = Set(CommandName.allCases.map { $0.words[0] })
    try await expect(
      [
        ("tokenrotate ", first),
        ("tokenrotate help ", first),
        ("tokenrotate ru", ["run"]),
        ("tokenrotate --state jobs sta", ["status"]),
        ("tokenrotate --state=jobs -q sta", ["status"]),
        ("tokenrotate -- ru", ["run"]),
        ("tokenrotate audit ", ["verify", "repair"]),
        ("tokenrotate audit v", ["verify"]),
        ("tokenrotate audit --state jobs v", ["verify"]),
        ("tokenrotate help audit ", ["verify", "repair"]),
        ("tokenrotate help run ", []),
        ("tokenrotate nosuch ", []),
        ("tokenrotate version ", []),
      ], from: shell)
  }

  @Test(arguments: CompletionShell.allCases)
  func everyOptionOfEveryCommand(shell: CompletionShell) async throws {
    try await expect(
      [("tokenrotate --", Self.table.commonOptions)].map { ($0, Set($1.map(\.name.text))) }
        + Self.table.commands.map { command in
          let options = Self.table.options(of: command.name)
          return ("tokenrotate \(command.name.rawValue) --", Set(options.map(\.name.text)))
        }, from: shell)
  }

  @Test(arguments: CompletionShell.allCases)
  func optionsAreShortToo(shell: CompletionShell) async throws {
    let common = Set(
      Self.table.commonOptions.flatMap { [$0.name.text] + ($0.short.map { ["-\($0)"] } ?? []) })
    try await expect(
      [
        ("tokenrotate -", common),
        ("tokenrotate hold a.toml line-7 -", common),
        ("tokenrotate rotate -", common.union(["--compromised"])),
        ("tokenrotate run --jit", ["--jitter"]),
        ("tokenrotate run -- --fo", []),
      ], from: shell)
  }

  @Test(arguments: CompletionShell.allCases)
  func values(shell: CompletionShell) async throws {
    var wanted: [(String, Set<String>)] = [
      ("tokenrotate run --format=j", ["json"]),
      ("tokenrotate --format ta", ["table"]),
      ("tokenrotate completions ", ["bash", "zsh", "fish", "man"]),
      ("tokenrotate status --state ", ["jobs"]),
      ("tokenrotate --defaults n", ["new.csv", "notes.txt"]),
      ("tokenrotate run --only ", []),
      ("tokenrotate run --wait-for-lock ", []),
    ]
    for command in Self.table.commands {
      for option in Self.table.options(of: command.name) {
        guard case .choice(let words) = option.value else { continue }
        let line = "tokenrotate \(command.name.rawValue) \(option.name.text)"
        wanted += [("\(line) ", Set(words)), ("\(line)=", Set(words))]
      }
    }
    try await expect(wanted, from: shell)
  }

  @Test(arguments: CompletionShell.allCases)
  func filesAndNamesAsOperands(shell: CompletionShell) async throws {
    try await expect(
      [
        ("tokenrotate run a", ["a.toml"]),
        (
          "tokenrotate run jobs/", shell == .fish ? ["jobs/plant"] : [shell == .bash ? "jobs/plant" : "plant"]
        ),
        ("tokenrotate audit verify n", ["new.csv", "notes.txt"]),
        // Names of tokens are not known here, and even one that is a command's is none.
        ("tokenrotate rotate a.toml ", []),
        ("tokenrotate hold a.toml run ", []),
        ("tokenrotate rename a.toml old ", []),
      ], from: shell)
    let lines = [
      "tokenrotate run ", "tokenrotate status a.toml ", "tokenrotate adopt -q ", "tokenrotate create ",
      "tokenrotate create --job ",
    ]
    for (line, offer) in zip(lines, try await shell.offers(lines, in: try workspace())) {
      let ending = line.hasSuffix("create ") ? ["new.csv", "jobs"] : ["a.toml", "jobs"]
      switch shell {
      case .bash, .zsh: #expect(offer.set == Set(ending), "\(shell): \(line)")
      // fish offers the others too, after these.
      case .fish: #expect(Set(offer.words.prefix(2)) == Set(ending), "\(line): \(offer.words)")
      }
    }
  }

  @Test(arguments: [CompletionShell.zsh, .fish])
  func descriptions(shell: CompletionShell) async throws {
    let lines = ["tokenrotate ", "tokenrotate audit ", "tokenrotate token ", "tokenrotate sandbox --f"]
    let offers = try await shell.offers(lines, in: try workspace())
    let notes = offers.flatMap(\.notes)
    let options = Self.table.options(of: .sandbox).filter { $0.name.rawValue.hasPrefix("f") }
    #expect(options.count > 1)
    for (word, summary) in Self.table.commands.map({ ($0.name.words.last ?? "", $0.summary) })
      + options.map({ ($0.name.text, $0.summary) })
    {
      // zsh cuts what does not fit in a line.
      #expect(
        notes.contains { $0.hasPrefix("\(word) ") && $0.contains(" -- \(summary.prefix(50))") },
        "\(shell): \(word)")
    }
  }

  /// What readline really inserts, seen by a function in the program's place: after = and :, within quotes, and
  /// with the cursor inside a word. `script` gives bash a terminal.
  @Test func keysPressedInBash() async throws {
    let workspace = try workspace()
    try workspace.write("new sensors.csv", "")
    try workspace.write("odd:name.toml", "")
    try workspace.write(
      "../completion/rc",
      """
      source <(tokenrotate completions bash)
      tokenrotate() { printf '<%s>' "$@" >>../completion/seen; echo >>../completion/seen; }

      """)
    try workspace.write(
      "../completion/keys",
      """
      tokenrotate ru\t--format=j\t--defaults=no\tx
      tokenrotate create new\\ s\t--job odd:\ty
      tokenrotate create "new s\t z
      tokenrotate run jo\tpl\tj\tz
      tokenrotate stxyz\u{2}\u{2}\u{2}a\t
      exit

      """)
    let outcome = try await workspace.shell(
      "script -qec 'bash --rcfile ../completion/rc -i' /dev/null <../completion/keys", ["TERM": "dumb"])
    #expect(
      workspace.read("../completion/seen") == """
        <run><--format=json><--defaults=notes.txt><x>
        <create><new sensors.csv><--job><odd:name.toml><y>
        <create><new sensors.csv><z>
        <run><jobs/plant/job.toml><z>
        <statusxyz>

        """, "\(outcome.everything)")
  }

  @Test func theScriptForBashIsFreeOfSlips() async throws {
    let outcome = try await workspace().shell("tokenrotate completions bash | shellcheck -")
    #expect(outcome.code == 0 && outcome.output.isEmpty, "\(outcome.everything)")
  }
}
