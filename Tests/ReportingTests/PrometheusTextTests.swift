import Reporting
import RotationModel
import RotationPorts
import Testing

/// The file of metrics, and what a later run reads from it.
struct PrometheusTextTests {
  private static let noon = Instant(milliseconds: 1_796_000_000_250)

  private func metrics(_ code: ExitCode, at: Instant = noon) -> RunMetrics {
    var census = TokenCensus()
    census.states = [.current: 2, .staged: 1]
    census.created = 3
    census.activations.add(.milliseconds(1500))
    census.activations.add(.seconds(4000))
    return RunMetrics(
      version: "0.2.0", finishedAt: at, took: .milliseconds(2050), exitCode: code,
      jobs: [RunMetrics.Job(name: "plant", exitCode: code, counts: [.created: 1], census: census)])
  }

  @Test func theTextIsThatOfTheFormat() {
    let text = PrometheusText.of(metrics(.done), after: LastSuccesses())
    #expect(
      text.hasPrefix(
        """
        # HELP tokenrotate_build_info The program that wrote this
        # TYPE tokenrotate_build_info gauge
        tokenrotate_build_info{version="0.2.0"} 1
        # HELP tokenrotate_run_timestamp_seconds When the last run ended
        # TYPE tokenrotate_run_timestamp_seconds gauge
        tokenrotate_run_timestamp_seconds 1796000000.250
        # HELP tokenrotate_run_duration_seconds How long the last run took
        # TYPE tokenrotate_run_duration_seconds gauge
        tokenrotate_run_duration_seconds 2.050

        """))
    #expect(
      text.hasSuffix(
        """
        tokenrotate_activation_seconds_bucket{rotation_job="plant",le="600"} 1
        tokenrotate_activation_seconds_bucket{rotation_job="plant",le="1800"} 1
        tokenrotate_activation_seconds_bucket{rotation_job="plant",le="+Inf"} 2
        tokenrotate_activation_seconds_sum{rotation_job="plant"} 4001.500
        tokenrotate_activation_seconds_count{rotation_job="plant"} 2

        """))
    #expect(text.contains("le=\"1\"} 0\n") && text.contains("le=\"2\"} 1\n"))
    // What is not known has no sample, and no family without one.
    #expect(!text.contains("next_due") && !text.contains("nan"))
  }

  @Test(arguments: [ExitCode.done, .notActiveYet])
  func aSuccessIsNotedAndOutlivesFailures(_ success: ExitCode) {
    let first = PrometheusText.of(metrics(success), after: LastSuccesses())
    let later = PrometheusTextTests.noon + .seconds(3600)
    let second = PrometheusText.of(metrics(.failed, at: later), after: LastSuccesses(in: first))
    let noted = LastSuccesses(in: second)
    #expect(noted.run == PrometheusTextTests.noon && noted.jobs == ["plant": PrometheusTextTests.noon])
    #expect(second.contains("tokenrotate_run_timestamp_seconds 1796003600.250\n"))
    let third = PrometheusText.of(metrics(.done, at: later), after: noted)
    #expect(LastSuccesses(in: third).run == later)
  }

  @Test func aJobThatWasNotReachedIsNotForgotten() {
    var before = LastSuccesses()
    before.jobs = ["other": PrometheusTextTests.noon]
    let noted = LastSuccesses(in: PrometheusText.of(metrics(.done), after: before))
    #expect(noted.jobs == ["plant": PrometheusTextTests.noon, "other": PrometheusTextTests.noon])
  }

  @Test(arguments: [
    "", "tokenrotate_run_success_timestamp_seconds", "tokenrotate_run_success_timestamp_seconds x.000",
    "tokenrotate_run_success_timestamp_seconds -1.000", "tokenrotate_run_success_timestamp_seconds 1e300",
    "tokenrotate_job_success_timestamp_seconds{rotation_job=\"a\"} 99999999999999999999.000", "\u{0}\u{1}",
  ])
  func whateverElseIsInTheFileSaysNothing(_ text: String) {
    #expect(LastSuccesses(in: text) == LastSuccesses())
  }
}
