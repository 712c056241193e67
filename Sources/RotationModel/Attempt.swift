/// One POST, and whatever is known of its effect.
public struct Attempt: Equatable, Sendable {
  public let id: AttemptID
  /// The generation that the token was to be.
  public let generation: Int
  public let intendedAt: Instant
  /// No effect is expected later, though one may come: hence the watch.
  public let deadline: Instant
  /// What its string is stored under, if it ever arrived; nil: the lineage's name.
  public let key: String?
  public internal(set) var state: State
  /// Tokens with this attempt's marker whose strings are lost or unusable.
  public internal(set) var orphans: [Orphan] = []
  /// Whether it went unanswered, whatever came to light since.
  public internal(set) var wasUnknown = false
  /// Whether a listing begun after the deadline was answered before another attempt was intended.
  public internal(set) var wasSearched = false

  /// Whether its effect may still come and nobody has looked for it late enough. A token that was seen
  /// early does not end the doubt: a proxy may have sent the request twice.
  public var isDoubtful: Bool { wasUnknown && !wasSearched }

  public enum State: Equatable, Sendable {
    /// The POST may be under way, or may have been when the run died.
    /// Leaves to: answered, refused, unknown, kept.
    case inFlight
    /// The cluster made a token; its string is in the run's memory only.
    /// Leaves to: kept, lost.
    case answered(tokenID: String, expiresAt: Instant?)
    /// Nothing was made. Final.
    case refused
    /// Never sent again; on watch. Leaves to: kept, lost, closed.
    case unknown
    /// Its token is that of its generation. Leaves to: lost, when the generation was revoked.
    case kept(tokenID: String)
    /// Its token, if there was one, is an orphan. Final.
    case lost
    /// Watched to the end without a sight of a token. Leaves to: lost, should one appear after all.
    case closed
  }

  /// A token that nobody can use, on its way out.
  public struct Orphan: Equatable, Sendable {
    public let tokenID: String
    public internal(set) var state: State
    /// Whether a run has intended to revoke it, which it does only to a token that it has seen.
    public internal(set) var wasToBeRevoked = false
    /// When its revocation was last recorded as done.
    public internal(set) var revokedAt: Instant?

    public enum State: Equatable, Sendable {
      /// Leaves to: revoking, revoked (it was gone when it was looked at).
      case found
      /// A DELETE may have been sent. Leaves to: found (refused), revoked.
      case revoking
      /// Leaves to: found, should a later listing still show it.
      case revoked
    }
  }

  /// Whether a generation has this attempt's token.
  public var isKept: Bool {
    if case .kept = state { true } else { false }
  }

  /// How long the effect of an attempt may come late and is looked for by every run.
  public static let watch: Duration = .seconds(7 * 86_400)

  /// The token id that may live: that of the kept generation or of an answer being staged.
  var legitimateTokenID: String? {
    switch state {
    case .kept(let tokenID), .answered(let tokenID, _): tokenID
    case .inFlight, .refused, .unknown, .lost, .closed: nil
    }
  }
}

extension Attempt {
  /// Whether this token can come to light as an orphan now. While the attempt is open only its own answer
  /// can, when the string turns out to be of no use: recovery comes before any other judgement.
  func mayHaveOrphan(_ tokenID: String) -> Bool {
    guard !orphans.contains(where: { $0.tokenID == tokenID && $0.state != .revoked })
    else { return false }
    switch state {
    case .inFlight: return false
    case .answered(let answered, _): return answered == tokenID
    case .kept(let kept): return kept != tokenID
    case .refused, .unknown, .lost, .closed: return true
    }
  }

  mutating func noteOrphan(_ tokenID: String, _ state: Orphan.State, at revokedAt: Instant? = nil) {
    if let index = orphans.firstIndex(where: { $0.tokenID == tokenID }) {
      orphans[index].state = state
      orphans[index].revokedAt = revokedAt ?? orphans[index].revokedAt
    } else {
      orphans.append(Orphan(tokenID: tokenID, state: state, revokedAt: revokedAt))
    }
  }

  /// Whether an answer is still to come, or was taken without being put away.
  public var isOpen: Bool {
    switch state {
    case .inFlight, .answered: true
    case .refused, .unknown, .kept, .lost, .closed: false
    }
  }
}
