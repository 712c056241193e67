import Reporting
import RotationPorts
import Testing

@Suite struct ProgressTests {
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
        "\r\u{1b}[Kplant  120/200  \(rest)",
        "\r\u{1b}[Kplant  121/200  \(rest)",
        "\r\u{1b}[K", "attention: plant: look\n",
        "\r\u{1b}[Kplant  122/200  \(rest)  about 78 s left",
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
    #expect(screen.errors.text.hasSuffix("failed 9"))
  }

  @Test(arguments: [
    (20, "plant  120/200"), (30, "plant  120/200  created 80"),
    (44, "plant  120/200  created 80  waiting 35"),
    (60, "plant  120/200  created 80  waiting 35  delivered 45"), (4, "pla"),
    (63, "plant  120/200  created 80  waiting 35  delivered 45  failed 0"),
  ])
  func theLineFitsTheWidth(width: Int, line: String) {
    let screen = Screen(columns(width))
    let reporter = screen.run()
    reporter.jobStarted("plant")
    reporter.progressed("plant", Self.progress())
    #expect(screen.errors.text == "\r\u{1b}[K\(line)")
    #expect(line.count < width)
  }

  @Test func aPipeAndQuietSeeNoProgress() {
    for style in [{ $0.isTerminal = false }, { $0.isQuiet = true }] as [(inout ReportStyle) -> Void] {
      let screen = Screen { shown in
        shown.isTerminal = true
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
      $0.isTerminal = true
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
    #expect(screen.errors.text.hasSuffix("about 16 min left"))
  }
}
