import Foundation
import RotationPorts
import Testing

@testable import JobFiles

@Suite struct SuggestionTests {
  @Test(arguments: [
    ("concurency", "concurrency"), ("nmae", "name"), ("Name", "name"), ("nam", "name"),
    ("read_databse", "read_database"),
  ])
  func theNearestIsMeant(word: String, meant: String) {
    #expect(Suggestion.nearest(to: word, among: ["concurrency", "name", "read_database"]) == meant)
  }

  @Test(arguments: ["x", "zzzz", "", String(repeating: "name", count: 100)])
  func whatIsFarIsNotMeant(word: String) {
    #expect(Suggestion.nearest(to: word, among: ["concurrency", "name"]) == nil)
  }

  @Test(arguments: [
    ("ab", "ba", 1), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("ca", "abc", 3),
    ("a", "a", 0),
  ])
  func distances(left: String, right: String, distance: Int) {
    #expect(Suggestion.distance(Array(left.unicodeScalars), Array(right.unicodeScalars)) == distance)
  }
}

@Suite struct RowDigestTests {
  /// The first vectors of the reference implementation's `vectors_sip128`, key 00 01 … 0f.
  @Test func itIsSipHash() {
    var empty = SipHash128(key: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
    let (low, high) = empty.finish()
    #expect(low == 0xe6a8_25ba_047f_81a3)
    #expect(high == 0x9302_55c7_1472_f66d)
    var one = SipHash128(key: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
    one.append(0)
    let (oneLow, oneHigh) = one.finish()
    #expect(oneLow == 0x44af_996b_d8c1_87da)
    #expect(oneHigh == 0x45fc_229b_1159_7634)
  }

  @Test func aChangedByteOrHeaderChangesIt() {
    let header = RowDigest(of: Array("name".utf8))
    let row = RowDigest(of: Array("a,db\n".utf8), after: header)
    #expect(row != RowDigest(of: Array("b,db\n".utf8), after: header))
    #expect(row != RowDigest(of: Array("a,db\n".utf8), after: RowDigest(of: Array("nama".utf8))))
    #expect(RowDigest(row.description) == row)
    #expect(RowDigest("+" + row.description.dropFirst()) == nil)
  }
}

@Suite struct HashTableTests {
  @Test func itIsASet() {
    var table = HashTable()
    var set = Set<UInt64>()
    var random = SplitMix(state: 3)
    for _ in 0..<20_000 {
      // Few values and equal low bits: repeats and collisions of slots.
      let hash = random.next() % 5000 << 40 | random.next() % 2
      #expect(table.insert(hash) == set.insert(hash == 0 ? 1 : hash).inserted)
    }
  }
}

@Suite struct SecretFileTests {
  private func text(_ secret: Secret) -> String {
    secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  @Test(arguments: [
    ("abc", "abc"), ("abc\n", "abc"), ("abc\r\n", "abc"), ("abc\n\n", "abc"), ("abc\r\n\r\n\n", "abc"),
    ("a\nb\n", "a\nb"), ("a b", "a b"),
  ])
  func lineBreaksAtTheEndAreLeftOut(content: String, secret: String) throws {
    let path = try Workspace().writeKept("s", content, mode: 0o600)
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try text(SecretFile.read(path)) == secret)
  }

  @Test func itsGroupMayReadIt() throws {
    let workspace = try Workspace()
    let path = try workspace.write("s", "abc", mode: 0o440)
    #expect(try text(SecretFile.read(path)) == "abc")
  }

  @Test(arguments: [(0o604, "read"), (0o602, "written"), (0o666, "read")])
  func everybodyMayNot(mode: Int, verb: String) throws {
    let workspace = try Workspace()
    let path = try workspace.write("my secret", "abc", mode: mode)
    let error = try #require(throws: FileError.self) { try SecretFile.read(path) }
    #expect(error.code == .readableByOthers)
    #expect(error.message == "\(path) holds a secret and can be \(verb) by everybody")
    #expect(error.hint == "chmod o= '\(path)'")
  }

  @Test func whatIsNoSecretFile() throws {
    let workspace = try Workspace()
    #expect(throws: FileError(.notAFile, "\(workspace.path) is not a regular file")) {
      try SecretFile.read(workspace.path)
    }
    let empty = try workspace.write("empty", "\n", mode: 0o600)
    #expect(throws: FileError(.empty, "\(empty) is empty")) { try SecretFile.read(empty) }
    let fits = try workspace.write("fits", String(repeating: "x", count: 16_384), mode: 0o600)
    #expect(try SecretFile.read(fits).count == 16_384)
    let long = try workspace.write("long", String(repeating: "x", count: 16_385), mode: 0o600)
    #expect(throws: FileError(.tooLong, "\(long) is longer than 16384 bytes")) { try SecretFile.read(long) }
  }
}

extension Workspace {
  /// A file that outlives the folder's owner: written beside it.
  func writeKept(_ name: String, _ text: String, mode: Int) throws -> String {
    let file = "\(path)-\(name)"
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
    return file
  }
}

@Suite struct SecretSourceTests {
  private let environment = ["PATH": "/usr/bin:/bin", "HOME": "/", "TOKEN": "abc", "EMPTY": "", "TWO": "a b"]

  private func read(_ source: SecretSource, _ extra: [String: String] = [:]) throws -> String {
    let environment = environment.merging(extra) { $1 }
    return try source.read(environment: environment, trust: untrusting)
      .withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  @Test func eachSourceIsRead() throws {
    let workspace = try Workspace()
    let file = try workspace.write("token", "from-file\n", mode: 0o600)
    #expect(try read(.file(file)) == "from-file")
    #expect(try read(.environment("TOKEN")) == "abc")
    #expect(try read(.credential("token"), ["CREDENTIALS_DIRECTORY": workspace.path]) == "from-file")
    #expect(
      try read(.command(["printf", "%s\\n", "from command".replacingOccurrences(of: " ", with: "-")]))
        == "from-command")
  }

  /// The same job file for the service, whose manager hands the token over, and for a person, to whom nobody does.
  @Test func aCredentialIsFoundByHandToo() throws {
    let workspace = try Workspace()
    _ = try workspace.write("token", "by-hand\n", mode: 0o600)
    for environment in [[:], ["CREDENTIALS_DIRECTORY": ""]] {
      let secret = try SecretSource.credential("token").read(
        environment: environment, trust: untrusting, credentialsFolder: workspace.path)
      #expect(secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } == "by-hand")
    }
    // What the manager hands over is what counts, even where it handed over nothing.
    #expect(throws: FileError.self) {
      try SecretSource.credential("token").read(
        environment: ["CREDENTIALS_DIRECTORY": workspace.path + "/none"], trust: untrusting,
        credentialsFolder: workspace.path)
    }
    let missing = #expect(throws: FileError.self) {
      try SecretSource.credential("x").read(
        environment: [:], trust: untrusting, credentialsFolder: workspace.path)
    }
    #expect(missing?.message.contains("without $CREDENTIALS_DIRECTORY") == true)
    #expect(missing?.hint?.contains("LoadCredential=x:") == true)
  }

  @Test func aCommandGetsACleanEnvironment() throws {
    let seen = try read(.command(["sh", "-c", "env | grep -c -e ^TOKEN -e ^TWO; true"]))
    #expect(seen == "0")
    let home = try read(.command(["sh", "-c", "printf %s \"$HOME\""]), ["HOME": "/somewhere"])
    #expect(home == "/somewhere")
    // Asked by the shell itself, for the numbers that it does not use: a pipeline or a redirection would
    // show its own.
    let open = "for n in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$n ] && printf $n; done; printf end"
    #expect(try read(.command(["sh", "-c", open])) == "end")
  }

  @Test func whatGoesWrongIsSaid() throws {
    func error(_ source: SecretSource) -> FileError? {
      do { _ = try read(source) } catch let error as FileError { return error } catch {}
      return nil
    }
    #expect(error(.environment("NONE"))?.code == .notSet)
    #expect(error(.environment("EMPTY"))?.code == .notSet)
    #expect(error(.environment("TWO"))?.code == .malformed)
    #expect(
      error(.command(["sh", "-c", "printf 'no\\033 entry\\n' >&2; exit 3"]))?.message
        == "sh failed (exit 3): no entry")
    #expect(error(.command(["sh", "-c", "kill -9 $$"]))?.message == "sh failed (signal 9)")
    #expect(
      error(.command(["/nonexistent/x"]))?.message == "cannot start /nonexistent/x: No such file or directory"
    )
    #expect(
      error(.command(["sh", "-c", "head -c 20000 /dev/zero"]))?.message == "sh wrote more than 16384 bytes")
    #expect(error(.command(["true"]))?.message == "the output of true is empty")
  }

  @Test func aCommandThatHangsIsKilledWithWhatItStarted() throws {
    let workspace = try Workspace()
    let started = ContinuousClock.now
    let error = try #require(throws: FileError.self) {
      try CommandOutput.read(
        ["sh", "-c", "sleep 1000 & echo $! > '\(workspace.path)/pid'; wait"], environment: environment,
        timeout: .milliseconds(500), maximumBytes: 10)
    }
    #expect(error.message == "sh did not end within 0.500s")
    #expect(ContinuousClock.now - started < .seconds(20))
    let pid = try #require(
      Int32(
        try String(contentsOfFile: "\(workspace.path)/pid", encoding: .utf8)
          .trimmingCharacters(in: .whitespacesAndNewlines)))
    // Killed by its group; a zombie until somebody collects it, so its state is looked at.
    var alive = true
    for _ in 0..<100 where alive {
      let state = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
      alive = state.map { !$0.contains(") Z ") } ?? false
      if alive { usleep(10_000) }
    }
    #expect(!alive)
  }
}

@Suite(.enabled(if: getuid() == 0)) struct TrustRuleTests {
  private let root = TrustRule(userID: 0)

  private func error(_ path: String) -> FileError? {
    do throws(FileError) { try root.check(path) } catch { return error }
    return nil
  }

  @Test func aFileOfRootsAloneIsTrusted() throws {
    let workspace = try Workspace()
    let path = try workspace.write("job.toml", "x", mode: 0o644)
    #expect(error(path) == nil)
    #expect(error("/nonexistent/x") == nil)
    // A group of root's may write.
    try FileManager.default.setAttributes([.posixPermissions: 0o664], ofItemAtPath: path)
    #expect(error(path) == nil)
  }

  @Test func whoeverElseMayWriteIsNamed() throws {
    let workspace = try Workspace()
    let path = try workspace.write("job.toml", "x", mode: 0o646)
    #expect(
      error(path)?.message == "the file \(path) can be written by everybody, and tokenrotate runs as root")
    #expect(error(path)?.hint == "chmod o-w \(path)")
    chown(path, 0, 12_345)
    chmod(path, 0o664)
    #expect(error(path)?.hint == "chmod g-w \(path)")
    chown(path, 12_345, 0)
    chmod(path, 0o600)
    #expect(error(path)?.message == "the file \(path) belongs to user 12345, and tokenrotate runs as root")
    #expect(error(path)?.hint == "chown root \(path)")
    #expect(throws: Never.self) { try untrusting.check(path) }
  }

  @Test func itsFolderCountsStickyOrNot() throws {
    let workspace = try Workspace()
    let path = try workspace.write("sub/job.toml", "x")
    for mode: mode_t in [0o777, 0o1777] {
      chmod("\(workspace.path)/sub", mode)
      #expect(error(path)?.hint == "chmod go-w \(workspace.path)/sub")
    }
    chmod("\(workspace.path)/sub", 0o755)
    #expect(error(path) == nil)
    // Further up, sticky is enough.
    chmod(workspace.path, 0o1777)
    #expect(error(path) == nil)
    chmod(workspace.path, 0o777)
    #expect(error(path)?.hint == "chmod go-w \(workspace.path)")
    chmod(workspace.path, 0o700)
  }

  @Test func aLinkIsFollowed() throws {
    let workspace = try Workspace()
    let path = try workspace.write("open/real.toml", "x")
    chmod("\(workspace.path)/open", 0o777)
    let link = "\(workspace.path)/job.toml"
    symlink(path, link)
    #expect(error(link)?.hint == "chmod go-w \(workspace.path)/open")
  }

  @Test func jobsDefaultsSpecificationsAndProgramsAreChecked() throws {
    let workspace = try Workspace()
    let text = """
      name = "a"
      specification = "tokens.csv"
      [cluster]
      profile = "default"
      management_token = { command = ["./program"] }
      """
    let job = try workspace.write("job.toml", text)
    let program = try workspace.write("program", "x", mode: 0o755)
    #expect(try Job.load(path: job, trust: root).name == "a")
    chmod(program, 0o757)
    let refused = try #require(throws: JobFileErrors.self) { try Job.load(path: job, trust: root) }
    #expect(
      refused.errors.map(short) == [
        "5:20 the file \(program) can be written by everybody, and tokenrotate runs as root"
      ])
    #expect(refused.errors.first?.hint == "chmod o-w \(program)")
    chmod(program, 0o755)
    let defaults = try workspace.write("defaults.toml", "", mode: 0o666)
    #expect(throws: JobFileErrors.self) { try Job.load(path: job, defaults: defaults, trust: root) }
    chmod(job, 0o666)
    #expect(throws: JobFileErrors.self) { try Job.load(path: job, trust: root) }
    let csv = try workspace.write("tokens.csv", "name\n", mode: 0o622)
    #expect(throws: JobFileErrors.self) { try SpecificationReader(path: csv, now: testNow, trust: root) }
    #expect(throws: Never.self) { try SpecificationReader(path: csv, now: testNow, trust: untrusting) }
  }
}
