import Foundation

/// A file of `transcripts/`: prose, then steps, then the files that are there before the first step.
///
///     What this shows, until the first step.
///
///     @ sandbox --activation-delay 1s      starts a sandbox; its defaults file is found by itself
///     $ tokenrotate run job.toml           a line of shell, then what it prints on standard output
///     job: 1 created
///     2> a line of standard error
///     [exit 1]                             if it is not 0
///     @ requests                           what the Management API was sent: `operation status: count`
///     # a remark
///     -- job.toml --
///     the file's lines
///
/// Empty lines at the end of an output do not count.
struct Transcript {
  struct Step {
    enum Kind { case shell, sandbox, requests }

    var kind: Kind
    /// The command, or the directive's arguments.
    var text: String
    /// Remarks and empty lines that stand above it, to be kept when the file is written anew.
    var above: [String]
    var output: [String] = []
    var errors: [String] = []
    var code: Int32 = 0
  }

  struct File {
    var name: String
    var text: String
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private(set) var prose: [String] = []
  var steps: [Step] = []
  private(set) var files: [File] = []

  init(_ text: String) throws {
    var above: [String] = []
    for line in text.components(separatedBy: "\n").dropLast(text.hasSuffix("\n") ? 1 : 0) {
      if line.hasPrefix("-- "), line.hasSuffix(" --") {
        files.append(File(name: String(line.dropFirst(3).dropLast(3)), text: ""))
      } else if let last = files.indices.last {
        files[last].text += line + "\n"
      } else if line.hasPrefix("$ ") || line.hasPrefix("@ ") {
        steps.append(try Transcript.step(line, above: above))
        above = []
      } else if line.hasPrefix("# ") {
        above.append(line)
      } else if steps.isEmpty {
        prose.append(line)
      } else {
        try add(line)
      }
    }
    for index in steps.indices {
      while steps[index].output.last == "" { steps[index].output.removeLast() }
    }
    while prose.last == "" { prose.removeLast() }
    guard !steps.isEmpty else { throw Failure(description: "a transcript without a step") }
  }

  private static func step(_ line: String, above: [String]) throws -> Step {
    let text = String(line.dropFirst(2))
    if line.hasPrefix("$ ") { return Step(kind: .shell, text: text, above: above) }
    let words = text.split(separator: " ", maxSplits: 1)
    let arguments = words.count > 1 ? String(words[1]) : ""
    switch words.first {
    case "sandbox": return Step(kind: .sandbox, text: arguments, above: above)
    case "requests": return Step(kind: .requests, text: arguments, above: above)
    default: throw Failure(description: "no directive is called \(text)")
    }
  }

  private mutating func add(_ line: String) throws {
    let last = steps.count - 1
    if line.hasPrefix("2> ") || line == "2>" {
      steps[last].errors.append(String(line.dropFirst(3)))
    } else if line.hasPrefix("[exit "), line.hasSuffix("]") {
      guard let code = Int32(line.dropFirst(6).dropLast()) else {
        throw Failure(description: "no exit code: \(line)")
      }
      steps[last].code = code
    } else {
      steps[last].output.append(line)
    }
  }

  /// The file's text with these steps.
  var text: String {
    var lines = prose
    for step in steps {
      lines.append("")
      lines += step.above
      switch step.kind {
      case .shell: lines.append("$ \(step.text)")
      case .sandbox: lines.append("@ sandbox\(step.text.isEmpty ? "" : " " + step.text)")
      case .requests: lines.append("@ requests")
      }
      lines += step.output
      lines += step.errors.map { $0.isEmpty ? "2>" : "2> \($0)" }
      if step.code != 0 { lines.append("[exit \(step.code)]") }
    }
    var text = lines.joined(separator: "\n") + "\n"
    if !files.isEmpty { text += "\n" }
    for file in files { text += "-- \(file.name) --\n\(file.text)" }
    return text
  }
}

/// What differs from one run to the next, each by a pattern of its own and nothing wider.
struct Normalization {
  let folder: String

  func lines(_ text: String) -> [String] {
    var lines = normalized(text).components(separatedBy: "\n")
    while lines.last == "" { lines.removeLast() }
    return lines
  }

  private func normalized(_ text: String) -> String {
    var text = text.replacingOccurrences(of: folder, with: "[FOLDER]")
    let patterns = [
      (#"127\.0\.0\.1:[0-9]+"#, "127.0.0.1:[PORT]"),
      (#"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z"#, "[TIME]"),
      (#"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"#, "[UUID]"),
      (#"(?<![0-9A-Za-z])[0-9a-f]{64}(?![0-9A-Za-z])"#, "[SHA256]"),
      (#"(?<![0-9A-Za-z])[0-9a-f]{16}(?![0-9A-Za-z])"#, "[HEX16]"),
      (#"(?<![0-9.])[0-9]+\.[0-9] s(?![0-9A-Za-z])"#, "[SECONDS]"),
      (#""activation_seconds":( ?)[0-9]+(\.[0-9]{1,3})?"#, #""activation_seconds":$1[SECONDS]"#),
      (#"\.damaged-[0-9]{8}T[0-9]{6}Z"#, ".damaged-[TIME]"),
    ]
    for (pattern, replacement) in patterns {
      text = text.replacingOccurrences(of: pattern, with: replacement, options: .regularExpression)
    }
    return text
  }
}
