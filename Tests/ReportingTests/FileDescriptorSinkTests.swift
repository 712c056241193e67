import Foundation
import Reporting
import Testing

@Suite struct FileDescriptorSinkTests {
  private func makePipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    return (ends[0], ends[1])
  }

  /// More than a pipe holds, into a descriptor that does not wait.
  @Test func everythingArrives() async throws {
    let ends = try makePipe()
    _ = fcntl(ends.write, F_SETFL, O_NONBLOCK)
    let text = String(repeating: "0123456789東", count: 40_000)
    // A thread of its own: a reader in the task pool could wait for the thread that the writer blocks.
    async let received = withCheckedContinuation { continuation in
      Thread.detachNewThread {
        let handle = FileHandle(fileDescriptor: ends.read, closeOnDealloc: true)
        continuation.resume(returning: try? handle.readToEnd())
      }
    }
    let sink = FileDescriptorSink(ends.write)
    sink.write(text)
    close(ends.write)
    #expect(await received == Data(text.utf8))
    #expect(sink.errorNumber == nil)
    #expect(!sink.isTerminal)
    #expect(sink.columns == nil)
  }

  /// The process would be gone if SIGPIPE were let through.
  @Test func aReaderThatWentAwayIsRemembered() throws {
    let ends = try makePipe()
    close(ends.read)
    defer { close(ends.write) }
    let sink = FileDescriptorSink(ends.write)
    sink.write("nobody reads this\n")
    sink.write("nor this\n")
    #expect(sink.isBrokenPipe)
    #expect(sink.errorNumber == EPIPE)
  }

  @Test func aFullDeviceIsRemembered() throws {
    let descriptor = open("/dev/full", O_WRONLY)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let sink = FileDescriptorSink(descriptor)
    sink.write("x")
    #expect(sink.errorNumber == ENOSPC)
    #expect(!sink.isBrokenPipe)
  }
}
