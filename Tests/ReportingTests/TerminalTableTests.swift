import Foundation
import Reporting
import RotationPorts
import Testing

/// The tables of runs and plans on a terminal.
@Suite struct TerminalTableTests {
  private func plan(_ change: (inout ReportStyle) -> Void) -> String {
    let screen = Screen(change)
    let reporter = screen.plan()
    reporter.jobStarted("plant")
    let lines: [(Character, String, String, String)] = [
      ("=", "nothing", "same", "current"), ("+", "create", "a", "no token yet"),
      ("~", "rotate", "line-1-writer", "it is 31d old"), ("-", "retire", "c", "token x: revoke it"),
      ("!", "attention", "d", "the CSV no longer has a row for it, and the token lives on"),
    ]
    for (symbol, word, name, reason) in lines {
      reporter.line("plant", symbol: symbol, word: word, name: name, reason: reason)
    }
    reporter.jobFinished("plant", JobReport(exitCode: .needsPerson, counts: [:], problem: nil))
    return screen.output.text
  }

  @Test func aPlanIsColouredByWhatItDoes() {
    let coloured = plan {
      columns(100)(&$0)
      $0.wantsColour = true
    }
    #expect(
      coloured == """
        \u{1b}[1;31m! d\u{1b}[0m              the CSV no longer has a row for it, and the token lives on
        \u{1b}[2m= same\u{1b}[0m           \u{1b}[2mcurrent\u{1b}[0m
        \u{1b}[32m+ a\u{1b}[0m              no token yet
        \u{1b}[33m~ line-1-writer\u{1b}[0m  it is 31d old
        \u{1b}[31m- c\u{1b}[0m              token x: revoke it
        plant: 1 to create, 1 to rotate, 1 to retire, 1 needs a person, 1 unchanged

        """)
    #expect(plan { $0.wantsColour = true }.contains("\u{1b}") == false)
    #expect(plan { $0.output.isTerminal = true }.contains("\u{1b}") == false)
  }

  @Test func aReasonGoesOnUnderItself() {
    #expect(
      plan(columns(60)).hasPrefix(
        """
        ! d              the CSV no longer has a row for it, and
                         the token lives on
        = same           current

        """))
  }

  @Test func aReasonWithoutRoomStandsBelow() {
    let text = plan(columns(30))
    #expect(
      text == """
        ! d
          the CSV no longer has a row
          for it, and the token lives
          on
        = same           current
        + a              no token yet
        ~ line-1-writer
          it is 31d old
        - c
          token x: revoke it
        plant: 1 to create, 1 to
          rotate, 1 to retire, 1
          needs a person, 1 unchanged

        """)
  }

  @Test(arguments: 2...90) func noLineIsLongerThanTheTerminal(width: Int) {
    let limit = max(width, 6)
    #expect(plan(columns(width)).split(separator: "\n").allSatisfy { $0.count < limit })
    #expect(run(columns(width)).split(separator: "\n").allSatisfy { $0.count < limit })
  }

  /// Results alone are on the terminal.
  private func run(_ change: (inout ReportStyle) -> Void) -> String {
    let screen = Screen {
      change(&$0)
      $0.errors.isTerminal = false
    }
    screen.run().tell(
      "plant",
      [
        TokenReport(
          name: "line-1-writer", outcome: .created, tokenID: "9f15c65b-2a07-47dd-8d37-7cadcefa3282",
          activationSeconds: 12.5), .failed("line-2"),
      ], .failed)
    return screen.output.text
  }

  @Test func aRunLosesTheIdAndThenTheTimeWhereThereIsLittleRoom() {
    #expect(
      run(columns(90)).hasPrefix(
        "line-1-writer  created  9f15c65b-2a07-47dd-8d37-7cadcefa3282  12.5 s\n"
          + "line-2         failed   -                                     -       the cluster said no\n"))
    #expect(run(columns(60)).hasPrefix("line-1-writer  created  12.5 s\nline-2         failed   -"))
    #expect(
      run(columns(24)).hasPrefix("line-1-writer  created\nline-2         failed\n  the cluster said no\n"))
    #expect(run(columns(20)).hasPrefix("line-1-writer\n created\nline-2\n failed\n the cluster said\n no\n"))
  }

  /// A message that stands on the same screen already, with its hint, is not told a second time.
  @Test func onOneScreenAProblemIsToldOnce() {
    let screen = Screen(columns(100))
    let pending = TokenReport(
      name: "b", outcome: .pending, tokenID: "id-b", problem: Problem(code: "x", message: "b: answers 401"))
    screen.run().tell("plant", [.failed("a"), pending], .failed)
    #expect(screen.output.text.hasPrefix("a  failed   -     -\nb  pending  id-b  -  answers 401\n"))
    #expect(
      screen.errors.text
        == "error: plant: a: the cluster said no\n  hint: ask it nicely\npending: plant: b: answers 401\n")
    let apart = Screen {
      columns(100)(&$0)
      $0.errors.isTerminal = false
    }
    apart.run().tell("plant", [.failed("a")], .failed)
    #expect(apart.output.text.hasPrefix("a  failed  -  -  the cluster said no\n"))
  }

  @Test func outcomesHaveTheirColours() {
    let text = run {
      columns(90)(&$0)
      $0.wantsColour = true
    }
    #expect(text.contains("\u{1b}[32mcreated\u{1b}[0m  \u{1b}[2m9f15c65b-"))
    #expect(text.contains("\u{1b}[31mfailed\u{1b}[0m   \u{1b}[2m-\u{1b}[0m   "))
  }

  /// What a server says may be in any script.
  @Test func wideCharactersAndThoseWithoutWidthAreCounted() {
    let names = ["東京", "e\u{301}e\u{301}", "🙂", "한국", "❤\u{fe0f}", "🇩🇪", "ｗｉｄｅ", "ab"]
    let screen = Screen()
    let reporter = screen.plan()
    reporter.jobStarted("plant")
    for name in names {
      reporter.line("plant", symbol: "+", word: "create", name: name, reason: "x")
    }
    reporter.jobFinished("plant", JobReport(exitCode: .done, counts: [:], problem: nil))
    // As many columns as each takes, made up to those of the widest, and two between.
    let taken = [4, 2, 2, 4, 2, 2, 8, 2]
    let expected = zip(names, taken).map { name, taken in
      "+ \(name)\(String(repeating: " ", count: 8 - taken + 2))x"
    }
    #expect(screen.output.text.split(separator: "\n").dropLast().map(String.init) == expected)
  }

  @Test func wideCharactersBreakWhereTheyFit() {
    let screen = Screen(columns(20))
    let reporter = screen.plan()
    reporter.jobStarted("plant")
    reporter.line(
      "plant", symbol: "!", word: "attention", name: "n", reason: String(repeating: "東", count: 20))
    reporter.jobFinished("plant", JobReport(exitCode: .done, counts: [:], problem: nil))
    let eight = String(repeating: "東", count: 8)
    #expect(screen.output.text.hasPrefix("! n\n  \(eight)\n  \(eight)\n  東東東東\nplant"))
  }
}
