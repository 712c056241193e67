public import FileSystem
import Glibc

/// A disk in memory that forgets, at a crash, what was never synced.
///
/// Content is durable after `sync` of the file, names after `syncDirectory`. At a crash each write since then
/// is there in full, in part or not at all, and each directory has kept its changes up to some point, in their
/// order; a rename between two directories is in both or in neither. The generator given to `crash` decides,
/// so a seed repeats the same loss. Any user and group name exists unless it is in `unknownAccounts`.
///
/// Every primitive is one operation with an index from 0. Faults are planned by index, or decided in
/// `beforeOperation`. Directories cannot be renamed or removed, and paths are absolute without `..`.
public final class SimulatedDisk: FileSystem, @unchecked Sendable {
  /// One call of a primitive.
  public struct Operation: Sendable {
    public var index: Int
    public var kind: FileSystemError.Operation
    public var path: String
  }

  /// What goes wrong at an operation.
  public enum Fault: Equatable, Sendable {
    /// This operation fails and does nothing.
    case error(FileSystemError.Code)
    /// The power goes before the operation: it and all that follow fail until `crash` gives the disk that
    /// the next process sees.
    case powerCut
    /// The disk is full from here on: what needs new room fails, what has room reserved does not.
    case full
  }

  // One thread at a time uses a simulated disk in practice; the lock is what makes it safe to be shared.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  var volume: SimulatedVolume
  private var faults: [Int: Fault] = [:]
  private var count = 0
  private var hasPower = true
  private var hook: (@Sendable (Operation) throws(FileSystemError) -> Void)?

  /// An empty disk with the root directory.
  public convenience init() {
    self.init(volume: SimulatedVolume())
  }

  init(volume: SimulatedVolume) {
    self.volume = volume
    mutex.initialize(to: pthread_mutex_t())
    var attributes = pthread_mutexattr_t()
    pthread_mutexattr_init(&attributes)
    pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_RECURSIVE))
    pthread_mutex_init(mutex, &attributes)
    pthread_mutexattr_destroy(&attributes)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  /// How many operations were begun.
  public var operationCount: Int { exclusively { count } }

  /// Called before every operation, without the disk's lock; what it throws is the operation's failure.
  public var beforeOperation: (@Sendable (Operation) throws(FileSystemError) -> Void)? {
    get { exclusively { hook } }
    set { exclusively { hook = newValue } }
  }

  /// What needs new room fails while this is true.
  public var isFull: Bool {
    get { exclusively { volume.isFull } }
    set { exclusively { volume.isFull = newValue } }
  }

  /// Users and groups that this system does not have.
  public var unknownAccounts: Set<String> {
    get { exclusively { volume.unknownAccounts } }
    set { exclusively { volume.unknownAccounts = newValue } }
  }

  /// The user that files are created under; only 0 may give files away.
  public var effectiveUser: UInt32 {
    get { exclusively { volume.effectiveUser } }
    set { exclusively { volume.effectiveUser = newValue } }
  }

  /// Plans a fault for the operation with this index, counted from the disk's first one.
  public func plan(_ fault: Fault, atOperation index: Int) {
    exclusively { faults[index] = fault }
  }

  /// Forgets all planned faults.
  public func forgetFaults() {
    exclusively { faults = [:] }
  }

  /// Ends the power: every later operation fails.
  public func cutPower() {
    exclusively { hasPower = false }
  }

  /// The disk as the next process finds it; this one is without power from now on. Faults, the hook and
  /// locks are gone, as is `isFull`.
  public func crash(using generator: inout some RandomNumberGenerator) -> SimulatedDisk {
    exclusively {
      hasPower = false
      return SimulatedDisk(volume: volume.afterCrash(using: &generator))
    }
  }

  /// The disk as another process would find it now, with nothing lost: for readers in tests.
  public func content(of path: String) -> [UInt8]? {
    exclusively { (try? volume.node(path, .read))?.content }
  }

  /// Puts a durable thing on the disk, as if it had always been there. Missing folders are made.
  public func plant(
    _ kind: FileStatus.Kind, at path: String, content: [UInt8] = [], mode: UInt32 = 0o755, user: UInt32 = 0
  ) {
    exclusively { volume.plant(kind, at: path, content: content, mode: mode, user: user) }
  }

  func exclusively<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }

  /// Counts the operation, lets faults happen, then does it.
  func perform<Result>(
    _ kind: FileSystemError.Operation, _ path: String,
    _ body: (inout SimulatedVolume) throws(FileSystemError) -> Result
  ) throws(FileSystemError) -> Result {
    pthread_mutex_lock(mutex)
    let index = count
    count += 1
    let fault = faults.isEmpty ? nil : faults[index]
    switch fault {
    case .powerCut: hasPower = false
    case .full: volume.isFull = true
    case .error, nil: break
    }
    let hook = hook
    pthread_mutex_unlock(mutex)
    if case .error(let code) = fault { throw SimulatedVolume.failure(kind, path, code) }
    if let hook { try hook(Operation(index: index, kind: kind, path: path)) }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    guard hasPower else {
      throw FileSystemError(kind, path: path, code: .inputOutput, reason: "the simulated disk has no power")
    }
    return try body(&volume)
  }
}

extension SimulatedDisk {
  /// A small seeded generator (SplitMix64): the same seed gives the same losses.
  public struct Generator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) {
      state = seed
    }

    public mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  // MARK: FileSystem

  public func createDirectory(_ path: String, mode: UInt32) throws(FileSystemError) {
    try perform(.createDirectory, path) { volume throws(FileSystemError) in
      _ = try volume.create(.directory, path, mode: mode, .createDirectory)
    }
  }

  public func openFile(_ path: String, for access: FileAccess) throws(FileSystemError) -> any OpenFile {
    let node = try perform(.openFile, path) { volume throws(FileSystemError) in
      if case .createNew(let mode) = access {
        return try volume.create(.file, path, mode: mode, .openFile)
      }
      return try volume.regularFile(path, .openFile)
    }
    return SimulatedFile(disk: self, node: node, path: path, appends: access == .append)
  }

  public func rename(_ path: String, to newPath: String, replacing: Bool) throws(FileSystemError) {
    try perform(.rename, path) { volume throws(FileSystemError) in
      try volume.rename(path, to: newPath, replacing: replacing)
    }
  }

  public func removeFile(_ path: String) throws(FileSystemError) {
    try perform(.removeFile, path) { volume throws(FileSystemError) in try volume.remove(path) }
  }

  public func syncDirectory(_ path: String) throws(FileSystemError) {
    try perform(.syncDirectory, path) { volume throws(FileSystemError) in
      try volume.syncDirectory(path)
    }
  }

  public func list(_ path: String, maximumCount: Int) throws(FileSystemError) -> [String] {
    try perform(.list, path) { volume throws(FileSystemError) in
      let names = try volume.directory(path, .list).entries.keys.sorted()
      guard names.count <= maximumCount else {
        throw FileSystemError(
          .list, path: path, code: .tooLarge, reason: "it holds more than \(maximumCount) names")
      }
      return names
    }
  }

  public func status(_ path: String) throws(FileSystemError) -> FileStatus {
    try perform(.status, path) { volume throws(FileSystemError) in try volume.node(path, .status).status }
  }

  public func readFile(_ path: String, maximumBytes: Int) throws(FileSystemError) -> [UInt8] {
    try perform(.read, path) { volume throws(FileSystemError) in
      let content = try volume.regularFile(path, .read).content
      guard content.count <= maximumBytes else {
        throw FileSystemError(
          .read, path: path, code: .tooLarge, reason: "it is longer than \(maximumBytes) bytes")
      }
      return content
    }
  }

  public func lock(_ path: String, mode: UInt32) throws(FileSystemError) -> any FileLock {
    let inode = try perform(.lock, path) { volume throws(FileSystemError) in
      let node: SimulatedNode
      if volume.exists(path) {
        node = try volume.regularFile(path, .lock)
      } else {
        node = try volume.create(.file, path, mode: mode, .lock)
      }
      guard volume.lockedInodes.insert(node.inode).inserted else {
        throw SimulatedVolume.failure(.lock, path, .busy)
      }
      return node.inode
    }
    return SimulatedLock(disk: self, inode: inode)
  }
}

/// A lock that ends with the disk's process: a crash gives a volume without locks.
private final class SimulatedLock: FileLock, @unchecked Sendable {
  private let disk: SimulatedDisk
  private let inode: UInt64
  private var isHeld = true

  init(disk: SimulatedDisk, inode: UInt64) {
    self.disk = disk
    self.inode = inode
  }

  deinit {
    release()
  }

  func release() {
    disk.exclusively {
      guard isHeld else { return }
      isHeld = false
      disk.volume.lockedInodes.remove(inode)
    }
  }
}
