/// What a shell can offer where a value or an operand stands.
enum Candidates: Equatable {
  /// Nothing that it could know, such as the name of a token or a duration.
  case none
  case words([String])
  /// Files whose names end so, nil for all, and the folders that lead to them.
  case files(ending: String?)
  case folders
}

extension OptionValue {
  var candidates: Candidates {
    switch self {
    case .flag, .text, .integer, .duration: .none
    case .choice(let words): .words(words)
    // The ending is part of the word that help shows: `JOB.toml`.
    case .file(let word): .files(ending: word.firstIndex(of: ".").map { String(word[$0...]) })
    case .directory: .folders
    }
  }
}

extension OperandSpecification {
  /// What the operand at a place is, counted from 0; nil where none is wanted.
  func kind(at index: Int) -> OptionValue? {
    guard maximum.map({ index < $0 }) ?? true else { return nil }
    return index < kinds.count ? kinds[index] : kinds.last
  }
}

/// A word that may stand next, and what it means.
struct CompletedWord: Equatable {
  let text: String
  let summary: String
}

extension CommandTable {
  /// Words with which a command line may begin: `audit` once, and `help` and `version`, which are no entries of
  /// the list and are described as the options of the same name.
  var firstWords: [CompletedWord] {
    var words: [CompletedWord] = []
    for command in commands {
      let first = command.name.words[0]
      guard !words.contains(where: { $0.text == first }) else { continue }
      words.append(
        CompletedWord(
          text: first,
          summary: groups.contains(first)
            ? "commands: " + secondWords(of: first).joined(separator: ", ") : command.summary))
    }
    return words
      + commonOptions.filter { $0.name == .help || $0.name == .version }.map {
        CompletedWord(text: $0.name.rawValue, summary: $0.summary)
      }
  }

  /// First words of commands that have two.
  var groups: [String] {
    var groups: [String] = []
    for words in commands.map(\.name.words) where words.count > 1 && !groups.contains(words[0]) {
      groups.append(words[0])
    }
    return groups
  }

  func describedSecondWords(of group: String) -> [CompletedWord] {
    commands.filter { $0.name.words.count > 1 && $0.name.words[0] == group }.map {
      CompletedWord(text: $0.name.words[1], summary: $0.summary)
    }
  }

  /// Every option that this version takes anywhere, once: an option is the same wherever it stands.
  var distinctOptions: [OptionSpecification] {
    var options: [OptionSpecification] = []
    for option in commonOptions + commands.flatMap(\.options)
    where !options.contains(where: { $0.name == option.name }) {
      options.append(option)
    }
    return options
  }
}

extension CommandSpecification {
  /// Its own options without those of a later version, which nobody should be offered.
}

extension OptionSpecification {
  /// `-q` and `--quiet`, or the long form alone.
  var forms: [String] { (short.map { ["-\($0)"] } ?? []) + [name.text] }
}

extension String {
  /// The lines with spaces before each that is not empty, to stand inside something else.
  func indented(by spaces: Int) -> String {
    split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.isEmpty ? "" : String(repeating: " ", count: spaces) + $0 }.joined(separator: "\n")
  }
}
