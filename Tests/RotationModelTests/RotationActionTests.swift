import RotationModel
import Testing

/// What is done next for lineages that have a token, table by table.
struct RotationActionTests {
  /// A day has passed by the cluster's clock, so that everything is due that has a time.
  static func context(_ change: (inout ActionContext) -> Void = { _ in }) -> ActionContext {
    var context = ActionContext(
      isWanted: true, stores: ["file"], abandonAfter: .seconds(86_400), now: start + .seconds(100_000))
    context.policy = RotationPolicy(
      isOn: true, every: nil, renewBefore: nil, overlap: .seconds(3600), quarantine: nil)
    context.retireNow = start + .seconds(100_000)
    change(&context)
    return context
  }

  static func at(_ seconds: Int64, quarantine: Duration? = nil) -> ActionContext {
    context {
      $0.retireNow = start + .seconds(seconds)
      $0.policy.quarantine = quarantine
    }
  }

  static let quarantine = Duration.seconds(600)
  static let noClock = context { $0.retireNow = nil }
  static let gaveUp = context { $0.gaveUpOn = [1] }
  static let held = Story.made(1) + [.lineageHeld]
  static let compromised = Story.made(1) + [.rotationRequested(generation: 1, compromised: true)]
  static let oldIsCompromised = compromised + Story.made(2, Story.b)
  static let goneIncumbent = Story.rotated() + [.tokenGone(generation: 2, reason: "404")]

  static func due(_ reason: DueReason) -> ActionContext { context { $0.due = reason } }

  typealias Row = (String, [Event], ActionContext, Action)

  static let rotationRows: [Row] = [
    ("nothing is due", Story.made(1), context(), .none),
    ("due", Story.made(1), due(.age(since: start)), .create(generation: 2)),
    ("due without a row", Story.made(1), context { ($0.due, $0.isWanted) = (.missing, false) }, .none),
    ("due and held", held, due(.missing), .none),
    ("asked for and held", held, due(.requested), .create(generation: 2)),
    ("released", held + [.lineageReleased], due(.missing), .create(generation: 2)),
    ("held before anything was made", [.lineageHeld], context(), .none),
    ("an unsearched attempt first", Story.made(1) + unknownSecond, due(.requested), .search([Story.b])),
    (
      "searched", Story.made(1) + unknownSecond,
      context { ($0.due, $0.searched) = (.requested, [Story.b]) }, .create(generation: 2)
    ),
    ("the predecessor first", Story.rotated(), context { ($0.due, $0.retireNow) = (.missing, nil) }, .none),
    (
      "until it is confirmed gone", Story.revokedOld, context { ($0.due, $0.gaveUpOn) = (.missing, [1]) },
      .none
    ),
    (
      "then the next", Story.revokedOld + [.revokeConfirmed(generation: 1)], due(.missing),
      .create(generation: 3)
    ),
    ("beside one that was taken over", takenOver, due(.takeover), .create(generation: 1)),
    ("its successor goes on", Story.made(1) + Story.stagedSecond, context(), .activate(generation: 2)),
    (
      "a successor that is not what the row asks for", Story.made(1) + Story.stagedSecond,
      context { $0.successorIsOutdated = true }, .revoke(generation: 2, reason: .outdated)
    ),
    (
      "which nobody can know without the row", Story.made(1) + Story.stagedSecond,
      context { ($0.successorIsOutdated, $0.isWanted) = (true, false) }, .none
    ),
    (
      "a successor that a person does not want", Story.made(1) + Story.stagedSecond + wish(2),
      context(), .revoke(generation: 2, reason: .requested)
    ),
    (
      "a successor that is known to others", Story.made(1) + Story.stagedSecond + wish(2, compromised: true),
      context(), .revoke(generation: 2, reason: .compromised)
    ),
    (
      "a wish about the incumbent leaves the successor", Story.made(1) + Story.stagedSecond + wish(1),
      context(), .activate(generation: 2)
    ),
    // A store may call it current already.
    (
      "an active one is delivered in any case", Story.made(1) + Story.activeSecond + wish(2),
      context(), .promote(generation: 2, store: "file")
    ),
  ]

  static let unknownSecond = [
    Story.intended(Story.b, generation: 2), .createUnknown(attempt: Story.b, reason: "no answer"),
  ]
  static let takenOver = [Event.tokenTakenOver(tokenID: "T0", expiresAt: nil)]

  static func wish(_ generation: Int, compromised: Bool = false) -> [Event] {
    [.rotationRequested(generation: generation, compromised: compromised)]
  }

  static let retirementRows: [Row] = [
    ("within the overlap", Story.rotated(), at(3599), .none),
    ("after the overlap", Story.rotated(), at(3600), .revoke(generation: 1, reason: .superseded)),
    ("disabled first", Story.rotated(), at(3600, quarantine: quarantine), .disable(generation: 1)),
    ("by no clock that is not reliable", Story.rotated(), noClock, .none),
    ("known to others: at once", oldIsCompromised, at(0), .revoke(generation: 1, reason: .compromised)),
    (
      "not even disabled first", oldIsCompromised, at(0, quarantine: quarantine),
      .revoke(generation: 1, reason: .compromised)
    ),
    ("but by a reliable clock", oldIsCompromised, noClock, .none),
    ("a disable in doubt", Story.disabling, at(0, quarantine: quarantine), .confirmDisable(generation: 1)),
    ("even by no clock", Story.disabling, noClock, .confirmDisable(generation: 1)),
    (
      "given up on, in quarantine", Story.disabling,
      context {
        ($0.gaveUpOn, $0.policy.quarantine, $0.retireNow) = ([1], quarantine, start + .seconds(599))
      },
      .none
    ),
    (
      "given up on, after it", Story.disabling,
      context {
        ($0.gaveUpOn, $0.policy.quarantine, $0.retireNow) = ([1], quarantine, start + .seconds(600))
      },
      .revoke(generation: 1, reason: .quarantined)
    ),
    ("in quarantine", Story.disabled, at(599, quarantine: quarantine), .none),
    (
      "after the quarantine", Story.disabled, at(600, quarantine: quarantine),
      .revoke(generation: 1, reason: .quarantined)
    ),
    ("quarantine without a clock", Story.disabled, noClock, .none),
    (
      "a quarantine that the job gave up", Story.disabled, at(0), .revoke(generation: 1, reason: .quarantined)
    ),
    (
      "disabled and known to others", Story.disabled + wish(1, compromised: true),
      at(0, quarantine: quarantine), .revoke(generation: 1, reason: .compromised)
    ),
    (
      "disabling and known to others", Story.disabling + wish(1, compromised: true),
      at(0, quarantine: quarantine), .revoke(generation: 1, reason: .compromised)
    ),
    (
      "refused: from the beginning", Story.disabling + [.disableRefused(generation: 1, reason: "400")],
      at(3600, quarantine: quarantine), .disable(generation: 1)
    ),
    ("begun is completed", Story.revokingOld, noClock, .revoke(generation: 1, reason: .intended)),
    ("and confirmed", Story.revokedOld, noClock, .confirmRevocation(generation: 1)),
    ("unless in vain", Story.revokedOld, gaveUp, .none),
    // Without a row as well: what was begun is finished.
    (
      "without a row", Story.rotated(), context { $0.isWanted = false },
      .revoke(generation: 1, reason: .superseded)
    ),
    // What was replaced goes last.
    ("nothing in its place: it stays", goneIncumbent, context(), .create(generation: 3)),
    ("nothing in its place, held", goneIncumbent + [.lineageHeld], context(), .none),
    (
      "unless others know it", goneIncumbent + wish(1, compromised: true), context(),
      .revoke(generation: 1, reason: .compromised)
    ),
    (
      "compromised and gone: forgotten when another is in its place",
      Story.made(1) + wish(1, compromised: true) + [.tokenGone(generation: 1, reason: "404")], context(),
      .create(generation: 2)
    ),
    (
      "then",
      Story.made(1) + wish(1, compromised: true) + [.tokenGone(generation: 1, reason: "404")]
        + Story.made(2, Story.b), context(), .confirmRevocation(generation: 1)
    ),
    (
      "disabled, nothing in its place", Story.disabled + [.tokenGone(generation: 2, reason: "404")],
      context { $0.policy.quarantine = quarantine }, .create(generation: 3)
    ),
    (
      "one that was taken over", takenOver + Story.made(1), at(3600),
      .revoke(generation: 0, reason: .superseded)
    ),
    (
      "one that was let go", Story.takenOver + [.tokenForgotten(generation: 0)],
      context { $0.due = .requested }, .create(generation: 2)
    ),
  ]

  static let askedAgain = Story.rotated() + [Story.rollbackAsked]
  static let inBothStores = Story.rotated(in: ["file", "vault"]) + [Story.rollbackAsked, Story.confirmed]
  static let twoStores = context { $0.stores = ["file", "vault"] }

  static let rollbackRows: [Row] = [
    ("is it accepted", askedAgain, context(), .activate(generation: 1)),
    ("even when it is due to go", askedAgain, due(.missing), .activate(generation: 1)),
    ("without a row", askedAgain, context { $0.isWanted = false }, .activate(generation: 1)),
    ("not twice in a run", askedAgain, context { $0.hasWaited = true }, .none),
    ("verified", inBothStores, twoStores, .rollBack(generation: 1, store: "file")),
    ("verified, without a row", inBothStores, context { $0.isWanted = false }, .none),
    (
      "everywhere, without a row",
      inBothStores + ["file", "vault"].map { .storeRolledBack(generation: 1, store: $0) },
      context { ($0.isWanted, $0.stores) = (false, ["file", "vault"]) }, .none
    ),
    (
      "store by store", inBothStores + [.storeRolledBack(generation: 1, store: "file")], twoStores,
      .rollBack(generation: 1, store: "vault")
    ),
    (
      "everywhere",
      inBothStores + ["file", "vault"].map { .storeRolledBack(generation: 1, store: $0) }, twoStores,
      .completeRollback(generation: 1)
    ),
    (
      "disabling: is it done", Story.disabling + [Story.rollbackAsked], context(),
      .confirmDisable(generation: 1)
    ),
    ("disabling in doubt: never enabled", Story.disabling + [Story.rollbackAsked], gaveUp, .none),
    ("disabled", Story.disabled + [Story.rollbackAsked], noClock, .enable(generation: 1)),
    ("disabled, in vain", Story.disabled + [Story.rollbackAsked], gaveUp, .none),
    ("enabling", Story.enabling, context(), .enable(generation: 1)),
    ("enabled", Story.enabling + [.enableDone(generation: 1)], context(), .activate(generation: 1)),
    ("refused", askedAgain + [refused], context(), .revoke(generation: 1, reason: .superseded)),
    ("the newer one goes", Story.rolledBack, at(3600), .revoke(generation: 2, reason: .superseded)),
    ("after its overlap", Story.rolledBack, at(3599), .none),
    ("held from then on", Story.rolledBackAlone, due(.age(since: start)), .none),
    ("until a person asks", Story.rolledBackAlone, due(.requested), .create(generation: 3)),
  ]

  static let refused = Event.rollbackRefused(generation: 1, reason: "it is not accepted")
  static let ending = Story.made(1) + [.retirementRequested(now: false)]
  static let endingNow = Story.made(1) + [.retirementRequested(now: true)]
  static let promotedTwice = Story.made(1, in: ["file", "vault"]) + [.retirementRequested(now: false)]

  static func unwanted(_ context: ActionContext) -> ActionContext {
    var context = context
    context.isWanted = false
    return context
  }

  static let withdrawalRows: [Row] = [
    ("out of the store first", ending, noClock, .withdraw(generation: 1, store: "file")),
    ("due or not", ending, due(.missing), .withdraw(generation: 1, store: "file")),
    ("now means the store first, too", endingNow, context(), .withdraw(generation: 1, store: "file")),
    (
      "store by store",
      promotedTwice + [.storeWithdrawn(generation: 1, store: "file", at: start)], twoStores,
      .withdraw(generation: 1, store: "vault")
    ),
    ("then its overlap", Story.withdrawn, unwanted(at(3599)), .none),
    ("a row that came back gets another one meanwhile", Story.withdrawn, at(3599), .create(generation: 2)),
    ("then it goes", Story.withdrawn, at(3600), .revoke(generation: 1, reason: .withdrawn)),
    (
      "what was replaced goes as such", Story.rotated() + [.retirementRequested(now: false)], at(3600),
      .revoke(generation: 1, reason: .superseded)
    ),
    (
      "now: no overlap", Story.withdrawn + [.retirementRequested(now: true)],
      at(0, quarantine: quarantine), .revoke(generation: 1, reason: .retired)
    ),
    (
      "now: by a reliable clock", Story.withdrawn + [.retirementRequested(now: true)], unwanted(noClock),
      .none
    ),
    // The stores have room for one previous token.
    (
      "the predecessor goes first", Story.rotated() + [.retirementRequested(now: false)], at(0), .none
    ),
    (
      "a successor is given up", Story.made(1) + Story.stagedSecond + [.retirementRequested(now: false)],
      context(), .revoke(generation: 2, reason: .retired)
    ),
    (
      "an active one is delivered before it is withdrawn",
      Story.made(1) + Story.activeSecond + [.retirementRequested(now: false)],
      context { $0.isWanted = false }, .promote(generation: 2, store: "file")
    ),
    (
      "over, and wanted again", Story.withdrawn + Story.ended, context(), .create(generation: 2)
    ),
    ("over, and not wanted", Story.withdrawn + Story.ended, context { $0.isWanted = false }, .none),
  ]

  static let renamed = Story.made(1) + [.lineageRenamed(from: "old")]

  static let relocationRows: [Row] = [
    ("each store", renamed, twoStores, .relocate(store: "file")),
    ("each once", renamed + [.storeRelocated(store: "file")], twoStores, .relocate(store: "vault")),
    (
      "all of them", renamed + ["file", "vault"].map { .storeRelocated(store: $0) }, twoStores,
      .completeRelocation
    ),
    (
      "before anything is retired", Story.rotated() + [.lineageRenamed(from: "old")], context(),
      .relocate(store: "file")
    ),
    ("before anything is made", renamed, due(.requested), .relocate(store: "file")),
    // Where the tokens are to be is for the row to say, unless they are to go from wherever they are.
    ("without a row", renamed, context { $0.isWanted = false }, .none),
    (
      "moved, without a row", renamed + [.storeRelocated(store: "file")], context { $0.isWanted = false },
      .none
    ),
    (
      "without a row, and retired", renamed + [.retirementRequested(now: false)],
      context { $0.isWanted = false }, .relocate(store: "file")
    ),
  ]

  static let differs = context { $0.descriptionDiffers = true }

  /// The predecessor's marker has the name that the lineage had before, and its overlap goes on.
  static let oldName = context { ($0.predecessorNameDiffers, $0.retireNow) = (true, nil) }
  static let gaveUpOldName = context {
    ($0.predecessorNameDiffers, $0.retireNow, $0.gaveUpOn) = (true, nil, [1])
  }
  static let bothNames = context {
    ($0.predecessorNameDiffers, $0.descriptionDiffers, $0.retireNow) = (true, true, nil)
  }
  static let oldGoes = Action.revoke(generation: 1, reason: .superseded)

  static let updateRows: [Row] = [
    ("in place", Story.made(1), differs, .update(generation: 1)),
    (
      "before a replacement", Story.made(1), context { ($0.descriptionDiffers, $0.due) = (true, .missing) },
      .update(generation: 1)
    ),
    (
      "in vain", Story.made(1),
      context { ($0.descriptionDiffers, $0.due, $0.gaveUpOn) = (true, .missing, [1]) },
      .create(generation: 2)
    ),
    ("of the incumbent only", Story.made(1) + Story.stagedSecond, differs, .activate(generation: 2)),
    (
      "without a row nobody knows", Story.made(1),
      context { ($0.descriptionDiffers, $0.isWanted) = (true, false) }, .none
    ),
    ("while held", held, differs, .update(generation: 1)),
    ("of what it has replaced", Story.rotated(), oldName, .update(generation: 1)),
    ("also while that is disabled", Story.disabled, oldName, .update(generation: 1)),
    ("not while that is in doubt", Story.disabling, gaveUpOldName, .none),
    ("what is its own first", Story.rotated(), bothNames, .update(generation: 2)),
    ("what is to go goes", Story.rotated(), context { $0.predecessorNameDiffers = true }, oldGoes),
    ("not of what goes", Story.revokingOld, oldName, .revoke(generation: 1, reason: .intended)),
    ("not of what is gone", Story.revokedOld, gaveUpOldName, .none),
    ("not of what was made by hand", Story.takenOver, oldName, .none),
    ("for a row only", Story.rotated(), unwanted(oldName), .none),
    (
      "after the delivery", Story.made(1),
      context { ($0.descriptionDiffers, $0.stores) = (true, ["file", "new"]) },
      .promote(generation: 1, store: "new")
    ),
  ]

  private func check(_ row: Row) throws {
    let machine = try Story(of: row.1).machine
    #expect(machine.nextAction(row.2) == row.3, "\(row.0)")
    #expect(machine.nextAction(row.2) == row.3, "\(row.0), asked again")
  }

  @Test(arguments: rotationRows.indices) func rotation(index: Int) throws {
    try check(Self.rotationRows[index])
  }
  @Test(arguments: retirementRows.indices) func retirement(index: Int) throws {
    try check(Self.retirementRows[index])
  }
  @Test(arguments: rollbackRows.indices) func rollback(index: Int) throws {
    try check(Self.rollbackRows[index])
  }
  @Test(arguments: withdrawalRows.indices) func withdrawal(index: Int) throws {
    try check(Self.withdrawalRows[index])
  }
  @Test(arguments: relocationRows.indices) func relocation(index: Int) throws {
    try check(Self.relocationRows[index])
  }
  @Test(arguments: updateRows.indices) func update(index: Int) throws { try check(Self.updateRows[index]) }
}
