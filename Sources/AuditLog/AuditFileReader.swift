internal import FileSystem

/// Reads a file a line at a time in bounded memory.
struct AuditFileReader {
  enum Piece: Equatable {
    /// A line without its newline.
    case line([UInt8])
    /// What follows the last newline.
    case unterminated([UInt8])
    /// More than a line can hold without a newline.
    case tooLong
  }

  private static let chunkBytes = 256 * 1024
  private let file: any OpenFile
  private var offset: Int64
  private var buffer: [UInt8] = []
  private var start = 0
  private var isAtEnd = false

  /// Begins at a place of the file, in bytes.
  init(_ file: any OpenFile, from offset: Int64 = 0) {
    self.file = file
    self.offset = offset
  }

  /// The next piece; nil after the last.
  mutating func next() throws(FileSystemError) -> Piece? {
    while true {
      if let end = buffer[start...].firstIndex(of: UInt8(ascii: "\n")) {
        defer { start = end + 1 }
        guard end - start <= AuditLineWriter.maximumLineBytes else { return .tooLong }
        return .line(Array(buffer[start..<end]))
      }
      if isAtEnd {
        let rest = Array(buffer[start...])
        start = buffer.count
        guard rest.count <= AuditLineWriter.maximumLineBytes else { return .tooLong }
        return rest.isEmpty ? nil : .unterminated(rest)
      }
      if buffer.count - start > AuditLineWriter.maximumLineBytes {
        start = buffer.count
        return .tooLong
      }
      try fill()
    }
  }

  private mutating func fill() throws(FileSystemError) {
    let chunk = try file.read(at: offset, maximumBytes: AuditFileReader.chunkBytes)
    isAtEnd = chunk.count < AuditFileReader.chunkBytes
    offset += Int64(chunk.count)
    buffer.removeSubrange(..<start)
    start = 0
    buffer.append(contentsOf: chunk)
  }
}
