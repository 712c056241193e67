internal import Digests
internal import RotationPorts

/// Walks a chain with one line of foresight: what is wrong with a line often shows only in the next one.
struct ChainCheck {
  /// A line that was read, with what the chain needs of it.
  struct Entry {
    var scanned: ScannedLine
    var hash: String
    var path: String
    var line: Int64
    var endOffset: Int64
  }

  private let ledger: AuditState?
  private var path = ""
  private(set) var physicalLine: Int64 = 0
  private var offset: Int64 = 0
  private var lines: Int64 = 0
  private var notes: [String] = []
  /// The last line that is known to be good, and the one before it.
  private var last: Entry?
  private var beforeLast: Entry?
  /// Read, and judged when its successor is known.
  private var pending: Entry?

  init(ledger: AuditState?) { self.ledger = ledger }

  mutating func begin(_ path: String) throws {
    self.path = path
    physicalLine = 0
    offset = 0
  }

  mutating func add(_ bytes: [UInt8]) throws {
    guard let scanned = AuditLineScanner.scan(bytes) else {
      try settle(next: nil)
      physicalLine += 1
      let isJSON = AuditLineScanner.isJSONObject(bytes)
      throw AuditBreak(
        isJSON ? .edited : .notJSON, path: path, line: physicalLine,
        message: isJSON
          ? "not in the form in which tokenrotate writes its lines: edited, or written by something else"
          : "not a JSON object")
    }
    physicalLine += 1
    offset += Int64(bytes.count) + 1
    let entry = Entry(
      scanned: scanned, hash: try SHA256.digest(of: bytes).hex, path: path, line: physicalLine,
      endOffset: offset)
    try settle(next: entry)
    pending = entry
  }

  mutating func noteUnterminated(_ byteCount: Int) {
    notes.append(
      "\(path): the last line has no end (\(byteCount) bytes): what a crash leaves; the next run"
        + " completes it")
  }

  /// Judges the pending line, `next` being the one after it.
  mutating func settle(next: Entry?) throws {
    guard let entry = pending else { return }
    pending = nil
    if let last {
      try judge(entry, after: last, next: next)
    } else {
      try judgeFirst(entry)
    }
    try compareWithLedger(entry)
    lines += 1
    beforeLast = last
    last = entry
  }

  mutating func finish() throws {
    try settle(next: nil)
    guard let acknowledged = ledger?.acknowledged, acknowledged.sequence > last?.scanned.sequence ?? 0 else {
      return
    }
    throw AuditBreak(
      .truncated, path: path, line: physicalLine,
      message: "ends with line \(last?.scanned.sequence ?? 0) of the chain, but the ledger saw it reach"
        + " line \(acknowledged.sequence)")
  }

  func report(_ found: AuditBreak?) -> AuditReport {
    let head = last.map {
      AuditHead(
        chain: $0.scanned.chain, sequence: $0.scanned.sequence, hash: $0.hash, offset: $0.endOffset)
    }
    return AuditReport(lines: lines, head: head, firstBreak: found, notes: notes)
  }

  private mutating func judgeFirst(_ entry: Entry) throws {
    let scanned = entry.scanned
    if scanned.sequence == 1, scanned.previous == String(repeating: "0", count: 64) { return }
    if scanned.event == "log.continued" || scanned.event == "audit.repaired" {
      notes.append(
        "\(entry.path): goes on from line \(scanned.sequence - 1) of chain \(scanned.chain), which is in an"
          + " earlier file")
      return
    }
    throw broken(
      .firstLineMissing, entry,
      "the file begins with line \(scanned.sequence) of the chain: what came before it is missing")
  }

  private func judge(_ entry: Entry, after last: Entry, next: Entry?) throws {
    let (scanned, expected) = (entry.scanned, last.scanned.sequence + 1)
    // Whether the line after this one fits right behind the last good one: then this one is too much.
    let isSkipped = next.map { $0.scanned.sequence == expected && $0.scanned.previous == last.hash } ?? false
    let isHeldByNext = next.map { $0.scanned.previous == entry.hash } ?? false
    guard scanned.chain == last.scanned.chain else {
      if isSkipped { throw broken(.inserted, entry, "a line of another chain, \(scanned.chain)") }
      if let next, next.scanned.chain == last.scanned.chain {
        throw broken(.edited, entry, "its chain was changed to \(scanned.chain)")
      }
      throw broken(.wrongChain, entry, "of chain \(scanned.chain), not \(last.scanned.chain)")
    }
    if scanned.sequence == expected, scanned.previous == last.hash { return }
    if entry.hash == last.hash { throw broken(.inserted, entry, "says the line before it once more") }
    // A forged copy of this line's number stands before it.
    if let beforeLast, scanned.sequence == last.scanned.sequence, scanned.previous == beforeLast.hash {
      throw broken(.inserted, last, "two lines claim to be line \(scanned.sequence)")
    }
    if isSkipped, scanned.sequence != expected + 1 {
      throw broken(.inserted, entry, "says it is line \(scanned.sequence) where line \(expected) belongs")
    }
    if let next, scanned.sequence == expected + 1, next.scanned.sequence == expected {
      throw broken(.swapped, entry, "changed places with the line after it")
    }
    if isSkipped { throw broken(.inserted, entry, "does not belong here") }
    try judgeNumber(entry, expected: expected, next: next)
    if isHeldByNext || next == nil {
      throw broken(
        .edited, last, "its bytes are not those that line \(scanned.sequence) holds the hash of")
    }
    throw broken(.edited, entry, "neither fits the line before it nor the one after it")
  }

  /// Judges a line whose number is not the next one.
  private func judgeNumber(_ entry: Entry, expected: Int64, next: Entry?) throws {
    let sequence = entry.scanned.sequence
    guard sequence != expected else { return }
    if let next, next.scanned.sequence == expected + 1 {
      throw broken(.edited, entry, "its number was changed from \(expected) to \(sequence)")
    }
    if sequence > expected {
      let count = sequence - expected
      throw broken(
        .removed, entry,
        count == 1
          ? "line \(expected) is missing before it"
          : "lines \(expected) to \(sequence - 1) are missing before it")
    }
    throw broken(.badSequence, entry, "says it is line \(sequence) where line \(expected) belongs")
  }

  private func compareWithLedger(_ entry: Entry) throws {
    guard let ledger else { return }
    let sequence = entry.scanned.sequence
    if sequence == ledger.acknowledged.sequence, entry.hash != ledger.acknowledged.hash {
      throw broken(.edited, entry, "not the line that the ledger acknowledged")
    }
    if sequence == ledger.head.sequence, entry.hash != ledger.head.hash {
      throw broken(.edited, entry, "not the line that the ledger wrote down")
    }
    if sequence > ledger.head.sequence {
      throw broken(
        .inserted, entry, "the ledger knows no line \(sequence): its last one is \(ledger.head.sequence)")
    }
  }

  private func broken(_ kind: AuditBreak.Kind, _ entry: Entry, _ message: String) -> AuditBreak {
    AuditBreak(kind, path: entry.path, line: entry.line, message: message)
  }
}
