import Foundation

/// The files of this repository as text.
enum Repository {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  struct File: Sendable {
    /// From the root, with slashes.
    var path: String
    var text: String
    /// The text with comments and string literals blanked out.
    var code: String { Repository.codes[path] ?? SwiftText.code(of: text) }

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
  private static let codes = Dictionary(
    (sources + tests).map { ($0.path, SwiftText.code(of: $0.text)) }, uniquingKeysWith: { first, _ in first })

  /// What people read and machines run besides Swift: everything that is not built, fetched or generated.
  static let others: [File] = {
    let top = [
      "Package.swift", "Makefile", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md",
      ".swift-format",
    ]
    return top.compactMap(file)
      + ["docs", "jobs", "cron", "bench", "scripts", ".github", "Sources/CLibraries"].flatMap { folder in
        ["md", "toml", "csv", "yml", "yaml", "sh", "py", "h", "cpp", "service", "timer", "cron", "txt"]
          .flatMap {
            files(in: folder, endingIn: ".\($0)")
          }
      }
  }()
}

/// Swift text without what is no code: comments and the insides of string literals become spaces, so that a
/// rule may be named where it is explained. What an interpolation holds counts as text.
struct SwiftText {
  private let bytes: [UInt8]
  private var result: [UInt8] = []
  private var position = 0

  static func code(of text: String) -> String {
    var reader = SwiftText(bytes: Array(text.utf8))
    return reader.read()
  }

  private init(bytes: [UInt8]) {
    self.bytes = bytes
    result.reserveCapacity(bytes.count)
  }

  private mutating func read() -> String {
    while position < bytes.count {
      if starts("//") {
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { blank(1) }
      } else if starts("/*") {
        skip(until: "*/", escapes: false, endsAtNewline: false)
      } else if let quote = ["\"\"\"", "#\"\"\"", "#\"", "\""].first(where: starts) {
        blank(quote.utf8.count)
        let end = quote.hasPrefix("#") ? quote.dropFirst() + "#" : quote
        skip(until: end, escapes: end == quote, endsAtNewline: end.utf8.count < 3)
      } else {
        result.append(bytes[position])
        position += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private func starts(_ text: String) -> Bool {
    bytes[position...].starts(with: text.utf8)
  }

  private mutating func blank(_ count: Int) {
    for _ in 0..<count where position < bytes.count {
      result.append(bytes[position] == UInt8(ascii: "\n") ? UInt8(ascii: "\n") : UInt8(ascii: " "))
      position += 1
    }
  }

  private mutating func skip(until end: String, escapes: Bool, endsAtNewline: Bool) {
    while position < bytes.count {
      if escapes, starts("\\") {
        blank(2)
      } else if starts(end) {
        return blank(end.utf8.count)
      } else {
        let isNewline = bytes[position] == UInt8(ascii: "\n")
        blank(1)
        if isNewline, endsAtNewline { return }
      }
    }
  }
}
