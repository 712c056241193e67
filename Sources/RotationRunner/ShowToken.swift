import RotationModel
import RotationPorts

extension Performer {
  /// Hands the string to the person who waits for it, and records that this was done. What cannot be handed over is
  /// of no use to anybody, and is revoked.
  ///
  /// A run that dies in between leaves a token that the person may have seen or not, and an exit code that says that
  /// it failed: the next run revokes it.
  func show(_ number: Int, work: inout TokenWork) async throws(Stop) -> Next? {
    guard let generation = work.machine.generation(number), let attempt = generation.attempt,
      let display = plan.display, let desired = work.desired
    else { return .finished(.failed) }
    if work.stored?.attempt != attempt {
      do throws(StoreError) {
        work.stored = try await storedToken(of: attempt, at: work.place(job: plan.name))?.token
      } catch { work.fail(Problem(error).naming(work.name)) }
    }
    guard let stored = work.stored else {
      work.gaveUpOn.insert(number)
      work.fail(.stringIsGone(work.name, generation))
      return nil
    }
    let token = ShownToken(
      id: stored.tokenID, description: marker(of: attempt, name: work.name).described(desired.description),
      permissions: desired.permissions, createdAt: generation.stagedAt, expiresAt: stored.expiresAt,
      accessToken: stored.accessToken)
    do throws(DisplayError) {
      try await display.show(token)
    } catch {
      work.gaveUpOn.insert(number)
      work.fail(
        Problem(
          code: "not_shown", message: "the token was made, and could not be shown: \(error.message)",
          hint: "see where standard output goes, and say the command again"))
      return nil
    }
    work.stored = nil
    try await record([.secretShown(generation: number)], for: &work)
    return nil
  }
}

extension Problem {
  fileprivate static func stringIsGone(_ name: String, _ generation: Generation) -> Problem {
    Problem(
      code: "string_gone",
      message: "\(name): the string of token \(generation.tokenID) is no longer where it was put away",
      hint: "say the command again")
  }
}
