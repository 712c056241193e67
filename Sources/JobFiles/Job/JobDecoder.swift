import RotationModel
import TOMLReader

/// Turns a job's table, defaults merged in, into a `Job`.
struct JobDecoder {
  static let keys = [
    "name", "specification", "cluster", "rotation", "activation", "limits", "policy", "store", "hook",
    "audit", "ledger",
  ]

  let root: Section
  let paths: PathResolver
  private var log: ErrorLog { root.log }

  init(_ table: TOMLTable, file: String, folder: String, log: ErrorLog) {
    root = Section(
      table, at: TOMLPosition(file: file, line: 1, column: 1), shown: "", keys: JobDecoder.keys, log: log)
    paths = PathResolver(folder: folder)
  }

  /// No job when so much is missing that there is none; other errors are in the log beside a job that is
  /// not to be used. The draft is there whenever name and CSV are known.
  func decode() -> (job: Job?, draft: SpecificationDraft?) {
    let name = decodeName()
    let specification = root.string("specification")
    if !root.has("specification") {
      root.missing("specification", hint: "write specification = \"tokens.csv\"")
    }
    let cluster = root.section("cluster", shown: "[cluster]", keys: ClusterDecoder.keys)
    if !root.has("cluster") {
      root.missing("cluster", hint: "a [cluster] table says which cluster the tokens belong to")
    }
    let ((activation, rotation), isRotationRight) = watched {
      let activation = decodeActivation()
      return (activation, decodeRotation(activationTimeout: activation.timeout))
    }
    let (policy, isPolicyRight) = watched { decodePolicy() }
    let decoded = Parts(
      cluster: cluster.map { ClusterDecoder(section: $0, paths: paths).decode() },
      rotation: rotation, limits: decodeLimits(), policy: policy,
      stores: StoreDecoder(root: root, paths: paths).decode(),
      hooks: HookDecoder(root: root, paths: paths).decode(), audit: decodeAudit(), ledger: decodeLedger())
    guard let name, let specification else { return (nil, nil) }
    let file = root.position.file
    let draft = SpecificationDraft(
      path: paths.absolute(specification.value),
      shownAs: PathText.join(PathText.folder(of: file), specification.value),
      policy: isPolicyRight ? policy : nil,
      rotation: rotation.map { rotation in
        isRotationRight
          ? RotationBounds(rotation, activationTimeout: activation.timeout) : SpecificationDraft.anyRotation
      })
    guard let cluster = decoded.cluster else { return (nil, draft) }
    let job = Job(
      name: name, path: file, folder: paths.folder, specificationPath: draft.path,
      specificationShownAs: draft.shownAs, cluster: cluster, rotation: decoded.rotation,
      activation: activation, limits: decoded.limits,
      policy: decoded.policy, stores: decoded.stores, hooks: decoded.hooks, audit: decoded.audit,
      ledger: decoded.ledger)
    return (job, draft)
  }

  /// What `decode` gives, and whether it noted nothing.
  private func watched<Value>(_ decode: () -> Value) -> (value: Value, isRight: Bool) {
    let before = log.errors.count
    let value = decode()
    return (value, log.errors.count == before)
  }

  /// Everything is decoded before the first error decides, so that all errors are found.
  private struct Parts {
    var cluster: ClusterSettings?
    var rotation: RotationSettings?
    var limits: LimitSettings
    var policy: PolicySettings?
    var stores: [StoreSettings]
    var hooks: [HookSettings]
    var audit: AuditSettings
    var ledger: LedgerSettings
  }

  private func decodeName() -> String? {
    guard let name = root.string("name") else {
      if !root.has("name") {
        root.missing("name", hint: "write name = \"…\": the job's identity in ledger, audit log and markers")
      }
      return nil
    }
    guard Name.isValid(name.value) else {
      log.add(
        "`name`: \"\(name.value)\" is not a name", at: name.position,
        hint: "1 to 128 of A-Z a-z 0-9 . _ -, the first a letter or a digit")
      return nil
    }
    guard !ReservedJobName.isReserved(name.value) else {
      log.add(
        "`name`: names that begin with \"token.\" or \"token-store.\" belong to `tokenrotate token`",
        at: name.position, hint: "choose another name")
      return nil
    }
    return name.value
  }

  private func decodeRotation(activationTimeout: Duration) -> RotationSettings? {
    root.section("rotation", shown: "[rotation]", keys: RotationDecoder.keys).map { section in
      RotationDecoder(section: section, activationTimeout: activationTimeout).decode()
    }
  }

  private func decodeActivation() -> ActivationSettings {
    var settings = ActivationSettings()
    let keys = ["timeout", "abandon_after", "consecutive", "settle", "database"]
    guard let section = root.section("activation", shown: "[activation]", keys: keys) else { return settings }
    let day: Duration = .seconds(86_400)
    settings.timeout = section.duration("timeout", in: .seconds(1)...day) ?? settings.timeout
    settings.abandonAfter =
      section.duration("abandon_after", in: .seconds(60)...(day * 365)) ?? settings.abandonAfter
    settings.consecutive = section.integer("consecutive", in: 1...100) ?? settings.consecutive
    settings.settle = section.duration("settle", in: .seconds(0)...day) ?? settings.settle
    if settings.settle >= settings.timeout {
      log.add(
        "`settle` must be shorter than `timeout`, else no token is active in time",
        at: section.position(of: section.has("settle") ? "settle" : "timeout"))
    }
    if let database = section.string("database") {
      if !DatabaseName.isValid(database.value) {
        log.add("`database`: \"\(database.value)\" is not a database name", at: database.position)
      }
      settings.database = database.value
    }
    return settings
  }

  private func decodeLimits() -> LimitSettings {
    var limits = LimitSettings()
    let keys = ["concurrency", "requests_per_second", "probes_per_second", "max_creates", "request_timeout"]
    guard let section = root.section("limits", shown: "[limits]", keys: keys) else { return limits }
    limits.concurrency = section.integer("concurrency", in: 1...1000) ?? limits.concurrency
    limits.requestsPerSecond =
      section.integer("requests_per_second", in: 1...10_000) ?? limits.requestsPerSecond
    limits.probesPerSecond = section.integer("probes_per_second", in: 1...10_000) ?? limits.probesPerSecond
    limits.maximumCreates = section.integer("max_creates", in: 1...10_000_000) ?? limits.maximumCreates
    limits.requestTimeout =
      section.duration("request_timeout", in: .seconds(1)...(.seconds(600))) ?? limits.requestTimeout
    return limits
  }

  private func decodePolicy() -> PolicySettings? {
    guard let section = root.section("policy", shown: "[policy]", keys: ["databases", "allow_wildcard"])
    else { return nil }
    let patterns = section.strings("databases")
    for pattern in patterns ?? [] {
      let withoutStars = pattern.value.filter { $0 != "*" }
      guard pattern.value.isEmpty || !withoutStars.isEmpty && !DatabaseName.isValid(withoutStars) else {
        continue
      }
      log.add(
        "`databases`: \"\(pattern.value)\" is not a pattern of database names", at: pattern.position,
        hint: "a database name in which * stands for any characters")
    }
    return PolicySettings(
      databases: patterns?.map(\.value), allowsWildcard: section.boolean("allow_wildcard") ?? false)
  }

  private func decodeAudit() -> AuditSettings {
    guard let section = root.section("audit", shown: "[audit]", keys: ["file", "signing_key"]) else {
      return AuditSettings()
    }
    var settings = AuditSettings(file: section.string("file").map { paths.absolute($0.value) })
    guard section.has("signing_key") else { return settings }
    section.refuseUnsupported("audit.signing_key", at: section.position(of: "signing_key"))
    if let key = section.section("signing_key", shown: "signing_key", keys: ["file"]) {
      settings.signingKeyFile = key.string("file").map { paths.absolute($0.value) }
      if !key.has("file") { key.missing("file") }
    }
    return settings
  }

  private func decodeLedger() -> LedgerSettings {
    guard let section = root.section("ledger", shown: "[ledger]", keys: ["url"]) else {
      return LedgerSettings()
    }
    section.refuseUnsupported("ledger", at: section.position)
    guard let url = section.string("url") else { return LedgerSettings() }
    guard url.value.hasPrefix("postgresql://") || url.value.hasPrefix("postgres://") else {
      // A URL may hold a password: it is not shown.
      log.add("`url` must start with postgresql://", at: url.position)
      return LedgerSettings()
    }
    return LedgerSettings(url: url.value)
  }
}
