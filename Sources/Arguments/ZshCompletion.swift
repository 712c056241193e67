extension CommandTable {
  /// A script that zsh can load from its function path as well as read with `source`.
  func zshCompletion() -> String {
    """
    #compdef \(program)
    # zsh completion for \(program), printed by `\(program) completions zsh`.

    # The words with which a command begins.
    _\(program)_commands() {
      local -a names=(
    \(zshWords(firstWords).indented(by: 4))
      )
      _describe -t commands command names
    }

    # The second words of commands that have two.
    _\(program)_second_words() {
      local -a names=()
      case $1 in
    \(groups.map(zshGroup).joined(separator: "\n").indented(by: 4))
      esac
      _describe -t commands command names
    }

    # What follows a word that only begins a command.
    _\(program)_group() {
      local curcontext=$curcontext context state state_descr line ret=1
      local -A opt_args
      _arguments -C -S $common '(-): :->command' '(-)*:: :->rest' && ret=0
      case $state in
        command) _\(program)_second_words $group && ret=0 ;;
        rest) _\(program)_command "$group $words[1]" && ret=0 ;;
      esac
      return ret
    }

    # What `help` is asked about.
    _\(program)_help() {
      local curcontext=$curcontext context state state_descr line ret=1
      local -A opt_args
      _arguments -C -S $common '1: :_\(program)_commands' '*:: :->rest' && ret=0
      if [[ $state == rest ]] && (( CURRENT == 2 )); then
        _\(program)_second_words $words[1] && ret=0
      fi
      return ret
    }

    # What follows a command, and the options that every command has.
    _\(program)_command() {
      local group
      case $1 in
    \(groups.map { "\($0)) group=$1; _\(program)_group ;;" }.joined(separator: "\n").indented(by: 4))
        help) _\(program)_help ;;
    \(commands.map(zshCommand).joined(separator: "\n").indented(by: 4))
        *) return 1 ;;
      esac
    }

    _\(program)() {
      local curcontext=$curcontext context state state_descr line ret=1
      local -A opt_args
      local -a common=(
    \(zshOptions(commonOptions).indented(by: 4))
      )
      _arguments -C -S $common '(-): :->command' '(-)*:: :->rest' && ret=0
      case $state in
        command) _\(program)_commands && ret=0 ;;
        rest) _\(program)_command $words[1] && ret=0 ;;
      esac
      return ret
    }

    # Loaded from the function path this is the body of the function; read with source it is not.
    if [[ $funcstack[1] == _\(program) ]]; then
      _\(program) "$@"
    else
      compdef _\(program) \(program)
    fi

    """
  }

  private func zshGroup(_ group: String) -> String {
    """
    \(group))
      names=(
    \(zshWords(describedSecondWords(of: group)).indented(by: 4))
      )
      ;;
    """
  }

  private func zshCommand(_ command: CommandSpecification) -> String {
    let specifications =
      [zshOptions(command.options), zshOperands(command.operands)].filter { !$0.isEmpty }
    guard !specifications.isEmpty else {
      return "'\(command.name.rawValue)') _arguments -S $common ;;"
    }
    return """
      '\(command.name.rawValue)')
        local -a own=(
      \(specifications.joined(separator: "\n").indented(by: 4))
        )
        _arguments -S $common $own
        ;;
      """
  }

  /// `'run:bring every token...'`
  private func zshWords(_ words: [CompletedWord]) -> String {
    words.map { quoted("\($0.text):\(escaped($0.summary, ":\\"))") }.joined(separator: "\n")
  }

  /// `'(-q --quiet)-q[say only...]'`: one form excludes the other, unless it may be repeated.
  private func zshOptions(_ options: [OptionSpecification]) -> String {
    options.flatMap { option in
      option.forms.map { form in
        let isLong = form.hasPrefix("--")
        let exclusion =
          option.isRepeatable ? "*" : option.forms.count > 1 ? "(\(option.forms.joined(separator: " ")))" : ""
        // With = the value may stand in the same word too.
        let joint = option.value == .flag || !isLong ? "" : "="
        return quoted(
          "\(exclusion)\(form)\(joint)[\(escaped(option.summary, "[]\\"))]\(zshValue(option.value))")
      }
    }.joined(separator: "\n")
  }

  private func zshOperands(_ operands: OperandSpecification) -> String {
    operands.kinds.enumerated().map { index, kind in
      let isLast = index == operands.kinds.count - 1
      return quoted((isLast && operands.maximum == nil ? "*" : "\(index + 1)") + zshValue(kind))
    }.joined(separator: "\n")
  }

  /// `:FILE:_files`; a single space is zsh's word for a message without an offer.
  private func zshValue(_ value: OptionValue) -> String {
    guard let placeholder = value.placeholder else { return "" }
    let action: String
    switch value.candidates {
    case .none: action = " "
    case .words(let words): action = "(\(words.joined(separator: " ")))"
    case .files(ending: nil): action = "_files"
    case .files(.some(let ending)): action = "_files -g \"*\(ending)\""
    case .folders: action = "_files -/"
    }
    return ":\(escaped(placeholder, ":\\")):\(action)"
  }

  private func escaped(_ text: String, _ special: String) -> String {
    String(text.flatMap { special.contains($0) ? ["\\", $0] : [$0] })
  }

  private func quoted(_ text: String) -> String {
    "'\(String(text.flatMap { $0 == "'" ? Array("'\\''") : [$0] }))'"
  }
}
