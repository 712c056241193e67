import Foundation
import Testing

/// The program with hooks that are scripts, as a user has them.
@Suite(.fewAtATime) struct HookTests {
  @Test func aHookIsToldOnceAndAFailureIsMendedByTheNextRun() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.write(
      "reload.sh",
      """
      #!/bin/sh
      echo told >> told.txt
      cat > said.json
      test -e mended || { echo "unit not found" >&2; exit 1; }
      """, mode: 0o755)
    try workspace.writeJob(
      rows: Workspace.rows(1...2), more: "[[hook]]\non = \"delivered\"\ncommand = [\"./reload.sh\"]")
    let failed = try await workspace.run("run", "job.toml", "--state", "state", "--quiet")
    #expect(failed.code == 6, "\(failed.everything)")
    #expect(failed.errors.contains("reload.sh failed (exit 1): unit not found"), "\(failed.everything)")
    #expect(workspace.delivered().contains("line-1"), "consumers that look by themselves have it")
    let plan = try await workspace.run("plan", "job.toml", "--state", "state")
    #expect(plan.output.contains("in the stores; hook reload.sh-"), "\(plan.everything)")
    try workspace.write("mended", "")
    let mended = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(mended.code == 0, "\(mended.everything)")
    let quiet = try await workspace.run("run", "job.toml", "--state", "state", "--quiet")
    #expect(quiet.code == 0 && quiet.output.isEmpty && quiet.errors.isEmpty, "\(quiet.everything)")
    #expect(workspace.read("told.txt") == "told\ntold\n")
    #expect(workspace.read("said.json").contains(#""event":"delivered""#))
    #expect(workspace.read("said.json").contains(#""name":"line-2""#))
    #expect(!workspace.read("state/audit.jsonl").contains("unit not found"))
    #expect(try await sandbox.creations() == 2)
    #expect(try await workspace.run("audit", "verify", "--state", "state").code == 0)
    try await sandbox.expectGoodConduct()
  }

  /// A hook sees everything that a rotation tells: the new token, then the end of the old one.
  @Test func theWholeLifeOfATokenIsTold() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.write(
      "note.sh",
      """
      #!/bin/sh
      echo "$TOKENROTATE_EVENT $TOKENROTATE_NAME $TOKENROTATE_LABEL_site $TOKENROTATE_TOKEN_ID" >> notes.txt
      """, mode: 0o755)
    try workspace.writeJob(
      rows: [],
      more: """
        [rotation]
        overlap = "0s"
        [[hook]]
        on = "delivered"
        per = "token"
        command = ["./note.sh"]
        [[hook]]
        on = "retired"
        per = "token"
        command = ["./note.sh"]
        """)
    try workspace.write("tokens.csv", "name,read_database,label_site\nline-1,plant,north\n")
    #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 0)
    let rotated = try await workspace.run("rotate", "job.toml", "line-1", "--compromised", "--state", "state")
    #expect(rotated.code == 0, "\(rotated.everything)")
    let notes = workspace.read("notes.txt").split(separator: "\n").map { $0.split(separator: " ") }
    #expect(
      notes.map { $0.dropLast().joined(separator: " ") } == [
        "delivered line-1 north", "delivered line-1 north", "retired line-1 north",
      ])
    #expect(notes.count == 3 && notes[2].last == notes[0].last && notes[1].last != notes[0].last)
    try await sandbox.expectGoodConduct()
  }

  @Test func aHookThatHangsIsEndedAndToldAgain() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.writeJob(
      rows: Workspace.rows(1...1),
      more: "[[hook]]\non = \"delivered\"\ncommand = [\"sleep\", \"1000\"]\ntimeout = \"1s\"")
    let failed = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(failed.code == 6, "\(failed.everything)")
    #expect(failed.errors.contains("sleep did not end within 1s"), "\(failed.everything)")
    try await sandbox.expectGoodConduct()
  }

  @Test func aJobThatIsStoppedTellsItsAlarm() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.write(
      "alarm.sh", "#!/bin/sh\necho \"$TOKENROTATE_EVENT: $TOKENROTATE_ERROR\" > alarm.txt\n", mode: 0o755)
    try workspace.writeJob(
      rows: ["line-1,nowhere,"], more: "[[hook]]\non = \"failed\"\ncommand = [\"./alarm.sh\"]")
    #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 2)
    #expect(
      workspace.read("alarm.txt").hasPrefix("failed: tokens.csv:2:8:"), "\(workspace.read("alarm.txt"))")
    // Refused before anything was begun.
    try workspace.write("tokens.csv", "nam\nx\n")
    #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 2)
    #expect(workspace.read("alarm.txt").contains("unknown column"), "\(workspace.read("alarm.txt"))")
    try workspace.remove("alarm.txt")
    #expect(try await workspace.run("check", "job.toml", "--state", "state").code == 2)
    #expect(!workspace.exists("alarm.txt"), "a look raises no alarm")
    try await sandbox.expectGoodConduct()
  }
}
