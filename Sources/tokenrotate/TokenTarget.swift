import Arguments
import HTTPClient
import InfluxAPI
import JobFiles
import Reporting
import RotationModel
import RotationPorts

/// Which cluster a verb of `token` is about, that of a job or of influxctl's profile, and how it is spoken to.
struct TokenTarget {
  /// The job named with `--job`, or what stands for one: the profile's cluster with the default settings.
  let job: Job
  let connection: ClusterConnection
  let client: HTTPClient
  let service: ManagementTokenService
  /// Whether there is a job, whose stores and policy count.
  let isOfJob: Bool

  /// Throws what is wrong with the options, the job or the profile. Nothing is sent.
  init(_ context: CommandContext) throws {
    let options = context.options
    var job = try options.value(.job).map { try TokenTarget.job(at: $0, context) } ?? TokenTarget.ofProfile
    try job.cluster.override(
      accountID: options.value(.account), clusterID: options.value(.cluster), host: options.value(.host),
      managementURL: options.value(.managementURL))
    isOfJob = options.value(.job) != nil
    if let timeout = options.duration(.timeout) {
      job.limits.requestTimeout = max(.seconds(1), min(timeout, .seconds(600)))
    }
    self.job = job
    connection = try context.wiring.connection(of: job)
    client = try connection.client(transfers: 8)
    service = try connection.service(client, requestTimeout: job.limits.requestTimeout)
  }

  private static func job(at path: String, _ context: CommandContext) throws -> Job {
    let set: JobSet
    do {
      set = try JobSet.load(arguments: [path], defaults: context.defaultsPath)
    } catch { throw Problem(code: "bad_input", message: error.message, hint: error.hint) }
    if let failure = set.failures.first { throw Problem(failure.errors) }
    guard set.jobs.count == 1, let job = set.jobs.first else {
      throw Problem(
        code: "bad_input", message: "\(path) holds \(set.jobs.count) jobs", hint: "name the file of one")
    }
    return job
  }

  /// influxctl waits a minute for an answer.
  private static var ofProfile: Job {
    var limits = LimitSettings()
    limits.requestTimeout = .seconds(60)
    return Job(
      name: "token", path: "influxctl's configuration", folder: "/", specificationPath: "",
      specificationShownAs: "", cluster: ClusterSettings(profile: "default", tls: TLSSettings()),
      activation: ActivationSettings(), limits: limits, stores: [.file(StoreSettings.File())], hooks: [],
      audit: AuditSettings(), ledger: LedgerSettings())
  }

  // MARK: Jobs of our own

  /// The job in which tokens are recorded whose strings were shown.
  var shownJob: Job { job.asShown(cluster: connection.identity) }

  /// The job in which tokens are recorded that were put away: the one named, or one of our own.
  var storedJob: Job {
    isOfJob ? job : ownJob(ReservedJobName.stored + Job.key(of: connection.identity))
  }

  /// A job of our own with the default store.
  func ownJob(_ name: String) -> Job {
    var own = job.asShown(cluster: connection.identity)
    own.name = name
    return own
  }

  func forms(_ format: ReportFormat) -> TokenForms {
    switch connection.cluster {
    case .dedicated(let accountID, let clusterID):
      TokenForms(format: format, accountID: accountID, clusterID: clusterID)
    case .clustered: TokenForms(format: format, accountID: nil, clusterID: nil)
    }
  }
}

extension Job {
  /// The job of our own in which tokens of the same cluster are recorded that were asked for by hand. `cluster`: its
  /// identity.
  func asShown(cluster: String) -> Job {
    var job = self
    job.name = ReservedJobName.shown + Job.key(of: cluster)
    job.stores = [.file(StoreSettings.File())]
    job.hooks = []
    job.rotation = nil
    return job
  }

  /// What tells such jobs apart, one for each cluster: the beginning of its id, or its host and port.
  static func key(of cluster: String) -> String {
    let last = cluster.split(separator: "/").last ?? ""
    guard cluster.hasPrefix("https://") || cluster.hasPrefix("http://") else {
      return String(last.lowercased().prefix(8))
    }
    let scalars = last.unicodeScalars.prefix(100).map { scalar in
      scalar.isASCII && (scalar.properties.isAlphabetic || "0"..."9" ~= scalar || scalar == ".")
        ? scalar : "-"
    }
    return String(String.UnicodeScalarView(scalars))
  }
}

extension CommandContext {
  /// Throws `Problem` for an operand that cannot be the id of a token.
  func requireTokenIDs() throws(Problem) {
    for id in invocation.operands where !UUIDText.isValid(id) {
      throw Problem(
        code: "bad_input", message: "\"\(id)\" is not the id of a token",
        hint: "it is a UUID; `tokenrotate token list` shows them")
    }
  }
}
