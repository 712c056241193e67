import Reporting
import RotationPorts
import Testing

@Suite struct RunTableTests {
  static let run = RunID(bits: 7)

  @Test func fewTokensAreAlignedAndSummedUp() {
    let screen = Screen()
    let reporter = screen.run()
    reporter.tell(
      "plant", [.created("a"), .unchanged("b"), .created("line-7"), .failed("c")], .failed)
    reporter.finish(run: Self.run, exitCode: .failed, problem: nil)
    #expect(
      screen.output.text == """
        a       created  id-a       3.2 s
        line-7  created  id-line-7  3.2 s
        c       failed   -          -      the cluster said no
        plant: 2 created, 1 unchanged, 1 failed

        """)
    #expect(
      screen.errors.text == """
        error: plant: c: the cluster said no
          hint: ask it nicely

        """)
  }

  @Test func nothingDueIsOneLine() {
    let screen = Screen()
    let reporter = screen.run()
    reporter.tell("plant", [.unchanged("a"), .unchanged("b")])
    reporter.tell("empty", [])
    reporter.finish(run: Self.run, exitCode: .done, problem: nil)
    #expect(screen.output.text == "plant: nothing due, 2 unchanged\nempty: nothing due\n")
    #expect(screen.errors.text == "")
  }

  @Test func orphansThatWereRevokedAreCounted() {
    let screen = Screen()
    let reporter = screen.run()
    reporter.jobStarted("plant")
    reporter.jobFinished(
      "plant", JobReport(exitCode: .done, counts: [.unchanged: 2], problem: nil, orphansRevoked: 1))
    reporter.jobStarted("hall")
    reporter.jobFinished("hall", JobReport(exitCode: .done, counts: [:], problem: nil, orphansRevoked: 2))
    #expect(
      screen.output.text == "plant: 2 unchanged, 1 orphan revoked\nhall: 2 orphans revoked\n")
  }

  @Test func aSignalIsNoErrorAndIsToldAllTheSame() {
    let screen = Screen { $0.isQuiet = true }
    screen.run().tell(
      "plant", [], .interrupted, Problem(code: "interrupted", message: "stopped", hint: "it goes on"))
    #expect(screen.errors.text == "attention: plant: stopped\n  hint: it goes on\n")
  }

  @Test func ofManyTokensOnlyProblemsAreListed() {
    let screen = Screen()
    var tokens = (0..<50).map { TokenReport.created("t\($0)") }
    tokens.insert(.failed("early"), at: 20)
    tokens.append(.failed("late"))
    screen.run().tell("plant", tokens, .failed)
    #expect(
      screen.output.text == """
        early  failed  -  -  the cluster said no
        late   failed  -  -  the cluster said no
        plant: 50 created, 2 failed

        """)
  }

  @Test func fiftyAreStillFew() {
    let screen = Screen()
    screen.run().tell("plant", (0..<50).map { .created("t\($0)") })
    #expect(screen.output.text.split(separator: "\n").count == 51)
  }

  @Test func verboseShowsEveryToken() {
    let screen = Screen { $0.isVerbose = true }
    screen.run().tell("plant", (0..<70).map { .unchanged("t\($0)") })
    let lines = screen.output.text.split(separator: "\n")
    #expect(lines.count == 71)
    #expect(lines[0] == "t0   unchanged  id-t0   -")
    #expect(lines[69] == "t69  unchanged  id-t69  -")
  }

  @Test func quietTellsFailuresAndAttentionOnly() {
    let screen = Screen { $0.isQuiet = true }
    let reporter = screen.run()
    let pending = TokenReport(
      name: "p", outcome: .pending,
      problem: Problem(code: "not_active_yet", message: "p: created, not active yet"))
    let attention = TokenReport(
      name: "x", outcome: .attention, problem: Problem(code: "row_gone", message: "x: no row"))
    reporter.tell("plant", [.created("a"), pending, attention, .failed("c")], .failed)
    reporter.noticed("plant", Problem(code: "clocks_apart", message: "the clocks are apart"))
    reporter.finish(run: Self.run, exitCode: .failed, problem: nil)
    #expect(screen.output.text == "")
    #expect(
      screen.errors.text == """
        attention: plant: x: no row
        error: plant: c: the cluster said no
          hint: ask it nicely
        attention: plant: the clocks are apart

        """)
  }

  @Test func quietSaysNothingWhenAllIsWell() {
    let screen = Screen { $0.isQuiet = true }
    let reporter = screen.run()
    reporter.tell("plant", [.created("a")])
    reporter.finish(run: Self.run, exitCode: .done, problem: nil)
    #expect(screen.output.text + screen.errors.text == "")
  }

  @Test func whatIsNotActiveYetIsSaidOnce() {
    let screen = Screen()
    let tokens = (0..<60).map { number in
      TokenReport(
        name: "p\(number)", outcome: .pending,
        problem: Problem(
          code: "not_active_yet", message: "p\(number): created, not active yet", hint: "it goes on"))
    }
    screen.run().tell("plant", tokens, .notActiveYet)
    #expect(
      screen.errors.text == "pending: plant: 60 tokens are not active yet\n  hint: it goes on\n")
    #expect(screen.output.text.hasSuffix("\nplant: 60 pending\n"))
    let alone = Screen()
    alone.run().tell("plant", [tokens[0]], .notActiveYet)
    #expect(alone.errors.text == "pending: plant: p0: created, not active yet\n  hint: it goes on\n")
  }

  @Test func aStoppedJobSaysSo() {
    let screen = Screen()
    let reporter = screen.run()
    reporter.tell(
      "a", [.created("t")], .credentialRefused, Problem(code: "credential", message: "refused"))
    reporter.tell("b", [], .needsPerson, Problem(code: "ledger_empty", message: "b: it is empty"))
    reporter.tell("c", [.created("u")], .interrupted)
    #expect(
      screen.output.text == """
        t  created  id-t  3.2 s
        a: 1 created, stopped early
        b: nothing done
        u  created  id-u  3.2 s
        c: 1 created, stopped early

        """)
    #expect(screen.errors.text == "error: a: refused\nattention: b: it is empty\n")
  }

  @Test func aRefusedJobShowsEveryError() {
    let screen = Screen()
    let reporter = screen.run()
    reporter.jobRefused(
      "jobs/x/job.toml",
      problems: [
        Problem(code: "job_file", message: "job.toml:3:1: no such key\njob.toml:4:1: nor this", hint: "look"),
        Problem(code: "csv", message: "tokens.csv:17:23: too long"),
      ], exitCode: .badInput)
    reporter.finish(
      run: Self.run, exitCode: .badInput, problem: Problem(code: "c", message: "the end"))
    #expect(screen.output.text == "jobs/x/job.toml: left alone\n")
    #expect(
      screen.errors.text == """
        error: job.toml:3:1: no such key
        error: job.toml:4:1: nor this
          hint: look
        error: tokens.csv:17:23: too long
        error: the end

        """)
  }

  @Test func controlCharactersAreShownNotSent() {
    let screen = Screen()
    let evil = Problem(
      code: "x", message: "t: \u{1b}[2J\u{7}bell\rover\u{9b}31m\nerror: forged \u{202e}left",
      hint: "\u{1b}]0;title\u{7}")
    screen.run().tell(
      "plant", [TokenReport(name: "t", outcome: .failed, tokenID: "a\u{8}b", problem: evil)], .failed)
    #expect(
      screen.output.text == """
        t  failed  a\\u{8}b  -  \\u{1b}[2J\\u{7}bell\\rover\\u{9b}31m\\nerror: forged \\u{202e}left
        plant: 1 failed

        """)
    #expect(
      screen.errors.text == """
        error: plant: t: \\u{1b}[2J\\u{7}bell\\rover\\u{9b}31m
        error: plant: error: forged \\u{202e}left
          hint: \\u{1b}]0;title\\u{7}

        """)
  }

  @Test func adviceThatStandsAboveAlreadyIsNotRepeated() {
    let screen = Screen()
    let other = TokenReport(
      name: "c", outcome: .failed, problem: Problem(code: "x", message: "c: no", hint: "do something else"))
    screen.run().tell("plant", [.failed("a"), .failed("b"), other, .failed("d")], .failed)
    #expect(
      screen.errors.text == """
        error: plant: a: the cluster said no
          hint: ask it nicely
        error: plant: b: the cluster said no
        error: plant: c: no
          hint: do something else
        error: plant: d: the cluster said no
          hint: ask it nicely

        """)
  }

  @Test func overlongLinesAreCut() {
    #expect(VisibleText.line(String(repeating: "x", count: 5000)).unicodeScalars.count == 2001)
    #expect(VisibleText.line("Grüße 東京") == "Grüße 東京")
  }

  @Test func colourIsForTerminalsThatWantIt() {
    func errors(_ change: (inout ReportStyle) -> Void) -> String {
      let screen = Screen(change)
      screen.run().noticed("plant", Problem(code: "x", message: "m", hint: "h"))
      return screen.errors.text
    }
    #expect(
      errors {
        $0.errors.isTerminal = true
        $0.wantsColour = true
      } == "\u{1b}[33mattention:\u{1b}[0m plant: m\n  \u{1b}[1mhint:\u{1b}[0m h\n")
    #expect(errors { $0.wantsColour = true } == "attention: plant: m\n  hint: h\n")
    #expect(errors { $0.errors.isTerminal = true } == "attention: plant: m\n  hint: h\n")
    #expect(ReportStyle.wantsColour([:]))
    #expect(ReportStyle.wantsColour(["NO_COLOR": ""]))
    #expect(!ReportStyle.wantsColour(["NO_COLOR": "1"]))
    #expect(!ReportStyle.wantsColour(["TERM": "dumb"]))
  }
}
