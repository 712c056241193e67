import HTTPClient
import InfluxAPI
import RotationModel
import RotationPorts
import Testing

/// The probe's reading half against a real server, which has no `/api/v2/write`.
@Suite(
  .enabled(
    if: InfluxDaemon.isInstalled || InfluxDaemon.isRequired, "influxd is missing: apt-get install influxdb"))
struct RealInfluxDBTests {
  private static let target = ProbeTarget(action: .read, database: "plant")

  private func ask(_ probe: InfluxQLProbe, _ token: Secret, _ target: ProbeTarget = target) async -> String {
    switch await probe.probe(target, accessToken: token) {
    case .accepted: "accepted"
    case .refused(let status, let message): "\(status) \(message.split(separator: ": ").last ?? "")"
    case .unavailable(let error): "unavailable \(error.message)"
    case .impossible(let error): "impossible \(error.code.rawValue)"
    }
  }

  @Test func aTokensWayFromUnknownToPermitted() async throws {
    let client = try HTTPClient()
    defer { client.shutdown() }
    let daemon = try await InfluxDaemon(client: client)
    let probe = try InfluxQLProbe(host: daemon.url, client: client)
    try await daemon.administer("CREATE DATABASE plant")
    let token = try daemon.token(of: "pump")

    #expect(await ask(probe, token) == "401 user not found")
    try await daemon.administer("CREATE USER pump WITH PASSWORD 'unused'")
    #expect(await ask(probe, token).hasPrefix("403 "))
    try await daemon.administer("GRANT READ ON plant TO pump")
    #expect(await ask(probe, token) == "accepted")

    #expect(await ask(probe, try daemon.token(of: "pump", expiresIn: -60)) == "401 Token is expired")
    #expect(await ask(probe, Secret("apiv1_opaque".utf8)).hasPrefix("401 "))
    #expect(await ask(probe, Secret("a.b.c".utf8)).hasPrefix("401 "))
    try await daemon.administer("REVOKE READ ON plant FROM pump")
    #expect(await ask(probe, token).hasPrefix("403 "))
    // To this statement 1.x gives an empty result for a database that does not exist.
    let missing = ProbeTarget(action: .read, database: "gone")
    #expect(await ask(probe, try daemon.token(of: "root"), missing) == "accepted")
    #expect(await ask(probe, token, missing).hasPrefix("403 "))
    let write = ProbeTarget(action: .write, database: "plant")
    #expect(await ask(probe, try daemon.token(of: "root"), write) == "impossible not_found")
  }

  @Test func theScheduleConfirmsOnlyOnceTheServerGrants() async throws {
    let client = try HTTPClient()
    defer { client.shutdown() }
    let daemon = try await InfluxDaemon(client: client)
    let probe = try InfluxQLProbe(host: daemon.url, client: client)
    try await daemon.administer("CREATE DATABASE plant")
    let token = try daemon.token(of: "pump")
    var schedule = ActivationSchedule(
      policy: ActivationPolicy(timeout: .seconds(600), consecutive: 3, settle: .seconds(10)), targetCount: 1,
      at: .zero)
    var answers: [String] = []
    // The schedule's own times pass as fast as the server answers.
    while case .ask(_, let uptime) = schedule.verdict, answers.count < 20 {
      schedule.asked(at: uptime)
      switch await probe.probe(Self.target, accessToken: token) {
      case .accepted:
        answers.append("accepted")
        schedule.accepted(at: uptime)
      case .refused(let status, _):
        answers.append("\(status)")
        schedule.refused(at: uptime, now: Instant(milliseconds: uptime.milliseconds), jitter: 0.5)
        if answers.count == 2 { try await daemon.administer("CREATE USER pump WITH PASSWORD 'unused'") }
        if answers.count == 4 { try await daemon.administer("GRANT READ ON plant TO pump") }
      case .unavailable(let error), .impossible(let error):
        Issue.record("\(error)")
        return
      }
    }
    #expect(schedule.verdict == .confirmed)
    #expect(answers == ["401", "401", "403", "403", "accepted", "accepted", "accepted"])
  }
}
