public import RotationModel

/// A program of the job's owner that is told what became of tokens, so that consumers read the new ones.
public struct Hook: Equatable, Sendable {
  /// When it is told.
  public enum Occasion: String, Sendable, CaseIterable {
    /// Every store has the token; its delivery is complete when the hook has done its work.
    case delivered
    /// The cluster refuses a token that was delivered once.
    case retired
    /// A run has ended, and something in it failed.
    case failed
  }

  /// How often it is told.
  public enum Scope: String, Sendable, CaseIterable {
    /// Once, of all tokens together.
    case run
    /// Of each token by itself.
    case token
  }

  /// What ledger and audit log call it: the same for the same command, so that a success on record is that of what
  /// the job says now.
  public var name: String
  public var occasion: Occasion
  public var scope: Scope

  public init(name: String, occasion: Occasion, scope: Scope) {
    self.name = name
    self.occasion = occasion
    self.scope = scope
  }
}

/// What a hook is told. Never holds a token string.
public struct HookCall: Equatable, Sendable {
  /// nil: the job was refused before the run had begun.
  public var run: RunID?
  public var job: String
  /// Account and cluster, as the ledger knows them.
  public var cluster: String
  /// The query and write endpoint, a full URL.
  public var host: String
  public var tokens: [Token]
  /// How many there are, where they are more than `tokens` names.
  public var count: Int
  /// Why the job was ended early, if it was.
  public var problem: Problem?

  public init(
    run: RunID?, job: String, cluster: String, host: String, tokens: [Token], count: Int? = nil,
    problem: Problem? = nil
  ) {
    self.run = run
    self.job = job
    self.cluster = cluster
    self.host = host
    self.tokens = tokens
    self.count = count ?? tokens.count
    self.problem = problem
  }

  /// One token that a hook is told of.
  public struct Token: Equatable, Sendable {
    public var name: String
    public var tokenID: String?
    /// The token that it has replaced and that is not gone yet.
    public var previousTokenID: String?
    public var generation: Int?
    public var expiresAt: Instant?
    /// Of its row, by key.
    public var labels: [String: String]
    /// What has failed.
    public var problem: Problem?

    public init(
      name: String, tokenID: String? = nil, previousTokenID: String? = nil, generation: Int? = nil,
      expiresAt: Instant? = nil, labels: [String: String] = [:], problem: Problem? = nil
    ) {
      self.name = name
      self.tokenID = tokenID
      self.previousTokenID = previousTokenID
      self.generation = generation
      self.expiresAt = expiresAt
      self.labels = labels
      self.problem = problem
    }
  }
}

/// Runs the hooks of a job.
public protocol Hooks: Sendable {
  /// Tells the hook, and returns when it has done its work. Throws when it could not be started, failed, or did not
  /// end in its time; whether it has had an effect nobody knows then.
  func tell(_ hook: Hook, _ call: HookCall) async throws(HookError)
}

/// Why a hook did not do its work.
public struct HookError: Error, Equatable, Sendable {
  /// What happened, in words for people.
  public var message: String
  /// The last of what the hook wrote, on one line, with whatever might be a token struck out. Shown, and recorded
  /// nowhere: what a program writes is nothing to keep.
  public var output: String
  /// What to do next.
  public var hint: String?
  /// Whether it was ended because it took longer than it may.
  public var timedOut: Bool

  public init(message: String, output: String = "", hint: String? = nil, timedOut: Bool = false) {
    self.message = message
    self.output = output
    self.hint = hint
    self.timedOut = timedOut
  }
}

extension Problem {
  /// The code of what a hook has kept from being complete.
  public static let hookFailed = "hook_failed"

  public init(_ error: HookError) {
    let output = error.output.isEmpty ? "" : ": \(error.output)"
    self.init(code: Problem.hookFailed, message: error.message + output, hint: error.hint)
  }
}
