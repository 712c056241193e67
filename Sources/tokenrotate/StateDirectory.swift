import FileSystem
import Ledgers
import Locks
import RotationModel
import RotationPorts

/// Where the program keeps what it must not forget: ledger, audit log, the installation's id, one lock for
/// all jobs, and the default store.
struct StateDirectory {
  let path: String
  let files: any FileSystem

  var ledgerPath: String { path + "/ledger.sqlite" }
  var auditPath: String { path + "/audit.jsonl" }
  var lockPath: String { path + "/lock" }
  var installationPath: String { path + "/installation" }
  func storePath(job: String) -> String { "\(path)/tokens/\(job)" }

  /// `--state`, else systemd's `$STATE_DIRECTORY`, else the place that the system's conventions give.
  init(given: String?, environment: ProcessEnvironment, files: any FileSystem) {
    self.files = files
    let variables = environment.variables
    func present(_ name: String) -> String? { variables[name].flatMap { $0.isEmpty ? nil : $0 } }
    if let given {
      path = environment.absolute(given)
    } else if let systemd = present("STATE_DIRECTORY") {
      path = String(systemd.prefix { $0 != ":" })
    } else if environment.isRoot {
      path = "/var/lib/tokenrotate"
    } else {
      path = (present("XDG_STATE_HOME") ?? environment.home + "/.local/state") + "/tokenrotate"
    }
  }

  /// Makes the directory: closed to listing, but owners of default-store files get through. One that is there
  /// must be safe.
  func make() throws {
    guard try files.statusIfPresent(path) == nil else { return try requireSafe() }
    let parent = FilePaths.parent(of: path)
    try files.createDirectories(parent, mode: 0o755)
    try files.createDirectory(path, mode: 0o711)
    try files.syncDirectory(parent)
  }

  /// Throws `SessionError.unsafeState` when others could put another ledger or audit log in the place of ours.
  /// A directory that is not there yet is safe.
  func requireSafe() throws {
    // The dot is what makes a symbolic link be followed: its target is where everything is kept.
    guard let status = try files.statusIfPresent(path + "/.") else { return }
    let user = files.effectiveUser
    guard status.user == user || status.user == 0 else {
      throw SessionError.unsafeState(
        "the state directory \(path) belongs to user \(status.user), who could replace what is in it",
        hint: "chown \(user) \(path)")
    }
    // As for the store's directory: a user's own group is the user's business, root has none.
    guard status.mode & (user == 0 ? 0o022 : 0o002) == 0 else {
      throw SessionError.unsafeState(
        "the state directory \(path) has mode 0\(String(status.mode & 0o7777, radix: 8)), which lets others"
          + " replace ledger and audit log",
        hint: "chmod \(user == 0 ? "go-w" : "o-w") \(path)")
    }
  }

  /// The lock that ends with the process; nil when another run holds it.
  func lock() throws(FileSystemError) -> (any FileLock)? {
    do throws(FileSystemError) {
      return try files.lock(lockPath, mode: 0o600)
    } catch {
      if error.code == .busy { return nil }
      throw error
    }
  }

  /// The id that the directory was given when it was made; nil for a new one, and where only the ledger
  /// knows it.
  func installation() throws -> InstallationID? {
    guard let content = try files.readFileIfPresent(installationPath, maximumBytes: 64) else { return nil }
    let text = String(decoding: content, as: UTF8.self).filter { !$0.isNewline }
    if let installation = InstallationID(text) { return installation }
    // A new id would make strangers of all tokens that carry the old one.
    guard try files.statusIfPresent(ledgerPath) != nil else {
      throw Problem(
        code: "installation_unreadable", message: "\(installationPath) holds no installation id",
        hint: "put it back from a backup, or write the id into it that the markers on the cluster begin with:"
          + " [tokenrotate ID/JOB/NAME#ATTEMPT]")
    }
    return nil
  }

  /// Keeps the id beside the ledger, so that it outlives a ledger that is lost. The file has its name only
  /// when it is whole.
  func remember(_ installation: InstallationID) throws(FileSystemError) {
    let newPath = installationPath + ".new"
    try files.removeFileIfPresent(newPath)
    let file = try files.openFile(newPath, for: .createNew(mode: 0o644))
    defer { file.close() }
    try file.append(Array("\(installation)\n".utf8))
    try file.sync()
    try files.rename(newPath, to: installationPath, replacing: true)
    try files.syncDirectory(path)
  }

  /// Opens the ledger, under the directory's id or `adopted` when the ledger is new.
  func openLedger(
    adopting adopted: InstallationID? = nil, executor: any TaskExecutor
  ) throws -> SQLiteLedger {
    let known = try installation()
    let random = FirstGiven(known ?? adopted, then: SystemRandom())
    let ledger = try SQLiteLedger.open(path: ledgerPath, random: random, executor: executor)
    guard let known else {
      try remember(ledger.installation)
      return ledger
    }
    guard known == ledger.installation else {
      throw Problem(
        code: "installation_differs",
        message:
          "\(installationPath) says \(known), and the ledger belongs to installation \(ledger.installation)",
        hint: "the files of two state directories were mixed: put the right ones back together")
    }
    return ledger
  }

  /// A copy of the ledger to look at or to plan with.
  func copyLedger(executor: any TaskExecutor) throws -> SQLiteLedger {
    try SQLiteLedger.temporaryCopy(
      of: ledgerPath, random: FirstGiven(try installation(), then: SystemRandom()), executor: executor)
  }
}

/// Gives one number first, then those of another source.
private final class FirstGiven: RandomSource {
  private let first: Locked<UInt64?>
  private let rest: any RandomSource

  init(_ installation: InstallationID?, then rest: any RandomSource) {
    first = Locked(installation.flatMap { UInt64($0.text, radix: 16) })
    self.rest = rest
  }

  func next() -> UInt64 {
    let given = first.withLock { first in
      defer { first = nil }
      return first
    }
    return given ?? rest.next()
  }
}
