internal import JSONText
internal import RotationModel
internal import RotationPorts

/// What a consumer needs beside the string, in the names that InfluxDB's clients use.
struct ConsumerValues {
  let record: PlaceRecord

  /// The database, if the token is for exactly one.
  static func onlyDatabase(_ databases: [String]) -> String? {
    guard databases.count == 1, let database = databases.first, database != "*" else { return nil }
    return database
  }

  /// The name of the member that says whose the secret is and which token it holds.
  static let recordName = "tokenrotate"

  /// One JSON object: the string under `field`, if the record has one, what belongs to it, and the record.
  func encoded(field: String) -> SecretBuffer {
    let json = FlatJSONWriter()
    if let string = record.accessToken { json.field(field, string) }
    if !record.isReservation {
      json.field("INFLUX_HOST", record.host)
      if let database = ConsumerValues.onlyDatabase(record.databases) {
        json.field("INFLUX_DATABASE", database)
      }
      json.field("databases", record.databases)
      json.field("token_id", record.tokenID)
      json.field("expires_at", record.expiresAt?.rfc3339)
    }
    json.field(ConsumerValues.recordName, record.textWithoutString)
    return json.finish()
  }

  /// Reads such an object: the record with its string; nil when it is none.
  static func record(in scanner: inout JSONScanner, field: String) throws(JSONScanner.Malformed)
    -> PlaceRecord?
  {
    var (recordText, string) = (JSONScanner.RawString?.none, JSONScanner.RawString?.none)
    try scanner.members { (name, scanner) throws(JSONScanner.Malformed) in
      switch name {
      case recordName: recordText = try scanner.stringIfPresent()
      case field: string = try scanner.stringIfPresent()
      default: break
      }
      let isRead = name == recordName && recordText != nil || name == field && string != nil
      if !isRead { try scanner.skipValue() }
    }
    guard let recordText else { return nil }
    var bytes: [UInt8] = []
    try scanner.decode(recordText) { bytes.append($0) }
    guard var record = PlaceRecord(bytes) else { return nil }
    if let string {
      let buffer = SecretBuffer(capacity: string.count)
      try scanner.decode(string) { buffer.append($0) }
      record.accessToken = buffer.secret(where: TokenText.isAllowed)
    }
    return record
  }
}

extension PlaceRecord {
  /// The record as JSON, nothing of the string in it.
  fileprivate var textWithoutString: String {
    var text = String(decoding: encoded(includingToken: false).copied(), as: UTF8.self)
    while text.hasSuffix("\n") { text.removeLast() }
    return text
  }
}
