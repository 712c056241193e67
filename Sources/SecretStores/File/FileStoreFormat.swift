internal import RotationPorts

/// What a consumer finds in a token's file.
public enum FileStoreFormat: String, Sendable, CaseIterable {
  /// `NAME`: the string and nothing else, no newline.
  case raw
  /// `NAME.env`: `INFLUX_TOKEN`, `INFLUX_HOST` and, for exactly one database, `INFLUX_DATABASE`.
  case env
  /// `NAME.json`: `token`, `host`, `databases`, `token_id` and `expires_at` (RFC 3339 or null).
  case json

  public var suffix: String {
    switch self {
    case .raw: ""
    case .env: ".env"
    case .json: ".json"
    }
  }

  /// The file's content.
  func encoded(_ token: StoredToken) -> SecretBuffer {
    switch self {
    case .raw:
      let buffer = SecretBuffer(capacity: token.accessToken.count)
      buffer.append(token.accessToken)
      return buffer
    case .env:
      let buffer = SecretBuffer()
      buffer.append("INFLUX_TOKEN=")
      buffer.append(token.accessToken)
      buffer.append("\nINFLUX_HOST=\(token.host)\n")
      if let database = FileStoreFormat.onlyDatabase(token.databases) {
        buffer.append("INFLUX_DATABASE=\(database)\n")
      }
      return buffer
    case .json:
      let json = FlatJSONWriter()
      json.field("token", token.accessToken)
      json.field("host", token.host)
      json.field("databases", token.databases)
      json.field("token_id", token.tokenID)
      json.field("expires_at", token.expiresAt?.rfc3339)
      return json.finish()
    }
  }

  /// The string in a file of this format; nil when the content is not one.
  func accessToken(in bytes: [UInt8]) -> Secret? {
    switch self {
    case .raw: return FileStoreFormat.secret(bytes, 0..<bytes.count)
    case .env:
      let key = Array("INFLUX_TOKEN=".utf8)
      guard bytes.starts(with: key) else { return nil }
      let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      return FileStoreFormat.secret(bytes, key.count..<end)
    case .json: return FlatJSONReader(bytes)?.secret("token", where: TokenText.isAllowed)
    }
  }

  private static func secret(_ bytes: [UInt8], _ range: Range<Int>) -> Secret? {
    guard !range.isEmpty, bytes[range].allSatisfy(TokenText.isAllowed) else { return nil }
    return bytes.withUnsafeBytes { Secret(copying: UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  /// Whether the host and the database can stand in the file without quoting. An `env` file is read by
  /// shells and by systemd, whose rules for quoting differ, so nothing that needs it is written at all.
  func canHold(host: String, databases: [String]) -> Bool {
    guard self == .env else { return true }
    return [host, FileStoreFormat.onlyDatabase(databases) ?? ""].allSatisfy { value in
      value.utf8.allSatisfy { TokenText.isAllowed($0) || ":@,[]%".utf8.contains($0) }
    }
  }

  /// The database that an `env` file names.
  private static func onlyDatabase(_ databases: [String]) -> String? {
    guard databases.count == 1, let database = databases.first, database != "*" else {
      return nil
    }
    return database
  }
}
