import Foundation

/// A page of `docs/guides/` as what its reader does with it, from top to bottom.
///
/// - A `console` block is a terminal: lines that begin with `$ ` are commands (with `\` at the end they go on, and so
///   do here-documents and lines behind `> `), what follows up to the next one is what the command prints. `…` stands for anything within
///   a line, and alone on a line for any number of lines. A command ends with 0, unless the next one is `echo $?`.
/// - Any other block is a file, and the line before it ends with the file's name: `` `/etc/x.toml`: ``. It is put there.
/// - An `sh` block is what no test can do.
/// - A comment that begins with `<!-- backstage` is what happens without the reader: shell, of which only success counts.
struct Guide {
  struct Step {
    enum Kind: Equatable {
      case command
      case backstage
      case file(path: String)
    }

    var kind: Kind
    /// The command, or the file's content.
    var text: String
    /// Where the page has it, from 1.
    var line: Int
    var output: [String] = []
    var code: Int32 = 0

    /// Goes on while the next commands are given.
    var isInBackground: Bool { kind == .command && text.hasSuffix("&") && !text.hasSuffix("&&") }
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private(set) var steps: [Step] = []
  /// The lines of `sh` blocks.
  private(set) var untested: [String] = []
  /// A here-document's last line, while one is open.
  private var hereEnd: String?

  var commands: [Step] { steps.filter { $0.kind == .command } }

  init(_ text: String) throws {
    let lines = text.components(separatedBy: "\n")
    var index = 0
    var before = ""
    while index < lines.count {
      let line = lines[index]
      if line.hasPrefix("```") {
        let end = try Guide.end(of: "```", after: index, in: lines)
        try addBlock(String(line.dropFirst(3)), Array(lines[(index + 1)..<end]), at: index + 2, below: before)
        index = end
      } else if line == "<!-- backstage" {
        let end = try Guide.end(of: "-->", after: index, in: lines)
        let text = lines[(index + 1)..<end].joined(separator: "\n")
        steps.append(Step(kind: .backstage, text: text, line: index + 2))
        index = end
      } else if !line.isEmpty {
        before = line
      }
      index += 1
    }
    try expectCodes()
  }

  private static func end(of fence: String, after start: Int, in lines: [String]) throws -> Int {
    guard let end = lines[(start + 1)...].firstIndex(of: fence) else {
      throw Failure(description: "line \(start + 1): what begins here has no end")
    }
    return end
  }

  private mutating func addBlock(_ language: String, _ lines: [String], at number: Int, below: String) throws
  {
    switch language {
    case "sh": untested += lines
    case "console":
      for (offset, line) in lines.enumerated() { try addTerminal(line, at: number + offset) }
    default:
      let parts = below.components(separatedBy: "`")
      guard parts.count >= 3, parts.last == ":", let path = parts.dropLast().last, !path.contains(" ") else {
        throw Failure(description: "line \(number - 1): a file whose name is not in the line before it")
      }
      let text = lines.joined(separator: "\n") + "\n"
      steps.append(Step(kind: .file(path: path), text: text, line: number))
    }
  }

  private mutating func addTerminal(_ line: String, at number: Int) throws {
    if let last = steps.indices.last, let end = hereEnd {
      steps[last].text += "\n" + line
      if line == end { hereEnd = nil }
    } else if let last = steps.indices.last, steps[last].text.hasSuffix("\\"), steps[last].output.isEmpty {
      steps[last].text += "\n" + line
    } else if line.hasPrefix("> "), let last = steps.indices.last, steps[last].output.isEmpty {
      steps[last].text += "\n" + line.dropFirst(2)
    } else if line.hasPrefix("$ ") {
      steps.append(Step(kind: .command, text: String(line.dropFirst(2)), line: number))
      if let match = line.firstMatch(of: /<<'([A-Z]+)'/) { hereEnd = String(match.1) }
    } else if let last = steps.indices.last, steps[last].kind == .command {
      steps[last].output.append(line)
    } else {
      throw Failure(description: "line \(number): an output without a command")
    }
  }

  /// What `echo $?` shows is the code of the command before it.
  private mutating func expectCodes() throws {
    for index in steps.indices where steps[index].text == "echo $?" {
      guard index > 0, let shown = steps[index].output.first, let code = Int32(shown) else {
        throw Failure(description: "line \(steps[index].line): no exit code is shown")
      }
      steps[index - 1].code = code
    }
  }
}

extension Guide.Step {
  /// Whether this is what the page shows. Spaces at the ends of lines, and empty lines at the end, do not count.
  func shows(_ found: String) throws -> Bool {
    let pattern = output.map { line in
      line == "…"
        ? "(?:.*\n)*?" : NSRegularExpression.escapedPattern(for: line).replacing("…", with: ".*") + "\n"
    }.joined()
    let expression = try NSRegularExpression(pattern: "^(?:\(pattern))$")
    let text = Guide.Step.lines(found).map { $0 + "\n" }.joined()
    let whole = NSRange(text.startIndex..., in: text)
    return expression.firstMatch(in: text, range: whole)?.range == whole
  }

  private static func lines(_ text: String) -> [String] {
    var lines = text.components(separatedBy: "\n").map { line in
      String(line.reversed().drop { $0 == " " }.reversed())
    }
    while lines.last == "" { lines.removeLast() }
    return lines
  }
}
