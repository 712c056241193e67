import JSONText
import RotationPorts

extension TokenReport {
  /// Name, outcome, id, activation and problem: a row of the table.
  var cells: [Cell] {
    var message = problem?.message ?? ""
    // The name stands in front already.
    if message.hasPrefix("\(name): ") { message.removeFirst(name.count + 2) }
    return [
      Cell(VisibleText.line(name)), Cell(outcome.rawValue, outcome.paint),
      Cell(tokenID.map { VisibleText.line($0) } ?? "-", .dim),
      Cell(activationSeconds.flatMap(TokenReport.oneDecimal) ?? "-"), Cell(VisibleText.line(message)),
    ]
  }

  private static func oneDecimal(_ seconds: Double) -> String? {
    guard seconds.isFinite, (0..<1e12).contains(seconds) else { return nil }
    let tenths = Int((seconds * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) s"
  }
}

extension JSONWriter {
  /// The keys in the order of INTERFACE's example.
  mutating func members(of report: TokenReport) {
    member("name", report.name)
    member("outcome", report.outcome.rawValue)
    member("token_id", report.tokenID)
    member("previous_token_id", report.previousTokenID)
    key("activation_seconds")
    thousandths(report.activationSeconds)
    key("error")
    problem(report.problem)
  }
}

extension TokenOutcome {
  var paint: Paint? {
    switch self {
    case .created, .rotated, .updated, .retired: .green
    case .pending: .cyan
    case .attention: .yellow
    case .undelivered, .failed: .red
    case .unchanged, .held: nil
    }
  }

  /// `3 created`, `1 needs a person`.
  func counted(_ count: Int) -> String {
    switch self {
    case .attention: count == 1 ? "1 needs a person" : "\(count) need a person"
    case .undelivered: "\(count) not delivered"
    case .created, .rotated, .updated, .unchanged, .pending, .held, .retired, .failed:
      "\(count) \(rawValue)"
    }
  }
}
