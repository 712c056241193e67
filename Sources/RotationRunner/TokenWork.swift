import RotationModel
import RotationPorts

/// One lineage while a run works on it: its machine, its row, and what only this run knows.
struct TokenWork: Sendable {
  let lineage: LineageID
  let name: String
  let isOneOff: Bool
  /// nil: the lineage has no row in this run's CSV.
  var desired: DesiredToken?
  var machine: RotationMachine
  /// The ids of the tokens with a marker of ours under this name in the listing.
  var listedIDs: Set<String> = []
  /// Tokens with our marker under this name, from the newest listing that may be applied to it and that were
  /// not judged yet, and when that listing was asked for.
  var sightings: [Sighting] = []
  var listedAt: Instant
  /// The incumbent's token as the listing showed it.
  var observed: ClusterView.MarkedToken?
  /// The predecessor's likewise; what was made by hand has no marker, and is not shown.
  var observedPredecessor: ClusterView.MarkedToken?
  /// A successor that the listing showed with other permissions than the row asks for.
  var outdatedTokenID: String?
  /// What a token of this lineage is to be allowed, where the row leaves that to the token it replaces.
  var inheritedPermissions: PermissionSet?
  /// The listing ought to have shown the incumbent and did not: whether it is gone is to be found out.
  var isToBeExamined = false
  /// In what way the cluster no longer has the incumbent.
  var absence: DueFacts.Absence?
  /// Events that are true but not recorded yet: the next step records them first.
  var unrecorded: [Event] = []
  var searched: Set<AttemptID> = []
  var hasWaited = false
  /// Generations about which this run has asked in vain for as long as it may.
  var gaveUpOn: Set<Int> = []

  /// The string of the generation that is to be current next, from its arrival until its delivery.
  var stored: StoredToken?
  var targets: [ProbeTarget] = []
  var schedule: ActivationSchedule?
  /// The last answer that was no acceptance, in words for people.
  var waitingFor: String?

  /// Whether the token that this run created for the lineage was counted.
  var isCounted = false
  /// What the next token's generation would have been before this run.
  let nextGenerationAtStart: Int
  /// The incumbent and the predecessor that the run found, by number.
  let incumbentAtStart: Int?
  let predecessorAtStart: Int?
  /// How far that predecessor was on its way out.
  let predecessorPhaseAtStart: Generation.Phase?
  var wasUpdated = false
  /// Generations whose description this run has made what it should be, or has tried to in vain.
  var described: Set<Int> = []
  /// When the effects of this run's attempts are no longer expected, by the monotonic clock.
  var effectsEndAt: [AttemptID: Duration] = [:]
  /// When this run began to ask whether a change has reached the cluster, by the monotonic clock.
  var askingSince: Duration?

  /// Something that a person should look at; what is due is done all the same, but for what it blocks.
  private(set) var concern: Concern?
  private(set) var blocked: Set<Concern.Block> = []
  /// A step failed for good in this run. Tokens that must go still go; nothing new is made.
  var problem: Problem?
  var outcomeOfProblem: TokenOutcome = .failed
  /// What the last step ended with, when this run can get no further with the lineage.
  var end: TokenOutcome?
  /// Why the description on the cluster is not the row's. Told at the end: it keeps the token from nothing else.
  var updateProblem: Problem?
  /// How many creations of this run ended without a token, by what ended them.
  var failedCreations = 0
  var throttledCreations = 0
  var unknownCreations = 0
  /// How often a store has failed in a row.
  var failedStoreCalls = 0
  /// Stores that have failed and when they are asked again, by uptime: those that have not come first.
  var storesAskedLater: [String: Duration] = [:]
  /// Stores that are not asked any more in this run, and why.
  var storesGivenUp: [String: Problem] = [:]
  var failedChanges = 0
  /// The incumbent that the cluster was seen to accept in this run.
  var provenToWork: Int?
  /// The hooks that were told of it in this run and have failed.
  var failedHooks: Set<String> = []
  /// Orphans that were revoked and are not counted yet.
  var orphansRevoked = 0

  init(
    lineage: LineageID, name: String, isOneOff: Bool, machine: RotationMachine, listedAt: Instant
  ) {
    self.listedAt = listedAt
    self.lineage = lineage
    self.name = name
    self.isOneOff = isOneOff
    self.machine = machine
    incumbentAtStart = machine.incumbent?.number
    predecessorAtStart = machine.predecessor?.number
    predecessorPhaseAtStart = machine.predecessor?.phase
    nextGenerationAtStart = machine.nextGeneration
  }

  /// Whether the lineage was where it should be before this run.
  var wasCurrent: Bool { incumbentAtStart != nil }

  /// The lineage's name and those that it had before, by which markers on the cluster may still call it.
  var names: [String] { [name] + machine.wishes.formerNames.filter { $0 != name } }

  /// Where the token is, or is to be: a string stays where it was staged, whatever its row says now.
  func place(job: String) -> StorePlace {
    var place = desired?.place ?? StorePlace(job: job, name: name)
    // A token that has ended keeps its place until its string is forgotten.
    let kept = machine.generations.last { ($0.isLive || !$0.isConfirmedGone) && $0.attempt != nil }
    if let generation = kept {
      place.secret = generation.key
    } else if let attempt = machine.attempts.last(where: \.mayHaveString) {
      place.secret = attempt.key
    }
    return place
  }

  /// Under what the stores are to have the tokens after a renaming. A ledger that does not tell follows the row.
  var relocationKey: String? {
    guard let target = machine.wishes.relocationTarget else { return desired?.place.secret }
    return target.key
  }

  /// The end; what has failed since outranks what only needs a person.
  var outcomeOfEnd: TokenOutcome {
    guard let end, end != .attention || problem == nil else { return outcomeOfProblem }
    return end
  }

  mutating func note(_ concern: Concern) {
    if self.concern == nil { self.concern = concern }
    blocked.formUnion(concern.blocks)
  }

  /// For what a look at a token has shown: whose it is needs a person, that nobody answered does not.
  mutating func fail(inDoubt problem: Problem) {
    fail(problem, as: problem.code == Problem.foreignMarker ? .attention : .failed)
  }

  /// The stores with those first that are not known to fail.
  func inOrder(_ stores: [String]) -> [String] {
    guard !storesAskedLater.isEmpty || !storesGivenUp.isEmpty else { return stores }
    func isFailing(_ store: String) -> Bool { storesAskedLater[store] != nil || storesGivenUp[store] != nil }
    let failing = stores.filter(isFailing)
    return stores.filter { !isFailing($0) } + failing.filter { storesGivenUp[$0] == nil }
      + failing.filter { storesGivenUp[$0] != nil }
  }

  mutating func fail(_ problem: Problem, as outcome: TokenOutcome = .failed) {
    guard self.problem == nil else { return }
    self.problem = problem
    outcomeOfProblem = outcome
  }
}

extension Attempt {
  /// Whether a run may have put a string of it away without saying so, and nobody has looked yet.
  fileprivate var mayHaveString: Bool {
    if orphans.contains(where: { $0.state != .revoked }) { return true }
    switch state {
    case .inFlight, .answered: return true
    case .refused, .unknown, .kept, .lost, .closed: return false
    }
  }
}

/// What a lineage waits for when a step has gone as far as it can.
enum Next: Sendable {
  /// Its activation is to be asked about.
  case probe
  /// A listing begun no earlier than this uptime.
  case search(after: Duration)
  /// This hook is to be told of the generation, by itself or together with others.
  case hook(Hook, generation: Int)
  /// Try again at this uptime.
  case pause(until: Duration)
  case finished(TokenOutcome)
}
