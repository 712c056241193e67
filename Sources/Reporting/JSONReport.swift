public import JSONText
import RotationModel
public import RotationPorts

/// The one object of `--format json`. Its tokens and notices wait in a spool each, because the exit code at its
/// beginning is known last, and because the two are told in turns; of each job only name, counts and problem are in
/// memory.
///
/// Jobs come one after the other: a job's tokens lie between its start and its end.
struct JSONReport {
  private struct Job {
    var name: String
    var problem: Problem?
    var counts: [(key: String, count: Int)] = []
    var tokens: Range<Int>
    var notices: Range<Int>
  }

  private let tokens: Spool
  private let notices: Spool
  private var jobs: [Job] = []
  private var isOpen = false
  /// One writer for all elements of a kind in a job, so that it knows about commas.
  private var elements = JSONWriter()
  private var noticeElements = JSONWriter()

  init(spoolDirectory: String) {
    tokens = Spool(of: "tokens", directory: spoolDirectory)
    notices = Spool(of: "notices", directory: spoolDirectory)
  }

  var problem: Problem? { tokens.problem ?? notices.problem }

  mutating func startJob(_ name: String) {
    guard !isOpen || jobs.last?.name != name else { return }
    jobs.append(
      Job(name: name, tokens: tokens.end..<tokens.end, notices: notices.end..<notices.end))
    elements = JSONWriter()
    noticeElements = JSONWriter()
    isOpen = true
  }

  /// What was noticed about the job, and belongs to no one token.
  mutating func addNotice(_ job: String, _ problem: Problem) {
    startJob(job)
    noticeElements.problem(problem)
    notices.append(noticeElements.take())
  }

  mutating func addToken(_ job: String, _ members: (inout JSONWriter) -> Void) {
    startJob(job)
    elements.object(members)
    tokens.append(elements.take())
  }

  mutating func finishJob(_ name: String, problem: Problem?, counts: [(key: String, count: Int)]) {
    startJob(name)
    jobs[jobs.count - 1].problem = problem
    jobs[jobs.count - 1].counts = counts
    closeJob()
  }

  private mutating func closeJob() {
    let last = jobs.count - 1
    jobs[last].tokens = jobs[last].tokens.lowerBound..<tokens.end
    jobs[last].notices = jobs[last].notices.lowerBound..<notices.end
    isOpen = false
  }

  /// What the object says about the run.
  enum Run {
    /// nil, and `null`, when it ended before it began.
    case run(String?)
    /// A plan runs nothing, and has no such member.
    case plan
  }

  /// Hands on the whole object in pieces and a newline.
  mutating func write(
    _ run: Run, exitCode: ExitCode, problem: Problem?, _ receive: (String) -> Void
  ) {
    for spool in [tokens, notices] { spool.flush() }
    if isOpen { closeJob() }
    var writer = JSONWriter()
    writer.beginObject()
    if case .run(let id) = run { writer.member("run", id) }
    writer.key("exit")
    writer.integer(Int(exitCode.rawValue))
    writer.key("error")
    writer.problem(problem ?? self.problem)
    writer.key("jobs")
    writer.beginArray()
    for job in jobs {
      writer.beginObject()
      writer.key("job")
      writer.string(job.name)
      writer.key("error")
      writer.problem(job.problem)
      writer.key("notices")
      writer.beginArray()
      receive(writer.take())
      notices.read(job.notices, receive)
      writer.endArray()
      writer.key("counts")
      writer.object { for (key, count) in job.counts { $0.member(key, count) } }
      writer.key("tokens")
      writer.beginArray()
      receive(writer.take())
      tokens.read(job.tokens, receive)
      writer.endArray()
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
    receive(writer.take() + "\n")
  }
}

extension JSONWriter {
  /// Where a token stands, as the members of an object that is open.
  mutating func standing(_ standing: TokenStanding, now: Instant) {
    member("name", standing.name)
    member("state", standing.state)
    key("held")
    bool(standing.isHeld)
    member("token_id", standing.tokenID)
    member("age_seconds", standing.createdAt.map { Int((now - $0).seconds) })
    member("due_at", standing.dueAt?.rfc3339)
    member("expires_at", standing.expiresAt?.rfc3339)
    key("activation_seconds")
    thousandths(standing.activationSeconds)
    member("delivered", standing.delivered)
    member("stores", standing.stores)
    member("predecessor_token_id", standing.predecessorID)
    member("predecessor_state", standing.predecessorState)
    member("next", standing.next)
    key("error")
    problem(standing.problem)
  }

  /// `code`, `message` and `hint`, or `null`.
  public mutating func problem(_ problem: Problem?) {
    guard let problem else { return null() }
    object {
      $0.member("code", problem.code)
      $0.member("message", problem.message)
      $0.member("hint", problem.hint)
    }
  }
}
