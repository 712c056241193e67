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
      activation: ActivationSettings(), limits: limits, stores: [StoreSettings()], hooks: [],
      audit: AuditSettings(), ledger: LedgerSettings())
  }

  // MARK: Jobs of our own

  /// What tells the jobs apart in which tokens are recorded that were asked for by hand: one for each cluster.
  private var key: String {
    switch connection.cluster {
    case .dedicated(_, let clusterID): return String(clusterID.lowercased().prefix(8))
    case .clustered:
      let host = connection.host.split(separator: "/").last ?? ""
      return String(
        String.UnicodeScalarView(
          host.unicodeScalars.prefix(100).map {
            $0.properties.isAlphabetic || "0"..."9" ~= $0 || $0 == "." ? $0 : "-"
          }))
    }
  }

  /// The job in which tokens are recorded whose strings were shown.
  var shownJob: Job {
    var job = job
    job.name = ReservedJobName.shown + key
    job.stores = [StoreSettings()]
    job.hooks = []
    job.rotation = nil
    return job
  }

  /// The job in which tokens are recorded that were put away: the one named, or one of our own.
  var storedJob: Job {
    guard !isOfJob else { return job }
    var job = job
    job.name = ReservedJobName.stored + key
    return job
  }

  func forms(_ format: ReportFormat) -> TokenForms {
    switch connection.cluster {
    case .dedicated(let accountID, let clusterID):
      TokenForms(format: format, accountID: accountID, clusterID: clusterID)
    case .clustered: TokenForms(format: format, accountID: nil, clusterID: nil)
    }
  }
}
