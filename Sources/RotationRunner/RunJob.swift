public import RotationPorts

/// Brings every token of one job where it should be. Reads from top to bottom.
public struct RunJob: Sendable {
  let plan: JobPlan
  let ports: RunPorts

  public init(plan: JobPlan, ports: RunPorts) {
    self.plan = plan
    self.ports = ports
  }

  /// Runs the job to its end, a stop included, and says how it went. What is said is also in the ledger.
  public func run() async -> JobReport {
    ports.reporter.jobStarted(plan.name)
    var tally = Tally()
    var stop: Stop?
    do throws(Stop) {
      let preparation = PrepareJob(plan: plan, ports: ports)
      try await preparation.checkBinding()
      let rows = try await preparation.queueRows()
      tally.progress.rows = plan.only?.count ?? rows
      try await preparation.reserveCreations()
      try await preparation.openStores(plan.stores)
      do throws(Stop) {
        let cluster = try await preparation.lookAtCluster()
        try await SurveyJob(plan: plan, ports: ports).check(cluster)
        tally.needsPerson = cluster.problems.isEmpty == false
        try await preparation.bindJob()
        try await bringTokensWhereTheyBelong(cluster, &tally)
      } catch { stop = error }
      for store in plan.stores { await store.close() }
    } catch { stop = error }
    await TellFailure(plan: plan, ports: ports).tell(&tally, stop)
    return ports.finish(plan, tally, exitCode: tally.exitCode, stop)
  }

  private func bringTokensWhereTheyBelong(
    _ cluster: PrepareJob.Cluster, _ tally: inout Tally
  ) async throws(Stop) {
    let performer = PrepareJob(plan: plan, ports: ports).performer(
      cluster, circuit: Circuit(limit: 3 * max(4, plan.limits.concurrency)))
    var lineages = AdvanceLineages(
      plan: plan, ports: ports, performer: performer, view: cluster.view, tally: tally)
    defer { tally = lineages.tally }
    try await lineages.run()
  }
}
