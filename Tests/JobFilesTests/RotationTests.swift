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

  /// 24h of overlap, 10m of activation.
  private func bounds(
    every: Int? = nil, expiresIn: Int? = nil, renewBefore: Int? = nil
  ) -> RotationBounds {
    func days(_ count: Int?) -> Duration? { count.map { .seconds($0 * 86_400) } }
    let settings = RotationSettings(
      every: days(every), overlap: .seconds(86_400), retirement: .revoke, quarantine: .seconds(864_000),
      expiresIn: days(expiresIn), renewBefore: days(renewBefore))
    return RotationBounds(settings, activationTimeout: .seconds(600))
  }

  @Test func aRowOverridesTheJob() throws {
    let text = "name,read_database,rotate_every,expires_in\na,db,2d,\nb,db,,60d\nc,db,90d,91d\n"
    let found = try rows(text, rotation: bounds(every: 30, expiresIn: 45))
    #expect(found.map(\.rotateEvery) == [.seconds(2 * 86_400), nil, .seconds(90 * 86_400)])
  }

  @Test func theAgeOfARowIsHeldAgainstTheJob() throws {
    let text = "name,read_database,rotate_every\na,db,1d\nb,db,1x\nc,db,1450m\nd,db,1451m\ne,db,\n"
    #expect(
      try csvErrors(text.utf8, rotation: bounds()).map(short) == [
        "2:6 rotate_every must be longer than the job's overlap (1d) and activation timeout (10m) together",
        "3:6 rotate_every: \"1x\" is not a duration",
        "4:6 rotate_every must be longer than the job's overlap (1d) and activation timeout (10m) together",
      ])
  }

  @Test func anAgeWithoutRotationIsAnErrorBesideTheOthersOfItsRow() throws {
    let text = "name,read_database,rotate_every\na b,db,30d\nb,db,\nc,,30x\n"
    #expect(
      try csvErrors(text.utf8).map(short) == [
        "2:2 the name \"a b\" may not hold a space", "2:8 rotate_every, where nothing is rotated",
        "4:4 rotate_every, where nothing is rotated", "4:4 rotate_every: \"30x\" is not a duration",
      ])
  }

  @Test func theLifetimeOfARowIsHeldAgainstItsAge() throws {
    let text =
      "name,read_database,rotate_every,expires_in\na,db,,30d\nb,db,60d,60d\nc,db,60d,61d\nd,db,,31d\n"
    #expect(
      try csvErrors(text.utf8, rotation: bounds(every: 30, expiresIn: 45)).map(short) == [
        "2:7 expires_in must be at least the job's every (30d) and overlap (1d) together",
        "3:10 expires_in must be at least rotate_every (60d) and overlap (1d) together",
      ])
    // Nobody who is not rotated by age needs to outlive an age.
    #expect(try csvErrors("name,read_database,expires_in\na,db,2d\n".utf8, rotation: bounds()).isEmpty)
    #expect(try csvErrors("name,read_database,expires_in\na,db,1m\n".utf8).isEmpty)
  }

  @Test func theAgeOfARowIsHeldAgainstTheLifetimeOfTheJob() throws {
    let text =
      "name,read_database,rotate_every,expires_at\na,db,45d,\nb,db,44d,\nc,db,45d,2027-01-31T00:00:00Z\n"
    #expect(
      try csvErrors(text.utf8, rotation: bounds(expiresIn: 45)).map(short) == [
        "2:6 rotate_every and overlap (1d) together are longer than the job's expires_in (45d)"
      ])
  }

  @Test func aRowIsNotDueForRenewalForEver() throws {
    let text = "name,read_database,expires_in\na,db,15d\nb,db,16d\nc,db,17d\n"
    #expect(
      try csvErrors(text.utf8, rotation: bounds(renewBefore: 15)).map(short) == [
        "2:6 expires_in must be longer than the job's renew_before (15d)",
        "3:6 expires_in less renew_before (15d) must be longer than the job's overlap (1d) and activation"
          + " timeout (10m) together",
      ])
    #expect(
      try csvErrors("name,read_database,expires_in\na,db,36h\n".utf8, rotation: bounds()).map(short) == [
        "2:6 expires_in less renew_before (a third of it) must be longer than the job's overlap (1d) and"
          + " activation timeout (10m) together"
      ])
  }
}
