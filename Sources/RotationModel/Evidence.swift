/// A token seen on the cluster with a marker of this lineage.
public struct Sighting: Hashable, Sendable {
  public var attempt: AttemptID
  public var tokenID: String

  public init(attempt: AttemptID, tokenID: String) {
    self.attempt = attempt
    self.tokenID = tokenID
  }
}

/// What a listing says about a lineage.
public struct Evidence: Equatable, Sendable {
  /// To be recorded, in order: orphans that have come to light.
  public var events: [Event]
  /// Tokens whose attempt this ledger has never seen: reported, never touched.
  public var foreign: [Sighting]
}

extension RotationMachine {
  /// Judges the tokens that a listing shows under this lineage's name.
  ///
  /// Every token of an attempt except the one in the ledger is an orphan, after a successful attempt
  /// too: a proxy may have repeated a POST. Attempts without an outcome are left out, because their string
  /// may be in the store: recovery comes first.
  public func evidence(from sightings: [Sighting]) -> Evidence {
    var evidence = Evidence(events: [], foreign: [])
    for sighting in sightings {
      guard let attempt = attempts.last(where: { $0.id == sighting.attempt }) else {
        evidence.foreign.append(sighting)
        continue
      }
      guard !attempt.isOpen, attempt.legitimateTokenID != sighting.tokenID,
        !attempt.orphans.contains(where: { $0.tokenID == sighting.tokenID })
      else { continue }
      evidence.events.append(
        .orphanFound(
          attempt: sighting.attempt, tokenID: sighting.tokenID, reason: attempt.orphanReason))
    }
    return evidence
  }

  /// Unknown attempts whose watch has ended by `now` without a sight of a token.
  public func endedWatches(at now: Instant) -> [AttemptID] {
    attempts.filter { $0.state == .unknown && now - $0.intendedAt > Attempt.watch }.map(\.id)
  }
}

extension Attempt {
  fileprivate var orphanReason: String {
    switch state {
    case .kept: "a second token of an attempt whose token is in use"
    case .refused: "a token of an attempt that the cluster had refused"
    case .inFlight, .answered, .unknown, .lost, .closed: "its string never arrived"
    }
  }
}
