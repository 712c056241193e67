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
    let sampled = EventRecordTests.samples.map { sample in
      Mirror(reflecting: sample).children.first?.label ?? "\(sample)"
    }
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
      .tokenTakenOver(tokenID: "t", expiresAt: nil),
      .relocationDone(key: nil), .relocationIntended(key: nil),
      .createIntended(generation: 1, attempt: attempt(1), deadline: start, key: "k"),
      .storeStaged(generation: 1, attempt: attempt(1), store: "file", key: "k"),
      .tokenAdopted(
        generation: 1, attempt: attempt(1), tokenID: "t", place: .current, expiresAt: nil, key: "k"),
    ] {
      #expect(Event(record: event.record) == event)
    }
  }

  @Test(arguments: [
    Event.createIntended(generation: 1, attempt: attempt(1), deadline: start),
    .deliveryDone(generation: 1, at: start), .disableDone(generation: 1, at: start),
    .disableIntended(generation: 1, permissions: PermissionSet([]), at: start),
    .rollbackDone(generation: 1, at: start), .storeWithdrawn(generation: 1, store: "file", at: start),
    .lineageRenamed(from: "old"), .clusterChanged(from: "a/c"),
  ])
  func timesAndKeysThatAreNeeded(event: Event) {
    var record = event.record
    (record.instant, record.key) = (nil, nil)
    #expect(Event(record: record) == nil)
  }

  /// What the samples have only one way of.
  @Test(arguments: [
    Event.rotationRequested(generation: 2, compromised: true), .retirementRequested(now: true),
    .disableIntended(generation: 1, permissions: PermissionSet([]), at: start),
    .disableIntended(
      generation: 1, permissions: PermissionSet([Permission(.write, "*"), Permission(.read, "a/b_c-d")]),
      at: start),
  ])
  func wishesAndPermissionsAreReadBack(event: Event) {
    #expect(Event(record: event.record) == event)
    #expect(!EventRecordTests.samples.contains { $0.record == event.record })
  }

  @Test func whatATokenWasAllowedKeepsItsOrder() {
    let permissions = PermissionSet([Permission(.write, "b"), Permission(.read, "*"), Permission(.read, "a")])
    let record = Event.disableIntended(generation: 1, permissions: permissions, at: start).record
    #expect(record.permissions == "write:b,read:*,read:a")
    guard case .disableIntended(_, let read, _)? = Event(record: record) else {
      Issue.record("\(record)")
      return
    }
    #expect(read.permissions == permissions.permissions)
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
        "delivery.failed", "update.intended", "update.done", "update.refused", "update.unknown",
        "disable.intended", "disable.done", "disable.refused", "disable.unknown", "enable.intended",
        "enable.done", "enable.refused", "enable.unknown", "revoke.intended", "revoke.done",
        "revoke.refused", "revoke.unknown", "revoke.confirmed", "rollback.done",
      ]))
  }

  @Test(arguments: samples)
  func aRecordWithoutANeededFieldIsNoEvent(event: Event) {
    let record = event.record
    let emptied = EventRecord(name: record.name)
    let needsNothing: [Event] = [
      .lineageHeld, .lineageReleased, .retirementRequested(now: false), .relocationDone(key: nil),
      .relocationIntended(key: nil), .relocationRefused(reason: ""),
    ]
    #expect(Event(record: emptied) == needsNothing.first { $0.record.name == record.name })
    for strip: (inout EventRecord) -> Void in [
      { $0.generation = nil }, { $0.attempt = nil }, { $0.tokenID = nil }, { $0.store = nil },
      { $0.place = nil }, { $0.milliseconds = nil }, { $0.permissions = nil },
      { $0.attempt = "NOT HEXADECIMAL!" }, { $0.name += "x" },
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
