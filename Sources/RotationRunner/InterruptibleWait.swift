public import RotationPorts

extension Interruption {
  /// Waits until the clock's `uptime` has reached the deadline; false: a wish to stop came first.
  public func wait(until deadline: Duration, by clock: any RotationClock) async -> Bool {
    let isOver = await withTaskGroup(of: Bool.self) { group in
      group.addTask {
        do { try await clock.sleep(until: deadline) } catch { return false }
        return true
      }
      group.addTask {
        try? await requested()
        return false
      }
      let isOver = await group.next() ?? false
      group.cancelAll()
      return isOver
    }
    return isOver && !isRequested
  }
}

extension RunPorts {
  /// Waits until `uptime` has reached the deadline, unless a wish to stop comes first: then `.interrupted`.
  func wait(until deadline: Duration) async throws(Stop) {
    guard await interruption.wait(until: deadline, by: clock) else { throw .interrupted }
  }
}
