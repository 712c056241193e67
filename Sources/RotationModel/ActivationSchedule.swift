/// How long and how often a token must be accepted before it is called active.
public struct ActivationPolicy: Equatable, Sendable {
  /// How long one run waits, from the token's first probe in it.
  public var timeout: Duration
  /// Full rounds of acceptances in a row.
  public var consecutive: Int
  /// The rounds are spread over at least this long.
  public var settle: Duration

  public init(timeout: Duration, consecutive: Int, settle: Duration) {
    self.timeout = timeout
    self.consecutive = consecutive
    self.settle = settle
  }
}

/// When to ask about which permission of one token, and when it is settled. Pure: told what was answered
/// and when by the monotonic clock.
///
/// First each permission must be accepted once; a pass over all of them without a refusal is already the
/// first full round. Then `consecutive` full rounds, the last one no earlier than `settle` after the end of
/// the first. Anything but an acceptance starts the count again, so that an outage never helps.
public struct ActivationSchedule: Equatable, Sendable {
  public enum Verdict: Equatable, Sendable {
    /// Ask about the permission at this index, not before this uptime.
    case ask(target: Int, at: Duration)
    case confirmed
    /// `refused` says whether the last word was a refusal, rather than no word at all.
    case timedOut(refused: Bool)
  }

  private let policy: ActivationPolicy
  private let targetCount: Int
  private var startedAt: Duration?
  private var position = 0
  private var isFirstPass = true
  private var passWasInterrupted = false
  private var rounds = 0
  private var firstRoundEndedAt: Duration = .zero
  private var roundDueAt: Duration = .zero
  private var failures = 0
  private var hasTimedOut = false
  /// The wall-clock time of the first refusal after the last acceptance, in this run.
  public private(set) var refusedSince: Instant?
  private var lastAnswerWasRefusal = false
  /// Whether any question of this run was answered with an acceptance.
  public private(set) var wasAccepted = false

  private static let firstDelay: Duration = .milliseconds(500)
  private static let longestDelay: Duration = .seconds(10)

  /// `targetCount` permissions to ask about, at least one, beginning now.
  public init(policy: ActivationPolicy, targetCount: Int, at uptime: Duration) {
    self.policy = policy
    self.targetCount = max(1, targetCount)
    roundDueAt = uptime
  }

  private var requiredRounds: Int {
    policy.settle > .zero ? max(2, policy.consecutive) : max(1, policy.consecutive)
  }

  public var verdict: Verdict {
    if rounds >= requiredRounds { return .confirmed }
    if hasTimedOut { return .timedOut(refused: lastAnswerWasRefusal) }
    return .ask(target: position, at: roundDueAt)
  }

  /// A question is being sent at this uptime: the run's patience counts from the first one.
  public mutating func asked(at uptime: Duration) {
    if startedAt == nil { startedAt = uptime }
  }

  public mutating func accepted(at uptime: Duration) {
    refusedSince = nil
    lastAnswerWasRefusal = false
    wasAccepted = true
    position += 1
    roundDueAt = uptime
    guard position == targetCount else { return expireIfLate(at: uptime) }
    position = 0
    failures = 0
    if isFirstPass {
      isFirstPass = false
      if passWasInterrupted { return expireIfLate(at: uptime) }
    }
    rounds += 1
    if rounds == 1 { firstRoundEndedAt = uptime }
    let share = policy.settle * rounds / max(1, requiredRounds - 1)
    roundDueAt = max(uptime, firstRoundEndedAt + share)
    if rounds < requiredRounds { expireIfLate(at: uptime) }
  }

  /// 401 or 403. `now` is the wall clock. `jitter` in 0..<1 spreads tokens that were created together.
  public mutating func refused(at uptime: Duration, now: Instant, jitter: Double) {
    if refusedSince == nil { refusedSince = now }
    lastAnswerWasRefusal = true
    interrupt(at: uptime, jitter: jitter, atLeast: .zero)
  }

  /// No answer about the token. `retryAfter` is the service's own wish.
  public mutating func unavailable(at uptime: Duration, retryAfter: Duration?, jitter: Double) {
    lastAnswerWasRefusal = false
    interrupt(at: uptime, jitter: jitter, atLeast: retryAfter ?? .zero)
  }

  private mutating func interrupt(at uptime: Duration, jitter: Double, atLeast: Duration) {
    rounds = 0
    if isFirstPass {
      passWasInterrupted = position > 0 || passWasInterrupted
    } else {
      position = 0
    }
    failures += 1
    var delay = ActivationSchedule.firstDelay
    for _ in 1..<max(2, min(failures, 12)) { delay = min(ActivationSchedule.longestDelay, delay * 3 / 2) }
    let spread = delay * (0.9 + 0.2 * jitter)
    roundDueAt = uptime + max(atLeast, spread)
    expireIfLate(at: uptime)
  }

  /// The run's patience ends when the next question would come after it, but a count that has begun may
  /// be finished: it is bounded by `settle`, and ending it would only start it anew in the next run.
  private mutating func expireIfLate(at uptime: Duration) {
    guard rounds == 0, let startedAt, roundDueAt - startedAt > policy.timeout else { return }
    hasTimedOut = true
  }
}
