public import RotationModel
public import RotationPorts

/// Runs Swift concurrency on one thread in an order that a seed decides, in virtual time.
///
/// Jobs only queue up; the loop picks one at random, and when none is ready it moves the clock to the
/// earliest timer. Task groups, default actors and continuations all follow the executor preference, so the
/// real runner runs here unchanged, as long as it sleeps through its clock and starts no detached task.
public final class DeterministicExecutor: TaskExecutor, @unchecked Sendable {
  // Only ever touched by the one thread that runs the loop.
  private var jobs: [UnownedJob] = []
  private var generator: SimulatedDisk.Generator
  public let clock: SimulatedClock

  public init(seed: UInt64, clock: SimulatedClock) {
    generator = SimulatedDisk.Generator(seed: seed)
    self.clock = clock
  }

  public func enqueue(_ job: consuming ExecutorJob) {
    jobs.append(UnownedJob(job))
  }

  /// Runs `body` to its end and returns what it returned; nil when nothing was left to run or the limit of
  /// jobs was reached before, which is a deadlock or a loop in the code under test.
  public func run<Result: Sendable>(
    maximumJobs: Int = 5_000_000, _ body: @escaping @Sendable () async -> Result
  ) -> Result? {
    let outcome = Outcome<Result>()
    Task(executorPreference: self) { outcome.value = await body() }
    var count = 0
    while outcome.value == nil {
      if jobs.isEmpty, !clock.advanceToNextTimer() { return nil }
      guard !jobs.isEmpty else { continue }
      count += 1
      if count > maximumJobs { return nil }
      let index = Int(generator.next() % UInt64(jobs.count))
      jobs.swapAt(index, jobs.count - 1)
      jobs.removeLast().runSynchronously(on: asUnownedTaskExecutor())
    }
    return outcome.value
  }

  private final class Outcome<Value>: @unchecked Sendable {
    var value: Value?
  }
}

/// A clock that only moves when it is told to.
public final class SimulatedClock: RotationClock, @unchecked Sendable {
  // Only ever touched by the thread of the executor that it belongs to.
  public private(set) var uptime: Duration = .zero
  /// What the wall shows at uptime zero; changing it is a jump of the wall clock.
  public var wallAtStart: Instant
  private var timers: [Int: Timer] = [:]
  private var nextTimer = 0

  private struct Timer {
    var deadline: Duration
    var continuation: CheckedContinuation<Bool, Never>
  }

  public init(wallAtStart: Instant = Instant(milliseconds: 1_796_000_000_000)) {
    self.wallAtStart = wallAtStart
  }

  public var now: Instant { wallAtStart + uptime }

  public func sleep(until deadline: Duration) async throws {
    if Task.isCancelled { throw CancellationError() }
    guard deadline > uptime else { return await Task.yield() }
    let id = nextTimer
    nextTimer += 1
    let isInTime = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        if Task.isCancelled {
          continuation.resume(returning: false)
        } else {
          timers[id] = Timer(deadline: deadline, continuation: continuation)
        }
      }
    } onCancel: {
      timers.removeValue(forKey: id)?.continuation.resume(returning: false)
    }
    if !isInTime { throw CancellationError() }
  }

  /// Moves time to the earliest timer and wakes all that are due; false when there is none.
  public func advanceToNextTimer() -> Bool {
    guard let earliest = timers.values.map(\.deadline).min() else { return false }
    advance(to: earliest)
    return true
  }

  /// Moves time forward, never back.
  public func advance(by span: Duration) {
    advance(to: uptime + span)
  }

  private func advance(to moment: Duration) {
    uptime = max(uptime, moment)
    // In the order of their ids, so that a run replays exactly.
    for id in timers.filter({ $0.value.deadline <= uptime }).keys.sorted() {
      timers.removeValue(forKey: id)?.continuation.resume(returning: true)
    }
  }
}

/// Randomness that a seed decides.
public final class SeededRandom: RandomSource, @unchecked Sendable {
  // Only ever touched by one thread at a time: a test's, or that of its executor.
  private var generator: SimulatedDisk.Generator

  public init(seed: UInt64) {
    generator = SimulatedDisk.Generator(seed: seed)
  }

  public func next() -> UInt64 { generator.next() }
}
