import TOMLReader

extension StoreSettings {
  /// `kind = "vault"`: the KV version 2 engine of HashiCorp Vault or OpenBao.
  public struct Vault: Equatable, Sendable {
    public enum Authentication: Equatable, Sendable {
      case token(SecretSource)
      case appRole(mount: String, roleID: String, secretID: SecretSource)
      case kubernetes(mount: String, role: String, tokenFile: String)
      /// The URL of an agent, or the absolute path of its socket.
      case agent(String)
    }

    /// A URL without a slash at its end; empty for an agent's socket.
    public var address = ""
    public var namespace: String?
    public var mount = "secret"
    public var path = "{job}/{name}"
    public var privatePath = "tokenrotate"
    public var field = "INFLUX_TOKEN"
    public var authentication: Authentication
    public var tls = TLSSettings()
    public var timeout: Duration = .seconds(30)

    public init(authentication: Authentication) {
      self.authentication = authentication
    }
  }
}

/// Reads a `[[store]]` of the kind `vault`.
struct VaultStoreDecoder {
  static let keys = [
    "address", "namespace", "mount", "path", "private_path", "field", "token", "approle", "kubernetes",
    "agent",
    "tls", "timeout",
  ]
  /// Where Kubernetes puts a service account's token into a pod.
  private static let serviceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

  let section: Section
  let paths: PathResolver

  func decode() -> StoreSettings.Vault? {
    let address = url("address")
    let namespace = section.string("namespace").flatMap { path($0, "namespace") }
    let mount = section.string("mount").flatMap { path($0, "mount") }
    let template = section.string("path").flatMap { path($0, "path") }
    let privatePath = section.string("private_path").flatMap { path($0, "private_path") }
    let field = section.string("field").flatMap(fieldName)
    let timeout = section.duration("timeout", in: .seconds(1)...(.seconds(300)))
    let tls = section.tls(paths, shown: "[store.tls]")
    if let template, !template.contains("{name}") {
      section.log.add(
        "`path` must hold {name}: each token has a secret of its own", at: section.position(of: "path"),
        hint: "write path = \"{job}/{name}\"")
    }
    if section.has("agent") {
      if section.has("address") {
        section.log.add(
          "`address` has no place beside `agent`", at: section.position(of: "address"),
          hint: "the agent knows the server; remove one of them")
      }
    } else if !section.has("address") {
      section.missing("address", hint: "write address = \"https://vault.example.com:8200\"")
    }
    guard let authentication = authentication() else { return nil }
    var settings = StoreSettings.Vault(authentication: authentication)
    settings.address = address ?? ""
    settings.namespace = namespace
    settings.mount = mount ?? settings.mount
    settings.path = template ?? settings.path
    settings.privatePath = privatePath ?? settings.privatePath
    settings.field = field ?? settings.field
    settings.tls = tls
    settings.timeout = timeout ?? settings.timeout
    return settings
  }

  private func url(_ key: String) -> String? {
    guard let text = section.string(key) else { return nil }
    do throws(EndpointURL.Problem) {
      return try EndpointURL.normalize(text.value, allowsPath: false)
    } catch {
      section.log.add("`\(key)`: \(error.message)", at: text.position, hint: error.hint)
      return nil
    }
  }

  /// A path within the server, without slashes at its ends.
  private func path(_ text: Located<String>, _ key: String) -> String? {
    let parts = text.value.split(separator: "/")
    let isUsable =
      !parts.isEmpty && !text.value.hasPrefix("/")
      && parts.allSatisfy { part in
        part != "." && part != ".."
          && part.utf8.allSatisfy { (0x21...0x7E).contains($0) && !"?#%\\".utf8.contains($0) }
      }
    guard isUsable else {
      section.log.add(
        "`\(key)`: \"\(text.value)\" is not a path within the server", at: text.position,
        hint: "write names with slashes between them, such as \"teams/plant\"")
      return nil
    }
    return parts.joined(separator: "/")
  }

  private func fieldName(_ text: Located<String>) -> String? {
    let reserved = ["INFLUX_HOST", "INFLUX_DATABASE", "databases", "token_id", "expires_at", "tokenrotate"]
    guard !reserved.contains(text.value) else {
      section.log.add("`field`: \(text.value) holds something else", at: text.position)
      return nil
    }
    return text.value
  }

  // MARK: Authentication

  private func authentication() -> StoreSettings.Vault.Authentication? {
    let methods = ["token", "approle", "kubernetes", "agent"]
    let given = methods.filter(section.has)
    guard given.count == 1 else {
      section.log.add(
        given.isEmpty
          ? "the store says nowhere how to log in" : "`\(given[0])` and `\(given[1])` are two ways to log in",
        at: given.isEmpty ? section.position : section.position(of: given[1]),
        hint: "write exactly one of \(methods.joined(separator: ", "))")
      return nil
    }
    switch given[0] {
    case "token": return section.secretSource("token", paths).map { .token($0) }
    case "approle": return appRole()
    case "kubernetes": return kubernetes()
    default: return agent()
    }
  }

  private func appRole() -> StoreSettings.Vault.Authentication? {
    guard let role = section.section("approle", shown: "approle", keys: ["role_id", "secret_id", "mount"])
    else {
      return nil
    }
    for key in ["role_id", "secret_id"] where !role.has(key) { role.missing(key) }
    let mount = role.string("mount").flatMap { path($0, "mount") } ?? "approle"
    let secretID = role.secretSource("secret_id", paths)
    guard let roleID = role.string("role_id")?.value, let secretID else { return nil }
    return .appRole(mount: mount, roleID: roleID, secretID: secretID)
  }

  private func kubernetes() -> StoreSettings.Vault.Authentication? {
    guard
      let account = section.section("kubernetes", shown: "kubernetes", keys: ["role", "mount", "token_file"])
    else { return nil }
    if !account.has("role") { account.missing("role") }
    let mount = account.string("mount").flatMap { path($0, "mount") } ?? "kubernetes"
    let file = account.string("token_file").map { paths.absolute($0.value) }
    guard let role = account.string("role")?.value else { return nil }
    return .kubernetes(mount: mount, role: role, tokenFile: file ?? VaultStoreDecoder.serviceAccountToken)
  }

  private func agent() -> StoreSettings.Vault.Authentication? {
    guard let agent = section.string("agent") else { return nil }
    if agent.value.hasPrefix("http://") || agent.value.hasPrefix("https://") {
      return url("agent").map { .agent($0) }
    }
    let socket =
      agent.value.hasPrefix("unix://") ? String(agent.value.dropFirst("unix://".count)) : agent.value
    return .agent(paths.absolute(socket))
  }
}
