public import RotationModel

/// The append-only record for auditors: one line an event, each line carrying the hash of the one before.
public protocol AuditLog: Sendable {
  /// Writes lines from events, without touching the file: pure, so that the ledger can hold the very
  /// bytes before the file does. Throws only when the system cannot compute a hash.
  func compose(
    _ events: [AuditEvent], after head: AuditHead
  ) throws(AuditError) -> (lines: [AuditLine], head: AuditHead)

  /// Compares the file with what the ledger knows and completes it: lines of the outbox that the file
  /// lacks are appended, half a line left by a crash is replaced. Throws `AuditError.tampered` when the
  /// file is shorter than what was acknowledged, differs from it, or goes on beyond the ledger.
  func open(_ state: AuditState) async throws(AuditError)
  /// Makes sure that the next lines, up to `byteCount` bytes, will find room.
  func reserve(byteCount: Int) async throws(AuditError)
  /// Appends lines, durable on return.
  func append(_ lines: [AuditLine], head: AuditHead) async throws(AuditError)
  func close() async
}

/// One event as the audit log shows it. nil fields are written as null.
public struct AuditEvent: Equatable, Sendable {
  public var time: Instant
  public var run: RunID
  public var job: String?
  public var cluster: String?
  /// The token's name.
  public var token: String?
  /// Who ran the program: a system user's name.
  public var actor: String
  public var record: EventRecord
  /// More that this kind of event tells, in a fixed order; never a part of a secret.
  public var details: [Detail]

  public struct Detail: Equatable, Sendable {
    public var key: String
    public var value: String

    public init(_ key: String, _ value: String) {
      self.key = key
      self.value = value
    }
  }

  public init(
    time: Instant, run: RunID, job: String?, cluster: String?, token: String?, actor: String,
    record: EventRecord, details: [Detail] = []
  ) {
    self.time = time
    self.run = run
    self.job = job
    self.cluster = cluster
    self.token = token
    self.actor = actor
    self.record = record
    self.details = details
  }
}

/// One line of the audit log.
public struct AuditLine: Equatable, Sendable {
  /// From 1, without gaps within a chain.
  public var sequence: Int64
  /// The bytes of the line without its newline.
  public var text: String

  public init(sequence: Int64, text: String) {
    self.sequence = sequence
    self.text = text
  }
}

/// The end of a chain.
public struct AuditHead: Equatable, Sendable {
  /// One chain a file and runner: 16 hexadecimal digits.
  public var chain: String
  /// Of the last line; 0 before the first.
  public var sequence: Int64
  /// SHA-256 in hex of the last line's bytes without its newline; 64 zeros before the first.
  public var hash: String
  /// The file's length in bytes after that line's newline.
  public var offset: Int64

  public init(chain: String, sequence: Int64, hash: String, offset: Int64) {
    self.chain = chain
    self.sequence = sequence
    self.hash = hash
    self.offset = offset
  }

  /// The head of a chain without lines.
  public static func start(chain: String) -> AuditHead {
    AuditHead(chain: chain, sequence: 0, hash: String(repeating: "0", count: 64), offset: 0)
  }
}

/// What the ledger knows about the audit file.
public struct AuditState: Equatable, Sendable {
  /// The log of the state directory, as the ledger names it.
  public static let mainLog = "main"

  /// Where a log begins that nothing was written to yet. Its chain's id is the installation's for the main
  /// log; for others it is drawn from both names (64-bit FNV-1a), so that it is the same whenever asked.
  public static func start(log: String, installation: InstallationID) -> AuditState {
    var chain = installation
    if log != mainLog {
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for byte in "\(installation) \(log)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
      chain = InstallationID(bits: hash)
    }
    let head = AuditHead.start(chain: chain.text)
    return AuditState(acknowledged: head, outbox: [], head: head)
  }

  /// The file certainly reaches this far.
  public var acknowledged: AuditHead
  /// Lines committed after it, in order, which the file may or may not hold.
  public var outbox: [AuditLine]
  /// The head after the outbox.
  public var head: AuditHead

  public init(acknowledged: AuditHead, outbox: [AuditLine], head: AuditHead) {
    self.acknowledged = acknowledged
    self.outbox = outbox
    self.head = head
  }
}

/// Why the audit log cannot be trusted or written. Nothing is sent after it (exit 7).
public struct AuditError: Error, Equatable, Sendable {
  public enum Code: String, Sendable {
    case unwritable
    case noRoom = "no_room"
    case tampered
  }

  public var code: Code
  public var message: String
  public var hint: String?

  public init(_ code: Code, message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }
}
