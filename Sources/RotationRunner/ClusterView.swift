import RotationModel
import RotationPorts

/// The tokens on the cluster that carry a marker of one job, as one listing showed them.
struct ClusterView: Sendable {
  /// When the listing was asked for and answered, and what the service's clock said.
  let time: ServiceTime
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

  init(_ listing: TokenListing, begunAt: Duration, begunAtWall: Instant, answeredAt: Duration) {
    time = ServiceTime(
      serviceTime: listing.serviceTime, wallAtRequest: begunAtWall, requestedAt: begunAt,
      answeredAt: answeredAt)
    for token in listing.tokens where token.revokedAt == nil {
      let (description, marker) = Marker.split(token.description)
      guard let marker else { continue }
      tokens[marker.name, default: []].append(
        MarkedToken(
          marker: marker, id: token.id, description: description, permissions: token.permissions,
          expiresAt: token.expiresAt))
    }
  }

  /// When the request for the listing was sent, by the monotonic clock.
  var begunAt: Duration { time.requestedAt }
  /// When it was sent, by the wall clock.
  var begunAtWall: Instant { time.wallAtRequest }

  var isEmpty: Bool { tokens.isEmpty }

  /// Tokens that the lineage of these names, the present one first, may know. Under a name that it had before there
  /// may be another lineage's by now: there only those count that it has asked for itself.
  func sightings(of names: [String], _ machine: RotationMachine, installation: InstallationID) -> [Sighting] {
    let attempts = Set(machine.attempts.map(\.id))
    return tokens(of: names).filter { token in
      token.marker.installation == installation
        && (token.marker.name == names.first || attempts.contains(token.marker.attempt))
    }.map { Sighting(attempt: $0.marker.attempt, tokenID: $0.id) }
  }

  /// Tokens under this name that another installation made.
  func strangers(of name: String, installation: InstallationID) -> [MarkedToken] {
    tokens(of: [name]).filter { $0.marker.installation != installation }
  }

  func ids(of names: [String]) -> Set<String> { Set(tokens(of: names).map(\.id)) }

  func token(id: String, names: [String]) -> MarkedToken? {
    tokens(of: names).first { $0.id == id }
  }

  private func tokens(of names: [String]) -> [MarkedToken] {
    names.flatMap { tokens[$0] ?? [] }
  }
}
