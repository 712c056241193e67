import TOMLReader

extension StoreSettings {
  /// `kind = "aws-secrets-manager"`
  public struct AWSSecretsManager: Equatable, Sendable {
    /// Nil: that of the environment or the profile.
    public var region: String?
    /// A URL; nil: AWS's own of the region.
    public var endpoint: String?
    public var profile: String?
    public var secretName = "{job}/{name}"
    public var field = "INFLUX_TOKEN"
    public var kmsKey: String?
    public var tags: [String: String] = [:]
    public var timeout: Duration = .seconds(30)

    public init() {}
  }
}

/// Reads a `[[store]]` of the kind `aws-secrets-manager`.
struct AWSSecretsManagerDecoder {
  static let keys = ["region", "endpoint", "profile", "secret_name", "field", "kms_key", "tags", "timeout"]

  let section: Section

  func decode() -> StoreSettings.AWSSecretsManager {
    var settings = StoreSettings.AWSSecretsManager()
    settings.region = section.string("region").flatMap(region)
    settings.endpoint = endpoint()
    settings.profile = section.string("profile")?.value
    settings.kmsKey = section.string("kms_key")?.value
    settings.tags = tags()
    settings.timeout = section.duration("timeout", in: .seconds(1)...(.seconds(300))) ?? settings.timeout
    if let field = section.string("field")?.value { settings.field = field }
    if let name = section.string("secret_name")?.value {
      settings.secretName = name
      if !name.contains("{name}") {
        section.log.add(
          "`secret_name` must hold {name}: each token has a secret of its own",
          at: section.position(of: "secret_name"), hint: "write secret_name = \"{job}/{name}\"")
      }
    }
    return settings
  }

  private func region(_ text: Located<String>) -> String? {
    let isUsable = text.value.utf8.allSatisfy { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || byte == UInt8(ascii: "-")
    }
    guard isUsable else {
      section.log.add(
        "`region`: \"\(text.value)\" is not the name of a region", at: text.position,
        hint: "write a name such as \"eu-central-1\"")
      return nil
    }
    return text.value
  }

  private func endpoint() -> String? {
    guard let text = section.string("endpoint") else { return nil }
    do throws(EndpointURL.Problem) {
      return try EndpointURL.normalize(text.value, allowsPath: false)
    } catch {
      section.log.add("`endpoint`: \(error.message)", at: text.position, hint: error.hint)
      return nil
    }
  }

  private func tags() -> [String: String] {
    guard let value = section.table["tags"] else { return [:] }
    guard case .table(let table) = value.content else {
      section.log.add("`tags` must be a table, not \(value.kind)", at: value.position)
      return [:]
    }
    var tags: [String: String] = [:]
    for entry in table.entries {
      guard case .string(let text) = entry.value.content else {
        section.log.add("a tag must be a string, not \(entry.value.kind)", at: entry.value.position)
        continue
      }
      if entry.key.hasPrefix("tokenrotate:") || entry.key.hasPrefix("aws:") {
        section.log.add("the tag `\(entry.key)` is not free", at: entry.keyPosition)
      }
      tags[entry.key] = text
    }
    return tags
  }
}
