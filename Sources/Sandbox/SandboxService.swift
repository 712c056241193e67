internal import Locks
internal import RotationModel
internal import RotationPorts

/// Everything between the wire and the cluster: the strict eye, authentication, statistics, the admin
/// endpoints. Without sockets and without a clock, one request at a time under one lock.
final class SandboxService: Sendable {
  /// What becomes of a request.
  struct Outcome {
    /// Nil when the connection is closed without an answer.
    var answer: HTTPAnswer?
    var delay: Duration = .zero
  }

  /// Guarded by `lock`.
  struct State {
    var cluster: SimulatedCluster
    var statistics = SandboxStatistics()
    var nodeGenerator: SeededGenerator
    var nextNode = 0

    init(_ options: SandboxOptions, seed: UInt64) {
      let generator = SeededGenerator(seed: seed)
      cluster = SimulatedCluster(options.cluster, generator: generator, faults: options.faults)
      nodeGenerator = generator.fork(3)
    }
  }

  let options: SandboxOptions
  let seed: UInt64
  private let reader: RequestReader
  private let writer: AnswerWriter
  private let lock = Lock()
  private nonisolated(unsafe) var state: State

  init(_ options: SandboxOptions, seed: UInt64) {
    self.options = options
    self.seed = seed
    reader = RequestReader(
      product: options.product, accountID: options.accountID, clusterID: options.clusterID)
    writer = AnswerWriter(options)
    state = State(options, seed: seed)
  }

  /// Which node serves a connection that was just opened.
  func connectionOpened() -> Int {
    withState { state in
      state.statistics.connectionOpened()
      let nodes = options.cluster.nodes
      switch options.nodeAssignment {
      case .random: return Int.random(in: 0..<nodes, using: &state.nodeGenerator)
      case .roundRobin:
        defer { state.nextNode = (state.nextNode + 1) % nodes }
        return state.nextNode
      }
    }
  }

  /// A request's head has arrived.
  func requestStarted(_ path: String) {
    if !isAdmin(path) { withState { $0.statistics.requestStarted() } }
  }

  /// A request was answered, or its connection is gone.
  func requestEnded(_ path: String) {
    if !isAdmin(path) { withState { $0.statistics.requestEnded() } }
  }

  /// Decides one request that was read in full. `now` is the cluster's time.
  func respond(to request: HTTPRequest, node: Int, at now: Instant) -> Outcome {
    if isAdmin(request.path) { return Outcome(answer: administer(request, at: now)) }
    let reading: RequestReader.Reading
    do {
      reading = try reader.read(request)
    } catch {
      return refuse(error, isData: !request.path.hasPrefix("/api/v0/"), at: now)
    }
    let operation = reading.call.operation
    guard operation.isData || isManagementToken(reading.credential) else {
      withState { state in
        if case .create(let request) = reading.call { state.cluster.countPost(request.description) }
        state.statistics.answered(operation, status: 401)
      }
      return Outcome(answer: .error(401, StatusText.message(401), isData: false))
    }
    let answer = withState { $0.cluster.perform(reading.call, node: node, at: now) }
    let wire = answer.reply.map { writer.answer($0, to: reading.call, answer.malformation) }
    withState { $0.statistics.answered(operation, status: wire?.status) }
    return Outcome(answer: wire, delay: answer.delay)
  }

  func withState<Result>(_ body: (inout State) -> Result) -> Result {
    lock.withLock { body(&state) }
  }

  private func isAdmin(_ path: String) -> Bool { path.hasPrefix("/sandbox/") }

  private func isManagementToken(_ credential: String) -> Bool {
    options.managementToken == Secret(credential.utf8)
  }

  private func refuse(_ violation: Violation, isData: Bool, at now: Instant) -> Outcome {
    var violation = violation
    violation.time = now
    withState { state in
      state.statistics.record(violation)
      state.statistics.answered(violation.operation, status: violation.status)
    }
    // Without a credential the answer is the real one; the others say what to mend.
    let message = violation.rule == .authorization ? StatusText.message(401) : violation.message
    return Outcome(answer: .error(violation.status, message, isData: isData))
  }
}
