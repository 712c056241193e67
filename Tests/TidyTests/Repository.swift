import Foundation

/// The files of this repository as text.
enum Repository {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  struct File: Sendable {
    /// From the root, with slashes.
    var path: String
    var text: String

    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    /// The target whose folder it is in: `RotationModel` for `Sources/RotationModel/Event.swift`.
    var target: String {
      let parts = path.split(separator: "/")
      return parts.count > 2 ? String(parts[1]) : ""
    }
  }

  /// Those under a folder whose names end so, in order.
  static func files(in folder: String, endingIn suffix: String) -> [File] {
    let top = root.appending(path: folder)
    guard let names = FileManager.default.enumerator(atPath: top.path) else { return [] }
    return names.compactMap { $0 as? String }.filter { $0.hasSuffix(suffix) && !$0.contains("/.") }.sorted()
      .compactMap { name in file("\(folder)/\(name)") }
  }

  static func file(_ path: String) -> File? {
    (try? String(contentsOf: root.appending(path: path), encoding: .utf8)).map { File(path: path, text: $0) }
  }

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appending(path: path).path)
  }

  static let sources = files(in: "Sources", endingIn: ".swift")
  static let tests = files(in: "Tests", endingIn: ".swift")

  /// What people read and machines run besides Swift: everything that is not built, fetched or generated.
  static let others: [File] = {
    let top = ["Package.swift", "Makefile", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
    return top.compactMap(file)
      + ["docs", "jobs", "cron", "bench", ".github", "Sources/CLibraries"].flatMap { folder in
        ["md", "toml", "csv", "yml", "yaml", "sh", "py", "h", "cpp", "service", "timer", "cron"].flatMap {
          files(in: folder, endingIn: ".\($0)")
        }
      }
  }()
}

/// Swift text without what is no code: comments and the insides of string literals become spaces, so that a
/// rule may be named where it is explained.
enum SwiftText {
  static func code(of text: String) -> String {
    var result = ""
    var rest = text[...]
    var state = State.code
    while let character = rest.first {
      switch state {
      case .code:
        if let (next, length) = opening(rest) {
          state = next
          result.append(String(repeating: " ", count: length))
          rest = rest.dropFirst(length)
          continue
        }
        result.append(character)
      case .lineComment:
        if character == "\n" { state = .code }
        result.append(character == "\n" ? "\n" : " ")
      case .blockComment:
        if rest.hasPrefix("*/") {
          state = .code
          result.append(" ")
          rest = rest.dropFirst()
        }
        result.append(character == "\n" ? "\n" : " ")
      case .string(let end):
        if character == "\\", !end.contains("#"), rest.count > 1 {
          result.append("  ")
          rest = rest.dropFirst(2)
          continue
        }
        if rest.hasPrefix(end) || (character == "\n" && end.count < 3) {
          state = .code
          result.append(String(repeating: " ", count: end.count))
          rest = rest.dropFirst(end.count)
          continue
        }
        result.append(character == "\n" ? "\n" : " ")
      }
      rest = rest.dropFirst()
    }
    return result
  }

  private enum State {
    case code
    case lineComment
    case blockComment
    case string(end: String)
  }

  private static func opening(_ rest: Substring) -> (State, Int)? {
    if rest.hasPrefix("//") { return (.lineComment, 2) }
    if rest.hasPrefix("/*") { return (.blockComment, 2) }
    if rest.hasPrefix("\"\"\"") { return (.string(end: "\"\"\""), 3) }
    if rest.hasPrefix("#\"\"\"") { return (.string(end: "\"\"\"#"), 4) }
    if rest.hasPrefix("#\"") { return (.string(end: "\"#"), 2) }
    if rest.hasPrefix("\"") { return (.string(end: "\""), 1) }
    return nil
  }
}
