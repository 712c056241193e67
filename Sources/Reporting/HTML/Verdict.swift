import RotationModel
import RotationPorts

/// What the page says in one look.
enum Verdict: Equatable {
  case nothingYet
  case well
  case goesOn(Int)
  case needsPerson(Int)

  init(_ figures: ReportFigures) {
    if figures.matters.total > 0 {
      self = .needsPerson(figures.matters.total)
    } else if figures.underWay.total > 0 {
      self = .goesOn(figures.underWay.total)
    } else {
      self = figures.tokens == 0 ? .nothingYet : .well
    }
  }

  var words: String {
    switch self {
    case .nothingYet: "no token yet"
    case .well: "all well"
    case .goesOn(let count): "\(count) under way"
    case .needsPerson(let count): count == 1 ? "1 needs a person" : "\(count) need a person"
    }
  }

  var title: String {
    switch self {
    case .nothingYet: "No token yet"
    case .well: "All well"
    case .goesOn(let count): count == 1 ? "1 is under way" : "\(count) are under way"
    case .needsPerson(let count): count == 1 ? "1 thing needs a person" : "\(count) things need a person"
    }
  }

  var explanation: String {
    switch self {
    case .nothingYet: "The first run of a job creates its tokens."
    case .well: "Every token is where it should be, as far as the ledger knows."
    case .goesOn: "The next run goes on with it. Nobody has to do anything."
    case .needsPerson: "What is due is done all the same. These come first:"
    }
  }

  var tone: Tone {
    switch self {
    case .nothingYet: .plain
    case .well: .good
    case .goesOn: .warn
    case .needsPerson: .bad
    }
  }
}

/// How something stands: always told by a sign and a word, never by its colour alone.
enum Tone: String {
  case good, warn, bad, plain

  var sign: String {
    switch self {
    case .good: "✓"
    case .warn: "»"
    case .bad: "!"
    case .plain: "–"
    }
  }
}

extension ReportFigures {
  /// What the newest run of cron says beyond what the ledger shows: the newest that has ended, or one that never did,
  /// as others that came after it show.
  func problemOfLastRun() -> Problem? {
    let all = allRuns
    let cron = all.filter { $0.command == "run" }
    if let newest = cron.first, newest.exitCode == nil, let latest = all.first, latest.id != newest.id {
      return Problem(
        code: "last_run",
        message:
          "The last run, of \((newest.startedAt ?? newest.lastAt).minuteText), did not end: it was killed, or its machine was",
        hint: "the next run goes on where it stopped")
    }
    guard let run = cron.first(where: { $0.exitCode != nil }), let code = run.exitCode,
      let exitCode = ExitCode(rawValue: Int32(clamping: code))
    else { return nil }
    let began = run.startedAt?.minuteText ?? run.lastAt.minuteText
    let hint: String
    switch exitCode {
    case .done, .notActiveYet, .locked, .changesPlanned, .interrupted, .terminated: return nil
    case .needsPerson: hint = "`tokenrotate status` says what and what to do"
    case .failed: hint = "`tokenrotate run` tries again, and says why if it fails once more"
    case .badInput: hint = "`tokenrotate check` names the places"
    case .credentialRefused: hint = "put a new management token into its file"
    case .undelivered: hint = "look at the store or the hook; the next run tries again"
    case .auditBroken: hint = "`tokenrotate audit verify` names the place"
    }
    return Problem(
      code: "last_run", message: "The last run, of \(began), ended with \(code): \(exitCode.meaning)",
      hint: hint)
  }
}

extension ExitCode {
  /// The exit code in words.
  var meaning: String {
    switch self {
    case .done: "done"
    case .failed: "a token failed, or the cluster did not answer"
    case .badInput: "wrong job file, CSV or usage"
    case .locked: "another run was under way"
    case .credentialRefused: "the management token was refused"
    case .notActiveYet: "created, not active yet"
    case .undelivered: "active, not delivered"
    case .auditBroken: "the audit log cannot be written, or was changed"
    case .needsPerson: "something needs a person"
    case .changesPlanned: "there is something to do"
    case .interrupted, .terminated: "stopped by a signal"
    }
  }

  var tone: Tone {
    switch self {
    case .done: .good
    case .notActiveYet, .interrupted, .terminated, .locked, .changesPlanned: .warn
    case .failed, .badInput, .credentialRefused, .undelivered, .auditBroken, .needsPerson: .bad
    }
  }
}
