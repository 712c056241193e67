public import RotationModel
public import RotationPorts

/// What a call of the program leaves for who watches it.
public struct RunMetrics: Equatable, Sendable {
  public var version: String
  public var finishedAt: Instant
  public var took: Duration
  public var exitCode: ExitCode
  public var jobs: [Job]

  public init(version: String, finishedAt: Instant, took: Duration, exitCode: ExitCode, jobs: [Job]) {
    self.version = version
    self.finishedAt = finishedAt
    self.took = took
    self.exitCode = exitCode
    self.jobs = jobs
  }

  /// One job of it.
  public struct Job: Equatable, Sendable {
    public var name: String
    public var exitCode: ExitCode
    public var counts: [TokenOutcome: Int]
    /// nil: the job was refused before its ledger was looked at.
    public var census: TokenCensus?

    public init(
      name: String, exitCode: ExitCode, counts: [TokenOutcome: Int] = [:], census: TokenCensus? = nil
    ) {
      self.name = name
      self.exitCode = exitCode
      self.counts = counts
      self.census = census
    }
  }
}

extension ExitCode {
  /// Whether who watches has nothing to do: what is created and not active yet is finished by the next run.
  public var isSuccess: Bool {
    switch self {
    case .done, .notActiveYet: true
    case .failed, .badInput, .locked, .credentialRefused, .undelivered, .auditBroken, .needsPerson,
      .changesPlanned, .interrupted, .terminated:
      false
    }
  }
}
