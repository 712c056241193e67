import RotationModel
import Testing

struct ActivationScheduleTests {
  private func schedule(
    consecutive: Int = 3, settle: Duration = .seconds(10), timeout: Duration = .seconds(60), targets: Int = 1
  ) -> ActivationSchedule {
    ActivationSchedule(
      policy: ActivationPolicy(timeout: timeout, consecutive: consecutive, settle: settle),
      targetCount: targets, at: .zero)
  }

  /// Asks when it is due and gives the answers in turn; the targets asked about and when.
  private func play(
    _ schedule: inout ActivationSchedule, _ answers: [Answer]
  ) -> [(target: Int, at: Duration)] {
    var asked: [(target: Int, at: Duration)] = []
    for answer in answers {
      guard case .ask(let target, let at) = schedule.verdict else { break }
      asked.append((target, at))
      schedule.asked(at: at)
      switch answer {
      case .yes: schedule.accepted(at: at)
      case .no: schedule.refused(at: at, now: start + at, jitter: 0.5)
      case .silence: schedule.unavailable(at: at, retryAfter: nil, jitter: 0.5)
      }
    }
    return asked
  }

  private enum Answer { case yes, no, silence }

  @Test func threeSuccessesAreSpreadOverTheSettleTime() {
    var schedule = schedule()
    let asked = play(&schedule, [.yes, .yes, .yes])
    #expect(asked.map(\.at) == [.zero, .seconds(5), .seconds(10)])
    #expect(schedule.verdict == .confirmed && schedule.wasAccepted)
  }

  @Test func twoAreNotEnough() {
    var schedule = schedule()
    _ = play(&schedule, [.yes, .yes])
    #expect(schedule.verdict == .ask(target: 0, at: .seconds(10)))
  }

  @Test func aSettleTimeNeedsTwoLooks() {
    var schedule = schedule(consecutive: 1)
    let asked = play(&schedule, [.yes, .yes])
    #expect(asked.map(\.at) == [.zero, .seconds(10)] && schedule.verdict == .confirmed)
  }

  @Test func withoutASettleTimeOneLookMaySuffice() {
    var schedule = schedule(consecutive: 1, settle: .zero)
    _ = play(&schedule, [.yes])
    #expect(schedule.verdict == .confirmed)
  }

  @Test func everyPermissionIsAskedAboutInEveryRound() {
    var schedule = schedule(consecutive: 2, targets: 3)
    let asked = play(&schedule, Array(repeating: .yes, count: 6))
    #expect(asked.map(\.target) == [0, 1, 2, 0, 1, 2])
    #expect(asked.map(\.at) == [.zero, .zero, .zero, .seconds(10), .seconds(10), .seconds(10)])
    #expect(schedule.verdict == .confirmed)
  }

  @Test func aFirstPassThatWasInterruptedIsNoRound() {
    var schedule = schedule(consecutive: 2, settle: .zero, targets: 2)
    let asked = play(&schedule, [.yes, .no, .yes, .yes, .yes, .yes, .yes])
    // The refused permission is asked about again, not the accepted one; then two full rounds.
    #expect(asked.map(\.target) == [0, 1, 1, 0, 1, 0, 1])
    #expect(schedule.verdict == .confirmed)
  }

  @Test func refusalsBeforeAnyAcceptanceDoNotSpoilTheFirstPass() {
    var schedule = schedule(consecutive: 2, settle: .zero, targets: 2)
    let asked = play(&schedule, [.no, .no, .yes, .yes, .yes, .yes])
    #expect(asked.map(\.target) == [0, 0, 0, 1, 0, 1])
    #expect(schedule.verdict == .confirmed)
  }

  @Test func aRefusalStartsTheCountAgain() {
    var schedule = schedule()
    _ = play(&schedule, [.yes, .yes, .no])
    #expect(schedule.refusedSince == start + .seconds(10))
    _ = play(&schedule, [.yes, .yes])
    if case .ask = schedule.verdict {} else { Issue.record("two of three were enough: \(schedule.verdict)") }
    #expect(schedule.refusedSince == nil)
    _ = play(&schedule, [.yes])
    #expect(schedule.verdict == .confirmed)
  }

  @Test func anOutageStartsTheCountAgainAndIsNoRefusal() {
    var schedule = schedule()
    _ = play(&schedule, [.yes, .yes, .silence])
    #expect(schedule.refusedSince == nil)
    _ = play(&schedule, [.yes, .yes])
    if case .ask = schedule.verdict {} else { Issue.record("two of three were enough: \(schedule.verdict)") }
  }

  @Test func theFirstOfManyRefusalsIsRemembered() {
    var schedule = schedule()
    _ = play(&schedule, [.no, .silence, .no])
    #expect(schedule.refusedSince == start && !schedule.wasAccepted)
  }

  @Test func patienceEndsWithTheLastWordBeingRefusalOrSilence() {
    for (last, refused) in [(Answer.no, true), (.silence, false)] {
      var schedule = schedule()
      _ = play(&schedule, Array(repeating: last, count: 200))
      #expect(schedule.verdict == .timedOut(refused: refused))
    }
  }

  @Test func patienceCountsFromTheFirstQuestion() {
    var schedule = schedule(timeout: .seconds(60))
    // The first question had to wait for its turn far longer than the patience.
    schedule.asked(at: .seconds(500))
    schedule.refused(at: .seconds(501), now: start, jitter: 0)
    if case .ask = schedule.verdict {} else { Issue.record("\(schedule.verdict)") }
  }

  @Test func aCountThatRunsIsFinishedWhateverTheTime() {
    var schedule = schedule(settle: .seconds(300), timeout: .seconds(5))
    let asked = play(&schedule, [.yes, .yes, .yes])
    #expect(asked.map(\.at) == [.zero, .seconds(150), .seconds(300)])
    #expect(schedule.verdict == .confirmed)
  }

  @Test func aCountThatIsBrokenAfterTheTimeEndsTheWait() {
    var schedule = schedule(settle: .seconds(300), timeout: .seconds(5))
    _ = play(&schedule, [.yes, .no])
    #expect(schedule.verdict == .timedOut(refused: true))
  }

  @Test func theServicesWishIsObeyed() {
    var schedule = schedule()
    schedule.asked(at: .zero)
    schedule.unavailable(at: .zero, retryAfter: .seconds(30), jitter: 0)
    #expect(schedule.verdict == .ask(target: 0, at: .seconds(30)))
    schedule.unavailable(at: .seconds(30), retryAfter: .seconds(31), jitter: 0)
    #expect(schedule.verdict == .timedOut(refused: false))
  }

  @Test(arguments: [0.0, 0.5, 0.999])
  func pausesGrowAndStayWithinTheirBounds(jitter: Double) {
    var schedule = schedule(timeout: .seconds(100_000))
    var at = Duration.zero
    var last = Duration.zero
    for _ in 0..<100 {
      schedule.asked(at: at)
      schedule.refused(at: at, now: start, jitter: jitter)
      guard case .ask(_, let next) = schedule.verdict else {
        Issue.record("\(schedule.verdict)")
        return
      }
      let pause = next - at
      #expect(pause >= .milliseconds(450) && pause <= .seconds(11) && pause >= last)
      (last, at) = (pause, next)
    }
    #expect(last >= .seconds(9), "the pauses stopped growing at \(last)")
  }

  @Test func noAnswersMakeItLoopForEver() {
    for seed in UInt64(1)...200 {
      var seeded = Seeded(seed)
      var schedule = schedule(consecutive: 3, targets: Int(1 + seeded.next() % 4))
      var questions = 0
      while case .ask(let target, let at) = schedule.verdict, questions < 2000 {
        questions += 1
        #expect((0..<4).contains(target))
        schedule.asked(at: at)
        switch seeded.next() % 4 {
        case 0, 1: schedule.accepted(at: at)
        case 2: schedule.refused(at: at, now: start + at, jitter: 0)
        default: schedule.unavailable(at: at, retryAfter: .seconds(1), jitter: 0)
        }
      }
      #expect(questions < 2000, "seed \(seed)")
    }
  }
}

struct RetryScheduleTests {
  @Test func pausesDoubleUpToTheLongest() {
    let schedule = RetrySchedule(attempts: 6, firstDelay: .milliseconds(500), longestDelay: .seconds(3))
    let pauses = (1...6).map { schedule.delay(afterFailure: $0, retryAfter: nil, jitter: 0) }
    #expect(
      pauses == [
        .milliseconds(500), .seconds(1), .seconds(2), .seconds(3), .seconds(3), nil,
      ])
  }

  @Test func jitterTakesUpToHalfAway() {
    let schedule = RetrySchedule(attempts: 3, firstDelay: .seconds(4), longestDelay: .seconds(8))
    for jitter in [0.0, 0.3, 0.999_999] {
      let pause = schedule.delay(afterFailure: 1, retryAfter: nil, jitter: jitter) ?? .zero
      #expect(pause > .seconds(2) && pause <= .seconds(4))
    }
  }

  @Test func theServicesWishIsNeverUndercut() {
    let schedule = RetrySchedule(attempts: 3, firstDelay: .seconds(1), longestDelay: .seconds(2))
    #expect(schedule.delay(afterFailure: 1, retryAfter: .seconds(60), jitter: 0.9) == .seconds(60))
    #expect(schedule.delay(afterFailure: 1, retryAfter: .zero, jitter: 0) == .seconds(1))
    #expect(schedule.delay(afterFailure: 3, retryAfter: .seconds(60), jitter: 0) == nil)
  }

  @Test func aWishOfMoreThanAMinuteIsForTheNextRun() {
    let schedule = RetrySchedule(attempts: 3, firstDelay: .seconds(1), longestDelay: .seconds(2))
    #expect(schedule.delay(afterFailure: 1, retryAfter: .seconds(61), jitter: 0) == nil)
  }

  @Test func oneSendingMeansNoPauseAtAll() {
    let once = RetrySchedule(attempts: 1, firstDelay: .seconds(1), longestDelay: .seconds(2))
    #expect(once.delay(afterFailure: 1, retryAfter: nil, jitter: 0) == nil)
    #expect(RetrySchedule.reading.delay(afterFailure: 100_000, retryAfter: nil, jitter: 0) == nil)
    let patient = RetrySchedule(attempts: .max, firstDelay: .seconds(1), longestDelay: .seconds(10))
    #expect(patient.delay(afterFailure: 1_000_000, retryAfter: nil, jitter: 0) == .seconds(10))
  }
}
