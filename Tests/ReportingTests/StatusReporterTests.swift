import Foundation
import Reporting
import RotationModel
import RotationPorts
import Testing

@Suite struct StatusReporterTests {
  private static let now = Instant(milliseconds: 1_700_000_000_000)

  private static func standing(
    _ name: String, _ state: String = "current", age days: Int = 3,
    _ change: (inout TokenStanding) -> Void = { _ in }
  ) -> TokenStanding {
    var standing = TokenStanding(name: name, state: state, stores: 1)
    standing.createdAt = now - .seconds(days * 86_400)
    standing.dueAt = now + .seconds((30 - days) * 86_400)
    standing.expiresAt = now + .seconds((45 - days) * 86_400)
    standing.activationSeconds = 3.2
    standing.delivered = 1
    change(&standing)
    return standing
  }

  private static func problem(_ name: String, _ code: String = "row_gone", hint: String? = nil) -> Problem {
    Problem(code: code, message: "\(name): \(code)", hint: hint)
  }

  private static func fresh(_ name: String) -> TokenStanding {
    var standing = TokenStanding(name: name, state: "planned", stores: 1)
    standing.next = "no token yet"
    return standing
  }

  private static let some = [
    standing("a"), fresh("b"), standing("c", age: 5) { $0.problem = problem("c", hint: "put the row back") },
    standing("d", age: 2) { $0.problem = problem("d", "token_missing", hint: "put the row back") },
  ]

  private func show(
    _ standings: [TokenStanding], _ problem: Problem? = nil, _ change: (inout ReportStyle) -> Void = { _ in }
  ) -> Screen {
    let screen = Screen(change)
    let reporter = screen.status()
    reporter.jobStarted("plant")
    for standing in standings { reporter.line("plant", standing) }
    reporter.jobFinished("plant", JobReport(exitCode: .done, counts: [:], problem: problem))
    return screen
  }

  @Test func troubleComesFirstAndTheSummarySaysWhatComesNext() {
    #expect(
      show(Self.some).output.text == """
        STATE      NAME  AGE  DUE IN  EXPIRES IN  ACTIVATION  DELIVERED
        ! current  d     2d   28d     43d         3 s         1/1        token_missing
        ! current  c     5d   25d     40d         3 s         1/1        row_gone
              hint: put the row back
        planned    b     -    -       -           -           0/1        no token yet
        current    a     3d   27d     42d         3 s         1/1
        plant: 4 tokens, 2 need a person, 1 for the next run, next due in 25d, oldest 5d, first expires in 40d

        """)
  }

  /// What cannot be used before what may come to that, and in each what expires first.
  @Test func ofTroubleTheWorstComesFirst() {
    func trouble(_ name: String, _ state: String = "current", days: Int, delivered: Int = 1) -> TokenStanding
    {
      Self.standing(name, state) {
        $0.problem = Self.problem(name)
        $0.expiresAt = Self.now + .seconds(days * 86_400)
        $0.delivered = delivered
      }
    }
    let standings = [
      Self.standing("well"), trouble("later", days: 20), trouble("soon", days: 2),
      trouble("expired", days: -1),
      trouble("foreign", "foreign", days: 30, delivered: 0),
      trouble("none", "staged", days: 40, delivered: 0),
    ]
    let screen = show(standings) {
      columns(200)(&$0)
      $0.wantsColour = true
    }
    let lines = screen.output.text.split(separator: "\n").dropFirst().dropLast()
    #expect(
      lines.map { $0.replacing(/\u{1b}\[[0-9;]*m/, with: "").split(separator: " ") }
        .map { $0[0] == "!" ? $0[2] : $0[1] } == ["expired", "none", "soon", "later", "foreign", "well"])
    #expect(lines.filter { $0.hasPrefix("\u{1b}[31m") }.count == 2)
  }

  @Test func aJobWithoutTroubleSaysSo() {
    let text = show([Self.standing("a")]).output.text
    #expect(
      text.hasSuffix("\nplant: 1 token, all well, next due in 27d, oldest 3d, first expires in 42d\n"))
    let over = show([Self.standing("a") { ($0.dueAt, $0.expiresAt) = (Self.now, Self.now) }]).output.text
    #expect(over.hasSuffix("\nplant: 1 token, all well, some due now, oldest 3d, some expired\n"))
    #expect(show([Self.fresh("b")]).output.text.hasSuffix("\nplant: 1 token, 1 for the next run\n"))
    #expect(show([]).output.text == "plant: 0 tokens, all well\n")
  }

  @Test func quietShowsTroubleOnly() {
    let lines = show(Self.some) { $0.isQuiet = true }.output.text.split(separator: "\n")
    #expect(lines.count == 4 && lines.allSatisfy { !$0.contains("plant") && !$0.contains("no token") })
    #expect(show([Self.standing("a")]) { $0.isQuiet = true }.output.text == "")
  }

  @Test func coloursSayWhatTheTextSaysAndDisturbNoColumn() {
    let style: (inout ReportStyle) -> Void = {
      columns(120)(&$0)
      $0.wantsColour = true
    }
    let coloured = show(Self.some, nil, style).output.text
    #expect(coloured.contains("\u{1b}[31m! current\u{1b}[0m  d  "))
    #expect(coloured.contains("\u{1b}[33m! current\u{1b}[0m  c  "))
    #expect(coloured.contains("\u{1b}[36mplanned\u{1b}[0m    b  "))
    let plain = coloured.replacing(/\u{1b}\[[0-9;]*m/, with: "")
    #expect(plain == show(Self.some, nil, columns(120)).output.text)
    #expect(!plain.contains("\u{1b}"))
    // Each stream decides for itself.
    let piped = show(Self.some) {
      style(&$0)
      $0.output.isTerminal = false
    }
    #expect(piped.output.text == show(Self.some).output.text)
    let json = show(Self.some) {
      style(&$0)
      $0.format = .json
    }
    #expect(json.output.text == "")
  }

  @Test func aTerminalLosesTheColumnsThatMatterLeast() {
    let standings = [
      Self.standing("line-1"), Self.standing("line-2") { $0.problem = Self.problem("line-2") },
    ]
    let header = [
      (72, "STATE      NAME    AGE  DUE IN  EXPIRES IN  ACTIVATION  DELIVERED"),
      (60, "STATE      NAME    AGE  DUE IN  EXPIRES IN  DELIVERED"),
      (50, "STATE      NAME    DUE IN  EXPIRES IN  DELIVERED"), (40, "STATE      NAME    DUE IN  EXPIRES IN"),
      (28, "STATE      NAME    DUE IN"), (22, "STATE      NAME"),
    ]
    for (width, line) in header {
      let text = show(standings, nil, columns(width)).output.text
      #expect(text.hasPrefix(line + "\n! current  line-2"), "\(text)")
      #expect(text.split(separator: "\n").allSatisfy { $0.count < width }, "\(text)")
    }
  }

  @Test func atTwentyColumnsATokenIsASmallBlock() {
    let standings = [
      Self.standing("line-1-writer"),
      Self.standing("line-2-writer") {
        $0.problem = Problem(
          code: "x", message: "line-2-writer: the CSV has no row for it", hint: "put it back")
      },
    ]
    #expect(
      show(standings, nil, columns(20)).output.text == """
        ! current
         line-2-writer
         due in 27d
         expires in 42d
         the CSV has no row
         for it
          hint: put it back
        current
         line-1-writer
         due in 27d
         expires in 42d
        plant: 2 tokens, 1
          needs a person,
          next due in 27d,
          oldest 3d, first
          expires in 42d

        """)
  }

  @Test func ofManyATerminalShowsWhatAsksForSomething() {
    let many = (1...20_000).map { Self.standing("t\($0)") } + Self.some
    let shown = show(many, nil, columns(120)).output.text.split(separator: "\n")
    #expect(shown.count == 7)
    #expect(shown.dropLast().last == "… 20001 more are well; --verbose shows them")
    let all = show(many, nil) { style in
      columns(120)(&style)
      style.isVerbose = true
    }
    #expect(all.output.text.split(separator: "\n").count == 20_007)
    #expect(show(many).output.text.split(separator: "\n").count == 20_007)
  }

  @Test func aVeryLongNameDoesNotTakeTheRoomOfTheOthers() {
    let long = String(repeating: "long-", count: 12)
    let text = show([Self.standing("a"), Self.standing(long)], nil, columns(80)).output.text
    #expect(
      text.hasPrefix(
        """
        STATE    NAME\(String(repeating: " ", count: 37))DUE IN  EXPIRES IN  DELIVERED
        current  a\(String(repeating: " ", count: 40))27d     42d         1/1
        current  \(long)
        \(String(repeating: " ", count: 50))27d     42d         1/1
        plant:
        """))
    #expect(text.split(separator: "\n").allSatisfy { $0.count < 80 })
  }
}
