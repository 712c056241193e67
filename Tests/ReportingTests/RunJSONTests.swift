import Foundation
import Reporting
import RotationPorts
import Testing

@Suite struct RunJSONTests {
  static let run = RunID(bits: 7)
  static func screen() -> Screen { Screen { $0.format = .json } }

  @Test func theObjectHasItsKeysInOrder() {
    let screen = Self.screen()
    let reporter = screen.run()
    var rotated = TokenReport.created("b")
    rotated.outcome = .rotated
    rotated.previousTokenID = "old"
    reporter.tell("plant", [.unchanged("a"), rotated, .failed("c\"\\\u{2028}")], .failed)
    reporter.finish(run: Self.run, exitCode: .failed, problem: nil)
    let counts =
      #"{"created":0,"rotated":1,"updated":0,"unchanged":1,"pending":0,"undelivered":0,"held":0,"attention":0,"retired":0,"failed":1}"#
    let tokens = [
      #"{"name":"a","outcome":"unchanged","token_id":"id-a","previous_token_id":null,"activation_seconds":null,"error":null}"#,
      #"{"name":"b","outcome":"rotated","token_id":"id-b","previous_token_id":"old","activation_seconds":3.24,"error":null}"#,
      #"{"name":"c\"\\\u2028","outcome":"failed","token_id":null,"previous_token_id":null,"activation_seconds":null,"error":{"code":"refused","message":"c\"\\\u2028: the cluster said no","hint":"ask it nicely"}}"#,
    ].joined(separator: ",")
    #expect(
      screen.output.text
        == #"{"run":"\#(Self.run.text)","exit":1,"error":null,"jobs":[{"job":"plant","error":null,"notices":[],"counts":\#(counts),"tokens":[\#(tokens)]}]}"#
        + "\n")
  }

  @Test func aRunThatNeverBeganHasNoIDAndSaysSo() {
    let screen = Self.screen()
    screen.run().finish(run: nil, exitCode: .badInput, problem: nil)
    #expect(screen.output.text == #"{"run":null,"exit":2,"error":null,"jobs":[]}"# + "\n")
  }

  /// One policy with the audit log: what could turn or hide text is never printed as it is.
  @Test func whatCouldMisleadATerminalIsEscaped() throws {
    let screen = Self.screen()
    let reporter = screen.run()
    reporter.tell("plant", [.failed("\u{9b}31m\u{7f}\u{202e}\u{200b}é")], .failed)
    reporter.finish(run: Self.run, exitCode: .failed, problem: nil)
    #expect(screen.output.text.contains(#""name":"\u009b31m\u007f\u202e\u200bé""#))
  }

  @Test func nothingIsPrintedBeforeTheEnd() {
    let screen = Self.screen()
    let reporter = screen.run()
    reporter.tell("plant", [.created("a")])
    #expect(screen.output.text == "")
  }

  @Test func severalJobsAndRefusalsAreOneObject() throws {
    let screen = Self.screen()
    let reporter = screen.run()
    reporter.tell("a", [.created("t"), .created("u")])
    reporter.jobRefused(
      "b/job.toml",
      problems: [
        Problem(code: "job_file", message: "line 1"), Problem(code: "csv", message: "line 2", hint: "h"),
      ], exitCode: .badInput)
    reporter.tell("c", [.created("v")])
    reporter.finish(run: Self.run, exitCode: .badInput, problem: Problem(code: "x", message: "end"))
    let object = try screen.object()
    #expect(object["exit"] as? Int == 2)
    #expect((object["error"] as? [String: Any])?["message"] as? String == "end")
    let jobs = try #require(object["jobs"] as? [[String: Any]])
    #expect(jobs.map { $0["job"] as? String } == ["a", "b/job.toml", "c"])
    let names = jobs.map { ($0["tokens"] as? [[String: Any]])?.map { $0["name"] as? String } }
    #expect(names == [["t", "u"], [], ["v"]])
    let error = try #require(jobs[1]["error"] as? [String: Any])
    #expect(error["code"] as? String == "job_file")
    #expect(error["message"] as? String == "line 1\nline 2")
    #expect(error["hint"] as? String == "h")
    #expect((jobs[1]["counts"] as? [String: Int])?.count == TokenOutcome.allCases.count)
  }

  /// They come before, between and after the tokens, and belong to no one of them.
  @Test func whatIsNoticedAboutAJobIsInTheObject() throws {
    let screen = Self.screen()
    let reporter = screen.run()
    for job in ["a", "b"] {
      reporter.jobStarted(job)
      if job == "a" { reporter.noticed(job, Problem(code: "clocks_apart", message: "15 m", hint: "set it")) }
      reporter.tokenFinished(job, .unchanged("t"))
      if job == "a" { reporter.noticed(job, Problem(code: "foreign_marker", message: "x: \"\u{9b}\"")) }
      reporter.jobFinished(job, JobReport(exitCode: .needsPerson, counts: [.unchanged: 1], problem: nil))
    }
    reporter.jobRefused("c", problems: [Problem(code: "bad_file", message: "no")], exitCode: .badInput)
    reporter.finish(run: Self.run, exitCode: .needsPerson, problem: nil)
    let notices = [
      #"{"code":"clocks_apart","message":"15 m","hint":"set it"}"#,
      #"{"code":"foreign_marker","message":"x: \"\u009b\"","hint":null}"#,
    ].joined(separator: ",")
    #expect(screen.output.text.contains(#"{"job":"a","error":null,"notices":[\#(notices)],"counts":{"#))
    let jobs = try #require(try screen.object()["jobs"] as? [[String: Any]])
    #expect(jobs.map { ($0["notices"] as? [Any])?.count } == [2, 0, 0])
    #expect(jobs.map { ($0["tokens"] as? [Any])?.count } == [1, 1, 0])
    // A person at the terminal is told as before.
    #expect(screen.errors.text.contains("attention: a: 15 m\n  hint: set it\n"))
  }

  @Test func noticesGoThroughASpoolOfTheirOwn() throws {
    let screen = Self.screen()
    let reporter = screen.run()
    reporter.jobStarted("plant")
    for number in 0..<5000 {
      reporter.noticed("plant", Problem(code: "foreign_marker", message: "東京都 \(number)"))
      reporter.tokenFinished("plant", .unchanged("t\(number)"))
    }
    #expect(reporter.finish(run: Self.run, exitCode: .interrupted, problem: nil) == nil)
    #expect(screen.output.writes.allSatisfy { $0.utf8.count < 70_000 })
    let jobs = try #require(try screen.object()["jobs"] as? [[String: Any]])
    let notices = try #require(jobs[0]["notices"] as? [[String: Any]])
    #expect(notices.map { $0["message"] as? String } == (0..<5000).map { "東京都 \($0)" })
    #expect((jobs[0]["tokens"] as? [Any])?.count == 5000)
  }

  @Test func aSpoolOfNoticesThatCannotBeMadeIsSaid() throws {
    let screen = Self.screen()
    let reporter = screen.run(spool: "/nonexistent/folder")
    reporter.jobStarted("plant")
    reporter.noticed("plant", Problem(code: "x", message: "y"))
    let problem = reporter.finish(run: Self.run, exitCode: .done, problem: nil)
    #expect(problem?.code == "report_incomplete" && problem?.message.contains("list of notices") == true)
    #expect((try screen.object()["error"] as? [String: Any])?["code"] as? String == "report_incomplete")
  }

  @Test func noJobsAtAllIsStillAnObject() throws {
    let screen = Self.screen()
    screen.run().finish(run: Self.run, exitCode: .locked, problem: Problem(code: "lock", message: "held"))
    let object = try screen.object()
    #expect(object["exit"] as? Int == 3)
    #expect((object["jobs"] as? [Any])?.isEmpty == true)
    #expect(screen.errors.text == "error: held\n")
  }

  @Test func tenThousandTokensGoThroughTheSpool() throws {
    let folder = NSTemporaryDirectory() + "/spool-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let screen = Self.screen()
    let reporter = screen.run(spool: folder)
    // Scalars of three bytes, so that some lie across the pieces in which the spool is read.
    reporter.tell(
      "plant",
      (0..<10_000).map {
        TokenReport(
          name: "t\($0)", outcome: .attention, problem: Problem(code: "x", message: "東京都"))
      })
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    #expect(reporter.finish(run: Self.run, exitCode: .done, problem: nil) == nil)
    // Streamed: no single piece holds the document.
    #expect(screen.output.writes.count > 10)
    #expect(screen.output.writes.allSatisfy { $0.utf8.count < 70_000 })
    let jobs = try #require(try screen.object()["jobs"] as? [[String: Any]])
    let tokens = try #require(jobs[0]["tokens"] as? [[String: Any]])
    #expect(tokens.map { $0["name"] as? String } == (0..<10_000).map { "t\($0)" })
    #expect(tokens.allSatisfy { ($0["error"] as? [String: Any])?["message"] as? String == "東京都" })
  }

  @Test func aSpoolThatCannotBeMadeIsSaid() throws {
    let screen = Self.screen()
    let reporter = screen.run(spool: "/nonexistent/folder")
    reporter.tell("plant", [.created("a")])
    let problem = reporter.finish(run: Self.run, exitCode: .done, problem: nil)
    #expect(problem?.code == "report_incomplete")
    let object = try screen.object()
    #expect((object["error"] as? [String: Any])?["code"] as? String == "report_incomplete")
    let job = try #require((object["jobs"] as? [[String: Any]])?.first)
    #expect((job["counts"] as? [String: Int])?["created"] == 1)
    #expect(screen.errors.text.contains("No such file"))
  }
}
