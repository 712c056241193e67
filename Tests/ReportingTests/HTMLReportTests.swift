import Foundation
import RotationModel
import RotationPorts
import RotationTestKit
import Testing

@testable import Reporting

/// The page of `report` as text; how it looks is tried in a browser.
struct HTMLReportTests {
  private static let now = SampleReport.now

  private func page(_ report: HTMLReport) throws -> String {
    let sink = MemorySink()
    try report.write(to: sink)
    return sink.text
  }

  private func empty() -> HTMLReport {
    HTMLReport(
      version: "1.2.3", source: "/var/lib/tokenrotate", now: HTMLReportTests.now,
      spoolDirectory: NSTemporaryDirectory())
  }

  @Test func aPageNeedsNothingButItself() throws {
    let text = try page(SampleReport(tokens: 60).report(spoolDirectory: NSTemporaryDirectory()))
    #expect(text.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">") && text.hasSuffix("</html>\n"))
    for foreign in ["http:", "https:", "//", "url(", "@import", "<script", "<img", "<link", " src=", " on"] {
      let found = text.components(separatedBy: foreign).count - 1
      // A word of the text may begin so.
      #expect(found == 0 || (foreign == " on" && !text.contains(#/ on[a-z]+="/#)), "\(foreign)")
    }
    #expect(text.contains("default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;"))
    #expect(text.contains("name=\"viewport\" content=\"width=device-width, initial-scale=1\""))
    let anchors = text.matches(of: #/href="([^"]*)"/#).map { String($0.1) }
    #expect(anchors.count == 6)
    for anchor in anchors { #expect(text.contains("id=\"\(anchor.dropFirst())\""), "\(anchor)") }
  }

  /// Every element that is opened is closed in its turn.
  @Test(arguments: [0, 3, 60]) func thePageIsWellFormed(tokens: Int) throws {
    let text = try page(SampleReport(tokens: tokens).report(spoolDirectory: NSTemporaryDirectory()))
    let xml = text.replacing("<!DOCTYPE html>", with: "").replacing(#/<meta ([^>]*)>/#) { "<meta \($0.1)/>" }
    let parser = XMLCheck()
    #expect(parser.accepts(xml), "\(parser.complaint)")
  }

  @Test func whatComesFromOutsideIsText() throws {
    let hostile = "<script>alert(1)</script>\"'&amp;<img src=x onerror=1>\u{202e}\u{1b}[31m\u{0}"
    let text = try page(
      SampleReport(tokens: 60, foreign: hostile).report(spoolDirectory: NSTemporaryDirectory()))
    #expect(!text.contains("<script") && !text.contains("<img"))
    #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && $0 != "\u{202e}" })
    let shown =
      "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;amp;&lt;img src=x onerror=1&gt;\\u{202e}\\u{1b}[31m\\u{0}"
    // Of a label, of a reason, and of the message of a job that is refused.
    #expect(text.contains("site: \(shown)"))
    #expect(text.contains("the connection to \(shown) was lost"))
    #expect(text.contains("there is no database \(shown)"))
    let plain = SampleReport(tokens: 60).report(spoolDirectory: NSTemporaryDirectory())
    #expect(tags(in: text) == tags(in: try page(plain)))
  }

  private func tags(in text: String) -> [String] {
    text.matches(of: #/<\/?[a-z0-9]+/#).map { String($0.output) }
  }

  @Test func theVerdictNamesWhatNeedsAPersonFirst() throws {
    let report = SampleReport(tokens: 60).report(spoolDirectory: NSTemporaryDirectory())
    #expect(report.summary == "62 tokens, 2 need a person")
    let text = try page(report)
    #expect(text.contains("<title>Database tokens · 2 need a person</title>"))
    #expect(text.contains("class=\"verdict bad\""))
    #expect(text.contains("tokens.csv:18:1: a name is missing"))
    #expect(text.contains("put the row back, or end the token with <code>tokenrotate retire</code>"))
    #expect(text.contains("1 more under way: the next run goes on"))
    #expect(text.contains("line-3-writer: created and stored, not active yet"))
  }

  @Test func whatIsAlikeIsOneMatterWithANumber() throws {
    var matters = Matters()
    for index in 1...20_000 {
      matters.add(Problem(code: "overdue", message: "line-\(index): due", hint: "look"), job: "plant")
    }
    matters.add(Problem(code: "row_gone", message: "line-7: gone"), job: "plant")
    matters.add(Problem(code: "overdue", message: "other: due"), job: "grafana")
    matters.add(Problem(code: "last_run", message: "the last run failed"), job: nil)
    #expect(matters.total == 20_003 && matters.untold == 0)
    #expect(matters.groups.map(\.code) == ["last_run", "overdue", "row_gone", "overdue"])
    #expect(matters.groups[1].count == 20_000 && matters.groups[1].hint == "look")
    #expect(matters.groups[1].messages == ["line-1: due", "line-2: due", "line-3: due"])
    for index in 1...100 { matters.add(Problem(code: "kind-\(index)", message: "m"), job: "plant") }
    #expect(matters.total == 20_103 && matters.groups.count == 30 && matters.untold == 74)
    var report = empty()
    report.startJob("plant")
    for index in 1...9 {
      var standing = TokenStanding(name: "line-\(index)", state: "current", stores: 1)
      standing.problem = Problem(code: "overdue", message: "line-\(index): due", hint: "look")
      report.add(TokenHistory(standing: standing, hasRow: true, isDelivered: true))
    }
    let text = try page(report)
    #expect(text.contains("and 6 more like these") && text.contains("9 things need a person"))
  }

  @Test func aLastRunThatFailedIsToldUntilThereIsABetterOne() throws {
    func verdict(_ codes: [Int?]) -> String {
      var report = empty()
      let runs = codes.enumerated().map { index, code in
        var run = RecordedRun(id: "\(index)", lastAt: HTMLReportTests.now - .seconds(Int64(index) * 60))
        (run.command, run.exitCode, run.startedAt) = ("run", code, run.lastAt)
        return run
      }
      report.add(runsOfLogs: [runs])
      return report.summary
    }
    #expect(verdict([0, 8]) == "0 tokens, no token yet")
    #expect(verdict([8, 0]) == "0 tokens, 1 needs a person")
    #expect(verdict([5, 8]) == "0 tokens, no token yet", "a run that waits is followed by one that goes on")
    #expect(verdict([130, 0]) == "0 tokens, no token yet")
    #expect(verdict([nil, 7]) == "0 tokens, 1 needs a person", "what is under way has mended nothing yet")
    #expect(verdict([nil, 0]) == "0 tokens, no token yet")
    for code in [1, 2, 4, 6, 7] { #expect(verdict([code]) == "0 tokens, 1 needs a person", "\(code)") }
  }

  /// A run without an end, after which others came, was killed.
  @Test func aRunThatDidNotEndIsTold() throws {
    var report = empty()
    let runs = [("token create", 0), ("run", nil), ("run", 0)].enumerated().map { index, said in
      var run = RecordedRun(id: "\(index)", lastAt: HTMLReportTests.now - .seconds(Int64(index) * 60))
      (run.command, run.exitCode, run.startedAt) = (said.0, said.1, run.lastAt)
      return run
    }
    report.add(runsOfLogs: [runs])
    #expect(try page(report).contains("did not end"))
  }

  /// However many other sessions came after it, the last run counts.
  @Test func aFailedRunIsNotForgottenForOtherSessions() throws {
    var report = empty()
    let runs = (0..<40).map { index in
      var run = RecordedRun(id: "\(100 + index)", lastAt: HTMLReportTests.now - .seconds(Int64(index) * 60))
      (run.command, run.exitCode, run.startedAt) = (
        index == 39 ? "run" : "token create", index == 39 ? 4 : 0, run.lastAt
      )
      return run
    }
    report.add(runsOfLogs: [runs])
    #expect(report.summary == "0 tokens, 1 needs a person")
  }

  @Test func emptyPartsSaySo() throws {
    let text = try page(empty())
    for words in [
      "No token yet", "The first run of a job creates its tokens.", "No token is in use yet.",
      "No token of ours is in use yet.", "No activation was seen yet.", "Nothing has gone wrong yet.",
      "No run yet.", "There is no job.",
    ] {
      #expect(text.contains(words), "\(words)")
    }
    var report = empty()
    report.startJob("plant")
    #expect(try page(report).contains("It has no token and no row."))
  }

  @Test func manyTokensAreFoldedAndAllThere() throws {
    let few = try page(SampleReport(tokens: 50).report(spoolDirectory: NSTemporaryDirectory()))
    #expect(!few.contains("50 tokens</summary>"))
    let many = try page(SampleReport(tokens: 51).report(spoolDirectory: NSTemporaryDirectory()))
    #expect(many.contains("<details><summary>51 tokens</summary>"))
    for index in 1...51 { #expect(many.contains("line-\(index)-writer</th>"), "\(index)") }
  }

  /// What a page weighs grows with its rows and nothing else.
  @Test func aPageOfThousandsIsOfSaneSize() throws {
    let small = try page(SampleReport(tokens: 1000).report(spoolDirectory: NSTemporaryDirectory()))
    let sink = MemorySink()
    try SampleReport(tokens: 5000).report(spoolDirectory: NSTemporaryDirectory()).write(to: sink)
    let row = (sink.text.utf8.count - small.utf8.count) / 4000
    #expect((200...500).contains(row), "\(row) bytes a token")
    // In pieces, so that no more than one of them is in memory.
    #expect(sink.writes.allSatisfy { $0.utf8.count < 200_000 } && sink.writes.count > 10)
  }

  @Test func aPageWithoutItsRowsIsNone() throws {
    var report = HTMLReport(
      version: "1", source: "s", now: HTMLReportTests.now, spoolDirectory: "/nowhere/at/all")
    report.startJob("plant")
    let standing = TokenStanding(name: "a", state: "current", stores: 1)
    report.add(TokenHistory(standing: standing, hasRow: true, isDelivered: true))
    let sink = MemorySink()
    #expect(throws: Problem.self) { try report.write(to: sink) }
    #expect(sink.text.isEmpty)
  }

  @Test func runsOfSeveralLogsAreOne() throws {
    var report = empty()
    var first = RecordedRun(id: "a", lastAt: HTMLReportTests.now)
    (first.command, first.created, first.exitCode) = ("run", 2, 0)
    var second = RecordedRun(id: "a", lastAt: HTMLReportTests.now - .seconds(1))
    (second.created, second.startedAt) = (3, HTMLReportTests.now - .seconds(60))
    report.add(runsOfLogs: [[first], [second]])
    #expect(report.figures.runs.count == 1)
    let run = try #require(report.figures.runs.first)
    #expect(run.created == 5 && run.exitCode == 0 && run.startedAt == second.startedAt)
    #expect(run.lastAt == first.lastAt && run.command == "run")
  }
}

/// Whether a text is XML: a stricter reader than a browser.
private final class XMLCheck: NSObject {
  private(set) var complaint = ""

  func accepts(_ text: String) -> Bool {
    var open: [Substring] = []
    for match in text.matches(of: #/<(\/?)([a-z0-9]+)((?: [a-z0-9-]+(?:="[^"<>]*")?)*)(\/?)>/#) {
      let (_, slash, name, _, end) = match.output
      if !end.isEmpty { continue }
      guard !slash.isEmpty else {
        open.append(name)
        continue
      }
      guard open.popLast() == name else {
        complaint = "</\(name)> closes what is not open, of \(open)"
        return false
      }
    }
    complaint = "left open: \(open)"
    let brackets = text.count { $0 == "<" }
    let tags = text.matches(of: #/<(\/?)([a-z0-9]+)((?: [a-z0-9-]+(?:="[^"<>]*")?)*)(\/?)>/#).count
    if brackets != tags { complaint = "\(brackets - tags) brackets are no tags" }
    return open.isEmpty && brackets == tags
  }
}
