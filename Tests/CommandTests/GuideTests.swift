import Foundation
import Testing

/// What `docs/guides/` tells its readers to do is done, word for word and in order, in a world in which the places and
/// names of the guides are real: `scripts/guide-world.sh`. What they show is compared with what comes.
@Suite(.fewAtATime) struct GuideTests {
  /// Where nothing is to be skipped unnoticed, a missing permission fails.
  static let isRequired = ProcessInfo.processInfo.environment["CI"] == "true"
  static let canCoverPlaces =
    geteuid() == 0
    && ["unshare", "ip", "openssl", "python3", "runuser", "jq", "curl", "make"].allSatisfy { program in
      ["/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/"].contains { access($0 + program, X_OK) == 0 }
    }

  private static let repository = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  /// How many commands each guide has at the least, so that none goes empty unnoticed.
  static let guides: [(name: String, commands: Int)] = [
    ("first-job", 18), ("schedule", 20), ("exit-codes", 40), ("from-influxctl", 16), ("secrets", 20),
    ("upgrading", 20), ("from-terraform", 12),
  ]

  /// What no test can do, by how its lines begin: a build of many minutes, and what talks to a machine's or a cluster's
  /// own services. `SchedulerTests` judges the files that these start.
  private static let untestable = [
    "make release", "sudo systemctl enable --now tokenrotate.timer", "sudo systemctl stop tokenrotate.timer",
    "sudo systemctl daemon-reload", "kubectl apply",
  ]

  private static func guide(_ name: String) throws -> Guide {
    try Guide(Workspace.text(of: "\(repository)/docs/guides/\(name).md"))
  }

  @Test func everyGuideIsPlayedAndHasItsCommands() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: GuideTests.repository + "/docs/guides")
    #expect(files.sorted() == GuideTests.guides.map { $0.name + ".md" }.sorted())
    for (name, least) in GuideTests.guides {
      let guide = try GuideTests.guide(name)
      #expect(guide.commands.count >= least, "\(name): \(guide.commands.count) commands")
      #expect(guide.commands.contains { !$0.output.isEmpty }, "\(name) shows no output")
      for line in guide.untested where !line.isEmpty {
        #expect(GuideTests.untestable.contains { line.hasPrefix($0) }, "\(name): no test does `\(line)`")
      }
    }
  }

  @Test(
    .enabled(if: canCoverPlaces || isRequired, "covering places takes root and unshare"), arguments: guides)
  func everyCommandDoesWhatTheGuideSays(_ name: String, _ least: Int) async throws {
    let guide = try GuideTests.guide(name)
    let workspace = try Workspace()
    try await GuideTests.play(guide, in: workspace)
    var transcript = ""
    for (index, step) in guide.steps.enumerated() {
      let folder = GuideTests.folder(of: index)
      let (code, output) = (workspace.read(folder + "/code"), workspace.read(folder + "/output"))
      transcript += "$ \(step.kind == .command ? step.text : "(\(step.kind))")\n\(output)"
      guard code == "\(step.code)\n" else {
        let why = code.isEmpty ? "it did not end" : "exit \(code)instead of \(step.code)"
        let log = workspace.read("stage/world.log")
        Issue.record(
          "docs/guides/\(name).md:\(step.line): \(why): \(step.text)\n\(output)\(index == 0 ? log : "")")
        break
      }
      if step.kind == .command, try !step.shows(output) {
        let wanted = step.output.joined(separator: "\n")
        Issue.record(
          "docs/guides/\(name).md:\(step.line): \(step.text)\nshown:\n\(wanted)\nfound:\n\(output)")
      }
    }
    // For whoever writes a guide: what all of its commands print.
    if let folder = ProcessInfo.processInfo.environment["RECORD_GUIDES"] {
      try Data(transcript.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name).txt"))
    }
  }

  private static func folder(of index: Int) -> String { "stage/steps/" + String(10_000 + index).dropFirst() }

  /// Lets the script do the steps. It ends them at the first exit code that is not the guide's.
  private static func play(_ guide: Guide, in workspace: Workspace) async throws {
    workspace.makeFolder("stage")
    try FileManager.default.copyItem(
      atPath: try Workspace.binary.get(), toPath: workspace.path("stage/program"))
    for (index, step) in guide.steps.enumerated() {
      let folder = folder(of: index)
      if case .file(let path) = step.kind { try workspace.write(folder + "/path", path) }
      try workspace.write(folder + "/kind", step.kind.word)
      try workspace.write(folder + "/text", step.text)
      try workspace.write(folder + "/wanted", "\(step.code)")
      if step.isInBackground { try workspace.write(folder + "/lines", "\(step.output.count)") }
    }
    if guide.commands.first(where: { $0.text.contains("make install") || $0.text.contains("tokenrotate ") })?
      .text == "sudo make install"
    {
      try workspace.write("stage/installs", "")
    }
    let world = try ChildProgram(
      [
        "unshare", "--mount", "--propagation", "private", "--net", "--pid", "--fork", "--kill-child",
        "--mount-proc", repository + "/scripts/guide-world.sh", workspace.path("stage"), repository,
      ],
      in: workspace.folder, environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"],
      output: workspace.path("world.out"), errors: workspace.path("world.err"))
    let ending = try await world.end(within: .seconds(300))
    #expect(
      ending == .exited(0), "\(workspace.read("world.err"))\(workspace.read("stage/world.log"))")
  }
}

extension Guide.Step.Kind {
  /// What the script calls it.
  fileprivate var word: String {
    if case .file = self { "file" } else { "command" }
  }
}

/// The reader of guides itself.
struct GuideReadingTests {
  private static let page = """
    Prose.

    `/etc/x.toml`:

    ```toml
    a = 1
    ```

    ```console
    $ one \\
        two
    shown …
    $ echo $?
    6
    $ cat <<'END'
    $ no command
    END
    $ say 'a
    > b'
    $ serve &
    ```

    <!-- backstage
    do this
    -->

    ```sh
    never
    ```
    """

  @Test func aPageIsReadFromTopToBottom() throws {
    let guide = try Guide(GuideReadingTests.page)
    #expect(
      guide.steps.map(\.text) == [
        "a = 1\n", "one \\\n    two", "echo $?", "cat <<'END'\n$ no command\nEND", "say 'a\nb'", "serve &",
        "do this",
      ])
    #expect(guide.steps.map(\.line) == [6, 10, 13, 15, 18, 20, 24])
    #expect(guide.steps.map(\.code) == [0, 6, 0, 0, 0, 0, 0])
    #expect(guide.steps.first?.kind == .file(path: "/etc/x.toml") && guide.steps.last?.kind == .backstage)
    #expect(guide.steps.map(\.isInBackground) == [false, false, false, false, false, true, false])
    #expect(guide.untested == ["never"] && guide.commands.count == 5)
  }

  @Test(arguments: ["```toml\na = 1\n```", "```console\nshown\n```", "```console\n$ x", "<!-- backstage\nx"])
  func whatCannotBePlayedIsAnError(_ page: String) {
    #expect(throws: Guide.Failure.self) { try Guide(page) }
  }

  @Test func outputsAreComparedLineByLine() throws {
    func step(_ output: String...) -> Guide.Step {
      var step = Guide.Step(kind: .command, text: "x", line: 1)
      step.output = output
      return step
    }
    #expect(try step("a … c", "…", "z").shows("a b c\n1\n2\nz\n\n"))
    #expect(try step("a", "…").shows("a  \n"))
    #expect(try step().shows("\n"))
    #expect(try !step().shows("a\n"))
    #expect(try !step("a").shows("a\nb\n"))
    #expect(try !step("a.c").shows("abc\n"))
    #expect(try !step("a … c").shows("a b\nc\n"))
    #expect(try !step("…", "z").shows("z\ny\n"))
  }
}
