public import FileSystem
internal import JSONText
internal import RotationModel
public import RotationPorts

/// What the newest lines of an audit log tell of runs: read from its end, in bounded time and memory.
///
/// The chain is not checked: that is `AuditVerifier`'s work. A line that is none of ours tells nothing.
public struct AuditRuns: Sendable {
  private let files: any FileSystem
  private let maximumBytes: Int64

  /// `maximumBytes` of the file's end are read. An hourly run with nothing to do leaves a thousand bytes.
  public init(files: any FileSystem, maximumBytes: Int64 = 16 << 20) {
    self.files = files
    self.maximumBytes = maximumBytes
  }

  /// At most `limit` sessions, the newest first, and behind them the newest `run` of cron that has ended, however many
  /// others came after it; none where there is no file. Throws `AuditError.unwritable` when it
  /// cannot be read.
  public func newest(_ limit: Int, of path: String) throws(AuditError) -> [RecordedRun] {
    try auditing {
      guard try files.statusIfPresent(path) != nil else { return [] }
      let file = try files.openFile(path, for: .readOnly)
      defer { file.close() }
      let start = max(0, try file.status().sizeBytes - maximumBytes)
      var reader = AuditFileReader(file, from: start)
      // What stands at a place in the middle is the end of a line, unless by chance.
      var isWhole = start == 0
      var runs = NewestRuns(limit: limit)
      while let piece = try reader.next() {
        if case .line(let bytes) = piece, isWhole, let line = RunLine(bytes) { runs.add(line) }
        isWhole = true
      }
      return runs.newestFirst
    }
  }
}

/// What a line tells that is counted for its run.
private struct RunLine {
  var time: Instant
  var run: String
  var event: String
  var command: String?
  var exitCode: Int?

  /// nil: it is no line of an audit log.
  init?(_ bytes: [UInt8]) {
    var texts: [String: String] = [:]
    let isJSON = bytes.withUnsafeBytes { buffer in
      var scanner = JSONScanner(buffer)
      do throws(JSONScanner.Malformed) {
        try scanner.document { (key, scanner) throws(JSONScanner.Malformed) in
          switch key {
          case "time", "run", "event":
            if let raw = try scanner.stringIfPresent() {
              texts[key] = try scanner.text(raw)
            } else {
              try scanner.skipValue()
            }
          case "details": try RunLine.readDetails(&scanner, &texts)
          default: try scanner.skipValue()
          }
        }
        return true
      } catch { return false }
    }
    guard isJSON, let time = texts["time"].flatMap({ Instant(rfc3339: $0) }), let run = texts["run"],
      let event = texts["event"]
    else { return nil }
    (self.time, self.run, self.event) = (time, run, event)
    command = texts["command"]
    exitCode = texts["exit"].flatMap { Int($0) }
  }

  private static func readDetails(
    _ scanner: inout JSONScanner, _ texts: inout [String: String]
  ) throws(JSONScanner.Malformed) {
    var found: [String: String] = [:]
    try scanner.members { (key, scanner) throws(JSONScanner.Malformed) in
      guard key == "command" || key == "exit", let raw = try scanner.stringIfPresent() else {
        return try scanner.skipValue()
      }
      found[key] = try scanner.text(raw)
    }
    texts.merge(found) { $1 }
  }
}

/// The runs that began last, as their lines come.
private struct NewestRuns {
  private let limit: Int
  private var runs: [RecordedRun] = []
  /// The newest of those that made room and are a `run` that has ended.
  private var kept: RecordedRun?

  init(limit: Int) { self.limit = limit }

  var newestFirst: [RecordedRun] {
    let hasFinishedRun = runs.contains { $0.isFinishedRun }
    return runs.reversed() + (hasFinishedRun ? [] : [kept].compactMap(\.self))
  }

  mutating func add(_ line: RunLine) {
    let index: Int
    if let known = runs.lastIndex(where: { $0.id == line.run }) {
      index = known
    } else {
      if runs.count == limit {
        let oldest = runs.removeFirst()
        if oldest.isFinishedRun { kept = oldest }
      }
      runs.append(RecordedRun(id: line.run, lastAt: line.time))
      index = runs.count - 1
    }
    runs[index].lastAt = line.time
    switch line.event {
    case "run.started":
      runs[index].startedAt = line.time
      runs[index].command = line.command
    case "run.finished":
      runs[index].finishedAt = line.time
      runs[index].exitCode = line.exitCode
    case "create.done": runs[index].created += 1
    case "delivery.done": runs[index].delivered += 1
    case "revoke.done", "orphan.revoked": runs[index].revoked += 1
    case "delivery.failed", "hook.failed", "activation.timed_out": runs[index].failures += 1
    default:
      // An intent, a refusal and an answer that never came are told by the ends of their names.
      let ending = line.event.split(separator: ".").last ?? ""
      if ending.hasSuffix("refused") || ending.hasSuffix("unknown") { runs[index].failures += 1 }
    }
  }
}

extension RecordedRun {
  fileprivate var isFinishedRun: Bool { command == "run" && exitCode != nil }
}
