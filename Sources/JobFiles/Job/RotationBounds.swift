import RotationModel

/// What ages and lifetimes are held against, in a job file and in the rows of its CSV.
///
/// A lineage has one predecessor at the most, so a token that is due again before that one is gone would be
/// due for ever; one that expires earlier than its overlap ends would not work as long as was promised.
public struct RotationBounds: Equatable, Sendable {
  public var rotation: RotationSettings
  /// How long one run waits for a new token.
  public var activationTimeout: Duration

  public init(_ rotation: RotationSettings, activationTimeout: Duration) {
    self.rotation = rotation
    self.activationTimeout = activationTimeout
  }

  /// From the day a token is due until its predecessor is gone, when nothing fails.
  var replacement: Duration { rotation.overlap + quarantine + activationTimeout }

  /// `overlap (1d) and activation timeout (10m) together`
  var replacementShown: String {
    let overlap = "overlap (\(DurationText.format(rotation.overlap)))"
    let timeout = "activation timeout (\(DurationText.format(activationTimeout)))"
    guard rotation.retirement == .disableThenRevoke else { return "\(overlap) and \(timeout) together" }
    return "\(overlap), quarantine (\(DurationText.format(quarantine))) and \(timeout) together"
  }

  /// Whether tokens may be replaced at this age.
  func allows(age: Duration) -> Bool { age > replacement }

  /// Whether a token with this lifetime, replaced at this age, still works while the overlap lasts.
  func outlivesOverlap(lifetime: Duration, age: Duration) -> Bool { lifetime >= age + rotation.overlap }

  /// Whether a token with this lifetime is renewed late enough for its predecessor to be gone.
  func leavesRoom(lifetime: Duration) -> Bool {
    lifetime - (rotation.renewBefore ?? lifetime / 3) > replacement
  }

  private var quarantine: Duration {
    rotation.retirement == .disableThenRevoke ? rotation.quarantine : .zero
  }
}
