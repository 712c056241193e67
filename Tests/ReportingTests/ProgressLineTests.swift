import Reporting
import RotationModel
import RotationPorts
import Synchronization
import Testing

@Suite struct ProgressLineTests {
  static func progress(_ change: (inout Progress) -> Void = { _ in }) -> Progress {
    var progress = Progress()
    progress.rows = 200
    progress.created = 80
    progress.waiting = 35
    progress.delivered = 45
    progress.finished = 120
    change(&progress)
    return progress
  }

  @Test func theLineIsRedrawnAndRemovedBeforeAnythingElse() {
    let screen = Screen(columns(120))
    let reporter = screen.run()
    reporter.jobStarted("plant")
    reporter.progressed("plant", Self.progress())
    screen.clock.advance(by: .seconds(1))
    reporter.progressed("plant", Self.progress { $0.finished = 121 })
    reporter.noticed("plant", Problem(code: "x", message: "look"))
    screen.clock.advance(by: .seconds(1))
    reporter.progressed("plant", Self.progress { $0.finished = 122 })
    reporter.jobFinished("plant", JobReport(exitCode: .done, counts: [.created: 200], problem: nil))
    let rest = "created 80  waiting 35  delivered 45  failed 0"
    #expect(
      screen.errors.writes == [
        "\rplant  120/200  \(rest)\u{1b}[K",
        "\rplant  121/200  \(rest)\u{1b}[K",
        "\r\u{1b}[Kattention: plant: look\n",
        "\rplant  121/200  \(rest)\u{1b}[K",
        "\rplant  122/200  \(rest)  1.0/s  about 78 s left\u{1b}[K",
        "\r\u{1b}[K",
      ])
    #expect(screen.output.text == "plant: 200 created\n")
  }

  @Test func aBurstIsDrawnAtMostTenTimesASecond() {
    let screen = Screen(columns(120))
    let reporter = screen.run()
    reporter.jobStarted("plant")
    for step in 0..<3000 {
      reporter.progressed("plant", Self.progress { $0.finished = step })
      screen.clock.advance(by: .milliseconds(1))
    }
    #expect(screen.errors.writes.count == 30)
  }

  @Test func nothingIsDrawnTwiceTheSame() {
    let screen = Screen(columns(120))
    let reporter = screen.run()
    reporter.jobStarted("plant")
    for _ in 0..<10 {
      reporter.progressed("plant", Self.progress())
      screen.clock.advance(by: .seconds(1))
    }
    #expect(screen.errors.writes.count == 1)
  }

  @Test func whatCameTooEarlyIsDrawnLater() async {
    let screen = Screen(columns(120))
    let reporter = screen.run()
    reporter.jobStarted("plant")
    reporter.progressed("plant", Self.progress())
    reporter.progressed("plant", Self.progress { $0.failed = 9 })
    #expect(screen.errors.writes.count == 1)
    await reporter.keepProgressFresh()
    #expect(screen.errors.writes.count == 2)
    #expect(screen.errors.text.hasSuffix("failed 9\u{1b}[K"))
  }

  /// Whole parts, and those first that matter most.
  @Test(arguments: [
    (200, "plant  120/200  created 80  waiting 35  longest 2m 5s  delivered 45  failed 0"),
    (78, "plant  120/200  created 80  waiting 35  longest 2m 5s  delivered 45  failed 0"),
    (77, "plant  120/200  created 80  waiting 35  longest 2m 5s  delivered 45"),
    (41, "plant  120/200  created 80  waiting 35"), (42, "plant  120/200  waiting 35  longest 2m 5s"),
    (20, "120/200  waiting 35"), (19, "plant  120/200"), (10, "120/200"), (8, "120/200"), (7, "plant"),
    (1, ""),
  ])
  func theLineFitsTheWidth(width: Int, line: String) {
    let screen = Screen(columns(width))
    let reporter = screen.run()
    reporter.jobStarted("plant")
    screen.clock.advance(by: .seconds(125))
    let since = Instant(milliseconds: 1_700_000_000_000)
    reporter.progressed("plant", Self.progress { $0.oldestWaitingSince = since })
    #expect(screen.errors.text == (line.isEmpty ? "" : "\r\(line)\u{1b}[K"))
    #expect(line.count < width)
  }

  @Test func aFailureIsSeenOnTheNarrowestTerminal() {
    let screen = Screen(columns(20))
    let reporter = screen.run()
    reporter.jobStarted("plant")
    reporter.progressed("plant", Self.progress { $0.failed = 4 })
    #expect(screen.errors.text == "\r120/200  failed 4\u{1b}[K")
  }

  @Test func aNameOfWideCharactersTakesTwiceTheRoom() {
    let screen = Screen(columns(31))
    let reporter = screen.run()
    reporter.jobStarted("工場の遠隔測定")
    reporter.progressed("工場の遠隔測定", Self.progress { $0.waiting = 5 })
    // 14 columns, 7, 9: with the gaps more than there are, though not in characters.
    #expect(screen.errors.text == "\r120/200  created 80  waiting 5\u{1b}[K")
    let longer = Screen(columns(200))
    let other = longer.run()
    other.jobStarted(String(repeating: "測", count: 40))
    other.progressed("", Self.progress())
    #expect(longer.errors.text.hasPrefix("\r\(String(repeating: "測", count: 11))…  120/200"))
  }

  /// The width is asked for whenever the line is drawn.
  @Test func aTerminalThatWasMadeSmallerIsRespected() {
    let width = Mutex(120)
    let screen = Screen {
      $0.errors.isTerminal = true
      $0.errors.columns = { width.withLock { $0 } }
    }
    let reporter = screen.run()
    reporter.jobStarted("plant")
    reporter.progressed("plant", Self.progress())
    width.withLock { $0 = 20 }
    screen.clock.advance(by: .seconds(1))
    reporter.progressed("plant", Self.progress())
    #expect(screen.errors.writes.last == "\r120/200  waiting 35\u{1b}[K")
  }

  /// The longest wait grows without anybody saying so.
  @Test func theLineLivesWhileNothingHappens() async {
    let screen = Screen(columns(120))
    let reporter = screen.run()
    reporter.jobStarted("plant")
    reporter.progressed("plant", Self.progress { $0.oldestWaitingSince = screen.clock.now })
    // Draws twice a second until an hour has passed.
    await reporter.keepProgressFresh()
    #expect(screen.errors.text.contains("longest 3s  "))
    #expect(screen.errors.text.hasSuffix("longest 59m 59s  delivered 45  failed 0\u{1b}[K"))
    #expect(screen.errors.writes.count == 3600)
  }

  /// A cluster that does not answer is asked for a while, and a plan is made for somebody who waits.
  @Test func beforeTheFirstTokenTheJobIsNamed() async {
    let line = "\rplant  looking at the cluster\u{1b}[K"
    let run = Screen(columns(80))
    let reporter = run.run()
    reporter.jobStarted("plant")
    await reporter.keepProgressFresh()
    #expect(run.errors.text == line)
    for format in ReportFormat.allCases {
      let looked = Screen {
        columns(80)(&$0)
        $0.format = format
      }
      let (plan, status) = (looked.plan(), looked.status())
      plan.jobStarted("plant")
      await plan.keepProgressFresh()
      plan.jobFinished("plant", JobReport(exitCode: .done, counts: [:], problem: nil))
      status.jobStarted("plant")
      looked.clock.advance(by: .seconds(-3600))
      await status.keepProgressFresh()
      status.jobFinished("plant", JobReport(exitCode: .done, counts: [:], problem: nil))
      #expect(looked.errors.text == "\(line)\r\u{1b}[K\(line)\r\u{1b}[K")
    }
  }

  /// A result takes the line's place, and the line is back at once.
  @Test func resultsScrollAboveTheLine() {
    let screen = Screen(columns(80))
    let reporter = screen.run()
    reporter.jobStarted("plant")
    reporter.progressed("plant", Self.progress())
    for number in 1...51 { reporter.tokenFinished("plant", .failed("t\(number)")) }
    let line = "\rplant  120/200  created 80  waiting 35  delivered 45  failed 0\u{1b}[K"
    #expect(screen.errors.writes.filter { $0 == line }.count == 53)
    #expect(screen.errors.writes.last == line)
    reporter.jobFinished("plant", JobReport(exitCode: .failed, counts: [.failed: 51], problem: nil))
    #expect(screen.errors.writes.last == "\r\u{1b}[K")
  }

  @Test(arguments: [
    (30, 1, "30/s"), (5, 1, "5.0/s"), (1, 1, "1.0/s"), (1, 4, "15/min"), (1, 50, "1/min"),
  ])
  func theRateIsReadable(finished: Int, seconds: Int, rate: String) {
    let screen = Screen(columns(120))
    let reporter = screen.run()
    reporter.jobStarted("plant")
    for step in 0..<40 {
      reporter.progressed(
        "plant",
        Self.progress {
          $0.rows = 10_000
          $0.finished = finished * step
        })
      screen.clock.advance(by: .seconds(seconds))
    }
    #expect(screen.errors.writes.last?.contains("failed 0  \(rate)  ") == true)
  }

  @Test func aPipeAndQuietSeeNoProgress() {
    let styles: [(inout ReportStyle) -> Void] = [
      { $0.errors.isTerminal = false }, { $0.isQuiet = true }, { $0.canRedraw = false },
    ]
    for style in styles {
      let screen = Screen { shown in
        columns(80)(&shown)
        style(&shown)
      }
      let reporter = screen.run()
      reporter.jobStarted("plant")
      reporter.progressed("plant", Self.progress())
      #expect(screen.errors.text == "")
    }
  }

  @Test func jsonKeepsTheProgressOnStandardError() throws {
    let screen = Screen {
      $0.format = .json
      $0.errors.isTerminal = true
    }
    let reporter = screen.run()
    reporter.jobStarted("plant")
    reporter.progressed("plant", Self.progress())
    reporter.jobFinished("plant", JobReport(exitCode: .done, counts: [:], problem: nil))
    reporter.finish(run: RunID(bits: 1), exitCode: .done, problem: nil)
    #expect(screen.errors.writes.count == 2)
    #expect(try screen.object()["exit"] as? Int == 0)
  }

  @Test func theEstimateGoesByTheLastSeconds() {
    let screen = Screen(columns(120))
    let reporter = screen.run()
    reporter.jobStarted("plant")
    // 9000 that need nothing, then one a second.
    for second in 0..<40 {
      reporter.progressed(
        "plant",
        Self.progress {
          $0.rows = 10_000
          $0.finished = second == 0 ? 0 : 9000 + second
        })
      screen.clock.advance(by: .seconds(1))
    }
    #expect(screen.errors.text.hasSuffix("1.0/s  about 16 min left\u{1b}[K"))
  }
}
