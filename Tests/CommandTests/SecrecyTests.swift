import Foundation
import Testing

/// No part of a token string, and nothing of the management token, is anywhere but where it belongs.
@Suite(.fewAtATime) struct SecrecyTests {
  /// Random, so that no ordinary word looks like a part of it.
  private static let managementToken = "M.V1.q7Zk2LwXr9Tb4NvYc8Hs1JdFg5Pm3Qa6Ue0Ri"

  /// What may go wrong with a creation, one after the other; some answers hold strings that are not kept.
  /// A request that meets one is not counted by those behind it.
  private static let faults = [
    "create:answer-lost:nth=2", "create:malformed=newline:nth=2", "create:duplicate:nth=2",
    "create:throttle=429,retry-after=1:nth=2", "create:malformed=short:nth=2",
    "create:malformed=truncated:nth=2", "create:wrong-expiry:nth=2", "create:error-after=500:nth=2",
    "query:error-before=500:nth=2",
  ]

  @Test func nothingLeaksFromARunWithFaults() async throws {
    let workspace = try Workspace()
    try workspace.write("management-token", SecrecyTests.managementToken, mode: 0o600)
    let sandbox = try await workspace.startSandbox(
      options: [
        "--management-token-file", "management-token", "--activation-delay", "1000s",
        "--activation-spread", "0s",
      ] + SecrecyTests.faults.flatMap { ["--fault", $0] })
    let proxy = try RecordingProxy(to: sandbox.url)
    defer { proxy.stop() }
    try workspace.writeJob(
      rows: Workspace.rows(1...10), activation: "timeout = \"20s\"",
      more: """
        [cluster]
        host = "\(proxy.url)"
        management_url = "\(proxy.url)/api/v0"
        [limits]
        concurrency = 2
        request_timeout = "2s"
        """)
    let call = try workspace.start(["run", "job.toml", "--state", "state", "--verbose"])
    try await eventually("tokens are asked about") {
      let asked = try await sandbox.requests()["query"]?["401"] ?? 0
      return asked >= 4 && workspace.list("state/tokens/plant/.pending").count >= 4
    }
    var seen: [(what: String, bytes: [UInt8])] = []
    for name in ["cmdline", "environ"] {
      let bytes = try SecrecyTests.bytes("/proc/\(call.program.identifier)/\(name)")
      #expect(!bytes.isEmpty)
      seen.append((name, bytes))
    }
    var outcome = try await SecrecyTests.finish(call, sandbox)
    // A token whose answer could not be used is made anew by the next run.
    for format in ["table", "json", "table"] where outcome.code == 1 {
      let next = try workspace.start(["run", "job.toml", "--state", "state", "--format", format])
      outcome = try await SecrecyTests.finish(next, sandbox)
    }
    #expect(outcome.code == 0, "\(outcome.everything)")
    let faults = try await sandbox.get("statistics")["faults"] as? [[String: Any]] ?? []
    #expect(faults.count == SecrecyTests.faults.count)
    #expect(faults.filter { $0["fired"] as? Int == 0 }.isEmpty, "\(faults)")
    #expect(workspace.delivered().count == 10)
    #expect(try await sandbox.liveTokens().count == 10)
    try await sandbox.expectGoodConduct()
    let verified = try await workspace.run("audit", "verify", "--state", "state", "--format", "json")
    #expect(verified.code == 0, "\(verified.everything)")

    let strings = proxy.tokens
    // More than were delivered: those of answers that could not be used have gone over the wire as well.
    #expect(strings.count > 10)
    #expect(workspace.delivered().allSatisfy { strings.contains(workspace.read("state/tokens/plant/\($0)")) })
    seen += try SecrecyTests.leftBehind(workspace)
    #expect(seen.contains { $0.what.hasSuffix("ledger.sqlite") && $0.bytes.count > 1000 })
    #expect(seen.contains { $0.what.hasSuffix("audit.jsonl") && $0.bytes.count > 1000 })
    #expect(seen.contains { $0.what.contains("/.owner/") })
    let windows = Windows(strings.map { String($0.dropFirst("apiv1_".count)) })
    let secret = Windows([String(SecrecyTests.managementToken.dropFirst("M.V1.".count))])
    for (what, bytes) in seen {
      #expect(!windows.occur(in: bytes), "a part of a token string is in \(what)")
      #expect(!secret.occur(in: bytes), "a part of the management token is in \(what)")
    }
    // The search itself finds what is there.
    #expect(windows.occur(in: Array(workspace.read("state/tokens/plant/line-1").utf8)))
    #expect(secret.occur(in: Array(workspace.read("management-token").utf8)))
  }

  /// Activates whatever is there until the run ends.
  private static func finish(
    _ call: Workspace.Call, _ sandbox: SandboxProcess
  ) async throws -> Workspace.Outcome {
    try await eventually("the run ends", within: Workspace.Call.limit) {
      try await sandbox.post("activate")
      return !call.program.isRunning
    }
    return try await call.outcome()
  }

  /// All that the program wrote, but the files whose purpose is to hold a string.
  private static func leftBehind(_ workspace: Workspace) throws -> [(what: String, bytes: [UInt8])] {
    var found: [(String, [UInt8])] = []
    for folder in [workspace.folder + "/state", workspace.root + "/output"] {
      let files = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
      for name in files {
        let isToken =
          name.hasPrefix("tokens/plant/") && !name.contains("/.")
          || name.contains("/.pending/") || name.contains("/.previous/")
        var status = stat()
        guard !isToken, lstat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG
        else { continue }
        found.append((name, try bytes("\(folder)/\(name)")))
      }
    }
    return found
  }

  /// Also of files in `/proc`, whose size is said to be 0.
  private static func bytes(_ path: String) throws -> [UInt8] {
    let file = try #require(FileHandle(forReadingAtPath: path), "\(path)")
    defer { try? file.close() }
    return Array(try file.readToEnd() ?? Data())
  }
}

/// All the eight characters in a row of some texts.
struct Windows {
  private static let length = 8
  private var parts: Set<ArraySlice<UInt8>> = []

  init(_ texts: [String]) {
    for text in texts {
      let bytes = Array(text.utf8)
      guard bytes.count >= Windows.length else { continue }
      for start in 0...(bytes.count - Windows.length) {
        parts.insert(bytes[start..<start + Windows.length])
      }
    }
  }

  func occur(in bytes: [UInt8]) -> Bool {
    guard bytes.count >= Windows.length else { return false }
    return (0...(bytes.count - Windows.length)).contains {
      parts.contains(bytes[$0..<$0 + Windows.length])
    }
  }
}
