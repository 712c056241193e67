import FileSystem
import JobFiles
import RotationModel
import RotationPorts
import RotationRunner
import SecretStores

/// Makes the stores of a job, and says what the ledger is to remember of each.
struct StoreWiring {
  let wiring: Wiring
  let installation: InstallationID

  func store(_ settings: StoreSettings, named name: String, of job: Job) throws -> any SecretStore {
    switch settings {
    case .file(let file):
      let settings = FileStoreSettings(
        name: name, directory: wiring.directory(of: file, job: job.name),
        format: FileStoreFormat(file.format),
        owner: file.owner, group: file.group, mode: UInt32(file.mode.rawValue), installation: installation)
      return FileStore(settings: settings, fileSystem: wiring.files, executor: wiring.threads)
    case .vault(let vault): return try self.vault(vault, named: name, of: job)
    case .command(let command): return self.command(command, named: name, of: job)
    case .awsSecretsManager(let aws): return try awsSecretsManager(aws, named: name, of: job)
    }
  }

  /// How the ledger remembers each of the job's stores: kind and place, nothing that may change while the strings
  /// stay where they are.
  func bindings(of job: Job) throws -> [String] {
    try requireSeparateDirectories(job)
    return job.stores.map { settings in
      switch settings {
      // A place in the state directory is told by no path, so that a state directory may be moved.
      case .file(let file): "file:\(file.format.rawValue):\(file.directory ?? StoreWiring.defaultDirectory)"
      case .vault(let vault): StoreWiring.binding(vault)
      // Its programs may change while the strings stay where they are.
      case .command(let command): "command:\(command.name)"
      case .awsSecretsManager(let aws): StoreWiring.binding(aws)
      }
    }
  }

  fileprivate static let defaultDirectory = "(default)"

  /// Throws for a file store that has another format now, and the directory that it had.
  static func requireSameFormats(_ known: JobBinding, _ plan: JobPlan) throws(Problem) {
    func parts(_ store: String) -> [Substring] { store.split(separator: ":", maxSplits: 2) }
    for old in known.stores.map(parts) where old.first == "file" {
      for new in plan.binding.stores.map(parts)
      where new.first == "file" && new.last == old.last && new != old {
        throw Problem(
          code: "format_changed",
          message: "job \(plan.name): the format of the store \(new.last ?? "") cannot be changed in place",
          hint: "give the store with the new format another directory")
      }
    }
  }

  /// The job file knows no better about the default directory, which is in the state directory.
  private func requireSeparateDirectories(_ job: Job) throws {
    let directories = wiring.storeDirectories(of: job)
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
}

extension Wiring {
  fileprivate func directory(of store: StoreSettings.File, job: String) -> String {
    store.directory ?? state.storePath(job: job)
  }

  /// The directories of the job's file stores, in order.
  func storeDirectories(of job: Job) -> [String] {
    job.stores.compactMap(\.file).map { directory(of: $0, job: job.name) }
  }

  /// The files in which the job's file stores hold the current token of a name.
  func storedPaths(of job: Job, name: String) -> [String] {
    job.stores.compactMap(\.file).map { store in
      "\(directory(of: store, job: job.name))/\(name)\(FileStoreFormat(store.format).suffix)"
    }
  }

  /// The installations that the job's stores belong to, and where each store is; none for one that nobody has taken or
  /// that does not answer.
  func owners(of job: Job) async -> [(place: String, installation: InstallationID)] {
    var owners: [(String, InstallationID)] = []
    for store in job.stores {
      switch store {
      case .file(let file):
        let directory = directory(of: file, job: job.name)
        guard let owner = FileStore.installation(of: directory, fileSystem: files) else { continue }
        owners.append((directory, owner))
      case .vault(let vault):
        // Only a look, which belongs to nobody.
        let nobody = StoreWiring(wiring: self, installation: InstallationID(bits: 0))
        guard let settings = try? nobody.vaultSettings(vault, named: "vault", of: job),
          let send = try? nobody.client(vault, of: job),
          let owner = await VaultStore.owner(settings, clock: SystemClock(), send: send)
        else { continue }
        owners.append(("\(settings.address) \(settings.mount)", owner))
      case .awsSecretsManager(let aws):
        let nobody = StoreWiring(wiring: self, installation: InstallationID(bits: 0))
        guard let settings = try? nobody.awsSettings(aws, named: "aws", of: job),
          let send = try? nobody.client(aws, of: job),
          let owner = await AWSSecretsManagerStore.owner(settings, send: send)
        else { continue }
        owners.append(("in AWS Secrets Manager (\(settings.region))", owner))
      case .command: continue
      }
    }
    return owners
  }

  /// The store that was the job's first one and that the job file does not name any more, by what the ledger
  /// remembers of it.
  func oldStore(
    _ binding: JobBinding, plan: JobPlan, installation: InstallationID
  ) throws(Problem) -> any SecretStore {
    let text = binding.stores[0]
    let parts = text.split(separator: ":", maxSplits: 2)
    guard parts.first == "file" else {
      throw Problem(
        code: "old_store_needed",
        message:
          "job \(plan.name): the strings of its tokens are in the store \(text), which the job file does not "
          + "name any more: nothing was moved",
        hint:
          "add that [[store]] again, after the new ones, and say this once more; when that is done, take it out and say it a last time"
      )
    }
    guard parts.count == 3, let format = FileStoreFormat(rawValue: String(parts[1])) else {
      throw Problem(
        code: "unknown_store",
        message: "the ledger says that job \(plan.name) had the store \(text), which is not known",
        hint: "run the version of tokenrotate that wrote it")
    }
    let isDefault = parts[2] == StoreWiring.defaultDirectory
    let directory = isDefault ? state.storePath(job: plan.name) : String(parts[2])
    let settings = FileStoreSettings(
      name: binding.storeNames[0], directory: directory, format: format, installation: installation)
    return FileStore(settings: settings, fileSystem: files, executor: threads)
  }
}

extension FileStoreFormat {
  fileprivate init(_ format: StoreSettings.File.Format) {
    switch format {
    case .raw: self = .raw
    case .env: self = .env
    case .json: self = .json
    }
  }
}
