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
      managementToken: managementToken(), tls: tls())
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

  private func managementToken() -> ManagementTokenSource? {
    let forms = "{ file = \"…\" }, { env = \"…\" }, { credential = \"…\" } or { command = [\"…\"] }"
    if let value = section.table["management_token"], !value.isTable {
      // The value may be the token itself: it is not shown.
      section.log.add(
        "`management_token` must be a table that says where the token is kept, not \(value.kind)",
        at: value.position, hint: "write \(forms)")
      return nil
    }
    guard
      let source = section.section(
        "management_token", shown: "management_token", keys: ["file", "env", "credential", "command"])
    else { return nil }
    guard source.table.entries.count == 1 else {
      section.log.add(
        "`management_token` takes exactly one of file, env, credential and command",
        at: source.position, hint: "write \(forms)")
      return nil
    }
    if let file = source.string("file") { return .file(paths.absolute(file.value)) }
    if let name = source.string("env") { return environment(name) }
    if let name = source.string("credential") { return credential(name) }
    return source.command("command").map { .command(paths.command($0)) }
  }

  private func environment(_ name: Located<String>) -> ManagementTokenSource? {
    let isName =
      name.value.utf8.allSatisfy { byte in
        byte == UInt8(ascii: "_") || Character(Unicode.Scalar(byte)).isLetter && byte < 128
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      } && !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(name.value.utf8.first ?? 0)
    guard isName else {
      // Somebody may have pasted the token: it is not shown.
      section.log.add("`env` must be the name of an environment variable", at: name.position)
      return nil
    }
    return .environment(name.value)
  }

  private func credential(_ name: Located<String>) -> ManagementTokenSource? {
    guard !name.value.contains("/"), name.value != ".", name.value != ".." else {
      section.log.add("`credential` must be the name of a systemd credential, not a path", at: name.position)
      return nil
    }
    return .credential(name.value)
  }

  private func tls() -> TLSSettings {
    guard let tls = section.section("tls", shown: "[cluster.tls]", keys: ["ca", "cert", "key"]) else {
      return TLSSettings()
    }
    for (given, other) in [("cert", "key"), ("key", "cert")] where tls.has(given) && !tls.has(other) {
      section.log.add("`\(given)` needs `\(other)` beside it", at: tls.position(of: given))
    }
    return TLSSettings(
      authority: tls.string("ca").map { paths.absolute($0.value) },
      certificate: tls.string("cert").map { paths.absolute($0.value) },
      key: tls.string("key").map { paths.absolute($0.value) })
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
