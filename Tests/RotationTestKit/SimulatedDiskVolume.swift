import FileSystem

/// A file, directory or link: what processes see now, and what is certain to survive a crash.
final class SimulatedNode {
  /// What was done to a file since its last sync.
  enum Change {
    case write(Int, [UInt8])
    case truncate(Int)
    case allocate(Int)
    case mode(UInt32)
    case owner(UInt32, UInt32)
  }

  struct State {
    var content: [UInt8] = []
    var allocatedBytes = 0
    var mode: UInt32
    var user: UInt32
    var group: UInt32

    private static let blockBytes = 4096

    mutating func apply(_ change: Change) {
      switch change {
      case .write(let start, let bytes):
        let end = start + bytes.count
        if end > content.count { content.append(contentsOf: repeatElement(0, count: end - content.count)) }
        content.replaceSubrange(start..<end, with: bytes)
        take(end)
      case .truncate(let count):
        // Shortening gives back what was reserved beyond the end, too.
        let grows = count > content.count
        if grows {
          content.append(contentsOf: repeatElement(0, count: count - content.count))
        } else {
          content.removeLast(content.count - count)
          allocatedBytes = 0
          take(count)
        }
      case .allocate(let count): take(count)
      case .mode(let mode): self.mode = mode
      case .owner(let user, let group):
        self.user = user
        self.group = group
      }
    }

    private mutating func take(_ byteCount: Int) {
      let blocks = (byteCount + State.blockBytes - 1) / State.blockBytes
      allocatedBytes = max(allocatedBytes, blocks * State.blockBytes)
    }
  }

  let inode: UInt64
  let kind: FileStatus.Kind
  private(set) var now: State
  private var durable: State
  private var changes: [Change] = []
  /// Of a directory: the names that processes see, and those that are certain to survive.
  var entries: [String: SimulatedNode] = [:]
  var durableEntries: [String: SimulatedNode] = [:]

  init(inode: UInt64, kind: FileStatus.Kind, state: State) {
    self.inode = inode
    self.kind = kind
    now = state
    durable = state
  }

  var content: [UInt8] { now.content }
  var allocatedBytes: Int { now.allocatedBytes }
  var user: UInt32 { now.user }
  var group: UInt32 { now.group }
  var status: FileStatus {
    FileStatus(
      kind: kind, mode: now.mode, user: now.user, group: now.group, sizeBytes: Int64(now.content.count),
      inode: inode)
  }

  func change(_ change: Change) {
    now.apply(change)
    changes.append(change)
  }

  func sync() {
    guard !changes.isEmpty else { return }
    durable = now
    changes.removeAll(keepingCapacity: true)
  }

  /// The file as a crash leaves it: each change since the last sync in full, in part or not at all.
  func stateAfterCrash(using generator: inout some RandomNumberGenerator) -> State {
    var state = durable
    for change in changes {
      let luck = Int.random(in: 0..<3, using: &generator)
      if luck == 0 { continue }
      if luck == 1, case .write(let start, let bytes) = change {
        let count = Int.random(in: 0...bytes.count, using: &generator)
        state.apply(.write(start, Array(bytes.prefix(count))))
      } else {
        state.apply(change)
      }
    }
    return state
  }
}

/// The tree of a simulated disk and the changes of names that no directory sync has made durable yet.
struct SimulatedVolume {
  /// One change of names; a rename between two directories touches both at once.
  struct NameChange {
    var removed: (directory: SimulatedNode, name: String)?
    var added: (directory: SimulatedNode, name: String, node: SimulatedNode)?

    func touches(_ directories: Set<UInt64>) -> Bool {
      (removed.map { directories.contains($0.directory.inode) } ?? false)
        || (added.map { directories.contains($0.directory.inode) } ?? false)
    }

    func insertDirectories(into directories: inout Set<UInt64>) {
      if let removed { directories.insert(removed.directory.inode) }
      if let added { directories.insert(added.directory.inode) }
    }

    func persist() {
      if let removed { removed.directory.durableEntries[removed.name] = nil }
      if let added { added.directory.durableEntries[added.name] = added.node }
    }
  }

  private var directories: [String: SimulatedNode]
  private var journal: [NameChange] = []
  private var nextInode: UInt64 = 2
  var lockedInodes: Set<UInt64> = []
  var isFull = false
  var unknownAccounts: Set<String> = []
  var effectiveUser: UInt32 = 0

  init() {
    let root = SimulatedNode.State(mode: 0o755, user: 0, group: 0)
    directories = ["/": SimulatedNode(inode: 1, kind: .directory, state: root)]
  }

  static func failure(
    _ kind: FileSystemError.Operation, _ path: String, _ code: FileSystemError.Code
  ) -> FileSystemError {
    code.number == 0
      ? FileSystemError(kind, path: path, code: code, reason: "planned failure")
      : FileSystemError(kind, path: path, number: code.number)
  }

  // MARK: Finding

  func directory(
    _ path: String, _ kind: FileSystemError.Operation
  ) throws(FileSystemError) -> SimulatedNode {
    if let found = directories[path] { return found }
    _ = try node(path, kind)
    throw SimulatedVolume.failure(kind, path, .notDirectory)
  }

  func node(
    _ path: String, _ kind: FileSystemError.Operation
  ) throws(FileSystemError) -> SimulatedNode {
    if let found = directories[path] { return found }
    let (parent, name) = FilePaths.split(path)
    if let found = directories[parent]?.entries[name] { return found }
    if parent != "/", directories[parent] == nil, try node(parent, kind).kind != .directory {
      throw SimulatedVolume.failure(kind, path, .notDirectory)
    }
    throw SimulatedVolume.failure(kind, path, .missing)
  }

  func exists(_ path: String) -> Bool {
    (try? node(path, .status)) != nil
  }

  func regularFile(
    _ path: String, _ kind: FileSystemError.Operation
  ) throws(FileSystemError) -> SimulatedNode {
    let found = try node(path, kind)
    switch found.kind {
    case .file: return found
    case .directory: throw SimulatedVolume.failure(kind, path, .isDirectory)
    case .link: throw SimulatedVolume.failure(kind, path, .isLink)
    case .other: throw SimulatedVolume.failure(kind, path, .wrongKind)
    }
  }

  /// A number for a user's or group's name, the same every time.
  func account(
    _ name: String, or code: FileSystemError.Code, _ path: String
  ) throws(FileSystemError) -> UInt32 {
    if name == "root" { return 0 }
    guard !unknownAccounts.contains(name) else {
      throw FileSystemError(.setOwner, path: path, code: code, reason: "this system has no \(name)")
    }
    return name.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 } >> 1 | 1
  }

  // MARK: Changing names

  mutating func create(
    _ nodeKind: FileStatus.Kind, _ path: String, mode: UInt32, _ kind: FileSystemError.Operation
  ) throws(FileSystemError) -> SimulatedNode {
    let (parentPath, name) = FilePaths.split(path)
    let parent = try directory(parentPath, kind)
    guard parent.entries[name] == nil else { throw SimulatedVolume.failure(kind, path, .exists) }
    guard !isFull else { throw SimulatedVolume.failure(kind, path, .noRoom) }
    let state = SimulatedNode.State(mode: mode, user: effectiveUser, group: effectiveUser)
    let node = SimulatedNode(inode: nextInode, kind: nodeKind, state: state)
    nextInode += 1
    parent.entries[name] = node
    if nodeKind == .directory { directories[path] = node }
    journal.append(NameChange(added: (parent, name, node)))
    return node
  }

  mutating func rename(_ path: String, to newPath: String, replacing: Bool) throws(FileSystemError) {
    let node = try node(path, .rename)
    let (oldParentPath, oldName) = FilePaths.split(path)
    let (newParentPath, newName) = FilePaths.split(newPath)
    let oldParent = try directory(oldParentPath, .rename)
    let newParent = try directory(newParentPath, .rename)
    let target = newParent.entries[newName]
    guard replacing || target == nil else { throw SimulatedVolume.failure(.rename, path, .exists) }
    guard node.kind != .directory, target?.kind != .directory else {
      throw SimulatedVolume.failure(.rename, path, .isDirectory)
    }
    if node === target { return }
    oldParent.entries[oldName] = nil
    newParent.entries[newName] = node
    journal.append(NameChange(removed: (oldParent, oldName), added: (newParent, newName, node)))
  }

  mutating func remove(_ path: String) throws(FileSystemError) {
    guard try node(path, .removeFile).kind != .directory else {
      throw SimulatedVolume.failure(.removeFile, path, .isDirectory)
    }
    let (parentPath, name) = FilePaths.split(path)
    let parent = try directory(parentPath, .removeFile)
    parent.entries[name] = nil
    journal.append(NameChange(removed: (parent, name)))
  }

  /// Makes a directory's names durable, and with them every earlier change that they hang on.
  mutating func syncDirectory(_ path: String) throws(FileSystemError) {
    let synced = try directory(path, .syncDirectory)
    guard !journal.isEmpty else { return }
    var wanted: Set<UInt64> = [synced.inode]
    var isWanted = [Bool](repeating: false, count: journal.count)
    for index in journal.indices.reversed() where journal[index].touches(wanted) {
      isWanted[index] = true
      journal[index].insertDirectories(into: &wanted)
    }
    var rest: [NameChange] = []
    for index in journal.indices {
      if isWanted[index] { journal[index].persist() } else { rest.append(journal[index]) }
    }
    journal = rest
  }

  mutating func plant(
    _ kind: FileStatus.Kind, at path: String, content: [UInt8], mode: UInt32, user: UInt32
  ) {
    let (parentPath, name) = FilePaths.split(path)
    if directories[parentPath] == nil {
      plant(.directory, at: parentPath, content: [], mode: 0o755, user: 0)
    }
    guard let parent = directories[parentPath], directories[path] == nil else { return }
    var state = SimulatedNode.State(mode: mode, user: user, group: user)
    state.apply(.write(0, content))
    let node = SimulatedNode(inode: nextInode, kind: kind, state: state)
    nextInode += 1
    parent.entries[name] = node
    parent.durableEntries[name] = node
    if kind == .directory { directories[path] = node }
  }

  // MARK: Crashing

  /// A new volume with what survived: changes of names up to some point in each directory, and of files
  /// what their nodes say.
  func afterCrash(using generator: inout some RandomNumberGenerator) -> SimulatedVolume {
    var stopped: Set<UInt64> = []
    for change in journal {
      if !change.touches(stopped), Bool.random(using: &generator) {
        change.persist()
      } else {
        change.insertDirectories(into: &stopped)
      }
    }
    var survivor = SimulatedVolume()
    survivor.nextInode = nextInode
    survivor.unknownAccounts = unknownAccounts
    survivor.effectiveUser = effectiveUser
    if let root = directories["/"], let newRoot = survivor.directories["/"] {
      survivor.copySurvivors(of: root, "/", to: newRoot, using: &generator)
    }
    return survivor
  }

  private mutating func copySurvivors(
    of old: SimulatedNode, _ path: String, to new: SimulatedNode,
    using generator: inout some RandomNumberGenerator
  ) {
    // Sorted, because a dictionary's order differs from one process to the next.
    for (name, node) in old.durableEntries.sorted(by: { $0.key < $1.key }) {
      let state = node.stateAfterCrash(using: &generator)
      let copy = SimulatedNode(inode: node.inode, kind: node.kind, state: state)
      new.entries[name] = copy
      new.durableEntries[name] = copy
      guard node.kind == .directory else { continue }
      let childPath = path == "/" ? "/" + name : path + "/" + name
      directories[childPath] = copy
      copySurvivors(of: node, childPath, to: copy, using: &generator)
    }
  }
}
