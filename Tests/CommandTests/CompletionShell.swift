import Foundation

/// A shell that loads its script and is asked what it would offer at the end of a line.
enum CompletionShell: String, CaseIterable, Sendable {
  case bash
  case zsh
  case fish

  /// What a shell offers, in its order, and all that it would show besides, such as descriptions.
  struct Offer: Sendable {
    var words: [String] = []
    var notes: [String] = []

    var set: Set<String> { Set(words) }
  }

  static let areInstalled = allCases.allSatisfy { access("/usr/bin/\($0.rawValue)", X_OK) == 0 }
  /// Where nothing is to be skipped unnoticed, a missing shell fails.
  static let isRequired = ProcessInfo.processInfo.environment["CI"] == "true"

  /// What is offered after each of the lines, all in one process of the shell.
  func offers(_ lines: [String], in workspace: Workspace) async throws -> [Offer] {
    let script = scriptName
    try workspace.write("../completion/\(script)", "")
    let made = try await workspace.shell("tokenrotate completions \(rawValue) > ../completion/\(script)")
    guard made.code == 0, made.errors.isEmpty else {
      throw ChildProgram.Failure(description: made.everything)
    }
    try workspace.write("../completion/driver", driver)
    try workspace.write("../completion/lines", lines.map { "\($0)\n" }.joined())
    let outcome = try await workspace.shell("\(call) ../completion/driver", ["TERM": "dumb"])
    guard outcome.code == 0, outcome.errors.isEmpty else {
      throw ChildProgram.Failure(description: outcome.everything)
    }
    let offers = outcome.output.components(separatedBy: "== end of offer\n").dropLast().map(offer)
    guard offers.count == lines.count else { throw ChildProgram.Failure(description: outcome.everything) }
    return offers
  }

  /// zsh finds a completion by the name of its file.
  private var scriptName: String {
    switch self {
    case .bash, .fish: "script"
    case .zsh: "_tokenrotate"
    }
  }

  /// Without the settings of whoever runs the tests.
  private var call: String {
    switch self {
    case .bash: "bash --norc"
    case .zsh: "zsh -f"
    case .fish: "fish --no-config"
    }
  }

  /// The value alone where a shell offers `--format=json`, and folders without their slash.
  private func offer(_ text: String) -> Offer {
    var offer = Offer()
    for line in text.split(separator: "\n") {
      if line.hasPrefix("# ") {
        offer.notes.append(String(line.dropFirst(2)))
        continue
      }
      let parts = line.split(separator: "\t", maxSplits: 1)
      let word = parts[0].split(separator: "=", maxSplits: 1).last ?? parts[0]
      offer.words.append(String(word.hasSuffix("/") ? word.dropLast() : word))
      if parts.count > 1 { offer.notes.append("\(word)  -- \(parts[1])") }
    }
    return offer
  }

  private var driver: String {
    switch self {
    case .bash: CompletionShell.bashDriver
    case .zsh: CompletionShell.zshDriver
    case .fish: CompletionShell.fishDriver
    }
  }

  /// Calls the function as readline does, which cuts words at = and : too.
  private static let bashDriver = #"""
    source ../completion/script
    while IFS= read -r line; do
      COMP_LINE=$line COMP_POINT=${#line}
      pieces=${line//=/ = }
      read -r -a COMP_WORDS <<<"${pieces//:/ : }"
      [[ $line != *' ' ]] || COMP_WORDS+=('')
      COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
      _tokenrotate tokenrotate
      ((${#COMPREPLY[@]} == 0)) || printf '%s\n' "${COMPREPLY[@]}"
      echo '== end of offer'
    done <../completion/lines
    """#

  /// Presses Tab in a terminal of its own; `compadd`, through which every offer goes, writes it down.
  private static let zshDriver = #"""
    zmodload zsh/zpty
    offers=$PWD/../completion/offers
    zpty -b shell zsh -f -i
    zpty -w shell "
    PROMPT=; fpath=($PWD/../completion \$fpath); autoload -Uz compinit; compinit -u -D
    setopt no_list_beep no_auto_menu; zstyle ':completion:*' completer _complete
    compadd() {
      if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd \"\$@\"; return; fi
      local -a words; builtin compadd -O words \"\$@\"
      print -rl -- \$words >> $offers
      local place=\${@[(i)-d]}
      (( place >= \$# )) || print -rl -- '# '\${(P)^@[place+1]} >> $offers
      builtin compadd \"\$@\"
    }
    finish() { print -r -- '== end of offer' >> $offers }
    bindkey '^I' complete-word
    print REA''DY
    "
    zpty -r shell text '*READY*'
    while IFS= read -r line; do
      : > $offers
      zpty -w shell 'comppostfuncs=(finish)'
      zpty -w -n shell "$line"$'\t'
      repeat 1000; do
        grep -qx '== end of offer' $offers && break
        # What is shown has to be read, or the terminal is full one day.
        while zpty -r -t shell text; do :; done
        sleep 0.02
      done
      zpty -w -n shell $'\x15'
      cat $offers
    done <../completion/lines
    zpty -d shell
    """#

  private static let fishDriver = #"""
    source ../completion/script
    while read -l --delimiter=\n line
      complete -C "$line"
      echo '== end of offer'
    end <../completion/lines
    """#
}
