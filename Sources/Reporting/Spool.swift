internal import Glibc
import RotationPorts

/// A temporary file without a name, for what is known before it can be printed: memory does not grow with
/// the number of tokens, and a run that is killed leaves nothing behind.
///
/// After the first failure nothing more is taken, and `problem` says why; what was taken before is whole.
final class Spool {
  private let directory: String
  private let contents: String
  private var descriptor: Int32 = -1
  private var buffer: [UInt8] = []
  private var length = 0
  private(set) var problem: Problem?

  private static let chunk = 65_536

  /// `contents` is a word for what is kept. The file is made when there is something to keep.
  init(of contents: String, directory: String) {
    self.contents = contents
    self.directory = directory
    buffer.reserveCapacity(Spool.chunk)
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Where the next text will begin, in bytes.
  var end: Int { length + buffer.count }

  /// Takes the text wholly or not at all.
  func append(_ text: String) {
    guard problem == nil else { return }
    buffer.append(contentsOf: text.utf8)
    if buffer.count >= Spool.chunk { flush() }
  }

  /// Hands on the text between two places, in pieces.
  func read(_ range: Range<Int>, _ receive: (String) -> Void) {
    flush()
    var carried: [UInt8] = []
    var offset = range.lowerBound
    let end = min(range.upperBound, length)
    while offset < end {
      var piece = [UInt8](repeating: 0, count: min(Spool.chunk, end - offset))
      let count = pread(descriptor, &piece, piece.count, off_t(offset))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return fail("read", errno) }
      offset += count
      carried += piece[..<count]
      let whole = offset == end ? carried.count : Spool.wholeScalars(carried)
      receive(String(decoding: carried[..<whole], as: UTF8.self))
      carried.removeFirst(whole)
    }
  }

  /// Brings what was taken into the file, after which `problem` is final for it.
  func flush() {
    guard problem == nil, !buffer.isEmpty else { return }
    defer { buffer.removeAll(keepingCapacity: true) }
    guard open() else { return }
    if let number = buffer.withUnsafeBytes({ writeAll($0, to: descriptor) }) {
      return fail("written", number)
    }
    length += buffer.count
  }

  private func open() -> Bool {
    guard descriptor < 0 else { return true }
    var path = Array("\(directory)/.report-XXXXXX".utf8CString)
    // 0600 is mkstemp's own mode.
    descriptor = mkstemp(&path)
    guard descriptor >= 0 else {
      fail("made", errno)
      return false
    }
    // Hooks and command stores have no business with it.
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    unlink(path)
    return true
  }

  private func fail(_ what: String, _ number: Int32) {
    problem = Problem(
      code: "report_incomplete",
      message:
        "the list of \(contents) is incomplete: its temporary file in \(directory) cannot be \(what): \(String(cString: strerror(number)))",
      hint: "the run itself is not affected; give the directory room, or look at the audit log")
  }

  /// How many of the bytes are whole scalars: a piece may end in the middle of one.
  private static func wholeScalars(_ bytes: [UInt8]) -> Int {
    var start = bytes.count
    for _ in 0..<4 where start > 0 {
      start -= 1
      if bytes[start] & 0b1100_0000 != 0b1000_0000 { return start }
    }
    return bytes.count
  }
}
