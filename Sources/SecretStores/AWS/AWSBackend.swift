internal import HTTPClient
internal import RotationModel
internal import RotationPorts

/// A place as a secret of AWS Secrets Manager. What may be done is `RecordStore`'s; how labels move is here. Moving
/// AWSCURRENT is one step for readers, names the version that it is taken from, and AWS moves AWSPREVIOUS behind it.
struct AWSBackend: RecordBackend {
  let settings: AWSSecretsManagerSettings
  let client: AWSClient

  static let pending = "AWSPENDING"
  static let current = "AWSCURRENT"
  static let previous = "AWSPREVIOUS"
  /// Keeps a previous token while AWS moves AWSPREVIOUS to an empty version.
  static let kept = "TOKENROTATE_PREVIOUS"
  /// Brings in a version that is to become current: then it does so in a step that names what it replaces.
  static let next = "TOKENROTATE_NEXT"

  /// The versions of a place's secret; `isThere`: whether there is a secret.
  struct Snapshot: Sendable {
    var isThere = false
    var labels: [String: String] = [:]
  }

  var installation: InstallationID { settings.installation }
  var shown: String { "AWS Secrets Manager (\(settings.region))" }

  // MARK: The store

  func open() async throws(StoreError) {
    if try await isTaken(job: settings.job) { return }
    do throws(StoreError) {
      try await create(ownerName(settings.job), job: settings.job, name: "")
    } catch {
      // Somebody was faster, maybe an earlier copy of this request: whose it is now decides.
      guard error.code == .conflict, try await isTaken(job: settings.job) else { throw error }
    }
  }

  func requireTaken(job: String) async throws(StoreError) {
    if try await isTaken(job: job) { return }
    throw StoreError(
      .missing,
      message:
        "\(shown) has no secret \(ownerName(job)) of job \(job), whose tokens were delivered there: nothing was changed",
      hint:
        "Are these the right account and region? If the secrets were deleted, restore them: aws secretsmanager restore-secret"
    )
  }

  func close() async {}

  private func ownerName(_ job: String) -> String { "tokenrotate/owner/\(job)" }

  func owner(job: String) async throws(StoreError) -> InstallationID? {
    guard let found = try await describe(ownerName(job)) else { return nil }
    return found.tags[AWSTag.installation].flatMap { InstallationID($0) }
  }

  private func isTaken(job: String) async throws(StoreError) -> Bool {
    guard try await describe(ownerName(job)) != nil else { return false }
    guard let owner = try await owner(job: job), owner == installation else {
      throw StoreError(
        .ownedByAnother,
        message: "job \(job) in \(shown) belongs to another installation than \(installation)",
        hint: "Use that installation's state directory, or give this job another name.")
    }
    return true
  }

  // MARK: Places

  func location(of place: StorePlace) throws(StoreError) -> String {
    let name = settings.secretName.replacing("{job}", with: place.job)
      .replacing("{name}", with: place.secret ?? place.name)
    // CreateSecret: ASCII letters, digits and /_+=.@-
    let isUsable =
      (1...512).contains(name.utf8.count)
      && name.utf8.allSatisfy { byte in
        byte < 0x80
          && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber
            || "/_+=.@-".utf8.contains(byte))
      }
    guard isUsable else {
      throw StoreError(
        .misconfigured, message: "a secret in \(shown) cannot be called \(name.debugDescription)",
        hint: "Use letters, digits and /_+=.@- in the row's secret and the store's secret_name.")
    }
    return name
  }

  func requireFitting(_ record: PlaceRecord, at place: StorePlace) throws(StoreError) {
    guard ConsumerValues(record: record).encoded(field: settings.field).count <= 65_536 else {
      throw StoreError(
        .malformed,
        message: "the secret of \(place.name) would be longer than the 65536 bytes that AWS takes",
        hint: "Give the token fewer databases, or \"*\".")
    }
  }

  func look(
    _ place: StorePlace, withStrings: Bool
  ) async throws(StoreError) -> (contents: PlaceContents, snapshot: Snapshot) {
    let name = try location(of: place)
    guard let found = try await describe(name) else { return (PlaceContents(), Snapshot()) }
    guard let owner = AWSTag.owner(found.tags) else { throw foreign(name) }
    var snapshot = Snapshot(isThere: true)
    for label in [AWSBackend.pending, AWSBackend.current, AWSBackend.previous, AWSBackend.kept] {
      snapshot.labels[label] = found.version(labelled: label)
    }
    guard let current = snapshot.labels[AWSBackend.current], AWSVersion.isOurs(current) else {
      throw foreign(name)
    }
    // What is current again is not the previous one, and what is empty is no token.
    if snapshot.labels[AWSBackend.kept] == current { snapshot.labels[AWSBackend.kept] = nil }
    var contents = PlaceContents()
    contents.current = try await record(current, name, owner, withStrings)
    contents.pending = try await record(snapshot.labels[AWSBackend.pending], name, owner, withStrings)
    contents.previous = try await record(
      snapshot.labels[AWSBackend.kept] ?? snapshot.labels[AWSBackend.previous], name, owner, withStrings)
    return (contents, snapshot)
  }

  func read(_ which: Event.Place, at place: StorePlace) async throws(StoreError) -> PlaceRecord? {
    try await look(place, withStrings: true).contents[which]
  }

  private func record(
    _ version: String?, _ name: String, _ owner: AWSTag.Owner, _ withString: Bool
  ) async throws(StoreError) -> PlaceRecord? {
    guard let version, let parts = AWSVersion(version) else { return nil }
    var record = PlaceRecord(parts)
    if withString {
      let body = SecretBuffer.json { json in
        json.field("SecretId", name)
        json.field("VersionId", version)
      }
      let answer = try await call("GetSecretValue", body, on: name)
      guard let found = AWSAnswer.record(answer, field: settings.field), found.attempt == parts.attempt else {
        throw foreign(name)
      }
      record = found
    }
    (record.installation, record.job, record.name) = (owner.installation, owner.job, owner.name)
    return record
  }

  // MARK: Changing

  /// The secret has to be there before a token is: an empty version is current until the first one is, because AWS would
  /// make current whatever comes first.
  func reserve(_ record: PlaceRecord, at place: StorePlace, _ snapshot: Snapshot) async throws(StoreError) {
    guard !snapshot.isThere else { return }
    try await create(try location(of: place), job: place.job, name: place.name)
  }

  func stage(_ record: PlaceRecord, at place: StorePlace, _ snapshot: Snapshot) async throws(StoreError) {
    try await reserve(record, at: place, snapshot)
    try await put(record, labelled: AWSBackend.pending, into: try location(of: place))
  }

  func promote(
    _ contents: PlaceContents, at place: StorePlace, _ snapshot: Snapshot
  ) async throws(StoreError) {
    guard let pending = contents.pending else { return }
    let (name, version) = (try location(of: place), AWSVersion(pending).text)
    if contents.current?.attempt != pending.attempt {
      if contents.current == nil, let previous = contents.previous {
        try await move(AWSBackend.kept, to: AWSVersion(previous).text, from: nil, in: name)
      }
      try await move(AWSBackend.current, to: version, from: snapshot.labels[AWSBackend.current], in: name)
    }
    try await move(AWSBackend.pending, to: nil, from: version, in: name)
  }

  func rollBack(
    _ contents: PlaceContents, at place: StorePlace, _ snapshot: Snapshot
  ) async throws(StoreError) {
    guard let previous = contents.previous, let current = contents.current else { return }
    let name = try location(of: place)
    let (old, new) = (AWSVersion(previous).text, AWSVersion(current).text)
    try await move(AWSBackend.current, to: old, from: new, in: name)
    if snapshot.labels[AWSBackend.kept] == old {
      try await move(AWSBackend.kept, to: nil, from: old, in: name)
    }
  }

  func withdraw(
    _ contents: PlaceContents, at place: StorePlace, _ snapshot: Snapshot
  ) async throws(StoreError) {
    guard let current = contents.current else { return }
    let (name, empty) = (try location(of: place), AWSVersion.newEmpty())
    try await put(SecretBuffer.json { _ in }, as: empty, labelled: AWSBackend.next, into: name)
    try await move(AWSBackend.current, to: empty, from: AWSVersion(current).text, in: name)
  }

  func discard(
    _ which: Event.Place, at place: StorePlace, _ snapshot: Snapshot
  ) async throws(StoreError) {
    let name = try location(of: place)
    let labels = which == .pending ? [AWSBackend.pending] : [AWSBackend.previous, AWSBackend.kept]
    for label in labels {
      guard let version = snapshot.labels[label] else { continue }
      try await move(label, to: nil, from: version, in: name)
    }
  }

  /// The secret stays, empty: it costs what it costs until the row's token is made, and its name is kept.
  func discardReservation(at place: StorePlace, _ snapshot: Snapshot) async throws(StoreError) {}

  func relocate(
    _ contents: PlaceContents, from old: StorePlace, _ snapshot: Snapshot, to place: StorePlace,
    _ target: Snapshot
  ) async throws(StoreError) {
    let (source, name) = (try location(of: old), try location(of: place))
    if source == name {
      guard target.isThere else { return }
      return try await tag(name, job: place.job, name: place.name)
    }
    guard snapshot.isThere else { return }
    if !target.isThere { try await create(name, job: place.job, name: place.name) }
    // The current one last: until then consumers find it under the old name, and afterwards under both.
    for (record, label) in [(contents.previous, AWSBackend.kept), (contents.pending, AWSBackend.pending)] {
      guard let record, target.labels[label] != AWSVersion(record).text else { continue }
      try await put(record, labelled: label, into: name)
    }
    if let current = contents.current {
      let version = AWSVersion(current).text
      if target.labels[AWSBackend.current] != version {
        try await put(current, labelled: AWSBackend.next, into: name)
        let replaced = try await describe(name)?.version(labelled: AWSBackend.current)
        try await move(AWSBackend.current, to: version, from: replaced, in: name)
      }
    }
    let body = SecretBuffer.json { json in
      json.field("SecretId", source)
      json.flag("ForceDeleteWithoutRecovery", true)
    }
    _ = try await call("DeleteSecret", body, on: source)
  }

  // MARK: Requests

  private func describe(_ name: String) async throws(StoreError) -> AWSAnswer.Description? {
    let body = SecretBuffer.json { $0.field("SecretId", name) }
    do throws(AWSClient.Refusal) {
      let answer = try await client.call("DescribeSecret", body, on: name)
      guard let found = AWSAnswer.description(answer) else {
        throw AWSClient.Refusal(
          error: StoreError(.malformed, message: "AWS describes \(name) in another form"))
      }
      guard !found.isDeleted else {
        throw AWSClient.Refusal(
          error: StoreError(
            .misconfigured, message: "the secret \(name) in \(shown) is scheduled for deletion",
            hint: "Restore it: aws secretsmanager restore-secret --secret-id \(name)"))
      }
      return found
    } catch {
      guard error.kind == "ResourceNotFoundException" else { throw error.error }
      return nil
    }
  }

  private func create(_ secret: String, job: String, name: String) async throws(StoreError) {
    let body = SecretBuffer.json { json in
      json.field("Name", secret)
      json.field("ClientRequestToken", AWSVersion.newEmpty())
      json.field("SecretString", "{}")
      json.field("Description", "InfluxDB token, kept by tokenrotate")
      if let key = settings.kmsKey { json.field("KmsKeyId", key) }
      json.objects("Tags", AWSTag.pairs(settings, job: job, name: name))
    }
    _ = try await call("CreateSecret", body, on: secret)
  }

  private func put(
    _ record: PlaceRecord, labelled label: String, into name: String
  ) async throws(StoreError) {
    try await put(
      ConsumerValues(record: record).encoded(field: settings.field), as: AWSVersion(record).text,
      labelled: label,
      into: name)
  }

  private func put(
    _ value: SecretBuffer, as version: String, labelled label: String, into name: String
  ) async throws(StoreError) {
    let body = SecretBuffer.json { json in
      json.field("SecretId", name)
      json.field("ClientRequestToken", version)
      json.field("VersionStages", [label])
      json.field("SecretString", value)
    }
    _ = try await call("PutSecretValue", body, on: name)
    // A version that was there already keeps the labels that it had.
    guard let found = try await describe(name), found.version(labelled: label) != version else { return }
    try await move(label, to: version, from: found.version(labelled: label), in: name)
  }

  private func move(
    _ label: String, to new: String?, from old: String?, in name: String
  ) async throws(StoreError) {
    let body = SecretBuffer.json { json in
      json.field("SecretId", name)
      json.field("VersionStage", label)
      if let new { json.field("MoveToVersionId", new) }
      if let old { json.field("RemoveFromVersionId", old) }
    }
    _ = try await call("UpdateSecretVersionStage", body, on: name)
  }

  private func tag(_ secret: String, job: String, name: String) async throws(StoreError) {
    let body = SecretBuffer.json { json in
      json.field("SecretId", secret)
      json.objects("Tags", AWSTag.pairs(settings, job: job, name: name))
    }
    _ = try await call("TagResource", body, on: secret)
  }

  private func call(_ operation: String, _ body: SecretBuffer, on name: String) async throws(StoreError)
    -> [UInt8]
  {
    do throws(AWSClient.Refusal) { return try await client.call(operation, body, on: name) } catch {
      throw error.error
    }
  }

  private func foreign(_ name: String) -> StoreError {
    StoreError(
      .ownedByAnother, message: "\(name) in \(shown) was not written by tokenrotate and is left alone",
      hint: "Move it away, or give the row another secret.")
  }
}
