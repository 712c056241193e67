import Foundation
import Testing

/// What calls the program regularly: the files in `cron/`, as they are shipped.
@Suite(.fewAtATime) struct SchedulerTests {
  /// Where nothing is to be skipped unnoticed, a missing program or permission fails.
  static let isRequired = ProcessInfo.processInfo.environment["CI"] == "true"
  static let hasSystemd = isInstalled("systemd-analyze")
  static let canRunCron = geteuid() == 0 && isInstalled("cron") && isInstalled("unshare")
  static let canSetPrivileges = geteuid() == 0 && isInstalled("setpriv")
  static let hasManifestTools = access(manifestTools + "/bin/kubernetes-validate", X_OK) == 0

  private static let repository = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
  private static let files = repository + "/cron"
  private static let manifestTools = repository + "/.build/manifest-tools"

  private static func isInstalled(_ program: String) -> Bool {
    ["/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/"].contains { access($0 + program, X_OK) == 0 }
  }

  // MARK: systemd

  /// The installed units, whose paths are then real ones. `verify` ends with 0 even where it finds an unknown key.
  @Test(.enabled(if: hasSystemd || isRequired, "systemd-analyze is missing: apt-get install systemd"))
  func systemdFindsNothingWrongWithTheInstalledUnits() async throws {
    let workspace = try Workspace()
    let prefix = workspace.path("usr")
    let installed = try await workspace.shell(
      "make -C '\(SchedulerTests.repository)' install PREFIX='\(prefix)'"
        + " RELEASE_BINARY='\(workspace.root)/bin/tokenrotate'")
    try #require(installed.code == 0, "\(installed.everything)")
    let units = "usr/lib/systemd/system"
    #expect(workspace.list(units) == ["tokenrotate.service", "tokenrotate.timer"])
    #expect(
      workspace.read("\(units)/tokenrotate.service").contains("ExecStart=\(prefix)/bin/tokenrotate run "))
    #expect(workspace.exists("usr/share/doc/tokenrotate/cron/tokenrotate.cron"))
    #expect(!workspace.exists("usr/etc"), "cron would start what is installed there")
    let verify = "systemd-analyze verify \(units)/tokenrotate.service \(units)/tokenrotate.timer"
    let verified = try await workspace.shell(verify)
    #expect(
      verified.code == 0 && verified.output.isEmpty && verified.errors.isEmpty, "\(verified.everything)")
    // The check itself notices a key that does not exist.
    let service = workspace.read("\(units)/tokenrotate.service")
    try workspace.write("\(units)/tokenrotate.service", service + "ProtectEverything=yes\n")
    let noticed = try await workspace.shell(verify)
    #expect(noticed.errors.contains("ProtectEverything"), "\(noticed.everything)")
  }

  @Test(.enabled(if: hasSystemd || isRequired, "systemd-analyze is missing: apt-get install systemd"))
  func theServiceIsHardened() async throws {
    let workspace = try Workspace()
    let outcome = try await workspace.shell(
      "systemd-analyze security --offline=true --no-pager '\(SchedulerTests.files)/tokenrotate.service'")
    let line = outcome.output.split(separator: "\n").last { $0.contains("Overall exposure level") }
    let words = (line ?? "").split(separator: " ")
    let colon = try #require(words.firstIndex { $0.hasSuffix(":") }, "\(outcome.everything)")
    let exposure = try #require(Double(words[colon + 1]), "\(outcome.everything)")
    #expect(exposure <= 2.0)
  }

  @Test func theUnitsSayWhatTheirReadmePromises() {
    let service = Workspace.text(of: SchedulerTests.files + "/tokenrotate.service").split(separator: "\n")
    for line in [
      "SuccessExitStatus=5", "LoadCredential=management-token:/etc/tokenrotate/management-token",
      "StateDirectory=tokenrotate", "CapabilityBoundingSet=",
    ] {
      #expect(service.contains(Substring(line)), "\(line)")
    }
    let timer = Workspace.text(of: SchedulerTests.files + "/tokenrotate.timer").split(separator: "\n")
    #expect(timer.contains("Persistent=yes") && timer.contains { $0.hasPrefix("RandomizedDelaySec=") })
  }

  /// root without its capabilities does all the work, as long as files stay its own; for those that belong to others
  /// it takes what the unit's comment names, and all of that.
  @Test(.enabled(if: canSetPrivileges || isRequired, "setting privileges takes root and setpriv"))
  func theServicesPrivilegesAreEnoughAndNoneIsIdle() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    let names = Workspace.text(of: SchedulerTests.files + "/tokenrotate.service").split(separator: "\n")
      .filter { $0.hasPrefix("# CapabilityBoundingSet=") }
      .flatMap { $0.drop { $0 != "=" }.dropFirst().split(separator: " ") }
      .map { "+" + $0.dropFirst("CAP_".count).lowercased() }
    #expect(names.count > 1)
    func call(_ command: String, _ capabilities: [String]) async throws -> Workspace.Outcome {
      let bounds = (["-all"] + capabilities).joined(separator: ",")
      return try await workspace.shell(
        "umask 077; exec setpriv --inh-caps -all --bounding-set \(bounds) tokenrotate \(command) --state state"
      )
    }
    try workspace.writeJob(rows: Workspace.rows(1...1), more: "[rotation]\noverlap = \"0s\"")
    for command in ["run job.toml", "rotate job.toml line-1 --compromised", "run job.toml"] {
      let outcome = try await call(command, [])
      #expect(outcome.code == 0, "\(command): \(outcome.everything)")
    }
    try workspace.writeJob(
      "others/job.toml", name: "others", rows: Workspace.rows(1...1),
      more: "[rotation]\noverlap = \"0s\"\n[[store]]\nkind = \"file\"\nowner = \"daemon\"\ngroup = \"daemon\""
    )
    let refused = try await call("run others/job.toml", [])
    #expect(refused.code == 1 && refused.errors.contains("CAP_CHOWN"), "\(refused.everything)")
    // Leaving out any one of them shows at the latest when the file is replaced.
    let replace = "rotate others/job.toml line-1 --compromised"
    for name in names {
      let fewer = names.filter { $0 != name }
      let created = try await call("run others/job.toml", fewer)
      guard created.code == 0 else { continue }
      let replaced = try await call(replace, fewer)
      #expect(replaced.code == 6, "\(name) is not needed: \(replaced.everything)")
    }
    for command in ["run others/job.toml", replace, "run others/job.toml"] {
      let outcome = try await call(command, names)
      #expect(outcome.code == 0, "\(command): \(outcome.everything)")
    }
    var status = stat()
    try #require(stat(workspace.path("state/tokens/others/line-1"), &status) == 0)
    #expect(status.st_uid == getpwnam("daemon")?.pointee.pw_uid && status.st_mode & 0o777 == 0o600)
    #expect(try await workspace.run("audit", "verify", "--state", "state").code == 0)
    try await sandbox.expectGoodConduct()
  }

  // MARK: cron

  /// The shipped entry, with nothing changed but paths and the time, called by cron itself within a minute. cron has
  /// a private view of the places that it reads and writes, and dies with everything that it has started.
  @Test(.enabled(if: canRunCron || isRequired, "this takes root and cron: apt-get install cron"))
  func cronRunsTheShippedEntry() async throws {
    let workspace = try Workspace()
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try writeCredentialJob(workspace, sandbox, to: "etc/jobs/plant/job.toml")
    let tableBefore = try FileManager.default.contentsOfDirectory(atPath: "/etc/cron.d").sorted()
    for folder in ["cron.d", "spool", "spool/crontabs", "lib"] { workspace.makeFolder(folder) }
    try workspace.write("crontab", "")
    try workspace.write("sendmail", "#!/bin/sh\nexec cat >> '\(workspace.path("mail"))'\n", mode: 0o755)
    let changed = try await workspace.shell(
      "sed -e 's|/usr/local/bin/tokenrotate|\(workspace.root)/bin/tokenrotate|'"
        + " -e 's|/etc/tokenrotate|\(workspace.path("etc"))|' -e 's|^17 |* |'"
        + " '\(SchedulerTests.files)/tokenrotate.cron' > cron.d/tokenrotate; chmod 644 cron.d/tokenrotate")
    try #require(changed.code == 0, "\(changed.everything)")
    // cron starts only when every place of the machine's is covered: it would run the machine's own jobs else.
    try workspace.write(
      "start-cron.sh",
      """
      set -eu
      mount -t tmpfs tmpfs /run
      mount --bind cron.d /etc/cron.d
      mount --bind crontab /etc/crontab
      mount --bind spool /var/spool/cron
      mount --bind lib /var/lib
      if [ -e /usr/sbin/sendmail ]; then mount --bind sendmail /usr/sbin/sendmail; fi
      exec /usr/sbin/cron -f
      """)
    let cron = try ChildProgram(
      [
        "unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc",
        "sh", "start-cron.sh",
      ],
      in: workspace.folder, environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"],
      output: workspace.path("cron.out"), errors: workspace.path("cron.err"))
    try await eventually("cron's run has ended", within: .seconds(150)) {
      guard cron.isRunning else {
        throw ChildProgram.Failure(description: "cron ended: \(workspace.read("cron.err"))")
      }
      return workspace.read("lib/tokenrotate/audit.jsonl").contains("run.finished")
    }
    cron.send(SIGKILL)
    #expect(try await cron.end(within: .seconds(20)) == .killed(signal: SIGKILL))
    #expect(workspace.list("lib/tokenrotate/tokens/plant") == ["line-1", "line-2"])
    #expect(workspace.read("mail").isEmpty, "\(workspace.read("mail"))")
    #expect(try FileManager.default.contentsOfDirectory(atPath: "/etc/cron.d").sorted() == tableBefore)
    #expect(try await sandbox.creations() == 2)
    try await sandbox.expectGoodConduct()
  }

  // MARK: Kubernetes

  @Test(.enabled(if: hasManifestTools || isRequired, "kubernetes-validate is missing: make setup"))
  func theManifestIsValidAndItsStateOutlivesThePod() async throws {
    let workspace = try Workspace()
    let manifest = SchedulerTests.files + "/kubernetes-cronjob.yaml"
    let (validator, python) = ("bin/kubernetes-validate", "bin/python3")
    let validate = "'\(SchedulerTests.manifestTools)/\(validator)' --strict"
    let valid = try await workspace.shell("\(validate) '\(manifest)'")
    #expect(valid.code == 0, "\(valid.everything)")
    // The check itself notices a key that does not exist.
    try workspace.write(
      "wrong.yaml", Workspace.text(of: manifest).replacing("concurrencyPolicy", with: "concurencyPolicy"))
    #expect(try await workspace.shell("\(validate) wrong.yaml").code != 0)

    let read = try await workspace.shell(
      "'\(SchedulerTests.manifestTools)/\(python)' -c 'import json, sys, yaml;"
        + " print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))' '\(manifest)'")
    try #require(read.code == 0, "\(read.everything)")
    let documents = try JSONDecoder().decode([Manifest].self, from: Data(read.output.utf8))
    let cronJob = try #require(documents.first { $0.kind == "CronJob" })
    #expect(cronJob.spec.concurrencyPolicy == "Forbid")
    let pod = try #require(cronJob.spec.jobTemplate?.spec.template.spec)
    let container = try #require(pod.containers.first)
    let option = try #require(container.args.first { $0.hasPrefix("--state=") })
    let state = String(option.dropFirst("--state=".count))
    let mount = try #require(container.volumeMounts.first { (state + "/").hasPrefix($0.mountPath + "/") })
    #expect(mount.readOnly != true)
    let claimed = pod.volumes.first { $0.name == mount.name }?.persistentVolumeClaim?.claimName
    let claims = documents.filter { $0.kind == "PersistentVolumeClaim" }.map(\.metadata.name)
    #expect(claimed.map { [$0] } == claims, "the state has to outlive the pod")

    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try writeCredentialJob(workspace, sandbox, to: "etc/tokenrotate/job/job.toml")
    try workspace.write("etc/tokenrotate/job/defaults.toml", "")
    // The container's own folders are below the workspace's.
    let environment = Dictionary(
      uniqueKeysWithValues: container.env.map { ($0.name, workspace.folder + $0.value) })
    try workspace.write(
      "run/secrets/tokenrotate/management-token", SandboxProcess.managementToken, mode: 0o440)
    let command = container.args.map { argument in
      ["/etc/tokenrotate", "/var/lib/tokenrotate"].reduce(argument) {
        $0.replacing($1, with: workspace.folder + $1)
      }
    }
    for folder in ["var", "var/lib", "var/lib/tokenrotate"] { workspace.makeFolder(folder) }
    let outcome = try await workspace.shell("tokenrotate " + command.joined(separator: " "), environment)
    #expect(outcome.code == 0 && outcome.output.isEmpty && outcome.errors.isEmpty, "\(outcome.everything)")
    #expect(workspace.list("var/lib/tokenrotate/state/tokens/plant") == ["line-1", "line-2"])
    try await sandbox.expectGoodConduct()
  }

  // MARK: Parts

  /// A job that says itself which cluster it means, so that no defaults file in a home or of this machine is needed;
  /// its management token is a credential, as in the example. In `etc`, where the entry for cron looks for it.
  private func writeCredentialJob(_ workspace: Workspace, _ sandbox: SandboxProcess, to path: String) throws {
    let cluster = Workspace.text(of: sandbox.defaultsPath).split(separator: "\n").map {
      $0.hasPrefix("management_token") ? "management_token = { credential = \"management-token\" }" : $0
    }.joined(separator: "\n")
    try workspace.write("etc/management-token", SandboxProcess.managementToken + "\n", mode: 0o600)
    try workspace.writeJob(path, rows: Workspace.rows(1...2), more: cluster)
  }
}

/// What the test wants to know of a Kubernetes manifest.
private struct Manifest: Decodable {
  struct Name: Decodable { var name: String }
  struct Variable: Decodable { var name, value: String }
  struct Mount: Decodable {
    var name, mountPath: String
    var readOnly: Bool?
  }
  struct Container: Decodable {
    var args: [String]
    var env: [Variable]
    var volumeMounts: [Mount]
  }
  struct Claim: Decodable { var claimName: String }
  struct Volume: Decodable {
    var name: String
    var persistentVolumeClaim: Claim?
  }
  struct Pod: Decodable {
    var containers: [Container]
    var volumes: [Volume]
  }
  struct Template: Decodable { var spec: Pod }
  struct JobSpec: Decodable { var template: Template }
  struct JobTemplate: Decodable { var spec: JobSpec }
  struct Spec: Decodable {
    var concurrencyPolicy: String?
    var jobTemplate: JobTemplate?
  }

  var kind: String
  var metadata: Name
  var spec: Spec
}
