public import RotationModel
public import RotationPorts

/// One HTML page of what ledger, CSVs and audit logs know: what is due when, ages, activation latency, failures, runs,
/// and every token.
///
/// It needs nothing but itself: no script, no font, no picture and no address from elsewhere. What is kept in memory
/// does not grow with the number of tokens.
public struct HTMLReport {
  /// What a job's part of the page is made from.
  struct Job {
    var name: String
    var problem: Problem?
    var tokens = 0
    /// Where its rows wait.
    var rows: Range<Int>
  }

  let version: String
  let source: String
  let now: Instant
  let rows: HTMLSpool
  private(set) var figures: ReportFigures
  private(set) var jobs: [Job] = []

  /// `source` is the state directory, as people know it. `spoolDirectory` takes a temporary file.
  public init(version: String, source: String, now: Instant, spoolDirectory: String) {
    self.version = version
    self.source = source
    self.now = now
    rows = HTMLSpool(of: "tokens", directory: spoolDirectory)
    figures = ReportFigures(now: now)
  }

  // MARK: Filling

  /// Jobs come one after the other: a job's names lie between its start and the next one's.
  public mutating func startJob(_ name: String) {
    jobs.append(Job(name: name, rows: rows.end..<rows.end))
  }

  public mutating func add(_ history: TokenHistory) {
    guard let job = jobs.last else { return }
    figures.add(history, job: job.name)
    guard history.isTold else { return }
    rows.append { [now] in $0.tokenRow(history, now: now) }
    jobs[jobs.count - 1].tokens += 1
    jobs[jobs.count - 1].rows = job.rows.lowerBound..<rows.end
  }

  /// The job that was started last could not be looked at to its end.
  public mutating func jobStopped(_ problem: Problem) {
    guard let job = jobs.last else { return }
    jobs[jobs.count - 1].problem = problem
    figures.needsPerson(problem, job: job.name)
  }

  /// A job that runs leave alone, because its files are wrong. `name` is its path while its name is not known.
  public mutating func jobRefused(_ name: String, _ problem: Problem) {
    startJob(name)
    jobStopped(problem)
  }

  /// What the audit logs tell of runs, each by itself.
  public mutating func add(runsOfLogs logs: [[RecordedRun]]) {
    for runs in logs { figures.add(runs) }
    if let problem = figures.problemOfLastRun() { figures.needsPerson(problem, job: nil) }
  }

  /// Something beside the jobs that a person should look at.
  public mutating func add(_ problem: Problem) {
    figures.needsPerson(problem, job: nil)
  }

  // MARK: Writing

  /// What the page says, in a few words that a script may read too.
  public var summary: String {
    let verdict = Verdict(figures)
    return "\(figures.tokens) token\(figures.tokens == 1 ? "" : "s"), \(verdict.words)"
  }

  /// Writes the whole page, once. Throws when a part of it could not be kept until now: half a page is none.
  public func write(to sink: any TextSink) throws(Problem) {
    var page = HTMLWriter { sink.write($0) }
    if let problem = rows.flushed() { throw problem }
    page.documentType()
    page.element(.html, [HTMLAttribute(.lang, "en")]) { page in
      writeHead(&page)
      page.element(.body) { page in
        writeHeader(&page)
        page.element(.main) { page in
          writeVerdict(&page)
          writeFigures(&page)
          writeNavigation(&page)
          writeDue(&page)
          page.element(.div, [.class("pair")]) { page in
            writeAges(&page)
            writeActivations(&page)
          }
          writeTroubles(&page)
          writeRuns(&page)
          writeTokens(&page)
        }
        writeFooter(&page)
      }
    }
    page.newline()
    page.flush()
    if let problem = rows.problem { throw problem }
  }

  private func writeHead(_ page: inout HTMLWriter) {
    page.element(.head) { page in
      page.element(.meta, [HTMLAttribute(.charset, "utf-8")])
      page.element(
        .meta,
        [
          HTMLAttribute(.httpEquiv, "Content-Security-Policy"),
          HTMLAttribute(
            .content, "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"),
        ])
      for (name, content) in [
        ("viewport", "width=device-width, initial-scale=1"), ("color-scheme", "light dark"),
        ("referrer", "no-referrer"), ("robots", "noindex"), ("generator", "tokenrotate \(version)"),
      ] {
        page.element(.meta, [HTMLAttribute(.name, name), HTMLAttribute(.content, content)])
      }
      page.element(.title, [], "Database tokens · \(Verdict(figures).words)")
      page.style(reportStyle)
    }
  }

  private func writeHeader(_ page: inout HTMLWriter) {
    page.element(.header) { page in
      page.element(.p, [.class("brand")], "tokenrotate")
      page.element(.h1, [], "Database tokens")
      page.element(.p, [.class("muted")]) { page in
        page.text("\(counted(figures.tokens, "token")) of \(counted(jobs.count, "job")) · as of ")
        page.time(now, shown: "\(now.minuteText) UTC")
      }
    }
  }

  private func writeNavigation(_ page: inout HTMLWriter) {
    page.element(.nav, [.label("Sections")]) { page in
      for (id, title) in [
        ("due", "Due"), ("ages", "Ages"), ("activation", "Activation"), ("failures", "Failures"),
        ("runs", "Runs"), ("tokens", "Every token"),
      ] {
        page.element(.a, [HTMLAttribute(.href, "#\(id)")], title)
      }
    }
  }

  private func writeFooter(_ page: inout HTMLWriter) {
    page.element(.footer) { page in
      page.element(.p) { page in
        page.text("Made by tokenrotate \(version) at ")
        page.time(now, shown: now.rfc3339Seconds)
        page.text(
          " from the job files, the ledger and the audit log of \(source). Times are UTC. The cluster was not asked: "
        )
        page.element(.code, [], "tokenrotate status")
        page.text(
          " compares with it. No token string is in this page, nor anything from which one could be found.")
      }
    }
  }
}

extension HTMLSpool {
  /// What kept a part from being kept, when all of them are in the file.
  fileprivate func flushed() -> Problem? {
    flush()
    return problem
  }
}
