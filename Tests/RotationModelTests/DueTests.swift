import RotationModel
import Testing

struct DueTests {
  static let day = Duration.seconds(86_400)

  static func policy(every: Duration? = nil, renewBefore: Duration? = nil) -> RotationPolicy {
    RotationPolicy(isOn: true, every: every, renewBefore: renewBefore, overlap: day, quarantine: nil)
  }

  static func facts(
    after: Duration = .seconds(100), every: Duration? = nil, expiryIsRelative: Bool = true,
    permissionsDiffer: Bool = false, absence: DueFacts.Absence? = nil
  ) -> DueFacts {
    DueFacts(
      now: start + after, name: "n", every: every, expiryIsRelative: expiryIsRelative,
      permissionsDiffer: permissionsDiffer, absence: absence)
  }

  /// Staged three seconds after `start`, with thirty days to live.
  static let expiring: [Event] = [
    Story.intended(), .createDone(attempt: Story.a, tokenID: "T", expiresAt: start + .seconds(3) + day * 30),
    Story.staged, Story.confirmed, .storePromoted(generation: 1, store: "file"),
    .deliveryDone(generation: 1, at: start),
  ]
  static let stagedAt = start + .seconds(3)
  static let expiresAt = stagedAt + day * 30
  static let takenOver = [Event.tokenTakenOver(tokenID: "T0", expiresAt: nil)]
  static let everythingAtOnce = facts(after: day * 31, permissionsDiffer: true, absence: .missing)
  static let old = policy(every: day * 30)

  /// Each reason, and which of two comes first.
  @Test(
    arguments: [
      ("none without a token", [], old, everythingAtOnce, nil),
      ("none on the way", Array(expiring.prefix(4)), old, everythingAtOnce, nil),
      ("a takeover before what was found", takenOver, old, everythingAtOnce, .takeover),
      ("a takeover without a policy", takenOver, .off, facts(), .takeover),
      (
        "a wish before a takeover", takenOver + [.rotationRequested(generation: 0, compromised: true)], .off,
        facts(), .compromised
      ),
      (
        "compromised before all else", expiring + [.rotationRequested(generation: 1, compromised: true)], old,
        everythingAtOnce, .compromised
      ),
      (
        "requested before what was found", expiring + [.rotationRequested(generation: 1, compromised: false)],
        old, everythingAtOnce, .requested
      ),
      (
        "requested without a policy", expiring + [.rotationRequested(generation: 1, compromised: false)],
        .off,
        everythingAtOnce, .requested
      ),
      (
        "a wish about an earlier one is done",
        Story.made(1) + [.rotationRequested(generation: 1, compromised: true)] + Story.made(2, Story.b), .off,
        facts(), nil
      ),
      ("missing before permissions", expiring, old, everythingAtOnce, .missing),
      (
        "revoked elsewhere", expiring, old, facts(permissionsDiffer: true, absence: .revoked),
        .revokedElsewhere
      ),
      (
        "permissions before time", expiring, old, facts(after: day * 31, permissionsDiffer: true),
        .permissions
      ),
      ("expiry before age", expiring, old, facts(after: day * 31), .expiry(at: expiresAt)),
      (
        "age where the expiry is fixed", expiring, old, facts(after: day * 31, expiryIsRelative: false),
        .age(since: stagedAt)
      ),
      ("nothing is due", expiring, old, facts(), nil),
      ("no policy, nothing due", expiring, .off, everythingAtOnce, nil),
      ("no age without every", Story.made(1), policy(), facts(after: day * 9999), nil),
      (
        "the row's own every", Story.made(1), policy(every: day * 300),
        facts(after: day * 31, every: day * 30),
        .age(since: stagedAt)
      ),
      (
        "the row's own every is longer", Story.made(1), old, facts(after: day * 31, every: day * 300), nil
      ),
      // A fixed expiry would be the next token's as well.
      (
        "a fixed expiry never makes it due", expiring, policy(renewBefore: day * 7),
        facts(after: day * 999, expiryIsRelative: false), nil
      ),
    ] as [(String, [Event], RotationPolicy, DueFacts, DueReason?)])
  func reason(
    name: String, history: [Event], policy: RotationPolicy, facts: DueFacts, expected: DueReason?
  ) throws {
    #expect(try Story(of: history).machine.dueReason(policy, facts) == expected, "\(name)")
  }

  @Test func aThirdOfItsLifetimeBeforeItExpiresATokenIsDue() throws {
    let machine = try Story(of: DueTests.expiring).machine
    let ten = DueTests.expiresAt - DueTests.day * 10
    #expect(machine.incumbent?.renewAt(DueTests.policy()) == ten)
    #expect(machine.nextDue(DueTests.policy(), DueTests.facts()) == ten)
    func reason(_ now: Instant) -> DueReason? {
      machine.dueReason(DueTests.policy(), DueTests.facts(after: now - start))
    }
    #expect(reason(ten - .milliseconds(1)) == nil)
    #expect(reason(ten) == .expiry(at: DueTests.expiresAt))
    let seven = DueTests.policy(renewBefore: DueTests.day * 7)
    #expect(machine.incumbent?.renewAt(seven) == DueTests.expiresAt - DueTests.day * 7)
    #expect(try Story(of: Story.made(1)).machine.incumbent?.renewAt(seven) == nil)
  }

  @Test func ageMakesATokenDueAtTheMillisecond() throws {
    let machine = try Story(of: Story.made(1)).machine
    let every = DueTests.day * 30
    let due = DueTests.stagedAt + every - RotationPolicy.spread(name: "n", every: every)
    #expect(machine.nextDue(DueTests.old, DueTests.facts()) == due)
    #expect(
      machine.dueReason(DueTests.old, DueTests.facts(after: due - .milliseconds(1) - start)) == nil)
    #expect(
      machine.dueReason(DueTests.old, DueTests.facts(after: due - start)) == .age(since: DueTests.stagedAt))
  }

  @Test func theEarlierOfAgeAndExpiryComesNext() throws {
    let machine = try Story(of: DueTests.expiring).machine
    let byExpiry = DueTests.expiresAt - DueTests.day * 10
    #expect(machine.nextDue(DueTests.policy(every: DueTests.day * 300), DueTests.facts()) == byExpiry)
    let soon = machine.nextDue(DueTests.policy(every: DueTests.day * 5), DueTests.facts())
    #expect(soon.map { $0 < byExpiry } == true)
    #expect(machine.nextDue(.off, DueTests.facts()) == nil)
    #expect(machine.nextDue(DueTests.policy(), DueTests.facts(expiryIsRelative: false)) == nil)
    #expect(RotationMachine().nextDue(DueTests.old, DueTests.facts()) == nil)
  }

  @Test func dueDatesAreSpreadOverATenthAndStayWhereTheyAre() {
    let every = DueTests.day * 30
    let names = (0..<200).map { "plant-\($0)" }
    let spreads = names.map { RotationPolicy.spread(name: $0, every: every) }
    #expect(spreads == names.map { RotationPolicy.spread(name: $0, every: every) })
    #expect(spreads.allSatisfy { .zero <= $0 && $0 <= every / 10 })
    // Each of the tenth's tenths has its share: 20 of 200 if it were even.
    let shares = Dictionary(grouping: spreads) { min(9, Int($0 / (every / 100))) }
    #expect(shares.count == 10 && shares.values.allSatisfy { (5...40).contains($0.count) })
    // The same on every machine and in every version: these are written down, not computed.
    #expect(RotationPolicy.spread(name: "a", every: .seconds(10_240)) == .milliseconds(192_000))
    #expect(RotationPolicy.spread(name: "plant-1", every: .seconds(10_240)) == .milliseconds(591_000))
    #expect(RotationPolicy.spread(name: "a", every: .zero) == .zero)
  }

  @Test(arguments: [
    (DueReason.takeover, true, false), (.requested, false, false), (.compromised, false, false),
    (.age(since: start), true, true), (.expiry(at: start), true, true), (.permissions, true, false),
    (.missing, true, false), (.revokedElsewhere, true, false),
  ])
  func whatAHoldStopsAndWhatAClockDecides(reason: DueReason, isStopped: Bool, isByTime: Bool) {
    #expect(reason.isStoppedByHold == isStopped && reason.isByTime == isByTime)
  }
}
