internal import Subprocesses
import TOMLReader

extension Job {
  /// The longest job or defaults file that is read: 10 MB.
  public static let maximumFileBytes = TOMLDocument.maximumBytes

  /// Reads a job file and the defaults behind it.
  ///
  /// - Parameters:
  ///   - path: the job file as the user named it; errors carry it like that.
  ///   - defaults: the settings for all jobs: the same keys without `name` and `specification`. Its tables
  ///     are merged key by key, its arrays and its `management_token` are replaced; the job wins. Relative
  ///     paths in it start at the job file's folder too.
  ///   - trust: whose files may be believed.
  /// - Throws: every error of both files at once. Files that the job names are not opened, but those that
  ///   decide what is run are checked against `trust`.
  public static func load(
    path: String, defaults: String? = nil, trust: TrustRule = .ofThisProcess
  ) throws(JobFileErrors) -> Job {
    try attempt(path: path, defaults: defaults, trust: trust).result.get()
  }

  /// As `load`, with what a wrong job file says about its CSV all the same.
  static func attempt(
    path: String, defaults: String?, trust: TrustRule
  ) -> (result: Result<Job, JobFileErrors>, draft: SpecificationDraft?) {
    let log = ErrorLog()
    let base = defaults.flatMap { loadDefaults($0, trust: trust, log: log) }
    guard var table = read(path, trust: trust, log: log) else {
      return (.failure(JobFileErrors(log.errors)), nil)
    }
    if let base { table = merge(table, over: base) }
    let folder = PathText.folder(of: PathText.absolute(path))
    let (job, draft) = JobDecoder(table, file: path, folder: folder, log: log).decode()
    if let job { check(job, table, trust: trust, log: log) }
    guard let job, log.errors.isEmpty else {
      return (.failure(JobFileErrors(log.errors.inFileOrder(first: path))), draft)
    }
    return (.success(job), draft)
  }

  private static func loadDefaults(_ path: String, trust: TrustRule, log: ErrorLog) -> TOMLTable? {
    guard let table = read(path, trust: trust, log: log) else { return nil }
    for key in ["name", "specification"] {
      guard let entry = table.entry(key) else { continue }
      log.add("`\(key)` belongs into a job file, not into the defaults", at: entry.keyPosition)
    }
    return TOMLTable(table.entries.filter { !["name", "specification"].contains($0.key) })
  }

  private static func read(_ path: String, trust: TrustRule, log: ErrorLog) -> TOMLTable? {
    let start = TOMLPosition(file: path, line: 1, column: 1)
    do {
      try trust.check(path)
      let bytes = try OpenFile(path).readAll(maximumBytes: maximumFileBytes)
      return try TOMLDocument.parse(bytes, file: path)
    } catch let error as FileError {
      log.add(error, at: start)
    } catch let error as TOMLSyntaxError {
      log.add(error.message, at: error.position)
    } catch {
      log.add("\(error)", at: start)
    }
    return nil
  }

  /// Tables whose keys exclude one another are replaced whole: merged, they would hold two answers.
  private static let replacedTables: Set<String> = ["management_token", "signing_key"]

  private static func merge(_ table: TOMLTable, over base: TOMLTable) -> TOMLTable {
    var merged = table
    for entry in base.entries {
      guard let index = merged.entries.firstIndex(where: { $0.key == entry.key }) else {
        merged.entries.append(entry)
        continue
      }
      guard !replacedTables.contains(entry.key), case .table(let inner) = entry.value.content,
        case .table(let own) = merged.entries[index].value.content
      else { continue }
      merged.entries[index].value.content = .table(merge(own, over: inner))
    }
    return merged
  }

  /// As root, what decides what is run must be root's: the programs of hooks, of stores and of the management token.
  /// The CSV is checked when it is opened.
  private static func check(_ job: Job, _ table: TOMLTable, trust: TrustRule, log: ErrorLog) {
    let start = TOMLPosition(file: job.path, line: 1, column: 1)
    var programs: [(path: String, position: TOMLPosition)] = []
    if case .array(let hooks)? = table["hook"]?.content, hooks.count == job.hooks.count {
      programs += zip(job.hooks, hooks).map { (Subprocess.find($0.command[0]) ?? $0.command[0], $1.position) }
    }
    if case .array(let stores)? = table["store"]?.content, stores.count == job.stores.count {
      for (store, value) in zip(job.stores, stores) {
        programs += store.programs.map { (Subprocess.find($0) ?? $0, value.position) }
      }
    }
    if case .command(let words)? = job.cluster.managementToken,
      case .table(let cluster)? = table["cluster"]?.content
    {
      programs.append((words[0], cluster["management_token"]?.position ?? start))
    }
    for program in programs where program.path.contains("/") {
      do throws(FileError) {
        try trust.check(program.path)
      } catch {
        log.add(error, at: program.position)
      }
    }
  }
}

extension [JobFileError] {
  /// Sorted by place, one file after the other, the errors of `first` first.
  func inFileOrder(first: String) -> [JobFileError] {
    sorted { left, right in
      (left.file == first ? 0 : 1, left.file, left.line, left.column, left.message)
        < (right.file == first ? 0 : 1, right.file, right.line, right.column, right.message)
    }
  }
}
