internal import Digests
internal import RotationModel
internal import RotationPorts

/// The documents of a place: records in the state directory, strings in the user's programs as far as those take them.
///
/// A program has done its work before the record says so: cut off in between, the same call does it once more.
struct CommandDocuments: DocumentSpace {
  let settings: CommandStoreSettings
  let records: LocalRecords
  let tool: StoreTool
  let executor: (any TaskExecutor)?

  var installation: InstallationID { settings.installation }
  var shown: String { "the store \(settings.name)" }

  /// Whether the programs have places of their own for what consumers do not read.
  private var keepsPlaces: Bool { settings.commands.stage != nil }

  /// Whether the record itself has the string.
  private func isLocal(_ which: Event.Place) -> Bool {
    which == .current ? settings.commands.read == nil : !keepsPlaces
  }

  func open() async throws(StoreError) {
    _ = try await key()
    try await blocking { () throws(StoreError) in try records.open() }
  }

  func requireTaken(job: String) async throws(StoreError) {
    try await blocking { () throws(StoreError) in try records.requireTaken() }
  }

  func close() async { records.close() }

  func location(of place: StorePlace) throws(StoreError) -> String { try LocalRecords.key(of: place) }

  func requireFitting(_ record: PlaceRecord, at place: StorePlace) throws(StoreError) {
    guard record.encoded(includingToken: true).count <= PlaceRecord.maximumBytes else {
      throw StoreError(
        .malformed,
        message: "the record of \(place.name) would be longer than \(PlaceRecord.maximumBytes) bytes",
        hint: "Give the token fewer databases, or \"*\".")
    }
  }

  func read(
    _ which: Event.Place, at place: StorePlace, withString: Bool
  ) async throws(StoreError) -> (record: PlaceRecord?, version: Int) {
    let key = try await key()
    let found = try await blocking { () throws(StoreError) in try records.read(which, at: place, key) }
    guard var record = found else { return (nil, 0) }
    guard withString, !isLocal(which), !record.isReservation else { return (record, 0) }
    let known = record
    guard let string = try await blocking({ () throws(StoreError) in try tool.read(which, known, place) })
    else { return which == .current ? (nil, 0) : (record, 0) }
    record.accessToken = string
    return (record, 0)
  }

  func write(
    _ record: PlaceRecord, to which: Event.Place, at place: StorePlace, replacing version: Int
  ) async throws(StoreError) {
    let key = try await key()
    try await blocking { () throws(StoreError) in
      if !record.isReservation {
        if which == .current {
          try tool.promote(record, place)
        } else if keepsPlaces {
          try tool.stage(record, which, place)
        }
      }
      try records.write(record, includingString: isLocal(which), to: which, at: place, key)
    }
  }

  func remove(_ which: Event.Place, at place: StorePlace, version: Int) async throws(StoreError) {
    let key = try await key()
    try await blocking { () throws(StoreError) in
      // Another record of the same name says which token the program is to be rid of.
      let record = try records.read(which, at: place, key)
      if let record, !record.isReservation, which == .current || keepsPlaces {
        try tool.discard(which, record, place)
      }
      try records.remove(which, at: place)
    }
  }

  private func key() async throws(StoreError) -> SealingKey? {
    guard let source = settings.pendingKey else { return nil }
    guard let key = SealingKey(hexadecimal: try await source()) else {
      throw StoreError(
        .misconfigured, message: "the pending_key of \(shown) is not one",
        hint: "Make one of 64 hexadecimal digits: openssl rand -hex 32")
    }
    return key
  }

  private func blocking<Result: Sendable>(
    _ body: @escaping @Sendable () throws(StoreError) -> Result
  ) async throws(StoreError) -> Result {
    try await withTaskExecutorPreference(executor) { () async throws(StoreError) in try body() }
  }
}

extension SealingKey {
  fileprivate init?(hexadecimal secret: Secret) {
    let bytes = secret.withUnsafeBytes { text -> [UInt8]? in
      guard text.count == 2 * SealingKey.byteCount else { return nil }
      var bytes: [UInt8] = []
      for index in stride(from: 0, to: text.count, by: 2) {
        guard let high = Character(Unicode.Scalar(text[index])).hexDigitValue,
          let low = Character(Unicode.Scalar(text[index + 1])).hexDigitValue
        else { return nil }
        bytes.append(UInt8(high << 4 | low))
      }
      return bytes
    }
    guard let bytes else { return nil }
    self.init(bytes)
  }
}
