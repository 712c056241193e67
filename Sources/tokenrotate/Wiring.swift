import AuditLog
import CommandHooks
import FileSystem
import Glibc
import HTTPClient
import InfluxAPI
import JobFiles
import Ledgers
import RotationModel
import RotationPorts
import RotationRunner

/// Picks the implementations: the only place that knows which store, ledger and edition a job means.
struct Wiring {
  let environment: ProcessEnvironment
  let state: StateDirectory
  let files: any FileSystem
  let threads: BlockingThreads
  /// influxctl's configuration file and the profile named on the command line.
  let profilePath: String
  let profileName: String?

  /// The job as the runner takes it. Throws `Problem` for what is wrong with the job's files: exit 2.
  func plan(
    for job: Job, specification: any Specification, isOneOff: Bool, journal: Journal, ledger: any Ledger
  ) async throws -> JobPlan {
    let cluster = try connection(of: job)
    let client = try cluster.client(transfers: job.limits.concurrency + 72)
    let service = try cluster.service(client, requestTimeout: job.limits.requestTimeout)
    let stores = StoreWiring(wiring: self, installation: ledger.installation)
    let bindings = try stores.bindings(of: job)
    let names = JobBinding.names(of: bindings, known: try await ledger.binding(job: job.name))
    var plan = JobPlan(
      name: job.name, isOneOff: isOneOff,
      binding: JobBinding(
        cluster: cluster.identity, stores: bindings, storeNames: names),
      host: cluster.host,
      activation: ActivationPolicy(
        timeout: job.activation.timeout, consecutive: job.activation.consecutive,
        settle: job.activation.settle),
      abandonAfter: job.activation.abandonAfter, activationDatabase: job.activation.database,
      limits: JobPlan.Limits(
        concurrency: job.limits.concurrency,
        managementRequestsPerSecond: job.limits.requestsPerSecond,
        probesPerSecond: job.limits.probesPerSecond, maximumCreates: job.limits.maximumCreates),
      specification: specification, service: service,
      probe: try InfluxQLProbe(host: cluster.host, client: client),
      stores: try zip(job.stores, names).map { try stores.store($0, named: $1, of: job) },
      journal: journal)
    (plan.hooks, plan.hookRunner) = hooks(of: job)
    // A one-off CSV is about tokens to be made; what it replaces is retired as the job says.
    if let policy = job.policy {
      plan.allows = { permission in
        permission.isWildcard ? policy.allowsWildcard : policy.allows(database: permission.database)
      }
    }
    plan.policy = RotationPolicy(job.rotation, isOneOff: isOneOff)
    return plan
  }

  /// The job's hooks, and what runs them.
  func hooks(of job: Job) -> ([Hook], any Hooks) {
    let commands = job.hooks.map { hook in
      (hook.hook.name, CommandHooks.Command(arguments: hook.command, timeout: hook.timeout))
    }
    let runner = CommandHooks(
      commands: Dictionary(uniqueKeysWithValues: commands), directory: job.folder,
      environment: environment.variables, executor: threads)
    return (job.hooks.map(\.hook), runner)
  }

  /// Where the job's audit log is, and its name in the ledger.
  func auditLog(of job: Job) -> (path: String, log: String) {
    guard let file = job.audit.file, file != state.auditPath else {
      return (state.auditPath, AuditState.mainLog)
    }
    return (file, file)
  }

  /// What `audit verify` and `audit repair` must be told to look at the job's log, for hints.
  func auditArguments(of job: Job) -> String {
    auditLog(of: job).log == AuditState.mainLog ? "" : " --job \(job.quotedPath)"
  }

  /// Where the job's cluster is.
  func connection(of job: Job) throws -> ClusterConnection {
    try ClusterConnection(
      job.cluster, shownAs: job.path, isOfProfile: job.specificationPath.isEmpty, profileName: profileName,
      profilePath: profilePath,
      environment: environment.variables)
  }
}

extension RotationPolicy {
  init(_ settings: RotationSettings?, isOneOff: Bool) {
    guard let settings else {
      self = .off
      return
    }
    self.init(
      isOn: !isOneOff, every: settings.every, renewBefore: settings.renewBefore, overlap: settings.overlap,
      quarantine: settings.retirement == .disableThenRevoke ? settings.quarantine : nil)
  }
}

extension Problem {
  /// Any error of the layers below, as a problem.
  init(any error: any Error) {
    switch error {
    case let problem as Problem: self = problem
    case let error as SessionError: self = error.problem
    case let error as LedgerError: self.init(error)
    case let error as AuditError: self.init(error)
    case let error as StoreError: self.init(error)
    case let error as ServiceError: self.init(error)
    case let error as FileError: self.init(error)
    case let errors as JobFileErrors: self.init(errors)
    case let error as InfluxctlProfileError:
      self.init(code: "profile_\(error.code.rawValue)", message: error.message, hint: error.hint)
    case let error as HTTPError:
      self.init(code: "http_\(error.code.rawValue)", message: error.message, hint: error.hint)
    case let error as FileSystemError:
      self.init(code: "file_system", message: error.message)
    case let stop as Stop:
      self = stop.problem ?? Problem(code: "interrupted", message: "the run was interrupted")
    default: self.init(code: "internal", message: "\(error)")
    }
  }
}
