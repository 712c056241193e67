import FileSystem

/// An open file of a simulated disk. It goes on naming the same file after a rename or a removal.
final class SimulatedFile: OpenFile, @unchecked Sendable {
  let path: String
  private let disk: SimulatedDisk
  private let node: SimulatedNode
  private let appends: Bool
  private var isOpen = true

  init(disk: SimulatedDisk, node: SimulatedNode, path: String, appends: Bool) {
    self.disk = disk
    self.node = node
    self.path = path
    self.appends = appends
  }

  private func perform<Result>(
    _ kind: FileSystemError.Operation,
    _ body: (inout SimulatedVolume) throws(FileSystemError) -> Result
  ) throws(FileSystemError) -> Result {
    try disk.perform(kind, path) { volume throws(FileSystemError) in
      guard isOpen else {
        throw FileSystemError(kind, path: path, code: .other, reason: "the file is closed")
      }
      return try body(&volume)
    }
  }

  func write(_ bytes: RawSpan, at offsetBytes: Int64) throws(FileSystemError) {
    let copy = bytes.withUnsafeBytes { [UInt8]($0) }
    try perform(.write) { volume throws(FileSystemError) in
      let start = appends ? node.content.count : Int(offsetBytes)
      let end = start + copy.count
      guard volume.isFull, end > node.allocatedBytes else {
        node.change(.write(start, copy))
        return
      }
      // What fits into the blocks that the file already has is written, as a real disk would.
      let room = max(0, node.allocatedBytes - start)
      if room > 0 { node.change(.write(start, Array(copy.prefix(room)))) }
      throw SimulatedVolume.failure(.write, path, .noRoom)
    }
  }

  func append(_ bytes: RawSpan) throws(FileSystemError) {
    try write(bytes, at: Int64(node.content.count))
  }

  func read(at offsetBytes: Int64, maximumBytes: Int) throws(FileSystemError) -> [UInt8] {
    try perform(.read) { _ throws(FileSystemError) in
      let start = min(node.content.count, Int(offsetBytes))
      return Array(node.content[start..<min(node.content.count, start + maximumBytes)])
    }
  }

  func allocate(byteCount: Int64, keepingSize: Bool) throws(FileSystemError) {
    try perform(.allocate) { volume throws(FileSystemError) in
      guard !volume.isFull || Int(byteCount) <= node.allocatedBytes else {
        throw SimulatedVolume.failure(.allocate, path, .noRoom)
      }
      node.change(.allocate(Int(byteCount)))
      if !keepingSize, node.content.count < Int(byteCount) { node.change(.truncate(Int(byteCount))) }
    }
  }

  func truncate(to byteCount: Int64) throws(FileSystemError) {
    try perform(.truncate) { _ throws(FileSystemError) in node.change(.truncate(Int(byteCount))) }
  }

  func setOwner(user: String?, group: String?) throws(FileSystemError) {
    try perform(.setOwner) { volume throws(FileSystemError) in
      let userID = try user.map { name throws(FileSystemError) in
        try volume.account(name, or: .unknownUser, path)
      }
      let groupID = try group.map { name throws(FileSystemError) in
        try volume.account(name, or: .unknownGroup, path)
      }
      let isChange = (userID ?? node.user) != node.user || (groupID ?? node.group) != node.group
      guard !isChange || volume.effectiveUser == 0 else {
        throw SimulatedVolume.failure(.setOwner, path, .notPermitted)
      }
      node.change(.owner(userID ?? node.user, groupID ?? node.group))
    }
  }

  func setMode(_ mode: UInt32) throws(FileSystemError) {
    try perform(.setMode) { _ throws(FileSystemError) in node.change(.mode(mode)) }
  }

  func sync() throws(FileSystemError) {
    try perform(.sync) { _ throws(FileSystemError) in node.sync() }
  }

  func status() throws(FileSystemError) -> FileStatus {
    try perform(.status) { _ throws(FileSystemError) in node.status }
  }

  func close() {
    disk.exclusively { isOpen = false }
  }
}
