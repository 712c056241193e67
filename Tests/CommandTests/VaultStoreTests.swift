import Foundation
import RotationTestKit
import Testing

/// Jobs that keep their tokens in a real OpenBao server.
@Suite(.fewAtATime, .enabled(if: OpenBaoServer.isToBeTried(in: checkout)))
struct VaultStoreTests {
  private static let stores = """
    [[store]]
    kind = "vault"
    address = "URL"
    path = "influxdb/{job}/{name}"
    token = { file = "vault-token" }
    """

  private static func workspace(
    _ server: OpenBaoServer, rows: ClosedRange<Int>, stores: String = stores, activation: String = "",
    more: String = ""
  ) throws -> Workspace {
    let workspace = try Workspace()
    try workspace.write("vault-token", server.rootToken + "\n", mode: 0o600)
    try workspace.writeJob(
      rows: Workspace.rows(rows), activation: activation,
      more: more + "\n" + stores.replacing("URL", with: server.url))
    return workspace
  }

  private func data(_ server: OpenBaoServer, _ name: String) async throws -> [String: Any]? {
    let answer = try await server.call(.get, "secret/data/influxdb/plant/\(name)")
    let json = try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any]
    return (json?["data"] as? [String: Any])?["data"] as? [String: Any]
  }

  @Test func tokensLiveInTheServer() async throws {
    let server = try await OpenBaoServer(repository: checkout)
    let workspace = try Self.workspace(server, rows: 1...3)
    let sandbox = try await workspace.startSandbox()
    let first = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(first.code == 0, "\(first.everything)")
    let old = try #require(try await data(server, "line-1"))
    #expect((old["INFLUX_TOKEN"] as? String)?.hasPrefix("apiv1_") == true)
    #expect(old["INFLUX_DATABASE"] as? String == "plant" && old["INFLUX_HOST"] as? String == sandbox.url)
    #expect(workspace.list("state/tokens").isEmpty)
    // Again, with nothing to do, and replaced, and taken back, and ended.
    #expect(try await workspace.run("run", "job.toml", "--state", "state").output.contains("3 unchanged"))
    let rotated = try await workspace.run("rotate", "job.toml", "line-1", "--state", "state")
    #expect(rotated.code == 0, "\(rotated.everything)")
    let new = try #require(try await data(server, "line-1"))
    #expect(new["INFLUX_TOKEN"] as? String != old["INFLUX_TOKEN"] as? String)
    let back = try await workspace.run("rollback", "job.toml", "line-1", "--state", "state")
    #expect(back.code == 0, "\(back.everything)")
    #expect(try await data(server, "line-1")?["token_id"] as? String == old["token_id"] as? String)
    try workspace.writeRows(["line-1,plant,", "line-3,plant,"])
    let retired = try await workspace.run("retire", "job.toml", "line-2", "--now", "--state", "state")
    #expect(retired.code == 0, "\(retired.everything)")
    #expect(try await data(server, "line-2") == nil)
    // A lost ledger is rebuilt under the id that the server knows.
    try workspace.remove("state")
    let lost = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(lost.code == 8 && lost.errors.contains("tokenrotate adopt"), "\(lost.everything)")
    let adopted = try await workspace.run("adopt", "job.toml", "--state", "state")
    #expect([0, 8].contains(adopted.code), "\(adopted.everything)")
    #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 0)
    #expect(try await sandbox.creations() == 4)
    try await sandbox.expectGoodConduct()
  }

  /// One store of two is away: the other one has the token, and the next run delivers to the first alone.
  @Test func aStoreThatIsAwayIsToldAndTriedAgainAlone() async throws {
    let server = try await OpenBaoServer(repository: checkout)
    let stores = "[[store]]\nkind = \"file\"\n" + Self.stores
    let workspace = try Self.workspace(server, rows: 1...2, stores: stores)
    let sandbox = try await workspace.startSandbox()
    try workspace.write("vault-token", "wrong\n", mode: 0o600)
    let refused = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(refused.code == 2 && refused.errors.contains("403"), "\(refused.everything)")
    #expect(try await sandbox.creations() == 0)
    // A token that may look and not write.
    try await server.call(
      .post, "sys/policies/acl/reader",
      #"{"policy":"path \"secret/data/*\" { capabilities = [\"read\"] } path \"secret/data/tokenrotate/owner/*\" { capabilities = [\"create\", \"read\"] }"}"#
    )
    let made = try await server.call(.post, "auth/token/create", #"{"policies":["reader"]}"#)
    let json = try JSONSerialization.jsonObject(with: Data(made.body)) as? [String: Any]
    let token = try #require((json?["auth"] as? [String: Any])?["client_token"] as? String)
    try workspace.write("vault-token", token + "\n", mode: 0o600)
    let undelivered = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(undelivered.code == 6, "\(undelivered.everything)")
    #expect(workspace.delivered() == ["line-1", "line-2"])
    let status = try await workspace.run("status", "job.toml", "--state", "state")
    #expect(status.output.contains("store vault does not have it"), "\(status.everything)")
    #expect(status.output.contains("1/2"))
    try workspace.write("vault-token", server.rootToken + "\n", mode: 0o600)
    let delivered = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(delivered.code == 0, "\(delivered.everything)")
    #expect(
      try await data(server, "line-1")?["INFLUX_TOKEN"] as? String
        == workspace.read("state/tokens/plant/line-1"))
    #expect(try await sandbox.creations() == 2)
  }

  /// Nothing of a string is where it does not belong, and a thousand tokens get through an outage of half a minute.
  @Test func aThousandTokensAndAnOutage() async throws {
    let server = try await OpenBaoServer(repository: checkout)
    let workspace = try Self.workspace(
      server, rows: 1...1000,
      more:
        "[limits]\nmax_creates = 1000\nrequests_per_second = 2000\nprobes_per_second = 5000\nconcurrency = 16"
    )
    let sandbox = try await workspace.startSandbox()
    let call = try workspace.start(["run", "job.toml", "--state", "state", "--verbose"])
    try await eventually("a part of the tokens is made", within: .seconds(60)) {
      try await sandbox.creations() > 300
    }
    let environ = FileManager.default.contents(atPath: "/proc/\(call.program.identifier)/environ") ?? Data()
    server.pause()
    try await Task.sleep(for: .seconds(30))
    server.resume()
    var peak = 0
    try await eventually("the run ends", within: .seconds(120)) {
      let status = Workspace.text(of: "/proc/\(call.program.identifier)/status")
      let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") }
      peak = max(peak, line.flatMap { Int($0.filter(\.isNumber)) } ?? 0)
      return !call.program.isRunning
    }
    let outcome = try await call.outcome()
    #expect(outcome.code == 0, "\(outcome.everything.suffix(2000))")
    #expect(outcome.output.contains("1000 created"))
    #expect(try await sandbox.creations() == 1000)
    // An unoptimized build is not what people run.
    if Spawn.isRelease { #expect(peak < 80 * 1024, "peak \(peak) KiB") }
    var strings: [String] = []
    for number in [1, 500, 1000] {
      let string = try #require(try await data(server, "line-\(number)")?["INFLUX_TOKEN"] as? String)
      strings.append(String(string.dropFirst("apiv1_".count)))
    }
    let windows = Windows(strings)
    let vault = Windows([String(server.rootToken.dropFirst("root-".count))])
    for (what, bytes) in [("environ", Array(environ))] + leftBehind(workspace) {
      #expect(!windows.occur(in: bytes), "a part of a token string is in \(what)")
      #expect(!vault.occur(in: bytes), "a part of the server's token is in \(what)")
    }
  }

  private func leftBehind(_ workspace: Workspace) -> [(String, [UInt8])] {
    [workspace.folder + "/state", workspace.root + "/output"].flatMap { folder in
      (FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []).compactMap {
        name in
        FileManager.default.contents(atPath: "\(folder)/\(name)").map { (name, Array($0)) }
      }
    }
  }
}

/// Where the checkout is.
let checkout = #filePath.components(separatedBy: "/Tests/").dropLast().joined(separator: "/Tests/")
