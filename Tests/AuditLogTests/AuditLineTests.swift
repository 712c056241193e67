import Digests
import Foundation
import RotationModel
import RotationPorts
import Testing

@Suite struct AuditLineTests {
  @Test func aLineIsTheseVeryBytes() throws {
    let event = AuditEvent(
      time: Instant(milliseconds: 1_800_000_000_123), run: RunID(bits: 1), job: "plant", cluster: "acc/clu",
      token: "telegraf", actor: "root",
      record: Event.createIntended(
        generation: 2, attempt: AttemptID(bits: 255), deadline: Instant(milliseconds: 1_800_000_030_000)
      ).record,
      details: [.init("label_team", "ops")])
    let (lines, head) = try Sample.compose([event])
    let expected =
      #"{"v":1,"chain":"00000000000000aa","seq":1,"time":"2027-01-15T08:00:00.123Z","#
      + #""run":"0000000000000001","job":"plant","cluster":"acc/clu","token":"telegraf","generation":2,"#
      + #""attempt":"00000000000000ff","event":"create.intended","token_id":null,"actor":"root","prev":""#
      + String(repeating: "0", count: 64)
      + #"","details":{"deadline":"2027-01-15T08:00:30.000Z","label_team":"ops"}}"#
    #expect(lines.map(\.text) == [expected])
    #expect(head.hash == (try SHA256.digest(of: expected).hex))
    #expect(head.offset == Int64(expected.utf8.count + 1))
    #expect(head.sequence == 1)
  }

  @Test func everyLineHoldsTheHashOfTheOneBefore() throws {
    let (lines, _) = try Sample.compose(Sample.events(1...5))
    for (before, line) in zip(lines, lines.dropFirst()) {
      #expect(line.text.contains(#","prev":"\#(try SHA256.digest(of: before.text).hex)""#))
    }
    #expect(lines.map(\.sequence) == [1, 2, 3, 4, 5])
  }

  @Test(arguments: [
    (Event.activationConfirmed(generation: 1, after: .milliseconds(3020)), ["activation_seconds": "3.020"]),
    (
      Event.activationTimedOut(generation: 1, refusedSince: Instant(milliseconds: 0), reason: "401"),
      ["refused_since": "1970-01-01T00:00:00.000Z", "reason": "401"]
    ),
    (
      Event.tokenAdopted(
        generation: 1, attempt: AttemptID(bits: 1), tokenID: "x", place: .pending,
        expiresAt: Instant(milliseconds: 1000)),
      ["place": "pending", "expires_at": "1970-01-01T00:00:01.000Z"]
    ),
    (Event.storePromoted(generation: 1, store: "file"), ["store": "file"]),
    (
      Event.disableIntended(
        generation: 1, permissions: PermissionSet([Permission(.write, "b"), Permission(.read, "*")]),
        at: Instant(milliseconds: 1000)),
      ["permissions": "write:b,read:*", "at": "1970-01-01T00:00:01.000Z"]
    ),
    (
      Event.disableDone(generation: 1, at: Instant(milliseconds: 1000)), ["at": "1970-01-01T00:00:01.000Z"]
    ),
    (
      Event.deliveryDone(generation: 1, at: Instant(milliseconds: 1000)), ["at": "1970-01-01T00:00:01.000Z"]
    ),
    (
      Event.rollbackDone(generation: 1, at: Instant(milliseconds: 1000)), ["at": "1970-01-01T00:00:01.000Z"]
    ),
    (
      Event.storeWithdrawn(generation: 1, store: "file", at: Instant(milliseconds: 1000)),
      ["store": "file", "at": "1970-01-01T00:00:01.000Z"]
    ),
    (
      Event.tokenTakenOver(tokenID: "x", expiresAt: Instant(milliseconds: 1000)),
      ["expires_at": "1970-01-01T00:00:01.000Z"]
    ),
    (Event.hookDone(generation: 1, hook: "reload-1"), ["hook": "reload-1"]),
    (
      Event.hookFailed(generation: 1, hook: "reload-1", reason: "exit 1"),
      ["hook": "reload-1", "reason": "exit 1"]
    ),
    (Event.tokenGone(generation: 1, reason: "GET says 404"), ["reason": "GET says 404"]),
    (Event.updateRefused(generation: 1, reason: "400"), ["reason": "400"]),
    (Event.rollbackRefused(generation: 1, reason: "not accepted"), ["reason": "not accepted"]),
    (Event.lineageRenamed(from: "old"), ["key": "old"]),
    (Event.clusterChanged(from: "account/cluster"), ["key": "account/cluster"]),
    (Event.relocationIntended(key: "secret"), ["key": "secret"]),
    (Event.relocationRefused(reason: "taken"), ["reason": "taken"]),
    (Event.relocationDone(key: "secret"), ["key": "secret"]),
  ])
  func details(event: Event, expected: [String: String]) throws {
    let audited = AuditEvent(
      time: Sample.time, run: Sample.run, job: nil, cluster: nil, token: nil, actor: "a", record: event.record
    )
    #expect(try details(of: audited) == expected)
  }

  @Test(arguments: [
    Event.updateIntended(generation: 1), .enableIntended(generation: 1), .enableDone(generation: 1),
    .revokeDone(generation: 1), .revokeConfirmed(generation: 1), .lineageHeld,
    .retirementRequested(now: true),
    .rotationRequested(generation: 1, compromised: true), .rollbackRequested(generation: 1),
    .tokenTakenOver(tokenID: "x", expiresAt: nil), .relocationDone(key: nil), .tokenForgotten(generation: 1),
    .hooksOwed(generation: 1), .hooksSettled(generation: 1),
  ])
  func withoutDetailsThereAreNone(event: Event) throws {
    let audited = AuditEvent(
      time: Sample.time, run: Sample.run, job: nil, cluster: nil, token: nil, actor: "a", record: event.record
    )
    #expect(try details(of: audited) == nil)
  }

  private func details(of event: AuditEvent) throws -> [String: String]? {
    let text = try #require(try Sample.compose([event]).lines.first?.text)
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    return object?["details"] as? [String: String]
  }

  @Test func whatCouldMisleadIsEscapedAndComesBack() throws {
    let nasty =
      "a\"b\\c\n\r\t\u{0}\u{1b}[31m\u{7f}\u{85}\u{9b}\u{2028}\u{2029}\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}é漢🎉"
    let event = Sample.event(1, reason: nasty)
    let text = try #require(try Sample.compose([event]).lines.first?.text)
    #expect(try details(of: event)?["reason"] == nasty)
    for scalar in text.unicodeScalars {
      #expect(scalar.value >= 0x20 && !(0x7f...0x9f).contains(scalar.value))
      #expect(![0x2028, 0x2029, 0x202e, 0x2066, 0x200b, 0xfeff, 0xe0041].contains(scalar.value))
    }
    #expect(text.contains("é漢🎉"))
  }

  @Test(arguments: ["x", "é", "漢", "🎉", "\u{1}", "\""])
  func noLineIsLongerThanItsBound(filler: String) throws {
    let long = String(repeating: filler, count: 20_000)
    var event = Sample.event(1, reason: long)
    event.token = long
    event.actor = long
    event.details = (0..<50).map { .init("key\($0)\(long)", long) }
    let (lines, _) = try Sample.compose([event])
    let text = try #require(lines.first?.text)
    #expect(text.utf8.count <= 8192)
    #expect(text.contains("…"))
    _ = try JSONSerialization.jsonObject(with: Data(text.utf8))
  }

  @Test func aRepeatedDetailIsNotLost() throws {
    var event = Sample.event(1, reason: "ours")
    event.details = [.init("reason", "theirs")]
    #expect(try details(of: event) == ["reason": "ours", "reason_": "theirs"])
  }
}
