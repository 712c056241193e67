import RotationModel
import RotationPorts

/// One pass over the job's lineages before anything is made or revoked: how many tokens the job would create, and
/// how many the cluster seems to have lost. Claims nothing and keeps numbers and a few names.
struct SurveyJob: Sendable {
  let plan: JobPlan
  let ports: RunPorts

  /// More than a tenth of a job, and this many at least, do not go missing by themselves.
  private static let leastMissing = 5

  /// Refuses a job that would create more than it may, or of which too much is missing to be true.
  func check(_ cluster: PrepareJob.Cluster) async throws(Stop) {
    var counts = Counts()
    try await ports.forEachLineage(of: plan) { (lineage) async throws(Stop) in
      count(lineage, cluster, &counts)
    }
    try refuseIfMuchIsMissing(counts)
    if counts.due.count > 0 { try await reserve(counts.due) }
  }

  private struct Counts {
    var due = NamedCount()
    var current = 0
    var missing = 0
  }

  private func count(_ lineage: ClaimedLineage, _ cluster: PrepareJob.Cluster, _ counts: inout Counts) {
    guard !lineage.events.isEmpty,
      var work = try? plan.takeUp(
        lineage, cluster.view, installation: ports.ledger.installation, now: ports.clock.now),
      work.machine.incumbent?.attempt != nil
    else { return }
    counts.current += 1
    if work.isToBeExamined {
      counts.missing += 1
      // Whether it is gone is found out when its turn comes. If it is, another one is made.
      work.absence = .missing
    }
    let now = cluster.view.time.clocksAgree ? cluster.view.time.earliest(at: ports.clock.uptime) : nil
    let isMeant = plan.only?.contains(lineage.name) ?? true
    guard isMeant, work.desired != nil, work.machine.successor == nil,
      let due = work.dueReason(plan, now: now),
      !(work.machine.wishes.isHeld && due.isStoppedByHold)
    else { return }
    counts.due.add(lineage.name)
  }

  private func refuseIfMuchIsMissing(_ counts: Counts) throws(Stop) {
    guard !plan.isForced, counts.missing >= SurveyJob.leastMissing, counts.missing * 10 > counts.current
    else { return }
    throw .job(
      Problem(
        code: "many_missing",
        message:
          "job \(plan.name): \(counts.missing) of its \(counts.current) tokens are not on the cluster: nothing was created or revoked",
        hint:
          "look whether this is the right cluster and who revoked them; `tokenrotate run --force` makes new ones"
      ), .needsPerson)
  }

  private func reserve(_ due: NamedCount) async throws(Stop) {
    let isGranted: Bool
    do throws(LedgerError) {
      isGranted = try await ports.ledger.reserveCreations(
        due.count, maximum: plan.limits.maximumCreates, job: plan.name, lease: ports.lease)
    } catch { throw Stop(error) }
    guard !isGranted else { return }
    let preparation = PrepareJob(plan: plan, ports: ports)
    let missing = try await preparation.rowsWithoutToken()
    let rows = NamedCount(count: missing, first: try await preparation.firstRowsWithoutToken())
    throw .job(
      Problem(
        code: "too_many_creates",
        message:
          "job \(plan.name) would create \(rows.tokensForRows) and replace \(due.count) that are due or missing\(due.names), and max_creates is \(plan.limits.maximumCreates)",
        hint: "if that is what you want, raise max_creates under [limits]; nothing was created"), .badInput)
  }
}
