import Foundation
import Testing

struct DocumentationTests {
  private static let pages =
    ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
    .compactMap(Repository.file)
    + ["docs", "cron"].flatMap { Repository.files(in: $0, endingIn: ".md") }

  @Test func relativeLinksLeadSomewhere() throws {
    #expect(!DocumentationTests.pages.isEmpty)
    for page in DocumentationTests.pages {
      for link in try links(in: page.text) {
        if let fault = fault(of: link, on: page.path) { Issue.record("\(page.path): \(fault)") }
      }
    }
  }

  /// Targets of `[text](target)`, outside code.
  private func links(in text: String) throws -> [String] {
    var isCode = false
    let prose = text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
      if line.trimmingPrefix(while: { $0 == " " }).hasPrefix("```") {
        isCode.toggle()
        return ""
      }
      return isCode ? "" : String(line.replacing(/`[^`]*`/, with: "`code`"))
    }.joined(separator: "\n")
    let expression = try NSRegularExpression(pattern: #"\]\(([^)\s]+)[^)]*\)"#)
    return expression.matches(in: prose, range: NSRange(prose.startIndex..., in: prose)).compactMap {
      Range($0.range(at: 1), in: prose).map { String(prose[$0]) }
    }
  }

  private func fault(of link: String, on page: String) -> String? {
    if link.contains("://") || link.hasPrefix("mailto:") { return nil }
    let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    let path = String(parts[0]).removingPercentEncoding ?? String(parts[0])
    let folder = page.contains("/") ? String(page[..<(page.lastIndex(of: "/") ?? page.startIndex)]) + "/" : ""
    let target = path.isEmpty ? page : folder + path
    guard Repository.exists(target) else { return "\(link) leads nowhere" }
    guard parts.count == 2, target.hasSuffix(".md"), let text = Repository.file(target)?.text else {
      return nil
    }
    return headings(of: text).contains(String(parts[1])) ? nil : "\(link): no such heading"
  }

  /// As the usual viewers make anchors: lower case, punctuation dropped, spaces to hyphens.
  private func headings(of text: String) -> Set<String> {
    Set(
      text.split(separator: "\n").filter { $0.hasPrefix("#") }.map { line in
        line.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces).lowercased()
          .filter { $0.isLetter || $0.isNumber || "-_ ".contains($0) }
          .replacing(" ", with: "-")
      })
  }

  /// Each file to copy is told of, with where it goes.
  @Test func everySchedulersFileIsInItsReadme() throws {
    let readme = try #require(Repository.file("cron/README.md")).text
    let names = try FileManager.default.contentsOfDirectory(
      atPath: Repository.root.appending(path: "cron").path)
    #expect(names.count > 4)
    for name in names where name != "README.md" {
      #expect(readme.contains("| `\(name)`") || readme.contains(", `\(name)` |"), "\(name)")
    }
  }

  @Test func theCheckItselfWouldNoticeADeadLink() throws {
    let text = "[a](nowhere.md) `[b](no.md)` [c](https://example.com) [d](docs/sandbox.md)\n```\n[e](x)\n```"
    #expect(try links(in: text) == ["nowhere.md", "https://example.com", "docs/sandbox.md"])
    #expect(fault(of: "nowhere.md", on: "README.md") != nil)
    #expect(fault(of: "sandbox.md#no-such-heading", on: "docs/page.md") != nil)
    #expect(fault(of: "sandbox.md", on: "docs/page.md") == nil)
  }
}
