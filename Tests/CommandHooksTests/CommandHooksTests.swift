import CommandHooks
import Foundation
import RotationModel
import RotationPorts
import Testing

/// Hooks as real programs.
struct CommandHooksTests {
  private let folder: String
  private static let environment = ["PATH": "/usr/bin:/bin", "HOME": "/root", "SECRET": "not for hooks"]

  init() throws {
    folder = NSTemporaryDirectory() + "tokenrotate-hooks-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  private func hooks(_ script: String, timeout: Duration = .seconds(20)) -> CommandHooks {
    hooks(["sh", "-c", script], timeout: timeout)
  }

  private func hooks(_ arguments: [String], timeout: Duration = .seconds(20)) -> CommandHooks {
    CommandHooks(
      commands: ["hook": CommandHooks.Command(arguments: arguments, timeout: timeout)], directory: folder,
      environment: CommandHooksTests.environment)
  }

  private static func hook(_ scope: Hook.Scope, _ occasion: Hook.Occasion = .delivered) -> Hook {
    Hook(name: "hook", occasion: occasion, scope: scope)
  }

  private static let token = HookCall.Token(
    name: "line-1", tokenID: "id-2", previousTokenID: "id-1", generation: 2,
    expiresAt: Instant(milliseconds: 1_800_000_000_000), labels: ["site": "north \"1\"", "team": "a;b"])

  private static func call(_ tokens: [HookCall.Token] = [token]) -> HookCall {
    HookCall(
      run: RunID(bits: 7), job: "plant", cluster: "account/cluster", host: "https://x.example", tokens: tokens
    )
  }

  private func error(_ hooks: CommandHooks, _ scope: Hook.Scope = .run) async -> HookError? {
    do throws(HookError) {
      try await hooks.tell(CommandHooksTests.hook(scope), CommandHooksTests.call())
      return nil
    } catch { return error }
  }

  private func read(_ name: String) throws -> String {
    try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
  }

  @Test func aHookOfOneTokenGetsVariablesAndLittleElse() async throws {
    try await hooks("env | sort > out; cat > stdin; pwd > pwd")
      .tell(CommandHooksTests.hook(.token), CommandHooksTests.call())
    let lines = Set(try read("out").split(separator: "\n").map(String.init))
    let wanted: Set = [
      "HOME=/root", "PATH=/usr/bin:/bin", "TOKENROTATE_CLUSTER=account/cluster", "TOKENROTATE_COUNT=1",
      "TOKENROTATE_EVENT=delivered", "TOKENROTATE_EXPIRES_AT=2027-01-15T08:00:00Z",
      "TOKENROTATE_GENERATION=2", "TOKENROTATE_HOST=https://x.example", "TOKENROTATE_JOB=plant",
      "TOKENROTATE_LABEL_site=north \"1\"", "TOKENROTATE_LABEL_team=a;b", "TOKENROTATE_NAME=line-1",
      "TOKENROTATE_PREVIOUS_TOKEN_ID=id-1", "TOKENROTATE_RUN=\(RunID(bits: 7).text)",
      "TOKENROTATE_TOKEN_ID=id-2",
    ]
    // A shell adds a few of its own.
    #expect(
      lines.filter { !$0.hasPrefix("PWD=") && !$0.hasPrefix("OLDPWD=") && !$0.hasPrefix("_=") } == wanted)
    #expect(try read("stdin") == "")
    #expect(try read("pwd").contains("tokenrotate-hooks"))
  }

  @Test func aHookOfARunReadsItsTokensAsJSON() async throws {
    struct Told: Decodable {
      struct Token: Decodable { var name: String, tokenID: String?, labels: [String: String] }
      var event: String, job: String, count: Int, tokens: [Token]
    }
    try await hooks("cat > stdin").tell(CommandHooksTests.hook(.run), CommandHooksTests.call())
    let told = try JSONDecoder().decode(Told.self, from: Data(try read("stdin").utf8))
    #expect(told.event == "delivered" && told.job == "plant" && told.count == 1)
    #expect(told.tokens.first?.name == "line-1" && told.tokens.first?.labels["site"] == "north \"1\"")
  }

  @Test func aLongListIsReadWhole() async throws {
    let tokens = (0..<20_000).map { HookCall.Token(name: "line-\($0)", tokenID: "id") }
    try await hooks("wc -c > count").tell(CommandHooksTests.hook(.run), CommandHooksTests.call(tokens))
    let count = try #require(Int(try read("count").trimmingCharacters(in: .whitespacesAndNewlines)))
    #expect(count > 1_000_000)
  }

  @Test func aListThatIsNotReadIsNoFailure() async throws {
    let tokens = (0..<20_000).map { HookCall.Token(name: "line-\($0)", tokenID: "id") }
    try await hooks("exit 0").tell(CommandHooksTests.hook(.run), CommandHooksTests.call(tokens))
  }

  @Test func theLastOfWhatAFailingHookWroteIsShown() async throws {
    let failed = await error(hooks("echo first; seq 1 2000; echo 'unit not found' >&2; exit 3"))
    #expect(failed?.message == "hook hook: sh failed (exit 3)")
    #expect(failed?.output.hasSuffix("1999 2000 unit not found") == true)
    #expect(failed.map { $0.output.utf8.count <= 2000 } == true)
  }

  @Test func whatMightBeATokenIsStruckOut() async throws {
    let string = "apiv1_" + String(repeating: "Ab3", count: 22)
    let failed = await error(hooks("echo 'token=\(string)'; printf '\(string)' | base64 -w0; echo; exit 1"))
    let output = try #require(failed?.output)
    #expect(!output.contains("Ab3Ab3") && !output.contains("QWIz"))
    for odd in ["x=apiv1_ab/cd", "\(String(repeating: "A", count: 41))/tail+9"] {
      let shown = try #require(await error(hooks("echo '\(odd)'; exit 1"))?.output)
      #expect(!shown.contains("cd") && !shown.contains("tail"), "\(shown)")
    }
    #expect(
      await error(hooks("echo '/usr/lib/telegraf/conf.d/x.conf'; exit 1"))?.output
        == "/usr/lib/telegraf/conf.d/x.conf")
    // The id of a token is no secret.
    let id = "0c9d1b5e-1f3a-4b6e-9d6a-3f1f4f0a9b11"
    #expect(await error(hooks("echo 'token \(id)'; exit 1"))?.output == "token \(id)")
  }

  @Test func aHookThatHangsIsEndedWithWhatItStarted() async throws {
    let begun = ContinuousClock.now
    let failed = await error(
      hooks(
        "trap 'echo cleaning up' TERM; sleep 1000 & echo $! > pid; wait; wait", timeout: .milliseconds(400)))
    #expect(failed?.message == "hook hook: sh did not end within 0.400s")
    #expect(failed?.output == "cleaning up", "it was asked first")
    #expect(ContinuousClock.now - begun < .seconds(30))
    let pid = try #require(Int32(try read("pid").trimmingCharacters(in: .whitespacesAndNewlines)))
    #expect(try await isGone(pid))
  }

  /// A zombie is gone: somebody else has to collect it.
  private func isGone(_ pid: Int32) async throws -> Bool {
    for _ in 0..<200 {
      let state = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
      if state.map({ $0.contains(") Z ") }) ?? true { return true }
      try await Task.sleep(for: .milliseconds(10))
    }
    return false
  }

  @Test func aHookThatDoesNotWantToEndIsKilled() async throws {
    let failed = await error(
      hooks("trap '' TERM; while :; do sleep 0.1; done", timeout: .milliseconds(200)))
    #expect(failed?.message == "hook hook: sh did not end within 0.200s")
  }

  @Test func aHookThatWritesWithoutEndIsNoProblem() async throws {
    #expect(await error(hooks("head -c 100000000 /dev/zero | tr '\\0' x")) == nil)
  }

  @Test func aHookThatIsNotThereSaysWhere() async throws {
    let failed = await error(hooks(["/nonexistent/reload"]))
    #expect(failed?.message == "hook hook: cannot start /nonexistent/reload: No such file or directory")
    #expect(failed?.hint == "put /nonexistent/reload where the job says it is")
  }

  @Test func aHookHasTheSignalsThatAProgramExpects() async throws {
    // With SIGPIPE ignored, `yes` would complain about the pipe.
    #expect(await error(hooks("yes 2>err | head -1; test ! -s err")) == nil)
  }

  @Test func aHookHasNoDescriptorOfOurs() async throws {
    // Without O_CLOEXEC it would be inherited.
    let descriptor = open("\(folder)/open", O_RDWR | O_CREAT, 0o600)
    #expect(descriptor > 2)
    defer { close(descriptor) }
    try await hooks("ls -l /proc/$$/fd > fds").tell(CommandHooksTests.hook(.run), CommandHooksTests.call())
    let descriptors = try read("fds")
    #expect(!descriptors.contains("/open") && descriptors.contains("fds"))
  }
}
