import RotationPorts

/// For the last thing that a run does after a signal has come: the wish is known.
struct Unstoppable: Interruption {
  var isRequested: Bool { false }

  func requested() async throws {
    // Only a cancellation ends it.
    while true { try await Task.sleep(for: .seconds(3600)) }
  }
}
