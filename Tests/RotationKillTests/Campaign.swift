import Foundation
import RotationTestKit
import Testing

/// Points that nobody has tried yet.
actor PointQueue {
  private var points: [Disturbance]

  init(_ points: [Disturbance]) { self.points = points }

  func take(_ count: Int) -> [Disturbance] {
    let taken = Array(points.suffix(count))
    points.removeLast(taken.count)
    return taken
  }
}

/// Tries points, one after the other, on one job after the other.
struct Campaign {
  /// How the job retires, and what is called while it is disturbed.
  enum Kind: String, CaseIterable, Sendable {
    case revoke
    case disableThenRevoke = "disable-then-revoke"
    case byAge = "every"
    case compromised
    case rollback
    case hold

    var rotation: String {
      let age = self == .byAge ? "every = \"4s\"\n" : ""
      let disables = self == .disableThenRevoke || self == .rollback
      let retire = disables ? "disable-then-revoke" : "revoke"
      return age + "overlap = \"0s\"\nquarantine = \"0s\"\nretire = \"\(retire)\""
    }

    /// What is called with the generator's next draw.
    func arguments(_ plant: Plant, _ generator: inout SplitMix) -> [String] {
      let rows = plant.rows
      let one = rows.randomElement(using: &generator) ?? rows[0]
      switch self {
      case .byAge: return ["run", "job.toml"]
      case .revoke, .disableThenRevoke: return ["rotate", "job.toml"] + rows
      case .compromised: return ["rotate", "job.toml", "--compromised"] + rows
      case .rollback:
        return Bool.random(using: &generator)
          ? ["rollback", "job.toml", one] : ["rotate", "job.toml"] + rows
      case .hold:
        // A row that is held before its first token gets none.
        let holds = Int.random(in: 0..<8, using: &generator) == 0 && plant.current(one) != nil
        return holds ? ["hold", "job.toml", one] : ["rotate", "job.toml"] + rows
      }
    }
  }

  static let rows = 4
  /// A fresh job after so many points, so that the first creation is disturbed as well, and logs stay short.
  static let pointsPerJob = 8
  /// Longer than the two seconds by which times that are told in whole seconds may seem apart.
  static let betweenCalls: Duration = .milliseconds(2100)

  let kind: Kind
  private var generator: SplitMix
  private var struck = 0

  init(_ kind: Kind, seed: UInt64) {
    self.kind = kind
    generator = SplitMix(state: seed)
  }

  /// Tries points until there are no more; returns how many calls were struck.
  mutating func run(_ queue: PointQueue, in folder: String) async throws -> Int {
    var jobs = 0
    while case let points = await queue.take(Self.pointsPerJob), !points.isEmpty {
      jobs += 1
      let sandboxSeed = generator.next()
      let plant = try Plant(
        in: folder, name: "\(kind.rawValue)-\(jobs)", rows: Self.rows, rotation: kind.rotation,
        activation: "settle = \"0s\"\nconsecutive = 2\ntimeout = \"3s\""
      ) { options in
        options.cluster.activationDelay = .milliseconds(100)
        options.cluster.activationSpread = .zero
        options.seed = sandboxSeed
      }
      defer { plant.close() }
      for point in points { try await disturb(plant, at: point) }
      try await leaveToItself(plant)
    }
    return struck
  }

  private mutating func disturb(_ plant: Plant, at point: Disturbance) async throws {
    var next: Disturbance? = point
    while let now = next {
      let arguments = kind.arguments(plant, &generator)
      let faults = drawFaults()
      try await plant.setFaults(faults)
      try? FileManager.default.removeItem(atPath: plant.traceLog)
      let outcome = try await plant.call(arguments, under: now)
      let hasStruck = now.hasStruck(outcome, log: plant.traceLog)
      if hasStruck { struck += 1 }
      try await plant.setFaults([])
      let what = "\(kind.rawValue): \(arguments.joined(separator: " ")), \(now), \(faults)"
      let quiet = try await plant.call(["run", "job.toml", "--format", "json"])
      guard let report = Verdict(quiet.output), [0, 8].contains(quiet.exitCode), report.waitsAtMost else {
        throw Plant.Failure(
          description: """
            \(what)
            disturbed: \(outcome.exitCode.map { String($0) } ?? "-") \(outcome.output)\(outcome.errors)
            then: \(quiet.exitCode.map { String($0) } ?? "-") \(quiet.output)\(quiet.errors)
            """)
      }
      try await plant.expectOrder(after: what)
      try await Task.sleep(for: Self.betweenCalls)
      next = hasStruck ? nil : now.earlier
    }
  }

  /// When nothing disturbs it any more, one token a row is left, after as many runs as a retirement has steps.
  private func leaveToItself(_ plant: Plant) async throws {
    guard kind != .byAge else { return }
    for _ in 1...4 where try await plant.liveTokens().count > Self.rows {
      try await Task.sleep(for: Self.betweenCalls)
      _ = try await plant.call(["run", "job.toml"])
    }
    #expect(try await plant.liveTokens().count == Self.rows, "\(kind.rawValue): predecessors stay")
    try await plant.expectOrder(after: "\(kind.rawValue): left to itself")
  }

  /// What goes wrong with the cluster in one call, some of it in each.
  private mutating func drawFaults() -> [String] {
    let all = [
      "create:answer-lost:p=0.2", "create:late-effect=1500ms:p=0.2", "create:request-lost:p=0.1",
      "create:error-after=500:p=0.1", "update:answer-lost:p=0.3", "update:late-effect=1s:p=0.3",
      "revoke:answer-lost:p=0.3", "revoke:late-effect=2s:p=0.2", "any:throttle=429,retry-after=1:p=0.05",
      "list:error-before=503:p=0.1", "query:error-before=503:p=0.1",
    ]
    return all.filter { _ in Int.random(in: 0..<3, using: &generator) == 0 }
  }
}

/// What a run says of itself as JSON.
private struct Verdict {
  private struct Report: Decodable {
    var jobs: [Job]

    struct Job: Decodable { var tokens: [Token] }

    struct Token: Decodable {
      var error: Problem?
    }

    struct Problem: Decodable { var code: String }
  }

  /// What only time mends: a token cannot be replaced before its last predecessor is gone, and a request to disable
  /// that may never have arrived is not sent again.
  private static let patient: Set = ["predecessor_lives", "disable_unknown"]

  /// Whether nothing is told but that.
  let waitsAtMost: Bool

  init?(_ output: String) {
    guard let report = try? JSONDecoder().decode(Report.self, from: Data(output.utf8)) else { return nil }
    waitsAtMost = report.jobs.flatMap(\.tokens).compactMap(\.error).allSatisfy {
      Self.patient.contains($0.code)
    }
  }
}

extension Plant {
  /// What has to be so whenever a run has ended that nothing disturbed.
  func expectOrder(after what: String) async throws {
    let live = try await liveTokens()
    let lines = try auditLines()
    // Only what was delivered once may be a predecessor.
    let delivered = Set(lines.filter { $0.event == "delivery.done" }.compactMap(\.tokenID))
    var strings = Set<String>()
    for row in rows {
      guard let current = current(row) else { throw Failure(description: "\(what): \(row) has no token") }
      strings.insert(current.token)
      let status = try await query(current.token)
      #expect(status == 200, "\(what): the current token of \(row) is refused")
      let ids = live.filter { $0.name == row }.map(\.id)
      #expect(ids.contains(current.tokenID), "\(what): the current token of \(row) is not on the cluster")
      let others = ids.filter { $0 != current.tokenID }
      #expect(others.count <= 1 && delivered.isSuperset(of: others), "\(what): orphans of \(row): \(others)")
    }
    #expect(strings.count == rows.count, "\(what): two rows have one token")
    #expect(live.allSatisfy { $0.name.map(rows.contains) ?? false }, "\(what): tokens of nobody")
    #expect(pending() == [], "\(what): strings are left in the pending place")
    let statistics = try await statistics()
    let repeated = statistics.postsByDescription.filter { $0.value > 1 }
    #expect(repeated == [:], "\(what): attempts were sent twice")
    #expect(statistics.violations.count == 0, "\(what): requests outside of the API")
    let verified = try await call(["audit", "verify"])
    #expect(verified.exitCode == 0, "\(what): \(verified.output)\(verified.errors)")
  }
}
