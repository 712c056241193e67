import RotationModel
import RotationPorts

/// What is read in one look: the verdict and the key figures.
extension HTMLReport {
  func writeVerdict(_ page: inout HTMLWriter) {
    let verdict = Verdict(figures)
    page.newline()
    page.element(.section, [.class("verdict \(verdict.tone.rawValue)"), .label("Verdict")]) { page in
      page.element(.p, [.class("headline")]) { page in
        page.element(.span, [.class("sign"), .decoration], verdict.tone.sign)
        page.element(.strong, [], verdict.title)
      }
      page.element(.p, [], verdict.explanation)
      writeMatters(figures.matters, &page)
      guard figures.underWay.total > 0 else { return }
      guard figures.matters.total > 0 else { return writeMatters(figures.underWay, &page) }
      page.element(.details) { page in
        page.element(.summary, [], "\(figures.underWay.total.grouped) more under way: the next run goes on")
        writeMatters(figures.underWay, &page)
      }
    }
  }

  private func writeMatters(_ matters: Matters, _ page: inout HTMLWriter) {
    guard !matters.groups.isEmpty else { return }
    page.element(.ul, [.class("matters")]) { page in
      for group in matters.groups { page.element(.li) { page in writeMatter(group, &page) } }
    }
    if matters.untold > 0 {
      page.element(.p, [.class("muted")], "and \(matters.untold.grouped) more, of other kinds")
    }
  }

  private func writeMatter(_ group: Matters.Group, _ page: inout HTMLWriter) {
    let lines = group.messages.flatMap { VisibleText.lines($0) }
    for line in lines.prefix(HTMLReport.linesShown) {
      page.element(.p, [.class("what")]) { $0.prose(line) }
    }
    if lines.count > HTMLReport.linesShown {
      page.element(.p, [.class("what")], "and \(counted(lines.count - HTMLReport.linesShown, "line")) more")
    }
    if group.count > group.messages.count {
      page.element(
        .p, [.class("what")], "and \((group.count - group.messages.count).grouped) more like these")
    }
    if let hint = group.hint { page.element(.p, [.class("hint")]) { $0.prose(hint) } }
    // A job whose name is not known is called by its path.
    if let job = group.job {
      page.element(.p, [.class("muted")], job.contains("/") ? job : "job \(job)")
    }
  }

  /// Of one matter: a CSV may have a hundred errors.
  private static let linesShown = 10

  func writeFigures(_ page: inout HTMLWriter) {
    page.newline()
    page.element(.dl, [.class("figures"), .label("Key figures")]) { page in
      page.figure(
        "Tokens in use", figures.inUse.grouped,
        figures.inUse == figures.tokens ? nil : "of \(counted(figures.tokens, "name"))")
      page.figure(
        "Oldest", figures.oldest.elements.first.map { (now - $0.at).ageText }, of: figures.oldest)
      page.figure(
        "Next due",
        figures.nextDue.elements.first.map { $0.at <= now ? "now" : "in \(($0.at - now).ageText)" },
        of: figures.nextDue)
      page.figure(
        "Next expiry",
        figures.nextExpiry.elements.first.map { $0.at <= now ? "expired" : "in \(($0.at - now).ageText)" },
        of: figures.nextExpiry)
      page.figure("Not delivered", figures.undelivered.grouped, nil)
      page.figure("Held", figures.held.grouped, nil)
      let last = figures.runs.first { $0.command == "run" } ?? figures.runs.first
      page.figure(
        "Last run", last.map { "\((now - ($0.startedAt ?? $0.lastAt)).ageText) ago" },
        last.map { $0.endingWords })
      page.figure(
        "Activation, median", figures.activations.median?.latencyText,
        figures.activations.count == 0 ? nil : "of \(figures.activations.count.grouped)")
    }
  }
}

extension HTMLWriter {
  fileprivate mutating func figure(_ title: String, _ value: String?, _ note: String?) {
    element(.div) { page in
      page.element(.dt, [], title)
      page.element(.dd) { page in
        page.element(.span, [.class("value")], value ?? "–")
        if let note { page.element(.span, [.class("muted")], note) }
      }
    }
  }

  fileprivate mutating func figure(
    _ title: String, _ value: String?, of dates: FirstFew<ReportFigures.Date>
  ) {
    figure(title, value, dates.elements.first.map { $0.name })
  }
}

extension RecordedRun {
  /// How it ended, in words.
  var endingWords: String {
    guard let exitCode else { return "no end on record: it goes on, or was killed" }
    let words = ExitCode(rawValue: Int32(clamping: exitCode))?.meaning ?? "unknown"
    return exitCode == 0 ? words : "\(exitCode): \(words)"
  }

  var tone: Tone {
    guard let exitCode else { return .warn }
    return ExitCode(rawValue: Int32(clamping: exitCode))?.tone ?? .bad
  }
}
