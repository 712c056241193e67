import RotationPorts

extension RunPorts {
  /// Waits until `uptime` has reached the deadline, unless a wish to stop comes first: then `.interrupted`.
  func wait(until deadline: Duration) async throws(Stop) {
    let (clock, interruption) = (clock, interruption)
    let isOver = await withTaskGroup(of: Bool.self) { group in
      group.addTask {
        do { try await clock.sleep(until: deadline) } catch { return false }
        return true
      }
      group.addTask {
        try? await interruption.requested()
        return false
      }
      let isOver = await group.next() ?? false
      group.cancelAll()
      return isOver
    }
    guard isOver, !interruption.isRequested else { throw .interrupted }
  }
}
