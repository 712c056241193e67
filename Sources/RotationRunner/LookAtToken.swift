import RotationModel
import RotationPorts

/// Whose a token on the cluster has to be before anything is done to it.
enum ExpectedOwner: Sendable {
  /// Its description ends with one of these markers.
  case marker([Marker])
  /// A person has named it in `replaces`.
  case named
}

/// What one look at a token has shown.
enum TokenSight: Sendable {
  case found(TokenRecord)
  /// The service does not know the id, or says that the token was revoked.
  case gone
  /// It is not what it is expected to be, or the service did not answer.
  case inDoubt(Problem)
}

extension Performer {
  func owner(of generation: Generation, _ work: TokenWork) -> ExpectedOwner {
    generation.attempt.map { owner(of: $0, work) } ?? .named
  }

  /// By any of the names that the lineage has had: a description may not have been changed since.
  func owner(of attempt: AttemptID, _ work: TokenWork) -> ExpectedOwner {
    .marker(work.names.map { marker(of: attempt, name: $0) })
  }

  /// Looks before it leaps: a token that carries another marker than expected is not touched.
  func look(at tokenID: String, ownedBy owner: ExpectedOwner, _ work: TokenWork) async throws(Stop)
    -> TokenSight
  {
    let record: TokenRecord?
    do throws(ReadFailure) {
      record = try await reading { () async throws(ServiceError) in try await plan.service.token(id: tokenID)
      }
    } catch {
      if case .stop(let stop) = error { throw stop }
      return .inDoubt(Problem(error.service).naming(work.name))
    }
    guard let record, record.revokedAt == nil else { return .gone }
    switch owner {
    case .named:
      // What was shown to a person is that person's, and may be replaced like what anybody made by hand.
      let marker = Marker.split(record.description).marker
      guard marker.map({ ReservedJobName.isShown($0.job) }) ?? true else {
        return .inDoubt(.namedIsMarked(work.name, tokenID))
      }
    case .marker(let markers):
      guard let marker = Marker.split(record.description).marker, markers.contains(marker) else {
        return .inDoubt(.otherMarker(work.name, tokenID, markers.first))
      }
    }
    return .found(record)
  }

  /// Finds out whether the incumbent that a listing did not show is gone: GET has to say so, and its string has
  /// to be refused. A listing alone may lag or be cut short. What a person has retired goes in any case, and nobody
  /// wants to go back to what it replaced.
  func examineIfNeeded(_ work: inout TokenWork) async throws(Stop) {
    guard work.isToBeExamined, let incumbent = work.machine.incumbent, work.machine.wishes.retirement == nil
    else { return }
    work.isToBeExamined = false
    let record: TokenRecord?
    do throws(ReadFailure) {
      record = try await reading { () async throws(ServiceError) in
        try await plan.service.token(id: incumbent.tokenID)
      }
    } catch {
      if case .stop(let stop) = error { throw stop }
      return work.fail(Problem(error.service).naming(work.name))
    }
    if let record, record.revokedAt == nil {
      // The listing was wrong, and says nothing more in this run; or somebody took our marker away.
      let markers =
        incumbent.attempt.map { attempt in work.names.map { marker(of: attempt, name: $0) } } ?? []
      if let found = Marker.split(record.description).marker, markers.contains(found) { return }
      return work.note(Concern(problem: .otherMarker(work.name, incumbent.tokenID, markers.first)))
    }
    var problem = Problem.missing(work.name, incumbent, work.machine.predecessor)
    switch try await askAboutString(of: incumbent, .current, work) {
    case .refused: work.absence = record == nil ? .missing : .revoked
    case .accepted: problem = .missingAndAccepted(work.name, incumbent)
    case .unavailable, .noString: break
    case .storeFailed(let error): return work.fail(Problem(error).naming(work.name))
    }
    // What is held is not replaced by itself, so that somebody has to know.
    guard work.absence != nil, plan.policy.isOn, !work.machine.wishes.isHeld else {
      return work.note(Concern(problem: problem, blocks: [.retirement]))
    }
    guard let predecessor = work.machine.predecessor else { return }
    guard predecessor.attempt == nil, work.desired != nil else {
      // The predecessor works, and a person can have it back at once; or nobody says what another may do.
      return work.note(Concern(problem: problem, blocks: [.retirement]))
    }
    // Nobody can go back to a token whose string was never ours: another one has to be made beside it.
    work.unrecorded.append(.tokenGone(generation: incumbent.number, reason: problem.message))
    work.absence = nil
  }
}

extension Problem {
  static func otherMarker(_ name: String, _ tokenID: String, _ marker: Marker?) -> Problem {
    Problem(
      code: Problem.foreignMarker,
      message:
        "\(name): token \(tokenID) is not touched, because its description does not end with \(marker?.text ?? "our marker")",
      hint: "somebody changed the description; look who uses the token, and revoke it by hand")
  }

  static func namedIsMarked(_ name: String, _ tokenID: String) -> Problem {
    Problem(
      code: "replaces_marked",
      message:
        "\(name): token \(tokenID), which the row replaces, was made by tokenrotate: it is not touched",
      hint: "for another name of the same token there is `tokenrotate rename`")
  }

  static func missingAndAccepted(_ name: String, _ generation: Generation) -> Problem {
    Problem(
      code: "token_missing",
      message:
        "\(name): the cluster does not show token \(generation.tokenID) any more, and still accepts its string",
      hint: "wait until all of its nodes agree; if it was revoked by hand, it will be refused soon")
  }

  static func missing(_ name: String, _ generation: Generation, _ predecessor: Generation?) -> Problem {
    guard let predecessor, predecessor.phase != .revoked, predecessor.phase != .revoking else {
      return .missing(name, generation)
    }
    return Problem(
      code: "token_missing",
      message:
        "\(name): token \(generation.tokenID) is not on the cluster any more; its predecessor \(predecessor.tokenID) is kept",
      hint: "`tokenrotate rollback` makes the predecessor current again; look who revoked the newer one")
  }
}
