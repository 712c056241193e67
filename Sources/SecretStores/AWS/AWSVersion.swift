internal import RotationModel
internal import RotationPorts

/// The id of a version (`ClientRequestToken`, 32 to 64 characters), which says whose string it is:
/// `attempt-generation-tokenrotate`.
struct AWSVersion {
  private static let suffix = "tokenrotate"
  private static let emptyPrefix = "empty-"

  let attempt: AttemptID
  let generation: Int

  init(_ record: PlaceRecord) {
    attempt = record.attempt
    generation = record.generation
  }

  /// nil for an empty version and for one that is none of ours.
  init?(_ text: String) {
    let parts = text.split(separator: "-")
    guard parts.count == 3, parts[2] == AWSVersion.suffix, let attempt = AttemptID(String(parts[0])),
      let generation = Int(parts[1])
    else { return nil }
    self.attempt = attempt
    self.generation = generation
  }

  var text: String {
    let number = String(generation)
    return
      "\(attempt.text)-\(String(repeating: "0", count: max(0, 10 - number.count)))\(number)-\(AWSVersion.suffix)"
  }

  static func newEmpty() -> String {
    var random = SystemRandomNumberGenerator()
    let bits = (0..<2).map { _ in String(UInt64.random(in: .min ... .max, using: &random), radix: 16) }
    return (emptyPrefix + bits.map { String(repeating: "0", count: 16 - $0.count) + $0 }.joined())
  }

  static func isOurs(_ text: String) -> Bool { AWSVersion(text) != nil || text.hasPrefix(emptyPrefix) }
}

extension PlaceRecord {
  /// What a version's id alone tells.
  init(_ version: AWSVersion) {
    self.init(
      StoredToken(
        generation: version.generation, attempt: version.attempt, tokenID: "", accessToken: Secret([]),
        host: "",
        databases: [], expiresAt: nil), at: StorePlace(job: "", name: ""),
      installation: InstallationID(bits: 0))
    accessToken = nil
  }
}

/// The tags that say whose a secret is.
enum AWSTag {
  static let installation = "tokenrotate:installation"
  static let job = "tokenrotate:job"
  static let name = "tokenrotate:name"

  struct Owner {
    var installation: InstallationID
    var job: String
    var name: String
  }

  static func owner(_ tags: [String: String]) -> Owner? {
    guard let installation = tags[installation].flatMap({ InstallationID($0) }), let job = tags[job],
      let name = tags[name]
    else { return nil }
    return Owner(installation: installation, job: job, name: name)
  }

  static func pairs(
    _ settings: AWSSecretsManagerSettings, job: String, name: String
  ) -> [(key: String, value: String)] {
    let own = [
      (installation, settings.installation.text), (AWSTag.job, job), (AWSTag.name, name),
    ]
    return own + settings.tags.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}

extension SecretBuffer {
  static func json(_ fill: (FlatJSONWriter) -> Void) -> SecretBuffer {
    let json = FlatJSONWriter()
    fill(json)
    return json.finish()
  }
}

extension FlatJSONWriter {
  /// A text that holds a string.
  func field(_ name: String, _ value: SecretBuffer) { raw(name) { $0.append(json: value) } }

  func flag(_ name: String, _ value: Bool) { raw(name) { $0.append(value ? "true" : "false") } }

  /// A list of tags.
  func objects(_ name: String, _ pairs: [(key: String, value: String)]) {
    raw(name) { buffer in
      buffer.append("[")
      for (index, pair) in pairs.enumerated() {
        buffer.append(index == 0 ? "{\"Key\":" : ",{\"Key\":")
        buffer.append(json: pair.key)
        buffer.append(",\"Value\":")
        buffer.append(json: pair.value)
        buffer.append("}")
      }
      buffer.append("]")
    }
  }
}
