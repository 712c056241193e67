import Foundation
import RotationModel
import Testing

struct EventRecordTests {
  static let samples = everyEvent(
    attempt: attempt(1), fresh: attempt(2), generation: 3, tokenID: "token-id")

  /// Compares the samples with the cases that the source declares, so that a new case cannot be forgotten
  /// here, and with it not in the round trip below.
  @Test func everyCaseHasASample() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let source = try String(
      contentsOf: root.appending(path: "Sources/RotationModel/Event.swift"), encoding: .utf8)
    let declaration = source.components(separatedBy: "public enum Place")[0]
    let declared = declaration.components(separatedBy: .newlines).compactMap { line -> String? in
      guard line.hasPrefix("  case ") else { return nil }
      return String(line.dropFirst("  case ".count).prefix { $0.isLetter })
    }
    let sampled = EventRecordTests.samples.compactMap { Mirror(reflecting: $0).children.first?.label }
    #expect(!declared.isEmpty)
    #expect(sampled.sorted() == declared.sorted())
  }

  @Test(arguments: samples)
  func everyEventIsReadBackFromItsRecord(event: Event) {
    #expect(Event(record: event.record) == event)
  }

  @Test func optionalFieldsMayBeMissing() {
    for event: Event in [
      .createDone(attempt: attempt(1), tokenID: "t", expiresAt: nil),
      .activationTimedOut(generation: 1, refusedSince: nil, reason: ""),
      .tokenAdopted(generation: 1, attempt: attempt(1), tokenID: "t", place: .current, expiresAt: start),
      .tokenAdopted(generation: 1, attempt: attempt(1), tokenID: "t", place: .previous, expiresAt: nil),
    ] {
      #expect(Event(record: event.record) == event)
    }
  }

  @Test func eachEventHasANameOfItsOwn() {
    let names = EventRecordTests.samples.map(\.record.name)
    #expect(Set(names).count == names.count)
    for name in names {
      #expect(name.split(separator: ".").count == 2 && name == name.lowercased(), "\(name)")
    }
  }

  /// The names that INTERFACE promises to readers of the audit log.
  @Test func theNamesAreThoseOfTheInterface() {
    let names = Set(EventRecordTests.samples.map(\.record.name))
    #expect(
      names.isSuperset(of: [
        "create.intended", "create.done", "create.unknown", "create.refused", "token.adopted",
        "orphan.found", "orphan.revoke_intended", "orphan.revoked", "store.staged",
        "activation.confirmed", "activation.timed_out", "store.promoted", "delivery.done",
        "delivery.failed", "revoke.intended", "revoke.done", "revoke.refused", "revoke.unknown",
      ]))
  }

  @Test(arguments: samples)
  func aRecordWithoutANeededFieldIsNoEvent(event: Event) {
    let record = event.record
    let emptied = EventRecord(name: record.name)
    #expect(Event(record: emptied) == nil)
    for strip: (inout EventRecord) -> Void in [
      { $0.generation = nil }, { $0.attempt = nil }, { $0.tokenID = nil }, { $0.store = nil },
      { $0.place = nil }, { $0.milliseconds = nil }, { $0.attempt = "NOT HEXADECIMAL!" }, { $0.name += "x" },
    ] {
      var stripped = record
      strip(&stripped)
      if stripped == record { continue }
      // An attempt beside a generation's event is what the audit log adds; the ledger's events need none.
      if record.attempt == nil, stripped.attempt != nil { continue }
      #expect(Event(record: stripped) == nil, "\(stripped)")
    }
  }
}
