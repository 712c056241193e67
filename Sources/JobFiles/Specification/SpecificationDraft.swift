public import RotationModel

/// What a job file that is wrong says about its CSV all the same, so that both files' errors are told at once.
public struct SpecificationDraft: Sendable {
  var path: String
  var shownAs: String
  /// nil: none, or one that cannot be held against the rows, because it is wrong itself.
  var policy: PolicySettings?
  var rotation: RotationBounds?

  /// Bounds that no row breaks, for a `[rotation]` that is wrong itself.
  static let anyRotation = RotationBounds(
    RotationSettings(
      every: nil, overlap: .zero, retirement: .revoke, quarantine: .zero, expiresIn: nil, renewBefore: nil),
    activationTimeout: .zero)

  /// What is wrong with the CSV, 100 errors at the most.
  func errors(now: Instant, trust: TrustRule) -> [JobFileError] {
    do {
      let reader = try SpecificationReader(
        path: path, shownAs: shownAs, policy: policy, rotation: rotation, now: now, trust: trust)
      _ = try reader.validate()
      return []
    } catch {
      return (error as? JobFileErrors)?.errors ?? []
    }
  }
}

extension JobSet.Failure {
  /// The errors of the job file and, if it says which that is, of its CSV: the first 100 of all.
  ///
  /// - Parameter now: what the rows' `expires_at` must be later than.
  public func errorsOfBothFiles(now: Instant, trust: TrustRule = .ofThisProcess) -> JobFileErrors {
    let all = errors.errors + (draft?.errors(now: now, trust: trust) ?? [])
    return JobFileErrors(Array(all.prefix(SpecificationReader.maximumErrors)))
  }
}
