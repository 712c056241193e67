extension CommandTable {
  /// A script that needs bash alone, not the package bash-completion.
  func bashCompletion() -> String {
    """
    # bash completion for \(program), printed by `\(program) completions bash`.
    # shellcheck shell=bash

    # The helpers offer what begins with $value, each with $prefix before it.

    _\(program)_words() {
      mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$1" -- "$value")
    }

    # Files whose names end with $1, and folders; where there are none, any files.
    _\(program)_files() {
      compopt -o filenames 2>/dev/null
      # Only readline itself can read a word with quotes.
      if [[ $value == *[\\"\\'\\\\]* ]]; then
        compopt -o default 2>/dev/null
        return
      fi
      mapfile -t COMPREPLY < <(
        compgen -P "$prefix" -f -X "!*$1" -- "$value"
        compgen -P "$prefix" -d -- "$value"
      )
      ((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -P "$prefix" -f -- "$value")
    }

    _\(program)_folders() {
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -P "$prefix" -d -- "$value")
    }

    # The words that may follow those of a command that are there already.
    _\(program)_commands() {
      case $1 in
    \(bashCommandWords.indented(by: 4))
      esac
    }

    # The value of option $1.
    _\(program)_value() {
      case $1 in
    \(bashValues.indented(by: 4))
      esac
    }

    _\(program)() {
      local IFS=$' \\t\\n' line=${COMP_LINE:0:COMP_POINT} words=() typed='' i
      COMPREPLY=()
      # Readline cuts words at = and : too; what stands together in the line belongs together.
      for ((i = 0; i <= COMP_CWORD; i++)); do
        typed=${COMP_WORDS[i]}
        if ((i == 0)) || [[ -z $COMP_LINE || $line == [[:space:]]* ]]; then
          line=${line#"${line%%[![:space:]]*}"}
          words+=('')
        fi
        # Of the last word only what stands before the cursor.
        ((i < COMP_CWORD)) || [[ -z $COMP_LINE ]] || typed=$line
        words[-1]+=$typed
        line=${line#*"$typed"}
      done

      local current=${words[-1]} command='' option='' ended='' operands=() word
      for word in "${words[@]:1:${#words[@]}-2}"; do
        if [[ -n $option ]]; then
          option=
          continue
        fi
        if [[ -z $ended ]]; then
          case $word in
            --)
              ended=1
              continue
              ;;
            \(bashForms(distinctOptions.filter { $0.value != .flag })))
              option=$word
              continue
              ;;
            -?*) continue ;;
          esac
        fi
        case $command in
          '' | \(groups.joined(separator: " | "))) command+=${command:+ }$word ;;
          *) operands+=("$word") ;;
        esac
      done

      local prefix='' value=$current
      if [[ -n $option ]]; then
        _\(program)_value "$option"
      elif [[ -z $ended && $current == --*=* ]]; then
        prefix=${current%%=*}=
        value=${current#*=}
        _\(program)_value "${current%%=*}"
      else
        local common='\(commonOptions.flatMap(\.forms).joined(separator: " "))' own='' options='' allowed=1
        [[ -z $ended ]] || allowed=
        [[ $current != -* ]] || options=$allowed
        case $command in
    \(bashCommands.indented(by: 6))
        esac
        [[ -z $options ]] || _\(program)_words "$common $own"
      fi

      # Readline replaces only the last of the pieces that it has cut, and nothing of a = or : alone.
      [[ $typed == *[!=:]* ]] || typed=
      local head=${current%"$typed"}
      COMPREPLY=("${COMPREPLY[@]#"$head"}")
    }

    complete -F _\(program) \(program)

    """
  }

  private var bashCommandWords: String {
    let groups = groups.map { bashWords($0, describedSecondWords(of: $0)) }
    return ([bashWords("''", firstWords)] + groups).joined(separator: "\n")
  }

  private func bashWords(_ pattern: String, _ words: [CompletedWord]) -> String {
    "\(pattern)) _\(program)_words '\(words.map(\.text).joined(separator: " "))' ;;"
  }

  /// Options with the same candidates share a line.
  private var bashValues: String {
    var lines: [(call: String, options: [OptionSpecification])] = []
    for option in distinctOptions {
      guard let call = bashCall(option.value) else { continue }
      if let index = lines.firstIndex(where: { $0.call == call }) {
        lines[index].options.append(option)
      } else {
        lines.append((call, [option]))
      }
    }
    return lines.map { "\(bashForms($0.options))) \($0.call) ;;" }.joined(separator: "\n")
  }

  /// `-q | --quiet | --verbose`
  private func bashForms(_ options: [OptionSpecification]) -> String {
    options.flatMap(\.forms).joined(separator: " | ")
  }

  /// nil: there is nothing to offer.
  private func bashCall(_ value: OptionValue) -> String? {
    switch value.candidates {
    case .none: nil
    case .words(let words): "_\(program)_words '\(words.joined(separator: " "))'"
    case .files(let ending): "_\(program)_files \(ending ?? "''")"
    case .folders: "_\(program)_folders"
    }
  }

  private var bashCommands: String {
    let incomplete = (["''"] + groups).joined(separator: " | ")
    let ofCommands = commands.map { command in
      let own = command.options.flatMap(\.forms).joined(separator: " ")
      let lines =
        (own.isEmpty ? [] : ["own='\(own)'"]) + ["[[ -n $options ]] || \(bashOperands(command.operands))"]
      return "'\(command.name.rawValue)')\n\(lines.joined(separator: "\n").indented(by: 2))\n  ;;"
    }
    return """
      \(incomplete)) [[ -n $options ]] || _\(program)_commands "$command" ;;
      help) [[ -n $options ]] || _\(program)_commands "${operands[*]}" ;;
      \(ofCommands.joined(separator: "\n"))
      *) return ;;
      """
  }

  /// Where no operand can stand, the options are all that is left.
  private func bashOperands(_ operands: OperandSpecification) -> String {
    let calls = operands.kinds.map { bashCall($0) ?? ":" }
    let rest = operands.maximum == nil ? calls.last ?? ":" : "options=$allowed"
    let first = operands.maximum == nil ? calls.dropLast() : calls[...]
    guard !first.isEmpty else { return rest }
    let lines = first.enumerated().map { "  \($0.offset)) \($0.element) ;;\n" }.joined()
    return "case ${#operands[@]} in\n\(lines)  *) \(rest) ;;\nesac"
  }
}
