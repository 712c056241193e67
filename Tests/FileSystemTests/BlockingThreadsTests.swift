import FileSystem
import Foundation
import Testing

@Suite struct BlockingThreadsTests {
  @Test func runsEveryJobOnItsOwnThreads() async throws {
    let threads = try BlockingThreads(count: 3)
    let own = pthread_self()
    let sum = await withTaskGroup(of: Int.self) { group in
      for number in 1...1000 {
        group.addTask(executorPreference: threads) {
          #expect(pthread_equal(pthread_self(), own) == 0)
          await Task.yield()
          return number
        }
      }
      return await group.reduce(0, +)
    }
    #expect(sum == 500_500)
    await Task.detached { threads.shutDown() }.value
  }

  @Test func oneThreadKeepsTheOrder() async throws {
    let threads = try BlockingThreads(count: 1)
    let seen = Numbers()
    await withTaskGroup { group in
      for number in 0..<100 {
        group.addTask(executorPreference: threads) { seen.append(number) }
      }
    }
    #expect(seen.all == Array(0..<100))
    threads.shutDown()
  }
}

private final class Numbers: @unchecked Sendable {
  private let lock = NSLock()
  private var numbers: [Int] = []

  var all: [Int] { lock.withLock { numbers } }

  func append(_ number: Int) {
    lock.withLock { numbers.append(number) }
  }
}
