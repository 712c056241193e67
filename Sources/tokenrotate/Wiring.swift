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
import SecretStores

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
    for job: Job, specification: any Specification, isOneOff: Bool, journal: Journal,
    installation: InstallationID
  ) throws -> JobPlan {
    let cluster = try connection(of: job)
    let client = try cluster.client(transfers: job.limits.concurrency + 72)
    let service = try cluster.service(client, requestTimeout: job.limits.requestTimeout)
    let stores = try stores(of: job, installation: installation)
    var plan = JobPlan(
      name: job.name, isOneOff: isOneOff,
      binding: JobBinding(
        cluster: cluster.identity,
        stores: zip(job.stores, stores).map { store, settings in
          Wiring.binding(format: settings.format, directory: store.directory)
        }),
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
      stores: stores.map { FileStore(settings: $0, fileSystem: files, executor: threads) },
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

  /// The directories of the job's file stores, in order.
  func storeDirectories(of job: Job) -> [String] {
    job.stores.map { $0.directory ?? state.storePath(job: job.name) }
  }

  /// The files in which the job's stores hold the current token of a name.
  func storedPaths(of job: Job, name: String) -> [String] {
    zip(job.stores, storeDirectories(of: job)).map { store, directory in
      "\(directory)/\(name)\(format(of: store).suffix)"
    }
  }

  private func format(of store: StoreSettings) -> FileStoreFormat {
    switch store.format {
    case .raw: .raw
    case .env: .env
    case .json: .json
    }
  }

  /// How the ledger remembers a file store; its place in the state directory is told by no path, so that a state
  /// directory may be moved.
  private static func binding(format: FileStoreFormat, directory: String?) -> String {
    "file:\(format.rawValue):\(directory ?? "(default)")"
  }

  /// The stores that a job was bound to before, by what the ledger remembers of them.
  func stores(
    boundAs binding: JobBinding, plan: JobPlan, installation: InstallationID
  ) throws(Problem) -> [any SecretStore] {
    var stores: [any SecretStore] = []
    for (index, text) in binding.stores.enumerated() {
      let parts = text.split(separator: ":", maxSplits: 2)
      guard parts.count == 3, parts[0] == "file", let format = FileStoreFormat(rawValue: String(parts[1]))
      else {
        throw Problem(
          code: "unknown_store",
          message: "the ledger says that job \(plan.name) had the store \(text), which is not known",
          hint: "run the version of tokenrotate that wrote it")
      }
      let isDefault = parts[2] == "(default)"
      let directory = isDefault ? state.storePath(job: plan.name) : String(parts[2])
      let sameDirectory = plan.binding.stores.contains { other in
        other != text && other.split(separator: ":", maxSplits: 2).last == parts[2]
      }
      guard !sameDirectory else {
        throw Problem(
          code: "format_changed",
          message: "job \(plan.name): the format of the store \(directory) cannot be changed in place",
          hint: "give the store with the new format another directory")
      }
      let settings = FileStoreSettings(
        name: "old-\(index + 1)", directory: directory, format: format, installation: installation)
      stores.append(FileStore(settings: settings, fileSystem: files, executor: threads))
    }
    return stores
  }

  /// The job file knows no better about the default directory, which is in the state directory.
  private func requireSeparateStores(_ job: Job) throws {
    let directories = storeDirectories(of: job)
    for (index, one) in directories.enumerated() {
      for other in directories[(index + 1)...]
      where one == other || one.hasPrefix(other + "/") || other.hasPrefix(one + "/") {
        throw Problem(
          code: "bad_input",
          message: "\(job.path): the stores \(one) and \(other) are one, or one lies within the other",
          hint: "give each store a directory of its own, none within another")
      }
    }
  }

  private func stores(of job: Job, installation: InstallationID) throws -> [FileStoreSettings] {
    try requireSeparateStores(job)
    return zip(job.stores, storeDirectories(of: job)).enumerated().map { index, pair in
      let (store, directory) = pair
      return FileStoreSettings(
        name: index == 0 ? "file" : "file-\(index + 1)", directory: directory, format: format(of: store),
        owner: store.owner, group: store.group, mode: UInt32(store.mode.rawValue),
        installation: installation)
    }
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
