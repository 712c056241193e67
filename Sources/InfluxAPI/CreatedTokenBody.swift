internal import JSONText
internal import RotationModel
internal import RotationPorts

/// The body of a successful creation, the only one that holds a token string.
enum CreatedTokenBody {
  /// Why a body is no new token. None of these quotes it.
  enum Unusable: String, Error {
    case notJSON = "it is not a JSON object"
    case repeatedMember = "a member is there twice"
    case noID = "the token's id is missing or no id"
    case noAccessToken = "the accessToken is missing or no string"
    case unreadableExpiry = "expiresAt is no RFC 3339 time"
  }

  private struct Found {
    var id: JSONScanner.RawString?
    var accessToken: JSONScanner.RawString?
    var expiresAt: JSONScanner.RawString?
    var hasUnreadableExpiry = false
    var seen: Set<String> = []
    var repeats = false
  }

  /// Reads the body in place; see `read(_:)` of a buffer.
  static func read(_ body: [UInt8]) throws(Unusable) -> CreatedToken {
    let result = body.withUnsafeBytes { bytes in
      Result { () throws(Unusable) in try read(bytes) }
    }
    return try result.get()
  }

  /// Reads id, string and expiry. An absent or null `expiresAt` is a token that never expires. Whether the
  /// string is one that can be used is not judged here.
  static func read(_ bytes: UnsafeRawBufferPointer) throws(Unusable) -> CreatedToken {
    var scanner = JSONScanner(bytes)
    var found = Found()
    do throws(JSONScanner.Malformed) {
      try scanner.document { (key, scanner) throws(JSONScanner.Malformed) in
        try note(key, &scanner, in: &found)
      }
    } catch {
      throw .notJSON
    }
    guard !found.repeats else { throw .repeatedMember }
    guard let rawID = found.id, let id = try? scanner.text(rawID), PathComponent.encoded(id) != nil
    else { throw .noID }
    guard let rawToken = found.accessToken, let accessToken = try? scanner.secret(rawToken),
      accessToken.count > 0
    else { throw .noAccessToken }
    guard !found.hasUnreadableExpiry else { throw .unreadableExpiry }
    guard let rawExpiry = found.expiresAt else {
      return CreatedToken(id: TokenIDText.uniform(id), accessToken: accessToken, expiresAt: nil)
    }
    guard let text = try? scanner.text(rawExpiry), let expiresAt = Instant(rfc3339: text) else {
      throw .unreadableExpiry
    }
    return CreatedToken(id: TokenIDText.uniform(id), accessToken: accessToken, expiresAt: expiresAt)
  }

  private static func note(
    _ key: String, _ scanner: inout JSONScanner, in found: inout Found
  ) throws(JSONScanner.Malformed) {
    guard ["id", "accessToken", "expiresAt"].contains(key) else { return try scanner.skipValue() }
    if !found.seen.insert(key).inserted { found.repeats = true }
    if try scanner.acceptNull() { return }
    guard let value = try scanner.stringIfPresent() else {
      if key == "expiresAt" { found.hasUnreadableExpiry = true }
      return try scanner.skipValue()
    }
    switch key {
    case "id": found.id = value
    case "accessToken": found.accessToken = value
    default: found.expiresAt = value
    }
  }
}
