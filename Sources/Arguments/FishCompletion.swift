extension CommandTable {
  func fishCompletion() -> String {
    """
    # fish completion for \(program), printed by `\(program) completions fish`.

    # Prints the words before the cursor that are no options: the command, as one line, and each operand.
    function __\(program)_words
        set -l words (commandline -opc)
        set -e words[1]
        set -l command
        set -l operands
        set -l skip
        set -l ended
        for word in $words
            if set -q skip[1]
                set -e skip
                continue
            end
            if not set -q ended[1]
                switch $word
                    case --
                        set ended 1
                        continue
                    case \(distinctOptions.filter { $0.value != .flag }.flatMap(\.forms).joined(separator: " "))
                        set skip 1
                        continue
                    case '-?*'
                        continue
                end
            end
            if not set -q command[1]
                set command $word
            else if contains -- "$command" \(groups.joined(separator: " "))
                set command "$command $word"
            else
                set -a operands $word
            end
        end
        printf '%s\\n' "$command" $operands
    end

    # Whether the words are those of one of the arguments, so that another word of a command can follow.
    function __\(program)_after
        contains -- (__\(program)_words | string join ' ') $argv
    end

    # Whether the command is one of the arguments.
    function __\(program)_in
        set -l words (__\(program)_words)
        contains -- "$words[1]" $argv
    end

    # Whether the next operand of a command is the one with this number, or with + a later one.
    function __\(program)_operand
        set -l words (__\(program)_words)
        test "$words[1]" = "$argv[1]"; or return
        set -l count (count $words)
        test $count -eq $argv[2]; or test "$argv[3]" = + -a $count -gt $argv[2]
    end

    complete -c \(program) -f

    \(fishWords.joined(separator: "\n"))

    \(commonOptions.map { fishOption($0, condition: nil) }.joined(separator: "\n"))

    \(commands.flatMap(fishCommand).joined(separator: "\n"))

    """
  }

  /// The words of commands, also as operands of `help`.
  private var fishWords: [String] {
    firstWords.map { fishWord($0, after: "'' help") }
      + groups.flatMap { group in
        describedSecondWords(of: group).map { fishWord($0, after: "\(group) 'help \(group)'") }
      }
  }

  private func fishWord(_ word: CompletedWord, after conditions: String) -> String {
    fishLine("__\(program)_after \(conditions)", "-a \(word.text) -d \(fishQuoted(word.summary))")
  }

  private func fishCommand(_ command: CommandSpecification) -> [String] {
    let name = fishQuoted(command.name.rawValue)
    let options = command.options.map {
      fishOption($0, condition: "__\(program)_in \(name)")
    }
    let operands = command.operands.kinds.enumerated().compactMap { index, kind -> String? in
      guard let offer = fishOffer(kind) else { return nil }
      let isLast = index == command.operands.kinds.count - 1
      let more = isLast && command.operands.maximum == nil ? " +" : ""
      return fishLine("__\(program)_operand \(name) \(index + 1)\(more)", offer)
    }
    return options + operands
  }

  private func fishOption(_ option: OptionSpecification, condition: String?) -> String {
    let short = option.short.map { "-s \($0) " } ?? ""
    let value = option.value == .flag ? "" : " " + (fishOffer(option.value).map { "-r \($0)" } ?? "-x")
    return fishLine(
      condition, "\(short)-l \(option.name.rawValue)\(value) -d \(fishQuoted(option.summary))")
  }

  /// nil: there is nothing to offer.
  private func fishOffer(_ value: OptionValue) -> String? {
    switch value.candidates {
    case .none: nil
    case .words(let words): "-f -a \(fishQuoted(words.joined(separator: " ")))"
    case .files(ending: nil): "-F"
    // Those with the ending come first, and the order is to be kept.
    case .files(.some(let ending)): "-f -k -a '(__fish_complete_suffix \(ending))'"
    case .folders: "-f -a '(__fish_complete_directories)'"
    }
  }

  private func fishLine(_ condition: String?, _ rest: String) -> String {
    "complete -c \(program) " + (condition.map { "-n \(fishQuoted($0)) " } ?? "") + rest
  }

  private func fishQuoted(_ text: String) -> String {
    "'\(String(text.flatMap { "'\\".contains($0) ? ["\\", $0] : [$0] }))'"
  }
}
