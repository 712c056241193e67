internal import JSONText
internal import RotationModel
internal import RotationPorts

/// What is taken from Secrets Manager's answers (API reference of DescribeSecret and GetSecretValue), read in place.
enum AWSAnswer {
  /// A secret without its values.
  struct Description {
    var tags: [String: String] = [:]
    /// Labels by version.
    var labels: [String: [String]] = [:]
    var isDeleted = false

    func version(labelled label: String) -> String? { labels.first { $0.value.contains(label) }?.key }
  }

  /// The part of `__type` behind its namespace; empty when there is none.
  static func kind(_ body: [UInt8]) -> String {
    var kind = ""
    _ = scan(body) { (name, scanner) throws(JSONScanner.Malformed) in
      guard name == "__type", let text = try scanner.stringIfPresent() else { return try scanner.skipValue() }
      kind = try scanner.text(text).split(separator: "#").last.map(String.init) ?? ""
    }
    return String(kind.unicodeScalars.prefix(100).filter { $0.properties.isAlphabetic }.map(Character.init))
  }

  static func description(_ body: [UInt8]) -> Description? {
    var description = Description()
    let isRead = scan(body) { (name, scanner) throws(JSONScanner.Malformed) in
      switch name {
      case "Tags": try readTags(&scanner, &description)
      case "VersionIdsToStages":
        if try scanner.acceptNull() { return }
        try scanner.members { (version, scanner) throws(JSONScanner.Malformed) in
          var labels: [String] = []
          _ = try scanner.arrayIfPresent { (scanner) throws(JSONScanner.Malformed) in
            guard let text = try scanner.stringIfPresent() else { throw JSONScanner.Malformed() }
            labels.append(try scanner.text(text))
          }
          description.labels[version] = labels
        }
      case "DeletedDate":
        if try !scanner.acceptNull() {
          description.isDeleted = true
          try scanner.skipValue()
        }
      default: try scanner.skipValue()
      }
    }
    return isRead ? description : nil
  }

  private static func readTags(
    _ scanner: inout JSONScanner, _ description: inout Description
  ) throws(JSONScanner.Malformed) {
    if try scanner.acceptNull() { return }
    var tags: [String: String] = [:]
    _ = try scanner.arrayIfPresent { (scanner) throws(JSONScanner.Malformed) in
      var (key, value) = ("", "")
      try scanner.members { (name, scanner) throws(JSONScanner.Malformed) in
        guard let text = try scanner.stringIfPresent() else { return try scanner.skipValue() }
        if name == "Key" { key = try scanner.text(text) }
        if name == "Value" { value = try scanner.text(text) }
      }
      tags[key] = value
    }
    description.tags = tags
  }

  /// The record in `SecretString`, with its string.
  static func record(_ body: [UInt8], field: String) -> PlaceRecord? {
    var record: PlaceRecord?
    let isRead = scan(body) { (name, scanner) throws(JSONScanner.Malformed) in
      guard name == "SecretString", let text = try scanner.stringIfPresent() else {
        return try scanner.skipValue()
      }
      let value = SecretBuffer(capacity: text.count)
      try scanner.decode(text) { value.append($0) }
      record = value.withUnsafeBytes { bytes in
        var inner = JSONScanner(bytes)
        return (try? ConsumerValues.record(in: &inner, field: field)) ?? nil
      }
    }
    return isRead ? record : nil
  }

  private static func scan(
    _ body: [UInt8],
    _ member: (String, inout JSONScanner) throws(JSONScanner.Malformed) -> Void
  ) -> Bool {
    body.withUnsafeBytes { bytes in
      var scanner = JSONScanner(bytes)
      do throws(JSONScanner.Malformed) {
        try scanner.document { (name, scanner) throws(JSONScanner.Malformed) in try member(name, &scanner) }
        return true
      } catch { return false }
    }
  }
}
