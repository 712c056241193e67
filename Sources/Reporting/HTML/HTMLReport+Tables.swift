import RotationModel
import RotationPorts

/// The past, line by line: what went wrong and how it ended, and the last runs.
extension HTMLReport {
  func writeTroubles(_ page: inout HTMLWriter) {
    page.section("failures", "Failures and recoveries") { page in
      let troubles = figures.troubles
      guard troubles.total > 0 else { return page.nothing("Nothing has gone wrong yet.") }
      let open =
        figures.openTroubles == 0 ? "all of them ended" : "\(figures.openTroubles.grouped) not ended yet"
      let shown =
        troubles.total > troubles.elements.count ? "; the newest \(troubles.elements.count) are shown" : ""
      page.element(.p, [.class("muted")], "\(troubles.total.grouped) in the ledger, \(open)\(shown).")
      page.table("Failures and recoveries, newest first", ["When", "Token", "What happened", "How it ended"])
      {
        page in
        for trouble in troubles.elements { writeTrouble(trouble, &page) }
      }
    }
  }

  private func writeTrouble(_ trouble: ReportFigures.Trouble, _ page: inout HTMLWriter) {
    let incident = trouble.incident
    page.element(.tr) { page in
      let again =
        incident.count > 1 ? "\(incident.count.grouped) times, last \(incident.lastAt.minuteText)" : nil
      page.cell(incident.firstAt, again)
      page.nameCell(trouble.name, job: trouble.job)
      page.element(.td, [.class("wide")]) { page in
        page.text(incident.kind.words(about: incident.subject))
        if !incident.reason.isEmpty { page.element(.small, [.class("muted")], incident.reason) }
      }
      page.element(.td) { page in
        guard let ending = incident.ending, let endedAt = incident.endedAt else {
          return page.badge(.bad, "goes on")
        }
        page.badge(ending == .neverSeen ? .warn : .good, ending.words)
        let took = endedAt - incident.firstAt
        page.element(
          .small, [.class("muted")], took < .seconds(60) ? "within a minute" : "after \(took.ageText)")
      }
    }
  }

  func writeRuns(_ page: inout HTMLWriter) {
    page.section("runs", "Last runs") { page in
      let runs = figures.runs
      guard !runs.isEmpty else { return page.nothing("No run yet.") }
      page.table(
        "Last runs, newest first",
        ["Began", "Command", "Ended with", "Took", "Created", "Delivered", "Revoked", "Failures"],
        numbers: [3, 4, 5, 6, 7]
      ) { page in
        for run in runs { writeRun(run, &page) }
      }
    }
  }

  private func writeRun(_ run: RecordedRun, _ page: inout HTMLWriter) {
    page.element(.tr) { page in
      page.element(.td, [.class("when")]) { page in
        if let startedAt = run.startedAt {
          page.time(startedAt, shown: startedAt.minuteText)
        } else {
          page.text("before what was read of the log")
        }
      }
      page.element(.th, [.row], run.command ?? "–")
      page.element(.td) { $0.badge(run.tone, run.endingWords) }
      page.element(
        .td, [.class("number")],
        run.startedAt.flatMap { began in run.finishedAt.map { ($0 - began).latencyText } } ?? "–")
      for count in [run.created, run.delivered, run.revoked, run.failures] { page.cell(count) }
    }
  }
}

extension Incident.Kind {
  /// What happened, to the store, hook or attempt that it is about.
  func words(about subject: String?) -> String {
    switch self {
    case .creationRefused: "no token was made"
    case .creationUnanswered: "a creation was not answered"
    case .interruption: "a run was interrupted after a creation"
    case .orphan: "a token's string was lost"
    case .activation: "not active in time"
    case .delivery: "not delivered to store \(subject ?? "?")"
    case .hook: "hook \(subject ?? "?") failed"
    case .update: "the description was not changed"
    case .disable: "not disabled"
    case .enable: "not enabled again"
    case .revocation: "not revoked"
    case .disappearance: "the token in use was gone"
    case .rollback: "a rollback was given up"
    case .relocation: "a rename was given up in the stores"
    }
  }
}

extension Incident.Ending {
  var words: String {
    switch self {
    case .done: "done"
    case .adopted: "its string was found, and taken up"
    case .orphanRevoked: "the orphan was revoked"
    case .createdAnew: "another attempt made it"
    case .neverSeen: "no token ever appeared"
    case .tokenEnded: "the token was ended"
    case .leftAsItWas: "left as it was"
    }
  }
}
