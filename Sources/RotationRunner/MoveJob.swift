public import RotationPorts
import RotationModel

/// Binds a job anew whose cluster or stores have changed.
///
/// New stores get what the old first one has, token by token, before the ledger is bound to them: cut off at any
/// moment, the call is said again. Where another store is the first now, it gets the strings of the tokens that are on
/// their way, which the old first one alone has. The old stores stay as they are, for consumers that still read them. On
/// another cluster nothing of the old one is worth anything: every token is made anew by the next run, and what is left
/// behind is told.
public struct MoveJob: Sendable {
  let plan: JobPlan
  let ports: RunPorts
  /// What the job's lineages belong to.
  let from: JobBinding
  /// The old first store, where the job does not have it any more.
  let oldFirstStore: @Sendable () throws(Problem) -> any SecretStore

  public init(
    plan: JobPlan, ports: RunPorts, from: JobBinding,
    oldFirstStore: @escaping @Sendable () throws(Problem) -> any SecretStore
  ) {
    self.plan = plan
    self.ports = ports
    self.from = from
    self.oldFirstStore = oldFirstStore
  }

  public func run() async -> JobReport {
    ports.reporter.jobStarted(plan.name)
    var tally = Tally()
    var stop: Stop?
    do throws(Stop) {
      let preparation = PrepareJob(plan: plan, ports: ports)
      tally.progress.rows = try await preparation.queueRows()
      try await forEachLineage { (lineage) async throws(Stop) in try requireSettled(lineage) }
      try await copyStrings(&tally)
      if from.cluster != plan.binding.cluster { try await leaveCluster(&tally) }
      try await preparation.bindJob()
    } catch { stop = error }
    return ports.finish(plan, tally, exitCode: tally.exitCode, stop)
  }

  /// Those that the job had not before.
  private var newStores: [any SecretStore] {
    zip(plan.stores, plan.binding.stores).filter { !from.stores.contains($0.1) }.map(\.0)
  }

  private struct Lineage {
    var claimed: ClaimedLineage
    var machine: RotationMachine
    var desired: DesiredToken?
  }

  private func forEachLineage(_ body: (Lineage) async throws(Stop) -> Void) async throws(Stop) {
    try await ports.forEachLineage(of: plan) { (claimed) async throws(Stop) in
      guard !claimed.events.isEmpty else { return }
      let desired = claimed.row.flatMap { try? plan.specification.row($0) }
      try await body(Lineage(claimed: claimed, machine: try claimed.replayed(), desired: desired))
    }
  }

  /// What is under way goes on where it was begun, and has to come to its end there first.
  private func requireSettled(_ lineage: Lineage) throws(Stop) {
    let machine = lineage.machine
    let isSettled =
      !machine.attempts.contains(where: \.isOpen) && machine.rollbackTarget == nil
      && machine.wishes.relocatedIn == nil && machine.wishes.retirement == nil
      && (machine.successor.map { mayLeave(delivering: $0) } ?? true)
      && machine.predecessor?.phase != .enabling
      // A store may call it current without the ledger knowing, and the ledger is all that is known elsewhere.
      && (machine.successor?.phase != .active || from.cluster == plan.binding.cluster)
    if !isSettled { throw .job(.notSettled(lineage.claimed.name, machine.status.rawValue), .failed) }
  }

  /// A store that the job is to be rid of need not get what the others have: one that fails for good would hold it up
  /// for ever.
  private func mayLeave(delivering successor: Generation) -> Bool {
    guard successor.phase == .delivering else { return true }
    return from.cluster == plan.binding.cluster && newStores.isEmpty
      && (plan.binding.stores[0] == from.stores[0] || successor.promotedIn.contains(plan.stores[0].name))
  }

  // MARK: Stores

  private func copyStrings(_ tally: inout Tally) async throws(Stop) {
    var waiting = NamedCount()
    try await forEachLineage { (lineage) async throws(Stop) in
      if try await isToBeBrought(lineage) { waiting.add(lineage.claimed.name) }
    }
    // A store that has nothing alone may be left unread, and be lost.
    guard !newStores.isEmpty || waiting.count > 0 else { return }
    let source = try await openSource(waiting)
    var opened = [source]
    do throws(Stop) {
      let others = storesToFill
      try await PrepareJob(plan: plan, ports: ports).open(others)
      opened += others
      try await forEachLineage { (lineage) async throws(Stop) in
        guard let report = try await copy(lineage, from: source) else { return }
        tally.count(report)
        ports.reporter.tokenFinished(plan.name, report)
      }
    } catch {
      for store in opened { await store.close() }
      throw error
    }
    for store in opened { await store.close() }
  }

  /// What the strings are taken from: the old first store, which the job may have in another place now.
  private func openSource(_ waiting: NamedCount) async throws(Stop) -> any SecretStore {
    let binding = from.stores[0]
    let source: any SecretStore
    if let index = plan.binding.stores.firstIndex(of: binding) {
      source = plan.stores[index]
    } else {
      do throws(Problem) { source = try oldFirstStore() } catch { throw .job(error, .badInput) }
    }
    do throws(Stop) {
      // One that is not mounted is not an empty one.
      try await PrepareJob(plan: plan, ports: ports).openStores([source])
    } catch {
      guard case .job(let problem, _) = error, waiting.count > 0 else { throw error }
      throw .job(.pendingInOldStore(waiting, problem), .failed)
    }
    return source
  }

  /// The new stores and the first one, without the one that is read from.
  private var storesToFill: [any SecretStore] {
    zip(plan.stores, plan.binding.stores).enumerated().filter { index, pair in
      pair.1 != from.stores[0] && (index == 0 || !from.stores.contains(pair.1))
    }.map(\.element.0)
  }

  private func copy(_ lineage: Lineage, from source: any SecretStore) async throws(Stop) -> TokenReport? {
    let name = lineage.claimed.name
    let place = place(of: lineage)
    var isCopied = false
    var delivered: [(store: String, attempt: AttemptID)] = []
    do throws(StoreError) {
      if !newStores.isEmpty {
        let current = try await source.read(.current, at: place)
        let previous = try await source.read(.previous, at: place)
        isCopied = current != nil || previous != nil
        for store in newStores where isCopied {
          try await copy(current: current, previous: previous, to: store, at: place)
          if let current { delivered.append((store.name, current.attempt)) }
        }
      }
    } catch { throw .job(Problem(error).naming(name), .undelivered) }
    if try await bringPending(lineage, from: source) { isCopied = true }
    if let incumbent = lineage.machine.incumbent {
      let events = delivered.filter {
        $0.attempt == incumbent.attempt && !incumbent.promotedIn.contains($0.store)
      }
      .map { Event.storePromoted(generation: incumbent.number, store: $0.store) }
      if !events.isEmpty { try await record(events, of: lineage) }
    }
    guard isCopied else { return nil }
    return TokenReport(name: name, outcome: .updated, tokenID: lineage.machine.newest?.tokenID)
  }

  private func place(of lineage: Lineage) -> StorePlace {
    var place = lineage.desired?.place ?? StorePlace(job: plan.name, name: lineage.claimed.name)
    place.secret = lineage.machine.generations.last { $0.isLive && $0.attempt != nil }?.key
    return place
  }

  // MARK: What is on its way

  /// The token whose string a run will look for in the first store, where that is another one now.
  private func waitingToken(_ lineage: Lineage) -> Generation? {
    guard plan.binding.stores[0] != from.stores[0], from.cluster == plan.binding.cluster,
      let successor = lineage.machine.successor, successor.phase == .staged || successor.phase == .active
    else { return nil }
    return successor
  }

  /// Whether the first store does not have it yet, neither by itself nor by a call that was cut off.
  private func isToBeBrought(_ lineage: Lineage) async throws(Stop) -> Bool {
    guard let waiting = waitingToken(lineage) else { return false }
    do throws(StoreError) {
      return try await string(of: waiting, in: plan.stores[0], at: place(of: lineage)) == nil
    } catch { throw .job(Problem(error).naming(lineage.claimed.name), .undelivered) }
  }

  /// Puts the string of the token that is on its way into the first store; whether there was anything to be done.
  private func bringPending(_ lineage: Lineage, from source: any SecretStore) async throws(Stop) -> Bool {
    guard try await isToBeBrought(lineage), let waiting = waitingToken(lineage) else { return false }
    let place = place(of: lineage)
    let found: StoredToken?
    do throws(StoreError) {
      found = try await string(of: waiting, in: source, at: place)
      if let found {
        try await plan.stores[0].reserve(place, for: found.planned)
        try await plan.stores[0].stage(found, at: place)
      }
    } catch { throw .job(Problem(error).naming(lineage.claimed.name), .undelivered) }
    // One that was not confirmed yet is given up and made anew by the next run, here as there.
    guard found != nil || waiting.phase == .staged else {
      throw .job(.stringLost(lineage.claimed.name, waiting), .failed)
    }
    return found != nil
  }

  /// A store may call it current already, without the ledger knowing.
  private func string(
    of generation: Generation, in store: any SecretStore, at place: StorePlace
  ) async throws(StoreError) -> StoredToken? {
    for which in [Event.Place.pending, .current] {
      if let found = try await store.read(which, at: place), found.attempt == generation.attempt {
        return found
      }
    }
    return nil
  }

  /// In the order in which they became current; a token that was rolled back to goes in first, because a promotion
  /// never goes backwards.
  private func copy(
    current: StoredToken?, previous: StoredToken?, to store: any SecretStore, at place: StorePlace
  ) async throws(StoreError) {
    let isRolledBack =
      if let current, let previous { previous.generation > current.generation } else { false }
    let (there, before) = (
      try await store.read(.current, at: place), try await store.read(.previous, at: place)
    )
    if isRolledBack, let current, let previous, there == current, before == previous {
      // An earlier call has come so far, and may have been cut off in its last steps.
      return try await store.rollBack(from: previous.generation, to: current.generation, at: place)
    }
    let inOrder = [previous, current].compactMap { $0 }.sorted { $0.generation < $1.generation }
    for token in inOrder {
      let there = try await store.read(.current, at: place)
      if let there, there.generation > token.generation { continue }
      if there != token {
        try await store.reserve(place, for: token.planned)
        try await store.stage(token, at: place)
      }
      // Also where it is current already: an earlier call may have been cut off in the middle of it.
      try await store.promote(generation: token.generation, at: place)
    }
    guard isRolledBack, let current, let previous else { return }
    try await store.rollBack(from: previous.generation, to: current.generation, at: place)
  }

  // MARK: Cluster

  private func leaveCluster(_ tally: inout Tally) async throws(Stop) {
    var left: [String] = []
    try await forEachLineage { (lineage) async throws(Stop) in
      let live = lineage.machine.generations.filter { $0.isLive }
      try await record([.clusterChanged(from: from.cluster)], of: lineage)
      for generation in live where left.count < 100 {
        left.append("\(lineage.claimed.name): \(generation.tokenID)")
      }
    }
    guard !left.isEmpty else { return }
    tally.needsPerson = true
    ports.reporter.noticed(plan.name, .leftBehind(from.cluster, left))
  }

  private func record(_ events: [Event], of lineage: Lineage) async throws(Stop) {
    var machine = lineage.machine
    let now = ports.clock.now
    var entries: [JournalEntry] = []
    for event in events {
      do throws(IllegalEvent) {
        try machine.apply(TimedEvent(event, at: now))
      } catch { throw Stop.illegal(error, name: lineage.claimed.name) }
      entries.append(
        JournalEntry(
          time: now, job: plan.name, cluster: plan.binding.cluster, token: lineage.claimed.name,
          event: (lineage.claimed.id, event), record: machine.auditRecord(of: event)))
    }
    try await plan.journal.append(entries)
  }
}

extension Problem {
  fileprivate static func notSettled(_ name: String, _ status: String) -> Problem {
    Problem(
      code: "not_settled",
      message: "\(name) is \(status), which has to be finished where it was begun: nothing was moved",
      hint: "put [cluster] and [[store]] back as they were, let `tokenrotate run` finish, then move")
  }

  fileprivate static func pendingInOldStore(_ waiting: NamedCount, _ problem: Problem) -> Problem {
    let those =
      waiting.count == 1 ? "a token that is on its way" : "\(waiting.count) tokens that are on their way"
    return Problem(
      code: "pending_in_old_store",
      message:
        "the old first store has the only string of \(those)\(waiting.names), and cannot be read: nothing was moved: \(problem.message)",
      hint:
        "bring that store back, mounted or from a backup, then say this again; it may go when that is done. If it is lost, so are these strings: give the job another name, and revoke its old tokens by hand"
    )
  }

  fileprivate static func stringLost(_ name: String, _ generation: Generation) -> Problem {
    Problem(
      code: "string_lost",
      message:
        "\(name): token \(generation.tokenID) is \(generation.phase.rawValue) and to be delivered, and its string is neither in the old first store nor in the new one: nothing was moved",
      hint: "put the store's files of this name back from a backup, then say this again")
  }

  fileprivate static func leftBehind(_ cluster: String, _ tokens: [String]) -> Problem {
    Problem(
      code: "left_behind",
      message:
        "\(tokens.count == 100 ? "100 and more" : "\(tokens.count)") tokens are left on cluster \(cluster): \(tokens.joined(separator: ", "))",
      hint: "revoke them there when no consumer needs them; the next run makes new ones on the new cluster")
  }
}
