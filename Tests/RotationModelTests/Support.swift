import RotationModel

/// Numbers that a seed decides, so that a failing case can be looked at again.
struct Seeded: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) {
    state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}

let start = Instant(milliseconds: 1_796_000_000_000)

func attempt(_ number: UInt64) -> AttemptID { AttemptID(bits: number) }

/// A machine, and the events that made it.
struct Story {
  var machine = RotationMachine()
  var events: [TimedEvent] = []
  var now = start

  init(_ events: Event...) throws {
    for event in events { try add(event) }
  }

  /// One second passes, then the event happens.
  mutating func add(_ event: Event) throws {
    now = now + .seconds(1)
    let timed = TimedEvent(event, at: now)
    try machine.apply(timed)
    events.append(timed)
  }
}

extension Story {
  static let a = attempt(0xA)
  static let b = attempt(0xB)

  static func intended(_ id: AttemptID = a, generation: Int = 1) -> Event {
    .createIntended(generation: generation, attempt: id, deadline: start + .seconds(60))
  }

  static let answered = Event.createDone(attempt: a, tokenID: "T", expiresAt: nil)
  static let unknown = Event.createUnknown(attempt: a, reason: "no answer")
  static let staged = Event.storeStaged(generation: 1, attempt: a, store: "file")
  static let confirmed = Event.activationConfirmed(generation: 1, after: .seconds(3))
  static let found = Event.orphanFound(attempt: a, tokenID: "T", reason: "lost")
  static let revoking = Event.revokeIntended(generation: 1, reason: "refused")
}

/// One value of each case of `Event`, about the given attempt, generation and token. The test
/// `everyCaseHasASample` compares it with the source.
func everyEvent(attempt: AttemptID, fresh: AttemptID, generation: Int, tokenID: String) -> [Event] {
  [
    .createIntended(generation: generation, attempt: fresh, deadline: start + .seconds(60)),
    .createDone(attempt: attempt, tokenID: tokenID, expiresAt: start + .seconds(86_400)),
    .createRefused(attempt: attempt, reason: "400: bad"),
    .createUnknown(attempt: attempt, reason: "no answer"),
    .createWatchEnded(attempt: attempt),
    .storeStaged(generation: generation, attempt: attempt, store: "file"),
    .tokenAdopted(
      generation: generation, attempt: attempt, tokenID: tokenID, place: .pending, expiresAt: nil),
    .orphanFound(attempt: attempt, tokenID: tokenID, reason: "its string never arrived"),
    .orphanRevokeIntended(attempt: attempt, tokenID: tokenID),
    .orphanRevoked(attempt: attempt, tokenID: tokenID),
    .orphanRevokeRefused(attempt: attempt, tokenID: tokenID, reason: "403"),
    .orphanRevokeUnknown(attempt: attempt, tokenID: tokenID, reason: "no answer"),
    .activationConfirmed(generation: generation, after: .milliseconds(3250)),
    .activationTimedOut(generation: generation, refusedSince: start, reason: "401"),
    .activationAccepted(generation: generation),
    .storePromoted(generation: generation, store: "file"),
    .deliveryFailed(generation: generation, store: "vault", reason: "sealed"),
    .deliveryDone(generation: generation),
    .revokeIntended(generation: generation, reason: "refused for too long"),
    .revokeDone(generation: generation),
    .revokeRefused(generation: generation, reason: "429"),
    .revokeUnknown(generation: generation, reason: "no answer"),
  ]
}
