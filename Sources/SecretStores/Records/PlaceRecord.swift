internal import RotationModel
internal import RotationPorts

/// What a store remembers about a place: whose it is and which token is there, with or without its string.
struct PlaceRecord: Equatable {
  static let version = 1
  /// Room for a token of 4096 bytes and nine hundred databases with the longest names.
  static let maximumBytes = 64 * 1024
  /// A record may get longer than it was staged: by the mark of a rollback, or by a longer name.
  static let maximumBytesRead = maximumBytes + 1024

  var installation: InstallationID
  var job: String
  var name: String
  var generation: Int
  var attempt: AttemptID
  var tokenID: String
  var host: String
  var databases: [String]
  var expiresAt: Instant?
  var accessToken: Secret?
  /// The generation that a rollback makes current in place of this one, while it is under way.
  var rolledBackTo: Int?
  /// Room kept for a token that is not made yet.
  var isReservation = false

  init(_ token: StoredToken, at place: StorePlace, installation: InstallationID) {
    self.installation = installation
    job = place.job
    name = place.name
    generation = token.generation
    attempt = token.attempt
    tokenID = token.tokenID
    host = token.host
    databases = token.databases
    expiresAt = token.expiresAt
    accessToken = token.accessToken
  }

  /// Room for the token at a place.
  init(reservationOf token: PlannedToken, at place: StorePlace, installation: InstallationID) {
    self.init(
      StoredToken(
        generation: token.generation, attempt: token.attempt, tokenID: "", accessToken: Secret([]),
        host: token.host, databases: token.databases, expiresAt: token.expiresAt),
      at: place, installation: installation)
    accessToken = nil
    isReservation = true
  }

  /// Reads a record back; nil when it is not one, or was written by a newer program.
  init?(_ bytes: [UInt8]) {
    guard let json = FlatJSONReader(bytes), json.number("version") == PlaceRecord.version,
      let installation = json.text("installation").flatMap({ InstallationID($0) }),
      let job = json.text("job"), let name = json.text("name"),
      let generation = json.number("generation"),
      let attempt = json.text("attempt").flatMap({ AttemptID($0) }),
      let tokenID = json.text("token_id"), let host = json.text("host"),
      let databases = json.texts("databases")
    else { return nil }
    let expiresAt = json.text("expires_at").flatMap { Instant(rfc3339: $0) }
    guard expiresAt != nil || json.isNull("expires_at") else { return nil }
    self.installation = installation
    self.job = job
    self.name = name
    self.generation = generation
    self.attempt = attempt
    self.tokenID = tokenID
    self.host = host
    self.databases = databases
    self.expiresAt = expiresAt
    rolledBackTo = json.number("rolled_back_to")
    isReservation = json.number("reserved") == 1
    accessToken = json.secret("token", where: TokenText.isAllowed)
  }

  /// The record as it is on disk. Without `includingToken` nothing of the string is in it.
  func encoded(includingToken: Bool) -> SecretBuffer {
    let json = FlatJSONWriter()
    json.field("version", PlaceRecord.version)
    json.field("installation", installation.text)
    json.field("job", job)
    json.field("name", name)
    json.field("generation", generation)
    json.field("attempt", attempt.text)
    json.field("token_id", tokenID)
    json.field("host", host)
    json.field("databases", databases)
    json.field("expires_at", expiresAt?.rfc3339)
    if let rolledBackTo { json.field("rolled_back_to", rolledBackTo) }
    if isReservation { json.field("reserved", 1) }
    if includingToken, let accessToken { json.field("token", accessToken) }
    return json.finish()
  }

  /// How long the planned token's record can get at most, whatever id and string the cluster gives it.
  static func longestBytes(
    of token: PlannedToken, at place: StorePlace, installation: InstallationID
  ) -> Int {
    PlaceRecord(reservationOf: token, at: place, installation: installation).longest
      .encoded(includingToken: true).count
  }

  /// The reservation's record as the longest that it can become, whatever id and string the cluster gives it.
  var longest: PlaceRecord {
    var record = self
    record.isReservation = false
    record.tokenID = String(repeating: "x", count: PlaceRecord.longestTokenIDBytes)
    record.accessToken = Secret(repeatElement(UInt8(ascii: "x"), count: TokenText.maximumBytes))
    // A time is longer than none, and all are equally long.
    record.expiresAt = Instant(milliseconds: 0)
    return record
  }

  /// Ids are UUIDs; this is far more.
  private static let longestTokenIDBytes = 256

  /// The token that the record describes, with the string that was found for it.
  func token(_ accessToken: Secret) -> StoredToken {
    StoredToken(
      generation: generation, attempt: attempt, tokenID: tokenID, accessToken: accessToken, host: host,
      databases: databases, expiresAt: expiresAt)
  }

  /// The record under another name of the same job.
  func renamed(_ name: String) -> PlaceRecord {
    var record = self
    record.name = name
    return record
  }

  func belongs(to place: StorePlace, of installation: InstallationID) -> Bool {
    self.installation == installation && job == place.job && name == place.name
  }
}

/// The characters of a token's string, as the file formats rely on them.
enum TokenText {
  static let maximumBytes = 4096

  static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "+"), UInt8(ascii: "/"),
      UInt8(ascii: "="), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  static func isUsable(_ token: Secret) -> Bool {
    (1...maximumBytes).contains(token.count) && token.withUnsafeBytes { $0.allSatisfy(isAllowed) }
  }
}
