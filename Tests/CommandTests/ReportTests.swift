import Foundation
import Reporting
import RotationTestKit
import Testing

/// `report`: the page that the program writes, and how a browser shows it.
@Suite(.fewAtATime) struct ReportTests {
  private static let hostile = #"<img src=x onerror=alert(1)> & "b" <script>alert(2)</script>"#

  /// A job that has lived: an answer was lost, a hook has failed, a token was replaced.
  private func plant() async throws -> Workspace {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox(
      "--activation-delay", "0s", "--activation-spread", "0s", "--fault", "create:answer-lost:nth=2")
    try workspace.write(
      "reload.sh", "#!/bin/sh\ntest -e mended || { echo '<b>no</b>' >&2; exit 1; }\n", mode: 0o755)
    try workspace.writeJob(
      rows: [],
      more: """
        [limits]
        request_timeout = "2s"
        [rotation]
        every = "30d"
        expires_in = "45d"
        overlap = "1h"
        [[hook]]
        on = "delivered"
        command = ["./reload.sh"]
        """)
    let label = ReportTests.hostile.replacing("\"", with: "\"\"")
    let rows = (1...3).map { "line-\($0),\"\(label)\",plant,\"\(label)\"\n" }
    try workspace.write(
      "tokens.csv", "name,description,read_database,label_hall\n" + rows.joined())
    let failed = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(failed.code == 6, "\(failed.everything)")
    try workspace.write("mended", "")
    let mended = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(mended.code == 0, "\(mended.everything)")
    let rotated = try await workspace.run("rotate", "job.toml", "line-2", "--state", "state")
    #expect(rotated.code == 0, "\(rotated.everything)")
    try await sandbox.expectGoodConduct()
    // No cluster is there, nor the token for it: the report needs neither.
    try await sandbox.stop()
    try FileManager.default.removeItem(atPath: sandbox.defaultsPath + ".management-token")
    return workspace
  }

  // MARK: The program

  @Test func thePageTellsWhatHasHappened() async throws {
    let workspace = try await plant()
    let before = try await workspace.shell("cd state && find . -type f -exec sha256sum {} + | sort -k2")
    #expect(before.output.contains("ledger.sqlite"))
    let outcome = try await workspace.run("report", "job.toml", "--state", "state", "--output", "page.html")
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.everything)")
    #expect(outcome.output == "page.html: 3 tokens, all well\n")
    let page = workspace.read("page.html")
    for words in [
      "All well", "3 tokens to be replaced", "a creation was not answered", "the orphan was revoked",
      "hook reload.sh-", "6: active, not delivered", ">rotate</th>", "its predecessor is superseded",
      "hall: &lt;img src=x onerror=alert(1)&gt; &amp; &quot;b&quot; &lt;script&gt;",
    ] {
      #expect(page.contains(words), "\(words)")
    }
    #expect(!page.contains("<script") && !page.contains("<img") && !page.contains("<b>"))
    #expect(try await workspace.shell("stat -c %a page.html").output == "640\n")
    #expect(workspace.list(".").filter { $0.hasPrefix("page") } == ["page.html"])
    let after = try await workspace.shell("cd state && find . -type f -exec sha256sum {} + | sort -k2")
    #expect(after.output == before.output)

    let strings = try workspace.strings()
    #expect(strings.count == 4, "three tokens, and one that was replaced")
    for string in strings {
      // Not even a part of one.
      for start in stride(from: 0, through: string.count - 12, by: 4) {
        #expect(!page.contains(string.dropFirst(start).prefix(12)))
      }
    }
  }

  @Test func standardOutputTakesThePageAndALockKeepsItFromNothing() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.writeJob(rows: Workspace.rows(1...2))
    #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 0)
    let locked = try await workspace.shell("flock state/lock tokenrotate report job.toml --state state")
    #expect(locked.code == 0 && locked.errors.isEmpty, "\(locked.everything)")
    #expect(locked.output.hasPrefix("<!DOCTYPE html>") && locked.output.hasSuffix("</html>\n"))
    #expect(locked.output.contains("line-2</th>"))
    try await sandbox.expectGoodConduct()
  }

  @Test func aTerminalIsNoPlaceForAPage() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox()
    try workspace.writeJob(rows: Workspace.rows(1...1))
    let outcome = try await workspace.shell(
      "script -qec 'tokenrotate report job.toml --state state' /dev/null")
    #expect(outcome.code == 2 && !outcome.output.contains("<html"), "\(outcome.everything)")
    #expect(outcome.output.contains("hint: name a file: `tokenrotate report --output report.html`"))
    let json = try await workspace.run("report", "job.toml", "--state", "state", "--format", "json")
    #expect(json.code == 2 && json.output.isEmpty && json.errors.contains("status --format json"))
    let nowhere = try await workspace.run("report", "nowhere/job.toml", "--state", "state")
    #expect(nowhere.code == 2 && nowhere.output.isEmpty, "\(nowhere.everything)")
    try await sandbox.expectGoodConduct()
  }

  @Test func aPageBeforeTheFirstRunSaysSo() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox()
    try workspace.writeJob(rows: Workspace.rows(1...2))
    let outcome = try await workspace.run("report", "job.toml", "--state", "state", "--output", "page.html")
    #expect(outcome.code == 0, "\(outcome.everything)")
    #expect(outcome.output == "page.html: 2 tokens, 2 under way\n")
    #expect(workspace.read("page.html").contains("line-1: no token yet"))
    #expect(workspace.read("page.html").contains("No run yet."))
    #expect(!workspace.exists("state"), "a look makes no state directory")
    try await sandbox.expectGoodConduct()
  }

  @Test func aJobThatIsWrongIsOnThePageAndTheOthersAreToo() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox()
    try workspace.writeJob("jobs/a/job.toml", name: "a", rows: ["line-1,plant,"])
    try workspace.writeJob("jobs/b/job.toml", name: "b", rows: ["line-1,,"])
    try workspace.write("jobs/c/job.toml", "nam = 1\n")
    let outcome = try await workspace.run("report", "jobs", "--state", "state", "--output", "page.html")
    #expect(outcome.code == 2, "\(outcome.everything)")
    #expect(outcome.errors.contains("tokens.csv:2:"), "\(outcome.everything)")
    #expect(outcome.output == "page.html: 1 token, 2 need a person\n")
    let page = workspace.read("page.html")
    #expect(page.contains("<h3>a</h3>") && page.contains("<h3>b</h3>") && page.contains("line-1</th>"))
    #expect(page.contains("tokens.csv:2:") && page.contains("left alone"))
    try await sandbox.expectGoodConduct()
  }

  @Test func aPageThatCannotBeWrittenLeavesTheOldOne() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox()
    try workspace.writeJob(rows: Workspace.rows(1...1))
    let missing = try await workspace.run("report", "job.toml", "--state", "state", "--output", "gone/x.html")
    #expect(missing.code == 1 && missing.errors.contains("the page could not be written"))
    workspace.makeFolder("page.html")
    let folder = try await workspace.run("report", "job.toml", "--state", "state", "--output", "page.html")
    #expect(folder.code == 1 && folder.errors.contains("page.html"), "\(folder.everything)")
    #expect(workspace.list(".").filter { $0.hasPrefix("page") } == ["page.html"], "nothing is left beside it")
    let full = try await workspace.shell("tokenrotate report job.toml --state state > /dev/full")
    #expect(full.code == 1 && full.errors.contains("could not be written"), "\(full.everything)")
    try await sandbox.expectGoodConduct()
  }

  /// A device, a link or somebody's own file beside it is not what a page may replace.
  @Test func onlyARegularFileIsReplaced() async throws {
    let workspace = try await plant()
    try workspace.write("page.html.new", "mine")
    symlink(workspace.path("target.html"), workspace.path("link.html"))
    mkfifo(workspace.path("pipe.html"), 0o600)
    for name in ["link.html", "pipe.html"] {
      let outcome = try await workspace.run("report", "job.toml", "--state", "state", "--output", name)
      #expect(outcome.code == 1 && outcome.errors.contains("is not a regular file"), "\(outcome.everything)")
      #expect(!workspace.exists("target.html"))
    }
    let written = try await workspace.run("report", "job.toml", "--state", "state", "--output", "page.html")
    #expect(written.code == 0 && workspace.read("page.html.new") == "mine", "\(written.everything)")
    let nowhere = try await workspace.run(
      "report", "job.toml", "--state", "state", "--output", "gone/page.html")
    #expect(nowhere.code == 1 && !nowhere.errors.contains("FileSystemError"), "\(nowhere.everything)")
  }

  // MARK: The browser

  private static let widths = [360, 390, 768, 1280]

  @Test(
    .enabled(if: Browser.isInstalled || Browser.isRequired, "chromium is missing: apt-get install chromium"))
  func thePageOfTheProgramHoldsInABrowser() async throws {
    let workspace = try await plant()
    let outcome = try await workspace.run("report", "job.toml", "--state", "state", "--output", "page.html")
    #expect(outcome.code == 0, "\(outcome.everything)")
    let browser = Browser(workspace: workspace)
    try await expectItHolds(browser, "page.html", "plant") { finding in
      #expect(finding.text.contains("hall: \(ReportTests.hostile)"), "it is shown, and is text")
      #expect(finding.text.contains("All well"))
    }
  }

  @Test(
    .enabled(if: Browser.isInstalled || Browser.isRequired, "chromium is missing: apt-get install chromium"))
  func aPageOfManyTokensHoldsInABrowser() async throws {
    let workspace = try Workspace()
    let long = String(repeating: "a-name-without-a-place-to-break", count: 4)
    try workspace.write("page.html", try samplePage(foreign: "\(long) \(ReportTests.hostile)"))
    let browser = Browser(workspace: workspace)
    try await expectItHolds(browser, "page.html", "many") { finding in
      #expect(finding.text.contains(ReportTests.hostile))
      #expect(finding.elements["circle"] ?? 0 > 5 && finding.elements["rect"] ?? 0 > 10)
    }
    try workspace.write("page.html", try samplePage(foreign: "hall 4"))
    try browser.keep("page.html", as: "sample")
    for (width, height) in [(390, 7000), (1280, 4000)] {
      for isDark in [false, true] {
        let name = "sample-\(width)-\(isDark ? "dark" : "light")"
        let picture = try await browser.picture(
          of: "page.html", as: name, width: width, height: height, isDark: isDark)
        #expect(picture == (width, height))
      }
    }
    // The measure finds what does not hold.
    let wide = workspace.read("page.html").replacing(".headline {", with: ".headline { width: 2000px;")
    try workspace.write("wide.html", wide)
    let found = try await browser.look(at: "wide.html", widths: [390], isDark: false)
    #expect(found.first?.scrollWidth ?? 0 > 2000 && found.first?.beyond.isEmpty == false)
  }

  /// Whatever the width and the scheme: nothing reaches beyond the page, nothing is loaded, and no text has become
  /// an element.
  private func expectItHolds(
    _ browser: Browser, _ page: String, _ name: String, _ check: (Browser.Finding) -> Void
  ) async throws {
    try browser.keep(page, as: name)
    var grounds: [String] = []
    for isDark in [false, true] {
      let findings = try await browser.look(at: page, widths: ReportTests.widths, isDark: isDark)
      #expect(findings.map(\.width) == ReportTests.widths)
      for finding in findings {
        #expect(finding.scrollWidth == finding.width && finding.beyond == [], "\(finding.width) points wide")
        #expect(finding.requests == 0)
        // The one script is the measure's own.
        #expect(
          finding.elements["script"] == 1 && finding.elements["img"] == nil && finding.elements["b"] == nil)
        check(finding)
      }
      grounds.append(contentsOf: Set(findings.map { "\($0.background) \($0.ink)" }))
      for width in [390, 1280] {
        let picture = try await browser.picture(
          of: page, as: "\(name)-\(width)-\(isDark ? "dark" : "light")", width: width, height: 3000,
          isDark: isDark)
        #expect(picture == (width, 3000))
      }
    }
    #expect(grounds == ["rgb(245, 246, 248) rgb(24, 32, 44)", "rgb(14, 19, 26) rgb(231, 236, 243)"])
  }

  private func samplePage(foreign: String) throws -> String {
    final class Sink: TextSink, @unchecked Sendable {
      // Written to by one thread, which waits for the end.
      var text = ""
      func write(_ text: String) { self.text += text }
    }
    let sink = Sink()
    try SampleReport(tokens: 160, foreign: foreign).report(spoolDirectory: NSTemporaryDirectory())
      .write(to: sink)
    return sink.text
  }
}

extension Workspace {
  /// All the token strings that the default store of the job holds, in whatever place.
  fileprivate func strings() throws -> [String] {
    let folder = path("state/tokens/plant")
    let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    let texts = names.map { Workspace.text(of: "\(folder)/\($0)") }
    return Array(
      Set(texts.flatMap { $0.matches(of: #/apiv1_[A-Za-z0-9._~+\/=-]+/#).map { String($0.output) } }))
  }
}
