import RotationModel
import RotationPorts

/// How much a token's standing asks of whoever looks, the worst first.
enum Urgency: Int, Comparable {
  /// Its consumers are refused, or have nothing.
  case outage
  /// Nothing is broken yet, and a person has to do something.
  case trouble
  /// The next run has something to do.
  case underWay
  case well

  static func < (one: Urgency, other: Urgency) -> Bool { one.rawValue < other.rawValue }

  fileprivate var paint: Paint? {
    switch self {
    case .outage: .red
    case .trouble: .yellow
    case .underWay: .cyan
    case .well: nil
    }
  }
}

extension TokenStanding {
  /// What says that the token itself is of no use any more.
  private static let outages: Set<String> = [
    "token_missing", "string_refused", "no_permissions", "expired", "store_differs",
  ]

  func urgency(_ now: Instant) -> Urgency {
    guard let problem else { return next == nil ? .well : .underWay }
    let isExpired = expiresAt.map { $0 <= now } ?? false
    // Somebody else's token and the end of one that has no row are nobody's outage.
    let isWithout = delivered < stores && ["planned", "creating", "unknown", "staged"].contains(state)
    return isExpired || isWithout || TokenStanding.outages.contains(problem.code) ? .outage : .trouble
  }

  static let header = [
    Cell("STATE", .bold), Cell("NAME", .bold), Cell("AGE", .bold), Cell("DUE IN", .bold),
    Cell("EXPIRES IN", .bold), Cell("ACTIVATION", .bold), Cell("DELIVERED", .bold), Cell(""),
  ]
  /// Activation, age, delivery, expiry, due: a problem says of the last three what matters.
  static let dispensableColumns = [5, 2, 6, 4, 3]
  static let blockColumns: Set = [3, 4]

  /// A row of the table.
  func cells(_ now: Instant) -> [Cell] {
    let urgency = urgency(now)
    let plain = problem.map {
      $0.message.hasPrefix("\(name): ") ? String($0.message.dropFirst(name.count + 2)) : $0.message
    }
    return [
      Cell((problem == nil ? "" : "! ") + state + (isHeld ? ", held" : ""), urgency.paint),
      Cell(VisibleText.line(name)),
      Cell(createdAt.map { DurationText.rounded(now - $0) } ?? "-", label: "age"),
      Cell(dueAt.map { span(now, to: $0) } ?? "-", label: "due in"),
      Cell(expiresAt.map { span(now, to: $0) } ?? "-", label: "expires in"),
      Cell(activationSeconds.map { "\(Int($0.rounded())) s" } ?? "-", label: "activation"),
      Cell("\(delivered)/\(stores)", label: "delivered"),
      Cell(VisibleText.line(plain ?? next ?? predecessorNote ?? "")),
    ]
  }

  private func span(_ now: Instant, to instant: Instant) -> String {
    instant <= now ? "now" : DurationText.rounded(instant - now)
  }

  private var predecessorNote: String? {
    predecessorState.map { "its predecessor is \($0)" }
  }
}
