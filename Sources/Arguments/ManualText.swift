/// What the manual page says and the table does not.
enum ManualText {
  static let description = [
    "Takes the database tokens of an InfluxDB Cloud Dedicated cluster from a CSV, creates those that are missing, waits until the cluster accepts each of them, and delivers them to files that services read. When a token is due, its successor is made and delivered, both work for a while, and then the old one is revoked.",
    "It may be killed, cut off and started again at any moment: every step is on disk before it is taken, and the next run finishes what was begun. One program that cron calls is all there is.",
    "Results go to standard output, everything else to standard error. Options may stand before and after operands, as `--name value` or `--name=value`; after `--` everything is an operand.",
  ]

  static let severalCodes =
    "When several apply, the first of 130, 143, 3, 7, 4, 2, 1, 6, 5, 8 counts."

  static let files: [(name: String, meaning: String)] = [
    (
      "/etc/tokenrotate/defaults.toml",
      "Settings for all jobs, unless `$XDG_CONFIG_HOME/tokenrotate/defaults.toml` exists."
    ),
    ("/etc/tokenrotate/jobs", "The jobs that `status` shows when it is given none."),
    (
      "/var/lib/tokenrotate",
      "The state directory of root; that of others is `$XDG_STATE_HOME/tokenrotate`. What follows is in it."
    ),
    ("ledger.sqlite", "What is known of each token, and what was begun. Holds no token strings."),
    ("audit.jsonl", "The audit log: a chain of every intent and outcome. Holds no token strings."),
    ("installation", "The id by which this installation knows its tokens on the cluster."),
    ("lock", "Held by the run that is under way."),
    ("tokens/JOB/", "The tokens of a job that names no other directory."),
    ("~/.config/influxctl/config.toml", "The profiles of influxctl, for jobs that name one."),
  ]

  static let environment: [(name: String, meaning: String)] = [
    ("XDG_CONFIG_HOME", "Where settings are looked for; else `~/.config`."),
    ("XDG_STATE_HOME", "Where the state of users other than root is kept; else `~/.local/state`."),
    ("STATE_DIRECTORY", "The state directory, as systemd sets it; `--state` comes before it."),
    ("CREDENTIALS_DIRECTORY", "Where a job's `credential` is found, as systemd sets it."),
    ("TMPDIR", "Where results that are not yet to be printed are put; else `/tmp`."),
    ("NO_COLOR", "If it is not empty, nothing is coloured."),
  ]

  static let seeAlso = "`crontab`(5), `systemd.timer`(5)"
}
