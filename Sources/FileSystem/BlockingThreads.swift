internal import Glibc
internal import Locks

/// Threads of their own for calls that block, so that disks and name services never hold up the threads
/// that Swift's tasks run on.
///
/// Jobs run in the order in which they came. The queue needs no bound of its own: it holds at most one job
/// for each task that prefers this executor, and tasks are bounded where they are started.
public final class BlockingThreads: TaskExecutor {
  private struct Queue {
    var jobs: [UnownedJob] = []
    var head = 0
    var isEnding = false

    mutating func next() -> UnownedJob? {
      guard head < jobs.count else { return nil }
      let job = jobs[head]
      head += 1
      // Room is given back once half of it was used up, so that a queue that is never empty cannot grow.
      if head * 2 >= jobs.count {
        jobs.removeFirst(head)
        head = 0
      }
      return job
    }
  }

  private enum Turn {
    case job(UnownedJob)
    case end
  }

  private let queue = Locked(Queue())
  private let threads = Locked([pthread_t]())

  /// Starts `count` threads, at least one. Throws when the system refuses even the first.
  public init(count: Int) throws(FileSystemError) {
    for _ in 0..<max(1, count) {
      var thread = pthread_t()
      let context = Unmanaged.passRetained(self)
      let number = pthread_create(&thread, nil, blockingThreadMain, context.toOpaque())
      guard number == 0 else {
        context.release()
        if threads.withLock({ $0.isEmpty }) {
          throw FileSystemError(.openFile, path: "a thread for files", number: number)
        }
        return
      }
      threads.withLock { $0.append(thread) }
    }
  }

  public func enqueue(_ job: consuming ExecutorJob) {
    let unowned = UnownedJob(job)
    queue.withLock { $0.jobs.append(unowned) }
    queue.signal()
  }

  /// Ends the threads once the queue is empty and waits for them. Called once, from another thread, when
  /// no task prefers this executor any more. Without it the threads live as long as the process.
  public func shutDown() {
    queue.withLock { $0.isEnding = true }
    queue.broadcast()
    let ending = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in ending { pthread_join(thread, nil) }
  }

  fileprivate func runJobs() {
    while true {
      let turn: Turn = queue.waitUntil { queue in
        if let job = queue.next() { return .job(job) }
        return queue.isEnding ? .end : nil
      }
      switch turn {
      case .job(let job): job.runSynchronously(on: asUnownedTaskExecutor())
      case .end: return
      }
    }
  }
}

private func blockingThreadMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context else { return nil }
  Unmanaged<BlockingThreads>.fromOpaque(context).takeRetainedValue().runJobs()
  return nil
}
