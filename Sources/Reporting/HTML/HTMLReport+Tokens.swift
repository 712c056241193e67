import RotationModel
import RotationPorts

/// Every token, by job.
extension HTMLReport {
  func writeTokens(_ page: inout HTMLWriter) {
    page.section("tokens", "Every token") { page in
      guard !jobs.isEmpty else { return page.nothing("There is no job.") }
      for job in jobs { writeJob(job, &page) }
    }
  }

  private func writeJob(_ job: Job, _ page: inout HTMLWriter) {
    page.element(.h3, [], job.name)
    if let problem = job.problem {
      page.element(.p) { page in
        page.badge(.bad, "left alone")
        page.text(" " + (VisibleText.lines(problem.message).first ?? problem.code))
      }
    }
    guard job.tokens > 0 else {
      if job.problem == nil { page.nothing("It has no token and no row.") }
      return
    }
    guard job.tokens > AlignedLines.few else { return writeTable(of: job, &page) }
    page.element(.details) { page in
      page.element(.summary, [], "\(counted(job.tokens, "token"))")
      writeTable(of: job, &page)
    }
  }

  private func writeTable(of job: Job, _ page: inout HTMLWriter) {
    page.table(
      "Tokens of job \(job.name)",
      ["Token", "State", "Age", "Due", "Expires", "Activation", "Delivered", "Token id", "Labels"],
      numbers: [5, 6]
    ) { page in
      rows.write(job.rows, into: &page)
    }
  }
}

extension HTMLWriter {
  /// One token. The page has as many of these as there are tokens, so that it carries little markup.
  mutating func tokenRow(_ history: TokenHistory, now: Instant) {
    let standing = history.standing
    newline()
    element(.tr) { page in
      page.element(.th, [.row], standing.name)
      page.element(.td) { page in
        page.badge(standing.tone, standing.state + (standing.isHeld ? ", held" : ""))
        if let note = standing.note { page.element(.small, [.class("muted")], note) }
      }
      let age = standing.createdAt.map { (now - $0).ageText }
      page.element(.td, [], age ?? (history.isTakenOver ? "made by hand" : "–"))
      page.date(standing.dueAt, now: now, past: "now")
      page.date(standing.expiresAt, now: now, past: "expired")
      page.element(
        .td, [.class("number")],
        standing.activationSeconds.map { Duration.milliseconds(Int64($0 * 1000)).latencyText } ?? "–")
      page.element(.td, [.class("number")], "\(standing.delivered)/\(standing.stores)")
      page.element(.td, [.class("id")], standing.tokenID ?? "–")
      let labels = history.labels.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
      page.element(.td, [], labels.isEmpty ? "–" : labels.joined(separator: ", "))
    }
  }

  private mutating func date(_ at: Instant?, now: Instant, past: String) {
    element(.td, [], at.map { $0 <= now ? past : $0.dayText } ?? "–")
  }
}

extension TokenStanding {
  fileprivate var tone: Tone {
    if problem != nil { return .bad }
    if next != nil { return .warn }
    return tokenID == nil ? .plain : .good
  }

  /// What is to be said of it beside its state.
  fileprivate var note: String? {
    if let problem {
      let message = VisibleText.lines(problem.message).first ?? problem.code
      return message.hasPrefix("\(name): ") ? String(message.dropFirst(name.count + 2)) : message
    }
    return next ?? predecessorState.map { "its predecessor is \($0)" }
  }
}
