internal import JSONText

/// What the server has seen. Admin requests are not counted.
struct SandboxStatistics {
  private static let maximumViolationsKept = 1000

  private struct Key: Hashable {
    var operation: ClusterOperation?
    var status: Int
  }

  /// The status 0 stands for a connection closed without an answer.
  private var requests: [Key: Int] = [:]
  private(set) var violations: [Violation] = []
  private(set) var violationCount = 0
  private(set) var connections = 0
  private var openRequests = 0
  private var maximumConcurrent = 0

  mutating func requestStarted() {
    openRequests += 1
    maximumConcurrent = max(maximumConcurrent, openRequests)
  }

  mutating func requestEnded() { openRequests -= 1 }

  mutating func connectionOpened() { connections += 1 }

  mutating func answered(_ operation: ClusterOperation?, status: Int?) {
    requests[Key(operation: operation, status: status ?? 0), default: 0] += 1
  }

  mutating func record(_ violation: Violation) {
    violationCount += 1
    if violations.count < Self.maximumViolationsKept { violations.append(violation) }
  }

  /// Starts anew; requests that are under way stay counted as open.
  mutating func reset() {
    let open = openRequests
    self = SandboxStatistics()
    openRequests = open
    maximumConcurrent = open
  }

  func write(to writer: inout JSONWriter) {
    writer.member("total", requests.values.reduce(0, +))
    writer.member("connections", connections)
    writer.member("maximumConcurrent", maximumConcurrent)
    writer.key("requests")
    writer.object { writer in
      for operation in ClusterOperation.allCases.map(Optional.some) + [nil] {
        let ofOperation = requests.filter { $0.key.operation == operation }
        guard !ofOperation.isEmpty else { continue }
        writer.key(operation?.rawValue ?? "other")
        writer.object { writer in
          for (key, count) in ofOperation.sorted(by: { $0.key.status < $1.key.status }) {
            writer.member(key.status == 0 ? "closed" : String(key.status), count)
          }
        }
      }
    }
    writer.key("violations")
    writer.object { writer in
      writer.member("count", violationCount)
      writer.key("list")
      writer.array { writer in
        for violation in violations { violation.write(to: &writer) }
      }
    }
  }
}

extension Violation {
  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      if let time { writer.member("time", time.rfc3339) }
      writer.key("operation")
      if let operation { writer.string(operation.rawValue) } else { writer.null() }
      writer.member("rule", rule.rawValue)
      writer.member("status", status)
      writer.member("message", message)
    }
  }
}
