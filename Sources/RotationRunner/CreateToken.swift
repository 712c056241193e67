import RotationModel
import RotationPorts

extension Performer {
  /// One attempt: make room, record the intent, send the POST once, put the string away, record the outcome.
  func create(generation: Int, work: inout TokenWork) async throws(Stop) -> Next? {
    guard let desired = work.desired else { return .finished(.failed) }
    if let problem = await circuit.problem {
      work.fail(problem)
      return nil
    }
    let throttledUntil = await circuit.throttledUntil
    if ports.clock.uptime < throttledUntil { return .pause(until: throttledUntil) }
    guard let permissions = try await permissionsToGrant(&work) else { return nil }
    let attempt = AttemptID(bits: ports.random.next())
    // The expiry is known for sure only after the permit, which may be a while.
    let planned = PlannedToken(
      generation: generation, attempt: attempt, host: plan.host,
      databases: permissions.databaseNames,
      expiresAt: desired.expiry.instant(createdAt: ports.clock.now))
    do throws(StoreError) {
      try await plan.stores[0].reserve(work.place(job: plan.name), for: planned)
      await succeeded(in: plan.stores[0], &work)
    } catch {
      work.failedStoreCalls += 1
      let pause = await pause(
        for: plan.stores[0], after: error, failure: work.failedStoreCalls, otherwise: Performer.creating)
      return pause.map { .pause(until: ports.clock.uptime + $0) } ?? fail(&work, Problem(error))
    }
    try await management.take()

    let now = ports.clock.now
    // Wall time has whole milliseconds, so that the deadline may be one of them early.
    let sendBy = ports.clock.uptime + Performer.commitAllowance - .milliseconds(1)
    let expiresAt = desired.expiry.instant(createdAt: now)
    if let expiresAt, expiresAt <= now { return fail(&work, .expired(work.name, expiresAt)) }
    let request = TokenRequest(
      description: marker(of: attempt, name: work.name).described(desired.description),
      permissions: permissions, expiresAt: expiresAt)
    let key = work.place(job: plan.name).secret
    try await record(
      [.createIntended(generation: generation, attempt: attempt, deadline: now + effectLimit, key: key)],
      for: &work, details: request.auditDetails)
    guard ports.clock.uptime <= sendBy else {
      try await record(
        [.createRefused(attempt: attempt, reason: "not sent: recording the intent took too long")],
        for: &work)
      return pauseOrFail(
        &work,
        Problem(
          code: "slow_disk",
          message: "recording the intent took longer than the request may wait",
          hint: "look at the load of the state directory's disk"))
    }
    work.effectsEndAt[attempt] = ports.clock.uptime + effectLimit
    // From here on the answer must be put away, whoever asks the run to stop.
    switch await plan.service.createToken(request) {
    case .created(let token):
      await circuit.succeeded()
      return try await keep(token, of: attempt, asked: request, generation: generation, work: &work)
    case .refused(let error):
      try await record([.createRefused(attempt: attempt, reason: error.message)], for: &work)
      return try await afterRefusal(error, work: &work)
    case .unknown(let error):
      try await record([.createUnknown(attempt: attempt, reason: error.message)], for: &work)
      await circuit.failed(error)
      work.unknownCreations += 1
      if work.unknownCreations >= Performer.unknownCreationsPerRun {
        work.fail(
          Problem(
            code: "attempt_unknown", message: "\(work.name): \(error.message)",
            hint: "the next run looks for the token, revokes it if it exists, and creates another"))
        // What this attempt left behind is still looked for before the run gives the lineage up.
        return .search(after: ports.clock.uptime + effectLimit)
      }
      return nil
    }
  }

  /// A lineage whose creations keep vanishing is given up after this many in one run.
  static let unknownCreationsPerRun = 3
  /// A lineage that is asked for patience this often is given up; what all are asked for is `Circuit`'s.
  static let throttledCreationsPerRun = 60
  static let creating = RetrySchedule(
    attempts: 6, firstDelay: .seconds(1), longestDelay: .seconds(15))

  private func afterRefusal(_ error: ServiceError, work: inout TokenWork) async throws(Stop) -> Next? {
    switch error.code {
    case .credentialRefused:
      throw .credential(Problem(error))
    case .throttled:
      work.throttledCreations += 1
      let uptime = ports.clock.uptime
      let pause = max(error.retryAfter ?? .zero, .seconds(1)) * (1 + 0.2 * ports.random.fraction())
      await circuit.throttled(error, at: uptime, until: uptime + pause)
      let mayGoOn = await circuit.problem == nil
      guard mayGoOn, work.throttledCreations < Performer.throttledCreationsPerRun else {
        return fail(&work, Problem(error))
      }
      return .pause(until: uptime + pause)
    case .unreachable, .unavailable, .noAnswer:
      await circuit.failed(error)
      return pauseOrFail(&work, Problem(error), retryAfter: error.retryAfter)
    case .notFound, .badRequest, .conflict, .malformed, .cancelled:
      return fail(&work, Problem(error))
    }
  }

  /// The lineage's failure in this run; the machine is asked once more, for what must go.
  private func fail(_ work: inout TokenWork, _ problem: Problem) -> Next? {
    work.fail(problem.naming(work.name))
    return nil
  }

  /// A pause, longer each time, until the lineage has failed often enough.
  private func pauseOrFail(
    _ work: inout TokenWork, _ problem: Problem, retryAfter: Duration? = nil
  ) -> Next? {
    work.failedCreations += 1
    guard
      let delay = Performer.creating.delay(
        afterFailure: work.failedCreations, retryAfter: retryAfter, jitter: ports.random.fraction())
    else { return fail(&work, problem) }
    return .pause(until: ports.clock.uptime + delay)
  }

  private func keep(
    _ token: CreatedToken, of attempt: AttemptID, asked: TokenRequest, generation: Int,
    work: inout TokenWork
  ) async throws(Stop) -> Next? {
    let place = work.place(job: plan.name)
    let done = Event.createDone(attempt: attempt, tokenID: token.id, expiresAt: token.expiresAt)
    if let flaw = token.flaw(asked: asked) {
      try await record(
        [done, .orphanFound(attempt: attempt, tokenID: token.id, reason: flaw)], for: &work)
      work.fail(
        Problem(
          code: "token_unusable", message: "\(work.name): the cluster's answer cannot be used: \(flaw)",
          hint: plan.display == nil
            ? "the token is revoked; the next run creates another"
            : "the token is revoked; say the command again"))
      return nil
    }
    let stored = StoredToken(
      generation: generation, attempt: attempt, tokenID: token.id, accessToken: token.accessToken,
      host: plan.host, databases: asked.permissions.databaseNames, expiresAt: token.expiresAt)
    do throws(StoreError) {
      try await stage(stored, at: place)
    } catch {
      try await record(
        [
          done,
          .orphanFound(
            attempt: attempt, tokenID: token.id, reason: "its string could not be stored: \(error.message)"),
        ], for: &work)
      work.fail(Problem(error).naming(work.name))
      return nil
    }
    try await record(
      [done] + takeover(work) + [
        .storeStaged(
          generation: generation, attempt: attempt, store: plan.stores[0].name, key: place.secret)
      ], for: &work)
    work.stored = stored
    return nil
  }

  /// The string exists nowhere else, so a store that fails is asked again for as long as is bearable.
  private func stage(_ token: StoredToken, at place: StorePlace) async throws(StoreError) {
    var failures = 0
    while true {
      do throws(StoreError) {
        try await plan.stores[0].stage(token, at: place)
        return await outages.ended(plan.stores[0].name)
      } catch {
        failures += 1
        guard let delay = await pause(for: plan.stores[0], after: error, failure: failures) else {
          throw error
        }
        do { try await ports.clock.sleep(for: delay) } catch { continue }
      }
    }
  }

  func marker(of attempt: AttemptID, name: String) -> Marker {
    Marker(installation: ports.ledger.installation, job: plan.name, name: name, attempt: attempt)
  }
}

extension TokenRequest {
  /// What an auditor wants to know of an intent.
  fileprivate var auditDetails: [AuditEvent.Detail] {
    [
      AuditEvent.Detail("description", description),
      AuditEvent.Detail("permissions", permissions.text),
      AuditEvent.Detail("expires_at", expiresAt?.rfc3339Seconds ?? "never"),
    ]
  }
}

extension CreatedToken {
  /// Why the token must not be used; nil when it may. Says nothing about the string's content.
  func flaw(asked: TokenRequest) -> String? {
    if !(16...4096).contains(accessToken.count) {
      return "the token string has \(accessToken.count) characters, and 16 to 4096 are possible"
    }
    if !accessToken.withUnsafeBytes({ $0.allSatisfy(CreatedToken.isTokenCharacter) }) {
      return "the token string has characters that no token has"
    }
    if asked.expiresAt?.wholeSeconds != expiresAt?.wholeSeconds {
      let answered = expiresAt?.rfc3339Seconds ?? "never"
      return
        "expiry \(asked.expiresAt?.rfc3339Seconds ?? "never") was asked for, and \(answered) was answered"
    }
    return nil
  }

  private static func isTokenCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "~"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="),
      UInt8(ascii: "-"):
      true
    default: false
    }
  }
}

extension Instant {
  fileprivate var wholeSeconds: Int64 { milliseconds / 1000 }
}

extension PermissionSet {
  /// As a consumer is told: every database named, `"*"` included, each once.
  var databaseNames: [String] {
    var seen = Set<String>()
    return permissions.map(\.database).filter { seen.insert($0).inserted }
  }
}

extension Problem {
  static func expired(_ name: String, _ expiresAt: Instant) -> Problem {
    Problem(
      code: "expired", message: "\(name): its expires_at, \(expiresAt.rfc3339Seconds), has passed",
      hint: "give the row a later one; nothing was created for it")
  }

  static func databaseMissing(_ name: String, _ database: String) -> Problem {
    Problem(
      code: Problem.databaseMissing, message: "\(name): the cluster has no database \(database) any more",
      hint: "create the database again, or correct the row; nothing was created for it")
  }

  /// The problem with the token's name in front, for messages that stand alone.
  func naming(_ name: String) -> Problem {
    message.hasPrefix("\(name):") ? self : Problem(code: code, message: "\(name): \(message)", hint: hint)
  }
}
