extension CommandSpecification {
  private static let names = OperandSpecification(
    text: "JOB.toml NAME...", minimum: 2, maximum: nil, kinds: [.file("JOB.toml"), .text("NAME")])
  private static let name = OperandSpecification(
    text: "JOB.toml NAME", minimum: 2, maximum: 2, kinds: [.file("JOB.toml"), .text("NAME")])

  static let rotate = CommandSpecification(
    name: .rotate,
    summary: "replace tokens now, not when they are due",
    details:
      "The new token is created, verified and delivered before anything happens to the old one, which works on until its overlap has passed. With --compromised there is no overlap: the old one is revoked as soon as the new one is delivered.",
    operands: names,
    options: [
      OptionSpecification(.compromised, .flag, "somebody else knows the token: revoke it without an overlap")
    ],
    exitStatuses: ExitStatus.ofRun,
    examples: ["tokenrotate rotate job.toml line-7", "tokenrotate rotate job.toml line-7 --compromised"])

  static let rollback = CommandSpecification(
    name: .rollback,
    summary: "make the previous token current again",
    details:
      "Possible until the revocation of the previous token was begun. A disabled token is enabled and verified first. The newer token is retired like any other, and the lineage is held until `release`.",
    operands: name,
    options: [],
    exitStatuses: ExitStatus.ofRun,
    examples: ["tokenrotate rollback job.toml line-7"])

  static let hold = CommandSpecification(
    name: .hold,
    summary: "stop replacing tokens",
    details:
      "Nothing new is made for them until `release`, unless `rotate` asks for it. What is under way is finished, and what was replaced is still retired.",
    operands: names,
    options: [],
    exitStatuses: [.done, .failed, .badInput, .locked, .audit],
    examples: ["tokenrotate hold job.toml line-7 line-8"])

  static let release = CommandSpecification(
    name: .release,
    summary: "let tokens be replaced again",
    details: "Ends what hold, or a rollback, has begun.",
    operands: names,
    options: [],
    exitStatuses: [.done, .failed, .badInput, .locked, .audit],
    examples: ["tokenrotate release job.toml line-7"])

  static let retire = CommandSpecification(
    name: .retire,
    summary: "end tokens whose rows are gone",
    details:
      "The stores lose the token first; when its overlap has passed, it is revoked. With --now it is revoked at once. For a name that still has a row this is refused, because the next run would make another token.",
    operands: names,
    options: [OptionSpecification(.now, .flag, "without an overlap")],
    exitStatuses: ExitStatus.ofRun,
    examples: ["tokenrotate retire job.toml old-gateway", "tokenrotate retire job.toml old-gateway --now"])

  static let rename = CommandSpecification(
    name: .rename,
    summary: "tell that a row's name has changed",
    details:
      "Change the name in the CSV first. The token stays: its description on the cluster and its place in the stores get the new name. Consumers read the new place from then on.",
    operands: OperandSpecification(
      text: "JOB.toml OLD NEW", minimum: 3, maximum: 3,
      kinds: [.file("JOB.toml"), .text("OLD"), .text("NEW")]),
    options: [],
    exitStatuses: ExitStatus.ofRun,
    examples: ["tokenrotate rename job.toml gateway-1 gateway-north"])

  static let move = CommandSpecification(
    name: .move,
    summary: "let a job go on whose cluster or stores have changed",
    details:
      "Change [cluster] or [[store]] in the job first: until this command a run refuses it. New stores get the tokens from the old first one; the old files stay until you remove them. On another cluster every token is made anew by the next run.",
    operands: OperandSpecification(text: "JOB.toml", minimum: 1, maximum: 1, kinds: [.file("JOB.toml")]),
    options: [],
    exitStatuses: [
      .done, .failed, .badInput, .locked,
      ExitStatus(code: 6, meaning: "a store could not be read or written: say it again"), .audit, .person,
    ],
    examples: ["tokenrotate move job.toml"])
}
