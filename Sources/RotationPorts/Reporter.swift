public import RotationModel

/// Who is told how a run goes. Calls come from one task, in order, and must not block for long.
public protocol Reporter: Sendable {
  func jobStarted(_ job: String)
  /// Counts so far; called whenever one of them changed.
  func progressed(_ job: String, _ progress: Progress)
  /// A token is where it can be in this run.
  func tokenFinished(_ job: String, _ report: TokenReport)
  /// Something that concerns the job and no one token, and that a person should look at.
  func noticed(_ job: String, _ problem: Problem)
  /// Something that the run waits for and that may pass by itself. May come from any task.
  func waits(_ job: String, for problem: Problem)
  func jobFinished(_ job: String, _ report: JobReport)
}

extension Reporter {
  public func waits(_ job: String, for problem: Problem) {}
}

/// How far a job is.
public struct Progress: Equatable, Sendable {
  /// Rows that the run is about.
  public var rows = 0
  public var created = 0
  /// Waiting for activation now.
  public var waiting = 0
  /// Since when the one waits that has waited longest, earlier runs included.
  public var oldestWaitingSince: Instant?
  public var delivered = 0
  public var failed = 0
  public var finished = 0

  public init() {}
}

/// What became of one token in a run. The raw values are those of `run --format json`.
public enum TokenOutcome: String, Sendable, CaseIterable {
  case created
  case rotated
  case updated
  case unchanged
  case pending
  case undelivered
  case held
  case attention
  case retired
  case failed
}

public struct TokenReport: Equatable, Sendable {
  public var name: String
  public var outcome: TokenOutcome
  public var tokenID: String?
  public var previousTokenID: String?
  /// From staging to confirmation, where this run saw it.
  public var activationSeconds: Double?
  public var problem: Problem?
  /// Of the token, for those who are told of failures.
  public var generation: Int?
  public var expiresAt: Instant?
  /// Of the row, by key.
  public var labels: [String: String] = [:]

  public init(
    name: String, outcome: TokenOutcome, tokenID: String? = nil, previousTokenID: String? = nil,
    activationSeconds: Double? = nil, problem: Problem? = nil
  ) {
    self.name = name
    self.outcome = outcome
    self.tokenID = tokenID
    self.previousTokenID = previousTokenID
    self.activationSeconds = activationSeconds
    self.problem = problem
  }
}

/// Where one token stands, for a person who wants to see it at a glance.
public struct TokenStanding: Equatable, Sendable {
  public var name: String
  /// A word of the state machine: `current`, `staged`, …
  public var state: String
  public var tokenID: String?
  /// When the string was staged.
  public var createdAt: Instant?
  /// When the clock alone makes it due; nil: never.
  public var dueAt: Instant?
  public var expiresAt: Instant?
  public var activationSeconds: Double?
  /// How many of the job's stores call it current.
  public var delivered = 0
  public var stores: Int
  public var isHeld = false
  /// The token that it has replaced and that is not gone yet, and the state of that.
  public var predecessorID: String?
  public var predecessorState: String?
  /// What needs a person, or has failed.
  public var problem: Problem?
  /// What the next run does first, if anything.
  public var next: String?

  public init(name: String, state: String, stores: Int) {
    self.name = name
    self.state = state
    self.stores = stores
  }
}

/// What went wrong, in a word for programs and in sentences for people.
public struct Problem: Error, Equatable, Sendable {
  public var code: String
  public var message: String
  public var hint: String?

  /// The code of errors in files: each line of the message begins with its place, `file:line:column:`.
  public static let badFile = "bad_file"
  /// A token on the cluster that is not what the ledger takes it for: it is never touched.
  public static let foreignMarker = "foreign_marker"
  /// Likewise, for cells that name a database which the cluster does not have.
  public static let unknownDatabase = "unknown_database"
  /// The code of a database that the cluster no longer has, under a token that exists.
  public static let databaseMissing = "database_missing"

  /// Whether every line of the message begins with a place, and so needs no label in front of it.
  public var namesPlaces: Bool { code == Problem.badFile || code == Problem.unknownDatabase }

  public init(code: String, message: String, hint: String? = nil) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  public init(_ error: ServiceError) {
    self.init(code: error.code.rawValue, message: error.message, hint: error.hint)
  }

  public init(_ error: StoreError) {
    self.init(code: "store_\(error.code.rawValue)", message: error.message, hint: error.hint)
  }

  public init(_ error: LedgerError) {
    self.init(code: "ledger_\(error.code.rawValue)", message: error.message, hint: error.hint)
  }

  public init(_ error: AuditError) {
    self.init(code: "audit_\(error.code.rawValue)", message: error.message, hint: error.hint)
  }
}

/// How a job ended.
public struct JobReport: Equatable, Sendable {
  /// The process exit code that this job alone would give.
  public var exitCode: ExitCode
  public var counts: [TokenOutcome: Int]
  /// What ended the job early, if anything did.
  public var problem: Problem?
  /// Whether no other job of the call may be begun: nothing can be recorded any more.
  public var endsRun: Bool
  /// Tokens without a string that were revoked, beside what became of the rows' own.
  public var orphansRevoked: Int
  /// What a person is told in place of the counts, where there was nothing to count.
  public var remark: String?

  public init(
    exitCode: ExitCode, counts: [TokenOutcome: Int], problem: Problem?, endsRun: Bool = false,
    orphansRevoked: Int = 0
  ) {
    self.endsRun = endsRun
    self.orphansRevoked = orphansRevoked
    self.exitCode = exitCode
    self.counts = counts
    self.problem = problem
  }
}

/// The process exit codes.
public enum ExitCode: Int32, Sendable, CaseIterable {
  case done = 0
  case failed = 1
  case badInput = 2
  case locked = 3
  case credentialRefused = 4
  case notActiveYet = 5
  case undelivered = 6
  case auditBroken = 7
  case needsPerson = 8
  /// `plan --detailed-exitcode` only.
  case changesPlanned = 10
  case interrupted = 130
  case terminated = 143

  /// The one that counts when several apply: a signal's, then the first of 7, 4, 2, 1, 6, 5, 8.
  public static func worst(_ codes: some Sequence<ExitCode>) -> ExitCode {
    let present = Set(codes)
    return precedence.first(where: present.contains) ?? .done
  }

  private static let precedence: [ExitCode] = [
    .interrupted, .terminated, .locked, .auditBroken, .credentialRefused, .badInput, .failed,
    .undelivered, .notActiveYet, .needsPerson, .changesPlanned,
  ]
}
