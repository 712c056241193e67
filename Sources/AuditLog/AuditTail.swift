internal import Digests
internal import FileSystem
internal import RotationPorts

/// What the end of the file lacks, found by comparing it with the ledger.
struct AuditTail {
  /// The bytes that belong at `offset`, up to the end of the file as it should be.
  var missing: [UInt8]
  var offset: Int64

  /// Compares without writing. Throws `AuditError.tampered` when the file is not what the ledger knows,
  /// give or take what a crash leaves.
  static func compare(_ file: any OpenFile, with state: AuditState) throws -> AuditTail {
    let acknowledged = state.acknowledged
    let expected = state.outbox.flatMap { Array($0.text.utf8) + [UInt8(ascii: "\n")] }
    try checkLedger(state, expectedBytes: expected.count)
    let size = try file.status().sizeBytes
    guard size >= acknowledged.offset else {
      throw AuditError.tampered(
        "\(file.path) ends after \(size) bytes, but the ledger saw it reach \(acknowledged.offset)"
          + " (line \(acknowledged.sequence)): lines were removed from its end")
    }
    try checkLastLine(of: file, acknowledged)
    guard size - acknowledged.offset <= Int64(expected.count) else {
      if state.head.sequence == 0 { throw AuditError.ledgerIsNew(file.path) }
      throw AuditError.tampered(
        "\(file.path) goes on for \(size - acknowledged.offset - Int64(expected.count)) bytes beyond what"
          + " the ledger knows (line \(state.head.sequence)): something else wrote to it")
    }
    let kept = try matchingBytes(of: file, expected, state)
    return AuditTail(missing: Array(expected[kept...]), offset: acknowledged.offset + Int64(kept))
  }

  private static func checkLedger(_ state: AuditState, expectedBytes: Int) throws {
    let last = state.outbox.last
    let hash = try last.map { try SHA256.digest(of: $0.text).hex } ?? state.acknowledged.hash
    guard state.head.hash == hash, state.head.sequence == last?.sequence ?? state.acknowledged.sequence,
      state.head.offset == state.acknowledged.offset + Int64(expectedBytes),
      state.head.chain == state.acknowledged.chain
    else {
      throw AuditError.tampered(
        "the ledger's own record of the audit log does not add up at line \(state.head.sequence): the"
          + " ledger was changed by something else")
    }
  }

  /// The last line that the ledger acknowledged must still have its hash.
  private static func checkLastLine(of file: any OpenFile, _ head: AuditHead) throws {
    guard head.sequence > 0 else { return }
    let reach = Int64(AuditLineWriter.maximumLineBytes + 2)
    let start = max(0, head.offset - reach)
    var bytes = try file.read(at: start, maximumBytes: Int(head.offset - start))
    let changed = AuditError.tampered(
      "line \(head.sequence) of \(file.path), which ends at byte \(head.offset), is not the line that the"
        + " ledger acknowledged: it was changed, or lines before it were")
    guard bytes.popLast() == UInt8(ascii: "\n") else { throw changed }
    let line = bytes.lastIndex(of: UInt8(ascii: "\n")).map { bytes[($0 + 1)...] } ?? bytes[...]
    guard try SHA256.digest(of: Array(line)).hex == head.hash else { throw changed }
  }

  /// How many bytes after the acknowledged ones are as they should be. A loss of power may leave zeros
  /// where the last bytes were not yet on the disk, which no line of ours holds; anything else is not ours.
  private static func matchingBytes(
    of file: any OpenFile, _ expected: [UInt8], _ state: AuditState
  ) throws -> Int {
    let chunkBytes = 256 * 1024
    var kept: Int?
    var position = 0
    while position < expected.count {
      let chunk = try file.read(at: state.acknowledged.offset + Int64(position), maximumBytes: chunkBytes)
      for (index, byte) in chunk.enumerated() where byte != expected[position + index] {
        guard byte == 0 else {
          let line =
            state.acknowledged.sequence + 1
            + Int64(expected[..<(position + index)].count { $0 == UInt8(ascii: "\n") })
          throw AuditError.tampered(
            "line \(line) of \(file.path) is not the line that the ledger wrote down for it")
        }
        kept = min(kept ?? .max, position + index)
      }
      position += chunk.count
      if chunk.count < chunkBytes { break }
    }
    return kept ?? position
  }
}
