import Testing

@testable import Sandbox

@Suite struct FaultTextTests {
  @Test(arguments: [
    ("create:answer-lost:p=0.1", Fault.Effect.answerLost, Fault.Occurrence.probability(0.1)),
    ("create:late-effect=5s:nth=3", .lateEffect(after: .seconds(5), status: nil), .nth(3)),
    ("create:late-effect=200ms,answer=504", .lateEffect(after: .milliseconds(200), status: 504), .always),
    ("create:error-before=500:next=2", .errorBefore(status: 500), .next(2)),
    ("create:error-after=500", .errorAfter(status: 500), .always),
    ("create:throttle=429,retry-after=2", .throttle(status: 429, retryAfterSeconds: 2), .always),
    ("any:throttle", .throttle(status: 429, retryAfterSeconds: nil), .always),
    ("any:slow=3s", .slow(.seconds(3)), .always),
    ("create:malformed", .malformed(.missing), .always),
    ("create:malformed=newline", .malformed(.newline), .always),
    ("list:malformed", .malformed(.truncated), .always),
    ("create:duplicate", .duplicate, .always),
    ("create:wrong-expiry", .wrongExpiry, .always),
    ("revoke:request-lost", .requestLost, .always),
  ])
  func readsWhatIsDocumented(text: String, effect: Fault.Effect, occurrence: Fault.Occurrence) throws {
    let fault = try Fault.parse(text)
    #expect(fault.effect == effect)
    #expect(fault.occurrence == occurrence)
    #expect(fault.operation?.rawValue ?? "any" == text.prefix { $0 != ":" })
    #expect(fault.text == text)
  }

  @Test(arguments: [
    ("", "has no effect"), ("create", "has no effect"), ("post:slow=1s", "has no operation 'post'"),
    ("create:explode", "has no effect 'explode'"), ("create:slow", "has slow="),
    ("create:slow=fast", "has slow=fast"), ("create:error-before=200", "has error-before=200"),
    ("create:error-before", "has error-before="), ("create:answer-lost:p=0", "has p=0"),
    ("create:answer-lost:p=1.5", "has p=1.5"), ("create:answer-lost:nth=0", "has nth=0"),
    ("create:answer-lost:nth=1:p=0.5", "says twice"), ("create:answer-lost=1", "gives 'answer-lost' a value"),
    ("list:duplicate", "has the effect 'duplicate'"), ("any:wrong-expiry", "has the effect 'wrong-expiry'"),
    ("list:malformed=missing", "has malformed=missing"), ("create:malformed=odd", "has malformed=odd"),
    ("create:answer-lost:node=1", "asks for a node"),
    ("create:answer-lost:when=1", "has no condition 'when'"),
    ("create:throttle=429,after=2", "has 'after=2'"), ("query:slow=1s:match=", "has an empty match"),
    ("create:throttle=429,retry-after=x", "has retry-after=x"),
  ])
  func saysWhatItDoesNotUnderstand(text: String, message: String) {
    let error = #expect(throws: SandboxError.self) { try Fault.parse(text) }
    #expect(error?.code == .badFault)
    #expect(error?.message == "fault '\(text)' \(error?.message.dropFirst(text.count + 9) ?? "")")
    #expect(error?.message.contains(message) == true)
    #expect(error?.hint.isEmpty == false)
  }

  @Test func aListSkipsEmptyLinesAndCommentsAndIsBounded() throws {
    let faults = try Fault.parseList("# none of these\n\ncreate:duplicate\r\nany:slow=1s\n")
    #expect(faults.map(\.text) == ["create:duplicate", "any:slow=1s"])
    let many = String(repeating: "any:slow=1s\n", count: Fault.maximumCount + 1)
    #expect(throws: SandboxError.self) { try Fault.parseList(many) }
  }
}
