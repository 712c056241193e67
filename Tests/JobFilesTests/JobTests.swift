import Foundation
import JobFiles
import Testing

/// The least that a job needs, 7 lines.
let leastJob = """
  name = "plant"
  specification = "tokens.csv"
  [cluster]
  account_id = "0d1c7c9a-1111-4222-8333-444455556666"
  cluster_id = "0d1c7c9a-1111-4222-8333-444455556667"
  host = "cluster-id.a.influxdb.io"
  management_token = { file = "token" }

  """

@Suite struct JobTests {
  private func load(_ text: String, defaults: String? = nil) throws -> (job: Job, folder: String) {
    let workspace = try Workspace()
    let path = try workspace.write("job.toml", text)
    let base = try defaults.map { try workspace.write("defaults.toml", $0) }
    return (try Job.load(path: path, defaults: base, trust: untrusting), workspace.path)
  }

  @Test func theLeastJobHasTheDefaults() throws {
    let (job, folder) = try load(leastJob)
    #expect(job.name == "plant")
    #expect(job.folder == folder)
    #expect(job.path == "\(folder)/job.toml")
    #expect(job.specificationPath == "\(folder)/tokens.csv")
    #expect(job.specificationShownAs == "\(folder)/tokens.csv")
    #expect(job.cluster.product == nil)
    #expect(job.cluster.profile == nil)
    #expect(job.cluster.accountID == "0d1c7c9a-1111-4222-8333-444455556666")
    #expect(job.cluster.clusterID == "0d1c7c9a-1111-4222-8333-444455556667")
    #expect(job.cluster.host == "https://cluster-id.a.influxdb.io")
    #expect(job.cluster.managementURL == nil)
    #expect(job.cluster.managementToken == .file("\(folder)/token"))
    #expect(job.rotation == nil)
    #expect(job.activation.timeout == .seconds(600))
    #expect(job.activation.abandonAfter == .seconds(86_400))
    #expect(job.activation.consecutive == 3)
    #expect(job.activation.settle == .seconds(10))
    #expect(job.activation.database == nil)
    #expect(job.limits.concurrency == 16)
    #expect(job.limits.requestsPerSecond == 50)
    #expect(job.limits.probesPerSecond == 50)
    #expect(job.limits.maximumCreates == 500)
    #expect(job.limits.requestTimeout == .seconds(30))
    #expect(job.policy == nil)
    #expect(job.stores.count == 1)
    #expect(job.stores[0].kind == .file)
    #expect(job.stores[0].file?.directory == nil)
    #expect(job.stores[0].file?.format == .raw)
    #expect(job.stores[0].file?.mode == .ownerOnly)
    #expect(job.hooks.isEmpty)
    #expect(job.audit.file == nil)
    #expect(job.ledger.url == nil)
  }

  @Test func everySupportedKeyIsRead() throws {
    let (job, folder) = try load(
      leastJob.replacingOccurrences(of: "{ file = \"token\" }", with: "{ command = [\"./pass\", \"-x\"] }")
        + """
        management_url = "https://console.example/api/v0/"
        [cluster.tls]
        ca = "ca.pem"
        cert = "/etc/c.pem"
        key = "../k.pem"
        [activation]
        timeout = "5m"
        abandon_after = "2d"
        consecutive = 5
        settle = "0s"
        database = "plant_a"
        [limits]
        concurrency = 1
        requests_per_second = 10000
        probes_per_second = 7
        max_creates = 9
        request_timeout = "10m"
        [policy]
        databases = ["plant_*", "*"]
        [[store]]
        kind = "file"
        directory = "tokens"
        format = "env"
        owner = "root"
        group = "telegraf"
        mode = "0640"
        [[store]]
        directory = "/srv/t"
        mode = 0o640
        [audit]
        file = "audit.jsonl"
        [rotation]
        every = "2w"
        overlap = "1h"
        retire = "disable-then-revoke"
        quarantine = "2h"
        expires_in = "30d"
        renew_before = "7d"
        """)
    #expect(job.cluster.managementURL == "https://console.example/api/v0")
    #expect(job.cluster.managementToken == .command(["\(folder)/pass", "-x"]))
    #expect(job.cluster.tls.authority == "\(folder)/ca.pem")
    #expect(job.cluster.tls.certificate == "/etc/c.pem")
    #expect(job.cluster.tls.key == parent(folder) + "/k.pem")
    #expect(job.activation.timeout == .seconds(300))
    #expect(job.activation.abandonAfter == .seconds(172_800))
    #expect(job.activation.consecutive == 5)
    #expect(job.activation.settle == .zero)
    #expect(job.activation.database == "plant_a")
    #expect(job.limits.requestsPerSecond == 10_000)
    #expect(job.limits.requestTimeout == .seconds(600))
    #expect(job.policy == PolicySettings(databases: ["plant_*", "*"], allowsWildcard: false))
    #expect(job.stores.map(\.file?.directory) == ["\(folder)/tokens", "/srv/t"])
    #expect(job.stores.map(\.file?.format) == [.env, .raw])
    #expect(job.stores.map(\.file?.mode) == [.groupMayRead, .groupMayRead])
    #expect(job.stores[0].file?.owner == "root")
    #expect(job.stores[0].file?.group == "telegraf")
    #expect(job.audit.file == "\(folder)/audit.jsonl")
    #expect(
      job.rotation
        == RotationSettings(
          every: .seconds(14 * 86_400), overlap: .seconds(3600), retirement: .disableThenRevoke,
          quarantine: .seconds(7200), expiresIn: .seconds(30 * 86_400), renewBefore: .seconds(7 * 86_400)))
  }

  private func parent(_ folder: String) -> String { (folder as NSString).deletingLastPathComponent }

  @Test func aProfileMayFillInTheRest() throws {
    let (job, _) = try load("name = \"a\"\nspecification = \"t.csv\"\ncluster = { profile = \"default\" }\n")
    #expect(job.cluster.profile == "default")
    #expect(job.cluster.host == nil)
    #expect(job.cluster.managementToken == nil)
  }

  /// What is written behind the least job (7 lines), then its errors.
  static let bad: [(String, [String])] = [
    ("hots = 1\n", ["8:1 unknown key `hots` in [cluster]"]),
    ("[activaton]\n", ["8:2 unknown table `activaton`"]),
    ("[limits]\nmax_create = 1\n", ["9:1 unknown key `max_create` in [limits]"]),
    ("[limits]\nmax_creates = \"1\"\n", ["9:15 `max_creates` must be an integer, not a string"]),
    ("[limits]\nmax_creates = 0\n", ["9:15 `max_creates` must be from 1 to 10000000, not 0"]),
    ("[limits]\nrequest_timeout = 30\n", ["9:19 `request_timeout` must be a string, not an integer"]),
    ("[limits]\nrequest_timeout = \"11m\"\n", ["9:19 `request_timeout` must be from 1s to 10m, not 11m"]),
    ("[activation]\ntimeout = \"10 m\"\n", ["9:11 `timeout`: \"10 m\" is not a duration"]),
    (
      "[activation]\nsettle = \"10m\"\n",
      ["9:1 `settle` must be shorter than `timeout`, else no token is active in time"]
    ),
    ("[activation]\ndatabase = \"a b\"\n", ["9:12 `database`: \"a b\" is not a database name"]),
    ("[policy]\ndatabases = \"x\"\n", ["9:13 `databases` must be an array of strings, not a string"]),
    (
      "[policy]\ndatabases = [\"a\", \"b c*\"]\nallow_wildcard = 1\n",
      [
        "9:19 `databases`: \"b c*\" is not a pattern of database names",
        "10:18 `allow_wildcard` must be true or false, not an integer",
      ]
    ),
    ("policy = 3\n", ["8:1 unknown key `policy` in [cluster]"]),
    ("[store]\nkind = \"file\"\n", ["8:1 `store` must be an array of tables, not a table"]),
    ("[[store]]\nformat = \"jsn\"\n", ["9:10 `format`: there is no \"jsn\""]),
    ("[[store]]\nkind = \"fil\"\n", ["9:8 `kind`: there is no \"fil\""]),
    ("[[store]]\nmode = \"0644\"\n", ["9:8 `mode` must be \"0600\" or \"0640\""]),
    ("[[store]]\nowner = \"a b\"\n", ["9:9 `owner`: \"a b\" is not the name of a user"]),
    ("[[store]]\n[[store]]\n", ["9:1 two stores with one directory"]),
    (
      "[[store]]\ndirectory = \"x\"\n[[store]]\ndirectory = \"x/.pending\"\n",
      ["10:1 the directory of this store lies within that of another"]
    ),
    (
      "[[store]]\ndirectory = \"x/y\"\n[[store]]\ndirectory = \"x-y\"\n[[store]]\ndirectory = \"x\"\n",
      ["12:1 the directory of this store lies around that of another"]
    ),
    (
      "[[store]]\nkind = \"fille\"\nformat = \"yaml\"\nmode = \"0644\"\nmount = \"x\"\n",
      [
        "9:8 `kind`: there is no \"fille\"", "10:10 `format`: there is no \"yaml\"",
        "11:8 `mode` must be \"0600\" or \"0640\"",
      ]
    ),
    ("[[store]]\ndirectory = \"\"\n", ["9:13 `directory` is empty"]),
    (
      "[rotation]\nevery = \"24h\"\noverlap = 1\nretir = \"\"\nrenew_before = \"1d\"\n",
      [
        "9:1 `every` must be longer than overlap (1d) and activation timeout (10m) together",
        "10:11 `overlap` must be a string, not an integer", "11:1 unknown key `retir` in [rotation]",
      ]
    ),
    (
      "[[hook]]\non = \"delivered\"\ncommand = [\"true\"]\n[[hook]]\ncommand = \"x y\"\n",
      ["11:1 `on` is missing in [[hook]]", "12:11 `command` must be an array of strings, not a string"]
    ),
    (
      "[[hook]]\non = \"delivred\"\ncommand = [\"./nowhere\"]\n[[hook]]\non = \"failed\"\ncommand = [\"nowhere-at-all\"]\n",
      [
        "9:6 `on`: there is no \"delivred\"", "13:1 `command`: there is no program nowhere-at-all",
      ]
    ),
    (
      "[[hook]]\non = \"failed\"\ncommand = [\"true\"]\n[[hook]]\non = \"failed\"\ncommand = [\"true\"]\ntimeout = \"5s\"\n",
      ["11:1 this hook is there twice"]
    ),
    (
      "[audit]\nsigning_key = { fiel = \"k\" }\n",
      [
        "9:1 `signing_key` is not supported by this version yet",
        "9:15 `file` is missing in signing_key", "9:17 unknown key `fiel` in signing_key",
      ]
    ),
    (
      "[ledger]\nurl = \"mysql://x\"\n",
      [
        "8:1 `[ledger]` is not supported by this version yet", "9:7 `url` must start with postgresql://",
      ]
    ),
    (
      "product = \"clustered\"\n",
      [
        "4:1 `account_id` has no place beside product = \"clustered\"",
        "5:1 `cluster_id` has no place beside product = \"clustered\"",
      ]
    ),
    (
      "management_url = \"http://console.example\"\n",
      ["8:18 `management_url`: http:// would send tokens in clear"]
    ),
    ("[cluster.tls]\ncert = \"c\"\n", ["9:1 `cert` needs `key` beside it"]),
    ("name = \"again\"\n", ["8:1 unknown key `name` in [cluster]"]),
    (
      "host = \"again\"\n", ["8:8 Error while parsing key-value pair: cannot redefine existing string 'host'"]
    ),
  ]

  @Test(arguments: bad)
  func aBadJobSaysWhereAndWhat(behind: String, expected: [String]) throws {
    #expect(try jobErrors(leastJob.trimmingCharacters(in: .newlines) + "\n" + behind).map(short) == expected)
  }

  @Test func whatIsMissingIsSaidAtItsTable() throws {
    #expect(
      try jobErrors("# nothing\n").map(short) == [
        "1:1 `cluster` is missing", "1:1 `name` is missing", "1:1 `specification` is missing",
      ])
    #expect(
      try jobErrors("name = \"-x\"\nspecification = 3\n\n[cluster]\n").map(short) == [
        "1:8 `name`: \"-x\" is not a name", "2:17 `specification` must be a string, not an integer",
        "4:1 `account_id` is missing in [cluster]", "4:1 `cluster_id` is missing in [cluster]",
        "4:1 `host` is missing in [cluster]", "4:1 `management_token` is missing in [cluster]",
      ])
  }

  @Test func aPrintedErrorNamesFileLineColumnAndHint() throws {
    let workspace = try Workspace()
    let path = try workspace.write("job.toml", leastJob + "[limits]\nconcurency = 1\n")
    let error = try #require(throws: JobFileErrors.self) { try Job.load(path: path, trust: untrusting) }
    #expect(
      error.description
        == "\(path):9:1: unknown key `concurency` in [limits]\n  hint: did you mean `concurrency`?")
  }

  @Test(arguments: [
    (
      "{ file = \"a\", env = \"B\" }",
      "7:20 `management_token` takes exactly one of file, env, credential and command"
    ),
    ("{ }", "7:20 `management_token` takes exactly one of file, env, credential and command"),
    (
      "\"SECRETSECRET\"",
      "7:20 `management_token` must be a table that says where the management token is kept, not a string"
    ),
    ("{ env = \"1A\" }", "7:28 `env` must be the name of an environment variable"),
    ("{ env = \"SECRET.SECRET\" }", "7:28 `env` must be the name of an environment variable"),
    ("{ credential = \"../x\" }", "7:35 `credential` must be the name of a systemd credential, not a path"),
    ("{ command = [] }", "7:22 `command` names no program"),
    ("{ command = \"pass x\" }", "7:32 `command` must be an array of strings, not a string"),
    ("{ flie = \"x\" }", "7:22 unknown key `flie` in management_token"),
  ])
  func theManagementTokenHasOneSource(value: String, expected: String) throws {
    let errors = try jobErrors(leastJob.replacingOccurrences(of: "{ file = \"token\" }", with: value))
    #expect(errors.map(short) == [expected])
    #expect(!errors.contains { $0.description.contains("SECRET") })
  }

  @Test(arguments: [
    ("cluster-id.a.influxdb.io", "https://cluster-id.a.influxdb.io"),
    ("https://H.example/", "https://h.example"), ("h.example:8086", "https://h.example:8086"),
    ("http://localhost:8181", "http://localhost:8181"), ("http://127.1.2.3:1", "http://127.1.2.3:1"),
    ("http://[::1]:8181", "http://[::1]:8181"), ("https://[2001:db8::1]", "https://[2001:db8::1]"),
  ])
  func aHostIsAnEndpoint(text: String, url: String) throws {
    let (job, _) = try load(leastJob.replacingOccurrences(of: "cluster-id.a.influxdb.io", with: text))
    #expect(job.cluster.host == url)
  }

  @Test(arguments: [
    "http://h.example", "http://127.0.0.1.example", "http://localhost.example", "https://h/x", "https://h?x",
    "https://h#x",
    "https://u:p@h", "ftp://h", "h:0", "h:65536", "h:x", "h x", "https://", "[::1", "é.example",
    "http://128.0.0.1",
  ])
  func whatIsNoEndpointIsRefused(text: String) throws {
    let errors = try jobErrors(leastJob.replacingOccurrences(of: "cluster-id.a.influxdb.io", with: text))
    #expect(errors.map { "\($0.line):\($0.column)" } == ["6:8"])
  }

  @Test func defaultsAreMergedKeyByKey() throws {
    let (job, _) = try load(
      leastJob + "[limits]\nconcurrency = 2\n[policy]\ndatabases = [\"b\"]\n",
      defaults: """
        [cluster]
        host = "other.example"
        management_url = "https://console.example"
        management_token = { env = "TOKEN" }
        [limits]
        concurrency = 9
        max_creates = 8
        [policy]
        databases = ["a", "c"]
        allow_wildcard = true
        """)
    #expect(job.limits.concurrency == 2)
    #expect(job.limits.maximumCreates == 8)
    #expect(job.cluster.host == "https://cluster-id.a.influxdb.io")
    #expect(job.cluster.managementURL == "https://console.example")
    #expect(job.policy == PolicySettings(databases: ["b"], allowsWildcard: true))
    guard case .file? = job.cluster.managementToken else {
      Issue.record("the job's management token was not kept")
      return
    }
  }

  @Test func anErrorInTheDefaultsNamesThem() throws {
    let errors = try jobErrors(
      leastJob + "[limits]\nconcurrency = 0\n",
      defaults: "name = \"x\"\n[limits]\nmax_creates = -1\nconcurrency = 0\nx = 1\n")
    let shown = errors.map { "\(($0.file as NSString).lastPathComponent):\(short($0))" }
    #expect(
      shown == [
        "job.toml:9:15 `concurrency` must be from 1 to 1000, not 0",
        "defaults.toml:1:1 `name` belongs into a job file, not into the defaults",
        "defaults.toml:3:15 `max_creates` must be from 1 to 10000000, not -1",
        "defaults.toml:5:1 unknown key `x` in [limits]",
      ])
  }

  @Test func whatCannotBeReadIsAnErrorAtItsStart() throws {
    let errors = try #require(throws: JobFileErrors.self) {
      try Job.load(path: "/nonexistent/job.toml", trust: untrusting)
    }
    #expect(
      errors.errors.map(\.description) == [
        "/nonexistent/job.toml:1:1: cannot open /nonexistent/job.toml: No such file or directory"
      ])
  }

  @Test func aFolderNamesItsJobs() throws {
    let workspace = try Workspace()
    for name in ["b", "a", "c"] {
      try workspace.write(
        "jobs/\(name)/job.toml", leastJob.replacingOccurrences(of: "\"plant\"", with: "\"\(name)\""))
    }
    try workspace.write("jobs/.hidden/job.toml", "x")
    try workspace.write("jobs/d/other.toml", "x")
    let set = try JobSet.load(arguments: ["\(workspace.path)/jobs"], trust: untrusting)
    #expect(set.jobs.map(\.name) == ["a", "b", "c"])
    #expect(set.failures.isEmpty)
    #expect(
      try JobSet.paths(["\(workspace.path)/jobs/a/", "x.toml"]) == [
        "\(workspace.path)/jobs/a/job.toml", "x.toml",
      ])
    let none = try #require(throws: JobSet.NoJob.self) { try JobSet.paths(["\(workspace.path)/jobs/d"]) }
    #expect(none.message == "no job in \(workspace.path)/jobs/d")
    #expect(throws: JobSet.NoJob.self) { try JobSet.paths([]) }
  }

  @Test func aNameTwiceRefusesBothAndLeavesTheOthers() throws {
    let workspace = try Workspace()
    let first = try workspace.write("1.toml", leastJob)
    let second = try workspace.write("2.toml", leastJob)
    let other = try workspace.write(
      "3.toml", leastJob.replacingOccurrences(of: "\"plant\"", with: "\"other\""))
    let broken = try workspace.write("4.toml", "name")
    let set = try JobSet.load(arguments: [first, second, other, broken], trust: untrusting)
    #expect(set.jobs.map(\.name) == ["other"])
    #expect(set.failures.map(\.path) == [broken, first, second])
    let message = "the job name plant is used twice: by \(first) and \(second)"
    #expect(set.failures[1].errors.errors.map(\.message) == [message])
    #expect(set.failures[2].errors.errors.map(\.message) == [message])
  }
}
