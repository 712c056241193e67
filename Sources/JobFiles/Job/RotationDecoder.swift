import RotationModel
import TOMLReader

/// Reads `[rotation]`.
struct RotationDecoder {
  static let keys = ["every", "overlap", "retire", "quarantine", "expires_in", "renew_before"]
  /// The ages at which tokens may be replaced.
  static let ages: ClosedRange<Duration> = .seconds(1)...years
  private static let years: Duration = .seconds(10 * 366 * 86_400)

  let section: Section
  let activationTimeout: Duration

  func decode() -> RotationSettings {
    let years = RotationDecoder.years
    let settings = RotationSettings(
      every: section.duration("every", in: RotationDecoder.ages),
      overlap: section.duration("overlap", in: .seconds(0)...years) ?? .seconds(86_400),
      retirement: section.choice("retire", RotationSettings.Retirement.self)?.value ?? .revoke,
      quarantine: section.duration("quarantine", in: .seconds(0)...years) ?? .seconds(86_400),
      expiresIn: section.duration("expires_in", in: .seconds(60)...years),
      renewBefore: section.duration("renew_before", in: .seconds(1)...years))
    check(settings)
    return settings
  }

  private func check(_ settings: RotationSettings) {
    let bounds = RotationBounds(settings, activationTimeout: activationTimeout)
    if let every = settings.every, !bounds.allows(age: every) {
      note(
        "`every` must be longer than \(bounds.replacementShown)", at: "every",
        hint: "a token is replaced once its predecessor is gone: rotate less often, or shorten the overlap")
    }
    // Rows may have an `expires_in` of their own, so `renew_before` makes sense without this one.
    guard let expiresIn = settings.expiresIn else { return }
    if let every = settings.every, !bounds.outlivesOverlap(lifetime: expiresIn, age: every) {
      note(
        "`expires_in` must be at least `every` (\(DurationText.format(every))) and overlap"
          + " (\(DurationText.format(settings.overlap))) together", at: "expires_in",
        hint: "else a token expires while it should work beside its successor")
    }
    checkRenewal(of: expiresIn, bounds)
  }

  private func checkRenewal(of expiresIn: Duration, _ bounds: RotationBounds) {
    if let renewBefore = bounds.rotation.renewBefore, renewBefore >= expiresIn {
      note(
        "`renew_before` must be shorter than `expires_in`", at: "renew_before",
        hint: "else each token is due as soon as it is created")
    } else if !bounds.leavesRoom(lifetime: expiresIn) {
      let isGiven = bounds.rotation.renewBefore != nil
      note(
        "`expires_in` less `renew_before`\(isGiven ? "" : " (a third of it)") must be longer than"
          + " \(bounds.replacementShown)", at: isGiven ? "renew_before" : "expires_in",
        hint: "else each token is due again before its predecessor is gone")
    }
  }

  private func note(_ message: String, at key: String, hint: String) {
    section.log.add(message, at: section.position(of: key), hint: hint)
  }
}
