import RotationModel
import RotationPorts

/// The run's share of a request budget, taken from the ledger in small helpings.
actor Permits {
  private let budget: RequestBudget
  private let perSecond: Int
  private let ports: RunPorts
  private var available = 0

  init(_ budget: RequestBudget, perSecond: Int, ports: RunPorts) {
    self.budget = budget
    self.perSecond = perSecond
    self.ports = ports
  }

  /// Waits until one request may be sent; a wish to stop ends the wait, so that nothing new is begun after it.
  func take() async throws(Stop) {
    while true {
      if ports.interruption.isRequested { throw .interrupted }
      let (count, nextAt) = try await takeUp(to: 1)
      if count == 1 { return }
      try await ports.wait(until: nextAt)
    }
  }

  /// Takes up to `wanted` permits that exist now; `nextAt` is when to ask for more.
  func takeUp(to wanted: Int) async throws(Stop) -> (count: Int, nextAt: Duration) {
    if available >= wanted {
      available -= wanted
      return (wanted, ports.clock.uptime)
    }
    let grant: PermitGrant
    do throws(LedgerError) {
      grant = try await ports.ledger.reservePermits(
        budget, wanted: max(wanted, min(64, perSecond / 10)), perSecond: perSecond,
        uptime: ports.clock.uptime, lease: ports.lease)
    } catch { throw Stop(error) }
    available += grant.count
    let count = min(wanted, available)
    available -= count
    return (count, grant.nextAt)
  }
}
