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
  /// Tokens with our marker under this name, from the newest listing that may be applied to it, and when
  /// that listing was asked for.
  var sightings: [Sighting] = []
  var listedAt: Instant
  /// Events that are true but not recorded yet: the next step records them first.
  var unrecorded: [Event] = []
  var searched: Set<AttemptID> = []
  var hasWaited = false

  /// The successor's string, from its arrival until its delivery.
  var stored: StoredToken?
  var targets: [ProbeTarget] = []
  var schedule: ActivationSchedule?
  /// The last answer that was no acceptance, in words for people.
  var waitingFor: String?

  /// Whether the token that this run created for the lineage was counted.
  var isCounted: Bool
  /// Whether the lineage was where it should be before this run.
  let wasCurrent: Bool
  /// When the effects of this run's attempts are no longer expected, by the monotonic clock.
  var effectsEndAt: [AttemptID: Duration] = [:]

  /// Something that a person should look at; what is due is done all the same, but for what it blocks.
  private(set) var concern: Concern?
  private(set) var blocked: Set<Concern.Block> = []
  /// A step failed for good in this run. Tokens that must go still go; nothing new is made.
  var problem: Problem?
  var outcomeOfProblem: TokenOutcome = .failed
  /// How many creations of this run ended without a token, by what ended them.
  var failedCreations = 0
  var throttledCreations = 0
  var unknownCreations = 0
  var failedDeliveries = 0
  var failedRevocations = 0
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
    wasCurrent = machine.incumbent != nil
    isCounted = machine.newest != nil
  }

  /// Where the token is, or is to be: a string stays where it was staged, whatever its row says now.
  func place(job: String) -> StorePlace {
    var place = desired?.place ?? StorePlace(job: job, name: name)
    if let newest = machine.newest { place.secret = newest.key }
    return place
  }

  mutating func note(_ concern: Concern) {
    if self.concern == nil { self.concern = concern }
    blocked.formUnion(concern.blocks)
  }

  mutating func fail(_ problem: Problem, as outcome: TokenOutcome = .failed) {
    guard self.problem == nil else { return }
    self.problem = problem
    outcomeOfProblem = outcome
  }
}

/// What a lineage waits for when a step has gone as far as it can.
enum Next: Sendable {
  /// Its activation is to be asked about.
  case probe
  /// A listing begun no earlier than this uptime.
  case search(after: Duration)
  /// Try again at this uptime.
  case pause(until: Duration)
  case finished(TokenOutcome)
}
