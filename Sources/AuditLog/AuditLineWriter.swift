internal import Digests
internal import JSONText
internal import RotationModel
internal import RotationPorts

/// Writes the lines of the audit log: fixed keys in a fixed order, so that the same events give the same
/// bytes everywhere.
enum AuditLineWriter {
  /// No line is longer, its newline not counted.
  static let maximumLineBytes = 8192
  private static let maximumFieldBytes = 512
  private static let maximumReasonBytes = 2048
  private static let maximumKeyBytes = 64

  /// The line of `event` that follows `head`, and the head after it.
  static func line(
    _ event: AuditEvent, after head: AuditHead
  ) throws(DigestError) -> (line: AuditLine, head: AuditHead) {
    let bytes = AuditLineWriter.bytes(
      event, chain: head.chain, sequence: head.sequence + 1, previous: head.hash)
    return try finish(bytes, after: head)
  }

  /// Makes finished bytes the line after `head`.
  static func finish(
    _ bytes: [UInt8], after head: AuditHead
  ) throws(DigestError) -> (line: AuditLine, head: AuditHead) {
    let line = AuditLine(sequence: head.sequence + 1, text: String(decoding: bytes, as: UTF8.self))
    let next = AuditHead(
      chain: head.chain, sequence: head.sequence + 1, hash: try SHA256.digest(of: bytes).hex,
      offset: head.offset + Int64(bytes.count) + 1)
    return (line, next)
  }

  private static func bytes(
    _ event: AuditEvent, chain: String, sequence: Int64, previous: String
  ) -> [UInt8] {
    var json = JSONWriter(.visible, capacity: 512)
    json.object { json in
      json.member("v", 1)
      json.member("chain", chain, maximumBytes: maximumFieldBytes)
      json.member("seq", Int(sequence))
      json.member("time", event.time.rfc3339, maximumBytes: maximumFieldBytes)
      json.member("run", event.run.text, maximumBytes: maximumFieldBytes)
      json.member("job", event.job, maximumBytes: maximumFieldBytes)
      json.member("cluster", event.cluster, maximumBytes: maximumFieldBytes)
      json.member("token", event.token, maximumBytes: maximumFieldBytes)
      json.member("generation", event.record.generation)
      json.member("attempt", event.record.attempt, maximumBytes: maximumFieldBytes)
      json.member("event", event.record.name, maximumBytes: maximumFieldBytes)
      json.member("token_id", event.record.tokenID, maximumBytes: maximumFieldBytes)
      json.member("actor", event.actor, maximumBytes: maximumFieldBytes)
      json.member("prev", previous, maximumBytes: maximumFieldBytes)
      writeDetails(of: event, to: &json)
    }
    return json.bytes
  }

  private static func writeDetails(of event: AuditEvent, to json: inout JSONWriter) {
    let details = ownDetails(of: event.record) + event.details
    guard !details.isEmpty else { return }
    json.key("details")
    json.object { json in
      var used: Set<String> = []
      for detail in details {
        // Room for the key, the punctuation and the closing of the line.
        let room = maximumLineBytes - json.bytes.count - maximumKeyBytes - 16
        guard room >= 64 else { break }
        var key = detail.key
        while used.contains(key) { key += "_" }
        used.insert(key)
        json.key(key, maximumBytes: maximumKeyBytes)
        json.string(detail.value, maximumBytes: min(room, maximumReasonBytes))
      }
    }
  }

  private static func ownDetails(of record: EventRecord) -> [AuditEvent.Detail] {
    var details: [AuditEvent.Detail] = []
    if let store = record.store { details.append(.init("store", store)) }
    if let hook = record.hook { details.append(.init("hook", hook)) }
    if let place = record.place { details.append(.init("place", place)) }
    if let permissions = record.permissions { details.append(.init("permissions", permissions)) }
    if let key = record.key { details.append(.init("key", key)) }
    if let reason = record.reason { details.append(.init("reason", reason)) }
    if let instant = record.instant { details.append(.init(instantKey(record.name), instant.rfc3339)) }
    if let milliseconds = record.milliseconds {
      details.append(.init(spanKey(record.name), seconds(milliseconds)))
    }
    return details
  }

  private static func instantKey(_ name: String) -> String {
    switch name {
    case "create.intended": "deadline"
    case "create.done", "token.adopted", "token.taken_over": "expires_at"
    case "activation.timed_out": "refused_since"
    default: "at"
    }
  }

  private static func spanKey(_ name: String) -> String {
    name == "activation.confirmed" ? "activation_seconds" : "seconds"
  }

  /// Seconds with three decimals, written without floating point.
  private static func seconds(_ milliseconds: Int64) -> String {
    let (whole, rest) = milliseconds.magnitude.quotientAndRemainder(dividingBy: 1000)
    let fraction = String(rest)
    return (milliseconds < 0 ? "-" : "") + "\(whole)."
      + String(repeating: "0", count: 3 - fraction.utf8.count)
      + fraction
  }
}
