internal import HTTPClient
internal import JSONText
internal import RotationModel
internal import RotationPorts

/// What is taken from Vault's answers (HTTP API of KV version 2 and of the auth methods), read in place.
enum VaultAnswer {
  /// A document as it was read.
  struct Document {
    /// What a write must name to replace it; 0: nothing was ever there.
    var version = 0
    /// Whether there is a value.
    var hasData = false
    var record: PlaceRecord?
    /// The member `installation` of an owner record.
    var installation: InstallationID?
  }

  /// `data.data` and `data.metadata.version`; nil when the body is no answer of this API.
  static func document(_ body: [UInt8], field: String) -> Document? {
    body.withUnsafeBytes { bytes in
      var scanner = JSONScanner(bytes)
      var document: Document?
      let isRead: Void? = try? scanner.document { (name, scanner) throws(JSONScanner.Malformed) in
        guard name == "data" else { return try scanner.skipValue() }
        if try scanner.acceptNull() { return }
        var found = Document()
        try scanner.members { (name, scanner) throws(JSONScanner.Malformed) in
          switch name {
          case "data":
            if try scanner.acceptNull() { return }
            found.hasData = true
            var again = scanner
            found.installation = try installation(in: &again)
            found.record = try ConsumerValues.record(in: &scanner, field: field)
          case "metadata":
            try scanner.members { (name, scanner) throws(JSONScanner.Malformed) in
              if name == "version" { found.version = try scanner.integer() } else { try scanner.skipValue() }
            }
          // The answer to a write has the version here.
          case "version": found.version = try scanner.integer()
          default: try scanner.skipValue()
          }
        }
        document = found
      }
      return isRead == nil ? nil : document
    }
  }

  private static func installation(
    in scanner: inout JSONScanner
  ) throws(JSONScanner.Malformed) -> InstallationID? {
    var found: InstallationID?
    try scanner.members { (name, scanner) throws(JSONScanner.Malformed) in
      guard name == "installation", let text = try scanner.stringIfPresent() else {
        return try scanner.skipValue()
      }
      found = InstallationID(try scanner.text(text))
    }
    return found
  }

  /// `auth.client_token` and `auth.lease_duration`, in seconds.
  static func login(_ body: [UInt8]) -> (token: Secret, seconds: Int)? {
    body.withUnsafeBytes { bytes in
      var scanner = JSONScanner(bytes)
      var (token, seconds) = (Secret?.none, 0)
      let isRead: Void? = try? scanner.document { (name, scanner) throws(JSONScanner.Malformed) in
        guard name == "auth" else { return try scanner.skipValue() }
        if try scanner.acceptNull() { return }
        try scanner.members { (name, scanner) throws(JSONScanner.Malformed) in
          switch name {
          case "client_token":
            guard let text = try scanner.stringIfPresent() else { return try scanner.skipValue() }
            let buffer = SecretBuffer(capacity: text.count)
            try scanner.decode(text) { buffer.append($0) }
            token = buffer.secret { (0x21...0x7E).contains($0) }
          case "lease_duration": seconds = try scanner.integer()
          default: try scanner.skipValue()
          }
        }
      }
      return isRead == nil ? nil : token.map { ($0, seconds) }
    }
  }

  /// The kind of the engine at a mount and the version of it that is set: `kv` and `2`.
  static func mount(_ body: [UInt8]) -> (kind: String, version: String)? {
    body.withUnsafeBytes { bytes in
      var scanner = JSONScanner(bytes)
      var (kind, version) = (String?.none, "")
      let isRead: Void? = try? scanner.document { (name, scanner) throws(JSONScanner.Malformed) in
        guard name == "data" else { return try scanner.skipValue() }
        try scanner.members { (name, scanner) throws(JSONScanner.Malformed) in
          switch name {
          case "type":
            guard let text = try scanner.stringIfPresent() else { return try scanner.skipValue() }
            kind = try scanner.text(text)
          case "options":
            if try scanner.acceptNull() { return }
            try scanner.members { (name, scanner) throws(JSONScanner.Malformed) in
              guard name == "version", let text = try scanner.stringIfPresent() else {
                return try scanner.skipValue()
              }
              version = try scanner.text(text)
            }
          default: try scanner.skipValue()
          }
        }
      }
      return isRead == nil ? nil : kind.map { ($0, version) }
    }
  }

  /// The texts of `errors`; nil when the body is no answer of Vault's.
  static func errors(_ body: [UInt8]) -> [String]? {
    guard body.count <= 65_536 else { return nil }
    return body.withUnsafeBytes { bytes in
      var scanner = JSONScanner(bytes)
      var texts: [String]?
      let isRead: Void? = try? scanner.document { (name, scanner) throws(JSONScanner.Malformed) in
        guard name == "errors" || name == "warnings" || name == "data" else { return try scanner.skipValue() }
        // A secret that was deleted is told of by its data, with no word of an error.
        texts = texts ?? []
        guard name == "errors" else { return try scanner.skipValue() }
        _ = try scanner.arrayIfPresent { (scanner) throws(JSONScanner.Malformed) in
          guard let text = try scanner.stringIfPresent() else { return try scanner.skipValue() }
          texts?.append(try scanner.text(text))
        }
      }
      return isRead == nil ? nil : texts
    }
  }
}
