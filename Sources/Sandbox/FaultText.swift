internal import RotationModel

/// Reads faults from text.
extension Fault {
  /// A list longer than this is refused.
  static let maximumCount = 1000

  /// Reads `OPERATION:EFFECT[:CONDITION]…`, for example `create:answer-lost:p=0.1`.
  ///
  /// Throws `SandboxError` with code `badFault` that names the part that was not understood.
  public static func parse(_ text: some StringProtocol) throws(SandboxError) -> Fault {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
    guard parts.count >= 2 else {
      throw bad(String(text), "has no effect", hint: "write OPERATION:EFFECT, such as create:answer-lost")
    }
    var reader = FaultReader(text: String(text))
    let operation = try reader.operation(parts[0])
    let effect = try reader.effect(parts[1], of: operation)
    for part in parts.dropFirst(2) { try reader.condition(part) }
    if reader.node != nil, let operation, !operation.isData {
      throw bad(String(text), "asks for a node", hint: "only query and write reach a node")
    }
    return Fault(
      operation: operation, effect: effect, occurrence: reader.occurrence ?? .always, node: reader.node,
      match: reader.match, writtenAs: String(text))
  }

  /// Reads one fault a line; empty lines and lines that start with `#` are skipped.
  public static func parseList(_ text: some StringProtocol) throws(SandboxError) -> [Fault] {
    var faults: [Fault] = []
    for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
      guard faults.count < maximumCount else {
        throw SandboxError(
          .badFault, "more than \(maximumCount) faults", hint: "say with p= what should happen often")
      }
      faults.append(try parse(line))
    }
    return faults
  }

  fileprivate static func bad(_ text: String, _ what: String, hint: String) -> SandboxError {
    SandboxError(.badFault, "fault '\(text.prefix(200))' \(what)", hint: hint)
  }
}

/// The parts of one fault's text.
private struct FaultReader {
  let text: String
  var occurrence: Fault.Occurrence?
  var node: Int?
  var match: String?

  func operation(_ word: String) throws(SandboxError) -> ClusterOperation? {
    if word == "any" { return nil }
    if let operation = ClusterOperation(rawValue: word) { return operation }
    let known = ClusterOperation.allCases.map(\.rawValue).joined(separator: ", ")
    throw Fault.bad(text, "has no operation '\(word)'", hint: "the operations are \(known), any")
  }

  func effect(_ part: String, of operation: ClusterOperation?) throws(SandboxError) -> Fault.Effect {
    let settings = try settings(part)
    let name = settings.name
    switch name {
    case "answer-lost": return try settings.alone(.answerLost)
    case "request-lost": return try settings.alone(.requestLost)
    case "duplicate": return try onlyCreate(operation, name, settings.alone(.duplicate))
    case "wrong-expiry": return try onlyCreate(operation, name, settings.alone(.wrongExpiry))
    case "slow": return .slow(try settings.duration())
    case "late-effect":
      let status = try settings.number("answer", in: 400...599)
      return .lateEffect(after: try settings.duration(), status: status)
    case "error-before": return .errorBefore(status: try settings.status(default: nil))
    case "error-after": return .errorAfter(status: try settings.status(default: nil))
    case "throttle":
      let seconds = try settings.number("retry-after", in: 0...86_400)
      return .throttle(status: try settings.status(default: 429), retryAfterSeconds: seconds)
    case "malformed":
      return .malformed(try malformation(settings.value, of: operation))
    default:
      throw Fault.bad(
        text, "has no effect '\(name)'",
        hint: "the effects are answer-lost, request-lost, late-effect=, error-before=, error-after=, "
          + "throttle=, slow=, malformed, duplicate, wrong-expiry")
    }
  }

  mutating func condition(_ part: String) throws(SandboxError) {
    let settings = try settings(part)
    switch settings.name {
    case "nth": try setOccurrence(.nth(try settings.integer(in: 1...1_000_000_000)))
    case "next": try setOccurrence(.next(try settings.integer(in: 1...1_000_000_000)))
    case "p":
      guard let value = settings.value, let probability = Double(value), probability > 0, probability <= 1
      else { throw Fault.bad(text, "has p=\(settings.value ?? "")", hint: "p is above 0 and at most 1") }
      try setOccurrence(.probability(probability))
    case "node": node = try settings.integer(in: 0...999)
    case "match":
      guard let value = settings.value, !value.isEmpty else {
        throw Fault.bad(text, "has an empty match", hint: "write match=TEXT, without a colon in it")
      }
      match = value
    default:
      throw Fault.bad(
        text, "has no condition '\(settings.name)'",
        hint: "the conditions are nth=, next=, p=, node=, match=")
    }
  }

  private mutating func setOccurrence(_ wanted: Fault.Occurrence) throws(SandboxError) {
    guard occurrence == nil else {
      throw Fault.bad(text, "says twice how often it happens", hint: "use one of nth=, next=, p=")
    }
    occurrence = wanted
  }

  private func onlyCreate(
    _ operation: ClusterOperation?, _ name: String, _ effect: Fault.Effect
  ) throws(SandboxError) -> Fault.Effect {
    guard operation == .create else {
      throw Fault.bad(text, "has the effect '\(name)'", hint: "only create can have it")
    }
    return effect
  }

  /// Without a value, a create loses its access token and anything else its second half.
  private func malformation(
    _ value: String?, of operation: ClusterOperation?
  ) throws(SandboxError) -> Fault.Malformation {
    let fallback = operation == .create ? Fault.Malformation.missing : .truncated
    guard let value else { return fallback }
    guard let malformation = Fault.Malformation(rawValue: value) else {
      let known = Fault.Malformation.allCases.map(\.rawValue).joined(separator: ", ")
      throw Fault.bad(text, "has malformed=\(value)", hint: "it is one of \(known)")
    }
    switch malformation {
    case .missing, .newline, .short:
      guard operation == .create else {
        throw Fault.bad(text, "has malformed=\(value)", hint: "only create answers with an access token")
      }
    case .truncated, .empty, .html: break
    }
    return malformation
  }

  /// Splits `name=value,key=value`.
  private func settings(_ part: String) throws(SandboxError) -> FaultSettings {
    if part.hasPrefix("match=") {
      return FaultSettings(text: text, name: "match", value: String(part.dropFirst(6)), more: [:])
    }
    let items = part.split(separator: ",", omittingEmptySubsequences: false)
    let head = items[0].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    var more: [String: String] = [:]
    for item in items.dropFirst() {
      let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2, pair[0] == "retry-after" || pair[0] == "answer" else {
        throw Fault.bad(
          text, "has '\(item)'",
          hint: "only throttle=STATUS,retry-after=SECONDS and "
            + "late-effect=TIME,answer=STATUS have a second value")
      }
      more[String(pair[0])] = String(pair[1])
    }
    let value = head.count == 2 ? String(head[1]) : nil
    return FaultSettings(text: text, name: String(head[0]), value: value, more: more)
  }
}

/// `name=value,key=value`, taken apart.
private struct FaultSettings {
  let text: String
  let name: String
  let value: String?
  let more: [String: String]

  func alone(_ effect: Fault.Effect) throws(SandboxError) -> Fault.Effect {
    guard value == nil, more.isEmpty else {
      throw Fault.bad(text, "gives '\(name)' a value", hint: "write '\(name)' alone")
    }
    return effect
  }

  func integer(in range: ClosedRange<Int>) throws(SandboxError) -> Int {
    guard let value, let number = Int(value), range.contains(number) else {
      throw Fault.bad(
        text, "has \(name)=\(value ?? "")",
        hint: "it is a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func number(_ key: String, in range: ClosedRange<Int>) throws(SandboxError) -> Int? {
    guard let value = more[key] else { return nil }
    return try FaultSettings(text: text, name: key, value: value, more: [:]).integer(in: range)
  }

  func status(default fallback: Int?) throws(SandboxError) -> Int {
    if value == nil, let fallback { return fallback }
    return try integer(in: 400...599)
  }

  func duration() throws(SandboxError) -> Duration {
    if let value, value.hasSuffix("ms"), let milliseconds = Int64(value.dropLast(2)),
      (0...86_400_000).contains(milliseconds)
    {
      return .milliseconds(milliseconds)
    }
    guard let value, let duration = DurationText.parse(value) else {
      throw Fault.bad(text, "has \(name)=\(value ?? "")", hint: "write a time such as 200ms, 5s or 10m")
    }
    return duration
  }
}
