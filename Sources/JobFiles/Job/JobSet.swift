internal import Glibc

/// The jobs of one call: `run JOB.toml… | DIR`.
public struct JobSet: Sendable {
  /// The jobs that are valid, in the order they were given.
  public var jobs: [Job]
  /// One entry for each job file that was refused, in the same order.
  public var failures: [Failure]

  public struct Failure: Sendable {
    /// The job file as the user named it.
    public var path: String
    public var errors: JobFileErrors
    /// What it says about its CSV; nil when that is not known, or the CSV is not to blame.
    var draft: SpecificationDraft?
  }

  /// The arguments name no job: an empty folder, or something that is not there.
  public struct NoJob: Error, Equatable, Sendable, CustomStringConvertible {
    public var message: String
    public var hint: String?

    public var description: String { hint.map { "\(message)\n  hint: \($0)" } ?? message }
  }

  /// Loads every job that the arguments name. One that is wrong does not keep the others from being done.
  ///
  /// Two files with one job name are both refused: neither can be known to be the one that is meant.
  ///
  /// - Throws: `NoJob` when an argument names none.
  public static func load(
    arguments: [String], defaults: String? = nil, trust: TrustRule = .ofThisProcess
  ) throws(NoJob) -> JobSet {
    var set = JobSet(jobs: [], failures: [])
    for path in try paths(arguments) {
      let (result, draft) = Job.attempt(path: path, defaults: defaults, trust: trust)
      switch result {
      case .success(let job): set.jobs.append(job)
      case .failure(let errors): set.failures.append(Failure(path: path, errors: errors, draft: draft))
      }
    }
    set.refuseSharedNames()
    return set
  }

  /// The job files that the arguments name: a file is itself, a folder is its `job.toml`, or else the
  /// `job.toml` of each folder in it, sorted by the folders' names.
  public static func paths(_ arguments: [String]) throws(NoJob) -> [String] {
    guard !arguments.isEmpty else { throw NoJob(message: "no job file given") }
    var paths: [String] = []
    for argument in arguments {
      guard isFolder(argument) else {
        paths.append(argument)
        continue
      }
      let own = PathText.join(argument, "job.toml")
      let found = exists(own) ? [own] : jobs(below: argument)
      guard !found.isEmpty else {
        throw NoJob(
          message: "no job in \(argument)",
          hint: "it holds neither a job.toml nor folders that hold one")
      }
      paths += found
    }
    return paths
  }

  private static func jobs(below folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      .map { PathText.join(folder, "\($0)/job.toml") }.filter(exists)
  }

  private static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  private mutating func refuseSharedNames() {
    let byName = Dictionary(grouping: jobs, by: \.name).filter { $0.value.count > 1 }
    guard !byName.isEmpty else { return }
    for job in jobs {
      guard let sharing = byName[job.name] else { continue }
      let files = sharing.map(\.path).joined(separator: " and ")
      let error = JobFileError(
        file: job.path, line: 1, column: 1, message: "the job name \(job.name) is used twice: by \(files)",
        hint: "a job's name is its identity: give one of them another")
      failures.append(Failure(path: job.path, errors: JobFileErrors([error])))
    }
    jobs.removeAll { byName[$0.name] != nil }
  }
}
