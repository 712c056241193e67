import RotationModel
import RotationPorts

/// The tokens on the cluster that carry a marker of one job, as one listing showed them.
struct ClusterView: Sendable {
  /// When the request for the listing was sent, by the monotonic clock.
  var begunAt: Duration
  /// When it was sent, by the wall clock.
  var begunAtWall: Instant
  var serviceTime: Instant?
  /// Live tokens by the lineage's name in the marker.
  private(set) var tokens: [String: [MarkedToken]] = [:]

  struct MarkedToken: Equatable, Sendable {
    var marker: Marker
    var id: String
    /// Without the marker.
    var description: String
    var permissions: PermissionSet
    var expiresAt: Instant?
  }

  init(_ listing: TokenListing, begunAt: Duration, begunAtWall: Instant) {
    self.begunAt = begunAt
    self.begunAtWall = begunAtWall
    serviceTime = listing.serviceTime
    for token in listing.tokens where token.revokedAt == nil {
      let (description, marker) = Marker.split(token.description)
      guard let marker else { continue }
      tokens[marker.name, default: []].append(
        MarkedToken(
          marker: marker, id: token.id, description: description, permissions: token.permissions,
          expiresAt: token.expiresAt))
    }
  }

  /// How far this machine's clock and the service's are apart; nil when the service did not tell.
  var skew: Duration? {
    serviceTime.map { .milliseconds(abs((begunAtWall - $0).milliseconds)) }
  }

  var isEmpty: Bool { tokens.isEmpty }

  /// Tokens under this name that this installation's ledger may know.
  func sightings(of name: String, installation: InstallationID) -> [Sighting] {
    (tokens[name] ?? []).filter { $0.marker.installation == installation }
      .map { Sighting(attempt: $0.marker.attempt, tokenID: $0.id) }
  }

  /// Tokens under this name that another installation made.
  func strangers(of name: String, installation: InstallationID) -> [MarkedToken] {
    (tokens[name] ?? []).filter { $0.marker.installation != installation }
  }

  func token(id: String, name: String) -> MarkedToken? {
    tokens[name]?.first { $0.id == id }
  }
}
