extension CommandSpecification {
  private static let jobs = OperandSpecification(
    text: "JOB.toml...|DIR", minimum: 1, maximum: nil, kinds: [.file("JOB.toml")])

  static let run = CommandSpecification(
    name: .run,
    summary: "bring every token of the jobs where it should be",
    details:
      "Finishes what was interrupted, creates what is missing, replaces what is due, waits until it is active, delivers it to the stores and retires what was replaced. What cron calls: saying it again does no harm. DIR stands for DIR/job.toml, or else for each DIR/*/job.toml.",
    operands: jobs,
    options: [
      OptionSpecification(.dryRun, .flag, "show what would be done, as plan does"),
      OptionSpecification(
        .only, .text("NAME"), isRepeatable: true, "leave all other tokens alone; may be repeated"),
      OptionSpecification(
        .waitForLock, .duration("DURATION"), "wait so long for another run to end, such as 5m"),
      OptionSpecification(
        .force, .flag, "make and revoke tokens although many of the job's are missing on the cluster"),
      OptionSpecification(
        .jitter, .duration("DURATION"),
        "begin after a random time, at most so long, so that many machines do not come all at once"),
      OptionSpecification(
        .metrics, .file("FILE.prom"), "write metrics for the textfile collector of Prometheus' node exporter"),
      OptionSpecification(
        .ping, .text("URL|@FILE"),
        "tell a monitor of start, success and failure, as healthchecks.io takes it; @FILE holds the URL, which is a secret"
      ),
    ],
    exitStatuses: ExitStatus.ofRun,
    examples: ["tokenrotate run /etc/tokenrotate/jobs --quiet", "tokenrotate run job.toml --only line-7"])

  static let plan = CommandSpecification(
    name: .plan,
    summary: "show what run would do, and why; change nothing",
    details:
      "One line a token: + create, ~ rotate, - retire, ! needs a person, = nothing. Takes no lock and changes nothing anywhere.",
    operands: jobs,
    options: [
      OptionSpecification(
        .detailedExitCode, .flag, "exit with 0 for nothing to do, 10 for something, 8 before 10"),
      verify,
    ],
    exitStatuses: [
      .done, .failed, .badInput, .credential,
      ExitStatus(code: 8, meaning: "with --detailed-exitcode: something needs a person"),
      ExitStatus(code: 10, meaning: "with --detailed-exitcode: there is something to do"),
    ],
    examples: ["tokenrotate plan jobs/plant/job.toml", "tokenrotate plan jobs --detailed-exitcode"])

  private static let verify = OptionSpecification(
    .verify, .flag, "ask the cluster about each string that the stores hold; takes probes_per_second's time")

  static let status = CommandSpecification(
    name: .status,
    summary: "show where every token stands, trouble first",
    details:
      "CSV, store and cluster compared, one line a token: state, age, when it is due and expires, how long its activation took, in how many stores it is. Without an operand: /etc/tokenrotate/jobs. Takes no lock and changes nothing anywhere.",
    operands: OperandSpecification(
      text: "[JOB.toml...|DIR]", minimum: 0, maximum: nil, kinds: [.file("JOB.toml")]),
    options: [verify],
    exitStatuses: [.done, .failed, .badInput, .credential, .person],
    examples: ["tokenrotate status", "tokenrotate status jobs/plant/job.toml --format json"])

  static let create = CommandSpecification(
    name: .create,
    summary: "create the tokens of a CSV once, without rotation",
    details:
      "Uses the cluster and the stores of the job, and this CSV in place of its own. Said again, it creates nothing more; run ignores these tokens until a row of the job takes the name.",
    operands: OperandSpecification(text: "SPEC.csv", minimum: 1, maximum: 1, kinds: [.file("SPEC.csv")]),
    options: [
      OptionSpecification(.job, .file("JOB.toml"), isRequired: true, "whose cluster and stores to use")
    ],
    exitStatuses: ExitStatus.ofRun,
    examples: ["tokenrotate create new-sensors.csv --job jobs/plant/job.toml"])

  static let check = CommandSpecification(
    name: .check,
    summary: "validate job files and CSVs without the network",
    details: "Every error is shown in one go, with file, line and column.",
    operands: jobs,
    options: [],
    exitStatuses: [.done, .badInput],
    examples: ["tokenrotate check /etc/tokenrotate/jobs"])

  static let adopt = CommandSpecification(
    name: .adopt,
    summary: "rebuild an empty ledger from store and cluster",
    details:
      "For a state directory that was lost or restored: what the store and the cluster both know is taken over, what only one of them knows is reported. Creates and revokes nothing.",
    operands: OperandSpecification(text: "JOB.toml", minimum: 1, maximum: 1, kinds: [.file("JOB.toml")]),
    options: [],
    exitStatuses: [.done, .failed, .badInput, .locked, .credential, .audit, .person],
    examples: ["tokenrotate adopt jobs/plant/job.toml"])

  static let auditVerify = CommandSpecification(
    name: .auditVerify,
    summary: "check the chain of an audit log, offline",
    details: "Checks the state directory's log, that of a job, or the files given.",
    operands: OperandSpecification(text: "[FILE...]", minimum: 0, maximum: nil, kinds: [.file("FILE")]),
    options: [OptionSpecification(.job, .file("JOB.toml"), "check the log of this job")],
    exitStatuses: [
      ExitStatus(code: 0, meaning: "every chain is whole"), .badInput,
      ExitStatus(code: 7, meaning: "a break was found"),
    ],
    examples: ["tokenrotate audit verify", "tokenrotate audit verify audit.jsonl.1 audit.jsonl"])

  static let auditRepair = CommandSpecification(
    name: .auditRepair,
    summary: "go on after a break in the audit log",
    details:
      "Makes the ledger accept an audit log that is shorter or other than it knows. The repair is an event of the log itself. Find out first who changed the file.",
    operands: .none,
    options: [OptionSpecification(.job, .file("JOB.toml"), "repair the log of this job")],
    exitStatuses: [.done, .badInput, .locked, .audit],
    examples: ["tokenrotate audit repair --job jobs/plant/job.toml"])

  static let report = CommandSpecification(
    name: .report,
    summary: "write one HTML page: what is due, ages, failures, runs",
    details:
      "What job files, ledger and audit log know, as one page without scripts or outside references: what is due when, ages, activation latency, failures and recoveries, the last runs, and every token. Without an operand: /etc/tokenrotate/jobs. Asks no cluster, reads no token, takes no lock and changes nothing but FILE. Whatever the page says, the exit code is 0 when it could be written for every job.",
    operands: OperandSpecification(
      text: "[JOB.toml...|DIR]", minimum: 0, maximum: nil, kinds: [.file("JOB.toml")]),
    options: [
      OptionSpecification(
        .output, .file("FILE"), "write the page to FILE, in one step (else to standard output)")
    ],
    exitStatuses: [
      .done, ExitStatus(code: 1, meaning: "the page, or the ledger, could not be written or read"), .badInput,
    ],
    examples: [
      "tokenrotate report --output /var/www/tokens/index.html",
      "tokenrotate report jobs/plant/job.toml > report.html",
    ])
}

extension ExitStatus {
  static let done = ExitStatus(code: 0, meaning: "done; nothing due is success too")
  static let failed = ExitStatus(code: 1, meaning: "one token or more failed, the others were completed")
  static let badInput = ExitStatus(
    code: 2, meaning: "bad usage, or a wrong job file or CSV: that job was left alone")
  static let locked = ExitStatus(code: 3, meaning: "another run holds the lock")
  static let credential = ExitStatus(code: 4, meaning: "the management credential was refused")
  static let audit = ExitStatus(
    code: 7, meaning: "the audit log cannot be written, or is not what the ledger knows")
  static let person = ExitStatus(code: 8, meaning: "everything due was done, something needs a person")

  static let ofRun: [ExitStatus] = [
    .done, .failed, .badInput, .locked, .credential,
    ExitStatus(code: 5, meaning: "created, not active yet: the next run goes on waiting"),
    ExitStatus(code: 6, meaning: "active, not delivered: the next run tries again"),
    .audit, .person,
    ExitStatus(code: 130, meaning: "stopped by SIGINT at a safe point; the next run goes on"),
    ExitStatus(code: 143, meaning: "stopped by SIGTERM likewise"),
  ]
}
