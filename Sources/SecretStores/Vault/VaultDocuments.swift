internal import HTTPClient
internal import RotationModel
internal import RotationPorts

/// The documents of a place as secrets of a KV version 2 engine. See `VaultStore` for where they are.
struct VaultDocuments: DocumentSpace {
  let settings: VaultSettings
  let client: VaultClient

  var installation: InstallationID { settings.installation }
  var shown: String {
    let namespace = settings.namespace.map { " (namespace \($0))" } ?? ""
    return "\(settings.unixSocket ?? settings.address)\(namespace) \(settings.mount)"
  }

  // MARK: The store

  func open() async throws(StoreError) {
    try await requireEngine()
    if try await isTaken(job: settings.job) { return }
    let path = ownerPath(settings.job)
    let body = SecretBuffer()
    body.append("{\"options\":{\"cas\":0},\"data\":{\"installation\":")
    body.append(json: installation.text)
    body.append("}}")
    do throws(StoreError) {
      let answer = try await client.call(.post, data(path), body: body, needs: VaultDocuments.writing)
      guard answer.status == 200 else { throw VaultFailure(settings: settings, path: path).noMount }
    } catch {
      // Somebody was faster, maybe an earlier copy of this request: whose it is now decides.
      guard error.code == .conflict, try await isTaken(job: settings.job) else { throw error }
    }
  }

  func requireTaken(job: String) async throws(StoreError) {
    if try await isTaken(job: job) { return }
    throw StoreError(
      .missing,
      message: "\(shown) has nothing of job \(job), whose tokens were delivered there: nothing was changed",
      hint: "Is it the right server, namespace and mount? If the engine was lost, restore it from a snapshot."
    )
  }

  func close() async {}

  /// A write to another kind of engine would be taken for what it is not.
  private func requireEngine() async throws(StoreError) {
    let path = "sys/internal/ui/mounts/\(VaultPath.encoded(settings.mount))"
    let failure = VaultFailure(settings: settings, path: path)
    let answer = try await client.call(.get, path, needs: "\"read\"")
    guard answer.status == 200 else { throw failure.noMount }
    guard let (kind, version) = VaultAnswer.mount(answer.body) else { throw failure.notVault }
    guard kind == "kv", version == "2" else { throw failure.wrongEngine(kind, version) }
  }

  /// The installation that has the job's places; nil: none yet.
  func owner(job: String) async throws(StoreError) -> InstallationID? {
    let document = try await document(ownerPath(job))
    guard document.hasData else { return nil }
    guard let owner = document.installation else {
      throw StoreError(
        .malformed, message: "\(ownerPath(job)) in \(shown) is no owner record of this program",
        hint: "Give the store another private_path, or look who wrote it.")
    }
    return owner
  }

  private func isTaken(job: String) async throws(StoreError) -> Bool {
    guard let owner = try await owner(job: job) else { return false }
    guard owner == installation else {
      throw StoreError(
        .ownedByAnother,
        message: "job \(job) in \(shown) belongs to installation \(owner), this one is \(installation)",
        hint: "Use that installation's state directory, or give this job another name and private_path.")
    }
    return true
  }

  // MARK: Places

  func location(of place: StorePlace) throws(StoreError) -> String {
    let path = settings.path.replacing("{job}", with: place.job)
      .replacing("{name}", with: place.secret ?? place.name)
    guard VaultPath.isUsable(path) else {
      throw StoreError(
        .misconfigured, message: "a secret in \(shown) cannot be called \(path.debugDescription)",
        hint: "Give the row another secret, or the store another path.")
    }
    return path
  }

  func requireFitting(_ record: PlaceRecord, at place: StorePlace) throws(StoreError) {}

  private func path(_ which: Event.Place, _ place: StorePlace) throws(StoreError) -> String {
    let path = try location(of: place)
    return which == .current ? path : "\(settings.privatePath)/\(which.rawValue)/\(path)"
  }

  private func ownerPath(_ job: String) -> String { "\(settings.privatePath)/owner/\(job)" }
  private func data(_ path: String) -> String {
    "\(VaultPath.encoded(settings.mount))/data/\(VaultPath.encoded(path))"
  }
  private func metadata(_ path: String) -> String {
    "\(VaultPath.encoded(settings.mount))/metadata/\(VaultPath.encoded(path))"
  }

  // MARK: Documents

  func read(
    _ which: Event.Place, at place: StorePlace, withString: Bool
  ) async throws(StoreError) -> (record: PlaceRecord?, version: Int) {
    let path = try path(which, place)
    let document = try await document(path)
    if document.hasData, document.record == nil {
      throw StoreError(
        .ownedByAnother, message: "\(path) in \(shown) was not written by tokenrotate and is left alone",
        hint: "Move it away, or give the row another secret.")
    }
    return (document.record, document.version)
  }

  private func document(_ path: String) async throws(StoreError) -> VaultAnswer.Document {
    let answer = try await client.call(.get, data(path), needs: VaultDocuments.reading)
    if answer.status == 200 {
      guard let document = VaultAnswer.document(answer.body, field: settings.field) else {
        throw VaultFailure(settings: settings, path: path).notVault
      }
      return document
    }
    // What was deleted has a version all the same, which a write must name.
    if let document = VaultAnswer.document(answer.body, field: settings.field) { return document }
    guard let errors = VaultAnswer.errors(answer.body) else {
      throw VaultFailure(settings: settings, path: path).notVault
    }
    guard errors.isEmpty else { throw VaultFailure(settings: settings, path: path).noMount }
    return VaultAnswer.Document()
  }

  func write(
    _ record: PlaceRecord, to which: Event.Place, at place: StorePlace, replacing version: Int
  ) async throws(StoreError) {
    let path = try path(which, place)
    let body = SecretBuffer()
    body.append("{\"options\":{\"cas\":\(version)},\"data\":")
    body.append(ConsumerValues(record: record).encoded(field: settings.field))
    body.append("}")
    let answer = try await client.call(.post, data(path), body: body, needs: VaultDocuments.writing)
    guard answer.status == 200 else { throw VaultFailure(settings: settings, path: path).noMount }
    if which == .current { await describe(record, path) }
  }

  func remove(_ which: Event.Place, at place: StorePlace, version: Int) async throws(StoreError) {
    guard version > 0 else { return }
    // With it go all versions, which a deletion of the newest would leave to be read.
    _ = try await client.call(.delete, metadata(try path(which, place)), needs: "\"delete\"")
  }

  /// What people and audits see beside the secret. Nothing is decided by it, so that it may fail: a policy need not
  /// allow it.
  private func describe(_ record: PlaceRecord, _ path: String) async {
    let body = SecretBuffer()
    let json = FlatJSONWriter()
    json.field("token_id", record.tokenID)
    json.field("generation", String(record.generation))
    json.field("expires_at", record.expiresAt?.rfc3339 ?? "never")
    json.field("job", record.job)
    json.field("name", record.name)
    json.field("installation", record.installation.text)
    body.append("{\"custom_metadata\":")
    body.append(json.finish())
    body.append("}")
    // A merge: what others have put there stays.
    _ = try? await client.call(
      .patch, metadata(path), body: body, needs: "\"patch\"", contentType: "application/merge-patch+json")
  }

  private static let reading = "\"read\""
  private static let writing = "\"create\", \"read\", \"update\""
}
