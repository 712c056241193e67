import RotationModel
import RotationPorts

// Beginnings that were recorded while a clock was wrong.
extension Concern {
  /// What counts from a beginning that is still to come, now that the clocks agree, would wait as long, and nobody
  /// would know why. Nothing is put right here: an overlap that was cut short would break whoever relies on it.
  static func ofWrongClocks(_ work: TokenWork, policy: RotationPolicy, time: ServiceTime) -> [Concern] {
    guard time.clocksAgree else { return [] }
    let latest = time.latest(at: time.answeredAt) + ServiceTime.tolerance
    var concerns: [Concern] = []
    for generation in work.machine.generations where !work.goesAtOnceOrComesBack(generation) {
      guard let (beginning, end) = generation.waitingTime(policy), beginning > latest else { continue }
      concerns.append(Concern(problem: .endIsFar(work, generation, from: beginning, until: end)))
    }
    if let incumbent = work.machine.incumbent, incumbent.attempt != nil, incumbent.stagedAt > latest,
      let due = work.dueByTime(incumbent, policy)
    {
      concerns.append(Concern(problem: .dueIsFar(work.name, incumbent, until: due)))
    }
    return concerns
  }
}

extension TokenWork {
  /// Whether its end waits for no time.
  fileprivate func goesAtOnceOrComesBack(_ generation: Generation) -> Bool {
    machine.isCompromised(generation) || machine.wishes.retirement == .now
      || machine.wishes.rollbackTarget == generation.number
  }

  /// When the clock makes it due; nil: it does not, or a person has decided otherwise.
  fileprivate func dueByTime(_ incumbent: Generation, _ policy: RotationPolicy) -> Instant? {
    let wishes = machine.wishes
    let isToBeReplaced = wishes.replacedUpTo.map { incumbent.number <= $0 } ?? false
    guard desired != nil, !isToBeReplaced, !wishes.isHeld, wishes.retirement == nil,
      wishes.rollbackTarget == nil
    else { return nil }
    return machine.nextDue(policy, dueFacts(now: listedAt))
  }
}

extension Problem {
  private static let wasWrong = "clock_was_wrong"

  fileprivate static func endIsFar(
    _ work: TokenWork, _ generation: Generation, from beginning: Instant, until end: Instant
  ) -> Problem {
    let what =
      switch generation.phase {
      case .disabling, .disabled: "disabled"
      case .superseded where work.machine.wishes.retirement != nil: "retired"
      case .superseded, .staged, .active, .delivering, .current, .enabling, .revoking, .revoked, .leftBehind:
        "replaced"
      }
    let keeps = work.machine.incumbent == nil ? "" : ", and no other is made for the name before"
    return Problem(
      code: wasWrong,
      message:
        "\(work.name): token \(generation.tokenID) was \(what) while a clock was wrong, by what it said at \(beginning.rfc3339Seconds), which is still to come: it lives on until \(end.rfc3339Seconds)\(keeps)",
      hint: work.desired == nil
        ? "`tokenrotate retire --now JOB.toml \(work.name)` ends it at once"
        : "`tokenrotate rotate --compromised JOB.toml \(work.name)` replaces the token in use and ends both at once, without an overlap; `tokenrotate rollback`, then `release`, lets an overlap begin anew"
    )
  }

  fileprivate static func dueIsFar(_ name: String, _ generation: Generation, until due: Instant) -> Problem {
    Problem(
      code: wasWrong,
      message:
        "\(name): token \(generation.tokenID) was made while a clock was wrong, by what it said at \(generation.stagedAt.rfc3339Seconds), which is still to come: it is not replaced for its age or expiry before \(due.rfc3339Seconds)",
      hint: "`tokenrotate rotate JOB.toml \(name)` replaces it now")
  }
}
