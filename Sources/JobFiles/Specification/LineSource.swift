internal import Glibc

/// The physical lines of a file, one after the other, in a buffer that does not grow with the file.
final class LineSource {
  /// The longest line, and the longest record: 1 MiB.
  static let maximumBytes = 1 << 20

  private let file: OpenFile
  private let end: Int?
  private let buffer: UnsafeMutableRawBufferPointer
  private var filled = 0
  private var consumed = 0
  /// Where in the file the buffer ends.
  private var readOffset: Int
  private var reachedEnd = false

  /// - Parameters:
  ///   - offset: where to start; a line starts there.
  ///   - end: where to stop; nil is the end of the file.
  init(_ file: OpenFile, from offset: Int = 0, to end: Int? = nil) {
    self.file = file
    self.end = end
    readOffset = offset
    let span = end.map { max(1, $0 - offset) } ?? .max
    buffer = .allocate(byteCount: min(LineSource.maximumBytes, span), alignment: 16)
  }

  deinit {
    buffer.deallocate()
  }

  /// Where in the file the next line starts.
  var offset: Int { readOffset - (filled - consumed) }

  enum Next {
    /// A line with its line break; the last one of the file may have none. Valid until the next call.
    case line(UnsafeRawBufferPointer)
    case tooLong
    case end
  }

  func next() throws(FileError) -> Next {
    while true {
      let rest = UnsafeRawBufferPointer(rebasing: buffer[consumed..<filled])
      if let base = rest.baseAddress, let found = memchr(base, Int32(UInt8(ascii: "\n")), rest.count) {
        let count = UnsafeRawPointer(found) - base + 1
        consumed += count
        return .line(UnsafeRawBufferPointer(rebasing: rest[..<count]))
      }
      if reachedEnd {
        consumed = filled
        return rest.isEmpty ? .end : .line(rest)
      }
      if rest.count == buffer.count, end == nil { return .tooLong }
      try fill()
    }
  }

  private func fill() throws(FileError) {
    if consumed > 0 {
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[consumed..<filled]))
      filled -= consumed
      consumed = 0
    }
    let room = min(buffer.count - filled, (end ?? .max) - readOffset)
    let count =
      room > 0 ? try file.read(into: .init(rebasing: buffer[filled..<filled + room]), at: readOffset) : 0
    if count == 0 { reachedEnd = true }
    filled += count
    readOffset += count
  }
}
