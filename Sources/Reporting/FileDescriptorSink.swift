internal import Glibc
internal import Locks

/// Writes to an open file descriptor, which stays the caller's.
///
/// Nothing thrown and nothing said when it fails: there is no better place to say it. After the first failure
/// nothing more is written, so that a reader never sees a text with a hole, and `errorNumber` holds the reason.
public final class FileDescriptorSink: TextSink {
  public static let standardOutput = FileDescriptorSink(STDOUT_FILENO)
  public static let standardError = FileDescriptorSink(STDERR_FILENO)

  private let descriptor: Int32
  private let failure = Locked<Int32?>(nil)

  public init(_ descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// The `errno` of the first write that failed.
  public var errorNumber: Int32? {
    failure.withLock { $0 }
  }

  /// Whether whoever read the text went away, as `head` does. That is no error of the run.
  public var isBrokenPipe: Bool { errorNumber == EPIPE }

  public var isTerminal: Bool { isatty(descriptor) == 1 }

  /// The terminal's width, nil where there is none.
  public var columns: Int? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }

  public func write(_ text: String) {
    failure.withLock { failure in
      guard failure == nil else { return }
      failure = withoutPipeSignal {
        var text = text
        return text.withUTF8 { writeAll(UnsafeRawBufferPointer($0), to: descriptor) }
      }
    }
  }
}

/// Writes all of `bytes`, however many calls that takes. Returns the `errno` of what stopped it.
func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32? {
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
    if count > 0 {
      rest = rest.dropFirst(count)
      continue
    }
    switch errno {
    case EINTR: continue
    case EAGAIN:
      // A terminal or pipe that somebody else made non-blocking.
      var waited = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      guard poll(&waited, 1, -1) >= 0 || errno == EINTR else { return errno }
    default: return count == 0 ? EIO : errno
    }
  }
  return nil
}
