import JobFiles
import RotationModel
import Testing

/// `[rotation]`, and what rows may ask of it.
@Suite struct RotationTests {
  /// A job whose `[rotation]` has these lines, from line 3 on; line 1 is the rest of it.
  private func errors(_ lines: String...) throws -> [JobFileError] {
    try jobErrors(RotationTests.job(lines))
  }

  private static func job(_ lines: [String]) -> String {
    (["name = \"plant\"\nspecification = \"t.csv\"\ncluster = { profile = \"default\" }\n[rotation]"] + lines)
      .joined(separator: "\n")
  }

  private func settings(_ lines: String...) throws -> RotationSettings? {
    let workspace = try Workspace()
    return try Job.load(
      path: try workspace.write("job.toml", RotationTests.job(lines)), trust: untrusting
    ).rotation
  }

  @Test func anEmptyTableHasTheDefaults() throws {
    let wanted = RotationSettings(
      overlap: .seconds(86_400), retirement: .revoke, quarantine: .seconds(86_400))
    #expect(try settings() == wanted)
  }

  /// The contract's own example has a quarantine beside `retire = "revoke"`.
  @Test func aQuarantineThatIsNotUsedIsNoError() throws {
    let found = try settings(
      "every = \"30d\"", "overlap = \"24h\"", "retire = \"revoke\"", "quarantine = \"24h\"",
      "expires_in = \"45d\"", "renew_before = \"15d\"")
    #expect(found?.retirement == .revoke)
    #expect(try settings("every = \"2d\"", "quarantine = \"30d\"")?.every == .seconds(2 * 86_400))
  }

  @Test func renewBeforeMayBeMeantForTheRowsAlone() throws {
    #expect(try settings("renew_before = \"15d\"")?.renewBefore == .seconds(15 * 86_400))
  }

  @Test func aTokenIsNotDueBeforeItsPredecessorIsGone() throws {
    #expect(try errors("every = \"1451m\"").isEmpty)
    #expect(
      try errors("every = \"1450m\"").map(short) == [
        "5:1 `every` must be longer than overlap (1d) and activation timeout (10m) together"
      ])
    #expect(
      try errors("retire = \"disable-then-revoke\"", "quarantine = \"2h\"", "every = \"25h\"").map(short) == [
        "7:1 `every` must be longer than overlap (1d), quarantine (2h) and activation timeout (10m) together"
      ])
    #expect(
      try errors("every = \"2s\"", "overlap = \"0s\"", "[activation]", "timeout = \"1s\"", "settle = \"0s\"")
        .isEmpty)
  }

  @Test func aTokenOutlivesTheOverlapWithItsSuccessor() throws {
    #expect(try errors("every = \"30d\"", "expires_in = \"31d\"").isEmpty)
    let found = try errors("every = \"30d\"", "expires_in = \"743h\"")
    #expect(
      found.map(short) == ["6:1 `expires_in` must be at least `every` (30d) and overlap (1d) together"])
    #expect(found.first?.hint == "else a token expires while it should work beside its successor")
  }

  @Test func aTokenIsNotDueForRenewalForEver() throws {
    #expect(
      try errors("expires_in = \"10d\"", "renew_before = \"10d\"").map(short) == [
        "6:1 `renew_before` must be shorter than `expires_in`"
      ])
    #expect(
      try errors("expires_in = \"10d\"", "renew_before = \"9d\"").map(short) == [
        "6:1 `expires_in` less `renew_before` must be longer than overlap (1d) and activation timeout (10m)"
          + " together"
      ])
    #expect(try errors("expires_in = \"10d\"", "renew_before = \"8d\"").isEmpty)
    #expect(
      try errors("expires_in = \"36h\"").map(short) == [
        "5:1 `expires_in` less `renew_before` (a third of it) must be longer than overlap (1d) and"
          + " activation timeout (10m) together"
      ])
    #expect(try errors("expires_in = \"37h\"").isEmpty)
  }

  @Test func allOfItIsToldAtOnce() throws {
    #expect(
      try errors(
        "every = \"1d\"", "expires_in = \"36h\"", "renew_before = \"35h\"", "retire = \"delete\""
      ).map(short) == [
        "5:1 `every` must be longer than overlap (1d) and activation timeout (10m) together",
        "6:1 `expires_in` must be at least `every` (1d) and overlap (1d) together",
        "7:1 `expires_in` less `renew_before` must be longer than overlap (1d) and activation timeout (10m)"
          + " together",
        "8:10 `retire`: there is no \"delete\"",
      ])
  }
}
