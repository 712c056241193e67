import Foundation
import Reporting
import RotationPorts
import Testing

@Suite struct PlanReporterTests {
  private func tell(_ reporter: PlanReporter, unchanged: Int) {
    reporter.jobStarted("plant")
    reporter.line("plant", symbol: "+", word: "create", name: "a", reason: "no token yet")
    for number in 0..<unchanged {
      reporter.line("plant", symbol: "=", word: "nothing", name: "same\(number)", reason: "current")
    }
    reporter.line("plant", symbol: "!", word: "attention", name: "x", reason: "x: \u{1b}gone")
    reporter.jobFinished("plant", JobReport(exitCode: .needsPerson, counts: [:], problem: nil))
  }

  @Test func aSmallPlanShowsEveryLine() {
    let screen = Screen()
    let reporter = screen.plan()
    tell(reporter, unchanged: 2)
    reporter.finish(exitCode: .needsPerson, problem: nil)
    #expect(
      screen.output.text == """
        ! x      \\u{1b}gone
        + a      no token yet
        = same0  current
        = same1  current
        plant: 1 to create, 0 to rotate, 0 to retire, 1 needs a person, 2 unchanged

        """)
    #expect(screen.errors.text == "")
  }

  @Test(arguments: [(48, 51), (49, 3)])
  func aLargePlanLeavesOutWhatStays(unchanged: Int, lines: Int) {
    let screen = Screen()
    tell(screen.plan(), unchanged: unchanged)
    #expect(screen.output.text.split(separator: "\n").count == lines)
  }

  @Test func verboseShowsWhatStaysAndQuietOnlyWhatNeedsAPerson() {
    let verbose = Screen { $0.isVerbose = true }
    tell(verbose.plan(), unchanged: 100)
    #expect(verbose.output.text.split(separator: "\n").count == 103)
    let quiet = Screen { $0.isQuiet = true }
    tell(quiet.plan(), unchanged: 100)
    #expect(quiet.output.text == "! x  \\u{1b}gone\n")
  }

  @Test func theObjectHasItsKeysInOrder() {
    let screen = Screen { $0.format = .json }
    let reporter = screen.plan()
    tell(reporter, unchanged: 1)
    reporter.finish(exitCode: .needsPerson, problem: nil)
    let tokens = [
      #"{"name":"a","action":"create","reason":"no token yet"}"#,
      #"{"name":"same0","action":"nothing","reason":"current"}"#,
      #"{"name":"x","action":"attention","reason":"x: \u001bgone"}"#,
    ].joined(separator: ",")
    #expect(
      screen.output.text
        == #"{"exit":8,"error":null,"jobs":[{"job":"plant","error":null,"notices":[],"counts":{"create":1,"rotate":0,"retire":0,"attention":1,"nothing":1},"tokens":[\#(tokens)]}]}"#
        + "\n")
  }

  @Test func whatIsNoticedAboutAJobIsInTheObject() throws {
    let screen = Screen { $0.format = .json }
    let reporter = screen.plan()
    reporter.jobStarted("plant")
    reporter.noticed("plant", Problem(code: "clocks_apart", message: "15 m", hint: "set it"))
    reporter.jobFinished("plant", JobReport(exitCode: .needsPerson, counts: [:], problem: nil))
    reporter.finish(exitCode: .needsPerson, problem: nil)
    let notices = #""notices":[{"code":"clocks_apart","message":"15 m","hint":"set it"}]"#
    #expect(screen.output.text.contains(#"{"job":"plant","error":null,\#(notices),"counts":"#))
  }

  @Test func aStatusTellsWhatWasNoticedAsWell() throws {
    let screen = Screen { $0.format = .json }
    let reporter = screen.status()
    for job in ["a", "b"] {
      reporter.jobStarted(job)
      reporter.line(job, TokenStanding(name: "t", state: "current", stores: 1))
      if job == "a" { reporter.noticed(job, Problem(code: "database_missing", message: "no air")) }
      reporter.jobFinished(job, JobReport(exitCode: .done, counts: [:], problem: nil))
    }
    reporter.finish(exitCode: .done, problem: nil)
    let jobs = try #require(try screen.object()["jobs"] as? [[String: Any]])
    let codes = jobs.map { ($0["notices"] as? [[String: Any]])?.map { $0["code"] as? String } }
    #expect(codes == [["database_missing"], []])
  }

  @Test func aJobThatCannotBePlannedSaysWhy() throws {
    for format in ReportFormat.allCases {
      let screen = Screen { $0.format = format }
      let reporter = screen.plan()
      reporter.jobStarted("plant")
      reporter.jobFinished(
        "plant",
        JobReport(
          exitCode: .failed, counts: [:], problem: Problem(code: "unreachable", message: "no answer")))
      reporter.jobRefused(
        "b.toml", problems: [Problem(code: "job_file", message: "b.toml:1:1: wrong")], exitCode: .badInput)
      reporter.finish(exitCode: .badInput, problem: nil)
      #expect(screen.errors.text == "error: plant: no answer\nerror: b.toml:1:1: wrong\n")
      guard format == .json else {
        #expect(screen.output.text == "plant: not planned to the end\nb.toml: left alone\n")
        continue
      }
      let jobs = try #require(try screen.object()["jobs"] as? [[String: Any]])
      #expect(
        jobs.map { ($0["error"] as? [String: Any])?["code"] as? String } == ["unreachable", "job_file"])
    }
  }
}
