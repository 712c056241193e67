import TOMLReader

/// Reads `[cluster]`.
struct ClusterDecoder {
  static let keys = [
    "product", "profile", "account_id", "cluster_id", "host", "management_url", "management_token", "tls",
  ]

  let section: Section
  let paths: PathResolver

  func decode() -> ClusterSettings {
    let product = section.choice("product", ClusterSettings.Product.self)?.value
    let settings = ClusterSettings(
      product: product, profile: section.string("profile")?.value,
      accountID: uuid("account_id"), clusterID: uuid("cluster_id"),
      host: url("host", allowsPath: false, defaultScheme: "https"),
      managementURL: url("management_url", allowsPath: true),
      managementToken: section.secretSource("management_token", paths),
      tls: section.tls(paths, shown: "[cluster.tls]"))
    let ids = ["account_id", "cluster_id"]
    if product == .clustered {
      for key in ids where section.has(key) {
        section.log.add(
          "`\(key)` has no place beside product = \"clustered\"", at: section.position(of: key),
          hint: "remove it, in the job or in the defaults: the cluster is known by its host")
      }
    }
    if !section.has("profile") {
      let required = (product == .clustered ? [] : ids) + ["host", "management_token"]
      for key in required where !section.has(key) {
        section.missing(key, hint: ClusterDecoder.hint(forMissing: key))
      }
    }
    return settings
  }

  private static func hint(forMissing key: String) -> String {
    let example =
      switch key {
      case "host": "host = \"cluster-id.a.influxdb.io\""
      case "management_token": "management_token = { file = \"/etc/tokenrotate/management-token\" }"
      default: "\(key) = \"…\""
      }
    return "write \(example), or profile = \"default\" to take it from influxctl's config.toml"
  }

  private func uuid(_ key: String) -> String? {
    guard let text = section.string(key) else { return nil }
    guard UUIDText.isValid(text.value) else {
      section.log.add("`\(key)`: \"\(text.value)\" is not a UUID", at: text.position)
      return nil
    }
    return text.value.lowercased()
  }

  private func url(_ key: String, allowsPath: Bool, defaultScheme: String? = nil) -> String? {
    guard let text = section.string(key) else { return nil }
    do throws(EndpointURL.Problem) {
      return try EndpointURL.normalize(text.value, allowsPath: allowsPath, defaultScheme: defaultScheme)
    } catch {
      section.log.add("`\(key)`: \(error.message)", at: text.position, hint: error.hint)
      return nil
    }
  }
}

/// Makes the paths of a job absolute: they start at the job file's folder.
struct PathResolver {
  let folder: String

  func absolute(_ path: String) -> String { PathText.absolute(path, from: folder) }

  /// A program with a slash in it is a path; one without is looked up in PATH.
  func command(_ words: [Located<String>]) -> [String] {
    words.enumerated().map { index, word in
      index == 0 && word.value.contains("/") ? absolute(word.value) : word.value
    }
  }
}
