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

  /// The way of one generation from its intent until every one of these stores has it.
  static func made(_ generation: Int, _ id: AttemptID = a, in stores: [String] = ["file"]) -> [Event] {
    [
      intended(id, generation: generation),
      .createDone(attempt: id, tokenID: generation == 1 ? "T" : "T\(generation)", expiresAt: nil),
      .storeStaged(generation: generation, attempt: id, store: "file"),
      .activationConfirmed(generation: generation, after: .seconds(3)),
    ] + stores.map { .storePromoted(generation: generation, store: $0) }
      + [.deliveryDone(generation: generation, at: start)]
  }

  /// Generation 2 is current, and generation 1 is what it replaced.
  static func rotated(in stores: [String] = ["file"]) -> [Event] {
    made(1, a, in: stores) + made(2, b, in: stores)
  }

  static let readAndWrite = PermissionSet([Permission(.read, "a"), Permission(.write, "b")])
  static let disabling = rotated() + [disableIntended(1)]
  static let disabled = disabling + [.disableDone(generation: 1, at: start)]
  static let revokingOld = rotated() + [revoking]
  static let revokedOld = revokingOld + [.revokeDone(generation: 1)]
  static let rollbackAsked = Event.rollbackRequested(generation: 1)
  static let verifiedAgain = rotated() + [rollbackAsked, confirmed]
  static let rolledBack =
    verifiedAgain + [
      .storeRolledBack(generation: 1, store: "file"), .rollbackDone(generation: 1, at: start),
    ]
  static let withdrawn =
    made(1) + [
      .retirementRequested(now: false), .storeWithdrawn(generation: 1, store: "file", at: start),
    ]

  /// One that somebody else made has given way to the first of ours.
  static let takenOver = [Event.tokenTakenOver(tokenID: "T0", expiresAt: nil)] + made(1)
  static let takenOverAndGone = takenOver + [.tokenGone(generation: 1, reason: "404")]
  /// A successor that was never delivered, and is gone.
  static let givenUp =
    stagedSecond + [.revokeIntended(generation: 2, reason: "refused"), .revokeDone(generation: 2)]

  static let rolledBackAlone =
    rolledBack + [
      .revokeIntended(generation: 2, reason: "old"), .revokeDone(generation: 2),
      .revokeConfirmed(generation: 2),
    ]
  static let enabling = disabled + [rollbackAsked, .enableIntended(generation: 1)]
  static let stagedSecond = Array(made(2, b).prefix(3))
  static let activeSecond = Array(made(2, b).prefix(4))
  static let ended: [Event] = [revoking, .revokeDone(generation: 1), .revokeConfirmed(generation: 1)]

  static func disableIntended(_ generation: Int) -> Event {
    .disableIntended(generation: generation, permissions: readAndWrite, at: start)
  }

  init(of events: [Event]) throws {
    for event in events { try add(event) }
  }
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
    .secretShown(generation: generation),
    .storePromoted(generation: generation, store: "file"),
    .deliveryFailed(generation: generation, store: "vault", reason: "sealed"),
    .deliveryDone(generation: generation, at: start),
    .hookDone(generation: generation, hook: "systemctl-12345678"),
    .hookFailed(generation: generation, hook: "systemctl-12345678", reason: "exit 1"),
    .hooksOwed(generation: generation),
    .hooksSettled(generation: generation),
    .revokeIntended(generation: generation, reason: "refused for too long"),
    .revokeDone(generation: generation),
    .revokeRefused(generation: generation, reason: "429"),
    .revokeUnknown(generation: generation, reason: "no answer"),
    .revokeConfirmed(generation: generation),
    .tokenTakenOver(tokenID: tokenID, expiresAt: start + .seconds(86_400)),
    .tokenGone(generation: generation, reason: "GET says 404"),
    .updateIntended(generation: generation),
    .updateDone(generation: generation),
    .updateRefused(generation: generation, reason: "400"),
    .updateUnknown(generation: generation, reason: "no answer"),
    .disableIntended(generation: generation, permissions: Story.readAndWrite, at: start),
    .disableDone(generation: generation, at: start),
    .disableRefused(generation: generation, reason: "400"),
    .disableUnknown(generation: generation, reason: "no answer"),
    .enableIntended(generation: generation),
    .enableDone(generation: generation),
    .enableRefused(generation: generation, reason: "400"),
    .enableUnknown(generation: generation, reason: "no answer"),
    .rotationRequested(generation: generation, compromised: false),
    .lineageHeld,
    .lineageReleased,
    .rollbackRequested(generation: generation),
    .storeRolledBack(generation: generation, store: "file"),
    .rollbackDone(generation: generation, at: start),
    .rollbackRefused(generation: generation, reason: "it is not accepted"),
    .retirementRequested(now: false),
    .storeWithdrawn(generation: generation, store: "file", at: start),
    .lineageRenamed(from: "old-name"),
    .relocationIntended(key: "secret-name"),
    .relocationRefused(reason: "the place is taken"),
    .storeRelocated(store: "file"),
    .relocationDone(key: "secret-name"),
    .clusterChanged(from: "account/cluster"),
    .tokenForgotten(generation: generation),
  ]
}
