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
  /// Judges the tokens that a listing shows under this lineage's name. `listedAt` is when the listing was
  /// asked for, by the clock that stamps events.
  ///
  /// Every token of an attempt except the one in the ledger is an orphan, after a successful attempt
  /// too: a proxy may have repeated a POST. One that was revoked and is shown all the same is an orphan
  /// again, because an answer may have come from a replica that lagged. Attempts without an outcome are
  /// left out, because their string may be in the store: recovery comes first.
  public func evidence(from sightings: [Sighting], listedAt: Instant) -> Evidence {
    var evidence = Evidence(events: [], foreign: [])
    var seen = Set<Sighting>()
    for sighting in sightings where seen.insert(sighting).inserted {
      guard let attempt = attempts.last(where: { $0.id == sighting.attempt }) else {
        evidence.foreign.append(sighting)
        continue
      }
      guard !attempt.isOpen, attempt.legitimateTokenID != sighting.tokenID,
        attempt.orphans.first(where: { $0.tokenID == sighting.tokenID })?.isBack(listedAt) ?? true
      else { continue }
      evidence.events.append(
        .orphanFound(
          attempt: sighting.attempt, tokenID: sighting.tokenID,
          reason: attempt.orphanReason(sighting.tokenID)))
    }
    return evidence
  }

  /// Unknown attempts whose watch has ended by `now` without a sight of a token.
  public func endedWatches(at now: Instant) -> [AttemptID] {
    attempts.filter { $0.state == .unknown && now - $0.intendedAt > Attempt.watch }.map(\.id)
  }
}

extension Attempt {
  fileprivate func orphanReason(_ tokenID: String) -> String {
    if orphans.contains(where: { $0.tokenID == tokenID }) {
      return "it was revoked, and the cluster still lists it"
    }
    return switch state {
    case .kept: "a second token of an attempt whose token is in use"
    case .refused: "a token of an attempt that the cluster had refused"
    case .inFlight, .answered, .unknown, .lost, .closed: "its string never arrived"
    }
  }
}

extension Attempt.Orphan {
  /// How long a listing may go on showing a token that was revoked.
  private static let listingLag: Duration = .seconds(60)

  /// Whether a listing of that time contradicts its revocation.
  fileprivate func isBack(_ listedAt: Instant) -> Bool {
    guard state == .revoked, let revokedAt else { return false }
    return listedAt > revokedAt + Attempt.Orphan.listingLag
  }
}
