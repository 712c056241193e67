import Foundation
import RotationTestKit

/// The audit file as it grows during one process, read a line at a time.
struct AuditScan {
  private var offset = 0
  private(set) var intendedAttempts = Set<String>()
  /// The newest event about each token id.
  private(set) var newestEvent: [String: String] = [:]

  mutating func read(_ disk: SimulatedDisk) {
    guard let content = disk.content(of: World.auditPath) else { return }
    if content.count < offset { self = AuditScan() }
    while let end = content[offset...].firstIndex(of: UInt8(ascii: "\n")) {
      take(content[offset..<end])
      offset = end + 1
    }
  }

  private mutating func take(_ bytes: ArraySlice<UInt8>) {
    guard let line = AuditFields(bytes) else { return }
    if line.event == "create.intended", let attempt = line.attempt { intendedAttempts.insert(attempt) }
    if let tokenID = line.tokenID { newestEvent[tokenID] = line.event }
  }
}

/// One line of the audit file as a reader outside sees it.
struct AuditFields {
  var event: String
  var time: String?
  var token: String?
  var attempt: String?
  var tokenID: String?
  var generation: Int?
  var details: [String: String]

  /// nil: not a JSON object with an event.
  init?(_ bytes: some Sequence<UInt8>) {
    guard let object = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any],
      let event = object["event"] as? String
    else { return nil }
    self.event = event
    time = object["time"] as? String
    token = object["token"] as? String
    attempt = object["attempt"] as? String
    tokenID = object["token_id"] as? String
    generation = object["generation"] as? Int
    details = object["details"] as? [String: String] ?? [:]
  }
}
