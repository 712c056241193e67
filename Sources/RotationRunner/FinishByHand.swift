import RotationModel
public import RotationPorts

/// What calls that died, or could not finish, have left of tokens that a person had asked for: their strings were shown
/// to nobody, so that they go.
public struct FinishByHand: Sendable {
  let ledger: any Ledger
  /// The job in which they are recorded.
  let job: String

  public init(job: String, ledger: any Ledger) {
    self.job = job
    self.ledger = ledger
  }

  /// The names of lineages for which something is to be done, or looked for, yet. Sends nothing.
  public func unfinished() async throws(LedgerError) -> Set<String> {
    guard try await ledger.hasHistory(job: job) else { return [] }
    var names: Set<String> = []
    var after: String?
    repeat {
      let page = try await ledger.lineages(job: job, after: after, limit: 256)
      for lineage in page where (try? RotationMachine(replaying: lineage.events).isUnfinished) ?? true {
        names.insert(lineage.name)
      }
      after = page.last?.name
    } while after != nil
    return names
  }
}

/// For a run that only finishes what others have left.
public struct NobodyWaits: SecretDisplay {
  public init() {}

  public func show(_ token: ShownToken) async throws(DisplayError) {
    throw DisplayError(message: "nobody waits for it")
  }
}
