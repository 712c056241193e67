// `token` and its verbs: the flags of influxctl's `token`, and what goes beyond it.
extension CommandSpecification {
  private static let tokenID = OperandSpecification(
    text: "TOKEN_ID", minimum: 1, maximum: 1, kinds: [.text("TOKEN_ID")])

  /// Which cluster is meant, for every verb.
  private static let cluster: [OptionSpecification] = [
    OptionSpecification(
      .job, .file("JOB.toml"), "take the cluster from this job instead of influxctl's profile"),
    OptionSpecification(.account, .text("ACCOUNT_ID"), "the account, in place of the profile's"),
    OptionSpecification(.cluster, .text("CLUSTER_ID"), "the cluster, in place of the profile's"),
    OptionSpecification(
      .managementURL, .text("URL"), "the Management API, where it is not the usual one of the product"),
    OptionSpecification(
      .host, .text("URL"), "the query and write endpoint, in place of the profile's; --wait asks there"),
    OptionSpecification(.timeout, .duration("DURATION"), "how long a request may take (else 1m0s)"),
  ]

  private static let permissions: [OptionSpecification] = [
    OptionSpecification(
      .readDatabase, .text("DATABASE"), isRepeatable: true,
      "let it read this database; '*' is every database; may be repeated"),
    OptionSpecification(
      .writeDatabase, .text("DATABASE"), isRepeatable: true,
      "let it write to this database; '*' is every database; may be repeated"),
  ]

  private static let waiting = OptionSpecification(
    .waitForLock, .duration("DURATION"), "wait so long for another run to end (else 1m)")

  static let tokenCreate = CommandSpecification(
    name: .tokenCreate,
    summary: "create a token and show its string, once",
    details:
      "Like `influxctl token create`, with a marker behind the description and every step in the audit log. The string is on disk before it is shown; a token that cannot be shown is revoked. With --store it is put away instead of shown, once it works.",
    operands: OperandSpecification(
      text: "DESCRIPTION", minimum: 1, maximum: 1, kinds: [.text("DESCRIPTION")]),
    options: permissions + [
      OptionSpecification(
        .expiresAt, .text("RFC3339"), "when it expires, such as 2030-01-01T00:00:00Z (else never)"),
      OptionSpecification(.wait, .flag, "return when the token works, which takes seconds to minutes"),
      OptionSpecification(
        .store, .flag, "put the string into the job's stores, or into a file of the state directory"),
      OptionSpecification(
        .name, .text("NAME"), "with --store, what it is called there (else made from the description)"),
      waiting,
    ] + cluster,
    exitStatuses: [
      ExitStatus(code: 0, meaning: "created, and shown or stored"),
      ExitStatus(code: 1, meaning: "not created, or revoked because it could not be shown"),
      ExitStatus(code: 2, meaning: "bad usage, profile or job file; nothing was created"), .locked,
      .credential,
      ExitStatus(code: 5, meaning: "created, not active in time: --wait, or --store, which says it again"),
      ExitStatus(code: 6, meaning: "active, not delivered to a store"), .audit,
      ExitStatus(code: 130, meaning: "stopped by SIGINT at a safe point"),
      ExitStatus(code: 143, meaning: "stopped by SIGTERM likewise"),
    ],
    examples: [
      "tokenrotate token create --read-database plant --write-database plant Line-7",
      "tokenrotate token create --read-database '*' --expires-at 2030-01-01T00:00:00Z --format json --wait Reports",
    ])

  static let tokenList = CommandSpecification(
    name: .tokenList,
    summary: "list the tokens of a cluster",
    details:
      "Like `influxctl token list`: ids and descriptions; with --format json permissions and times too.",
    operands: .none,
    options: [
      OptionSpecification(.sort, .choice(["id", "description"]), "by which column (else id)"),
      OptionSpecification(
        .includeRevoked, .flag, "those too that were revoked, where the cluster lists them"),
    ] + cluster,
    exitStatuses: ofReading,
    examples: [
      "tokenrotate token list --sort description", "tokenrotate token list --job job.toml --format json",
    ])

  static let tokenGet = CommandSpecification(
    name: .tokenGet,
    summary: "show one token of a cluster",
    details: "Like `influxctl token get`. No token's string can be shown again.",
    operands: tokenID,
    options: [OptionSpecification(.includeRevoked, .flag, "even if it was revoked")] + cluster,
    exitStatuses: ofReading,
    examples: ["tokenrotate token get 55555555-5555-4555-8555-555555555555"])

  static let tokenUpdate = CommandSpecification(
    name: .tokenUpdate,
    summary: "replace the permissions of a token",
    details:
      "Like `influxctl token update`: what it may do from now on is what this names, and nothing else. A token that belongs to a job is changed by its row.",
    operands: tokenID,
    options: permissions + [waiting] + cluster,
    exitStatuses: ofChanging,
    examples: [
      "tokenrotate token update --read-database plant --read-database weather 55555555-5555-4555-8555-555555555555"
    ])

  static let tokenRevoke = CommandSpecification(
    name: .tokenRevoke,
    summary: "revoke tokens, which cannot be undone",
    details:
      "Like `influxctl token revoke`, also as `token delete`. Asks first, unless --force says otherwise. A token that belongs to a job is ended by `retire`, which takes it out of the stores first.",
    operands: OperandSpecification(
      text: "TOKEN_ID...", minimum: 1, maximum: nil, kinds: [.text("TOKEN_ID")]),
    options: [OptionSpecification(.force, .flag, "do not ask"), waiting] + cluster,
    exitStatuses: ofChanging,
    examples: ["tokenrotate token revoke --force 55555555-5555-4555-8555-555555555555"])

  static let `import` = CommandSpecification(
    name: .import,
    summary: "write a CSV of the tokens that exist on a cluster",
    details:
      "A row for each, with its description, permissions and expiry, a name made from the description, and its id as `replaces`: run makes a token of the job in its place and retires it. Left out are tokens that a job looks after, and those that the job's CSV replaces already.",
    operands: .none,
    options: cluster,
    exitStatuses: ofReading,
    examples: ["tokenrotate import --job jobs/plant/job.toml"])

  private static let ofReading: [ExitStatus] = [
    ExitStatus(code: 0, meaning: "done"),
    ExitStatus(code: 1, meaning: "there is no such token, or the cluster did not answer"),
    ExitStatus(code: 2, meaning: "bad usage, profile or job file"), .credential,
  ]

  private static let ofChanging: [ExitStatus] = [
    ExitStatus(code: 0, meaning: "done"),
    ExitStatus(code: 1, meaning: "not done, for one of them or more; or nobody knows"),
    ExitStatus(code: 2, meaning: "bad usage, profile or job file, or not confirmed: nothing was changed"),
    .locked, .credential, .audit,
  ]
}
