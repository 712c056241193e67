internal import RotationModel
public import RotationPorts

/// How a sandbox behaves. Every value has a default with which `tokenrotate sandbox` works.
public struct SandboxOptions: Sendable {
  /// The account and cluster of a sandbox that was told no other: version 4 UUIDs.
  public static let defaultAccountID = "5a4db0c5-0000-4000-8000-000000000001"
  public static let defaultClusterID = "5a4db0c5-0000-4000-8000-000000000002"
  /// The management token of a sandbox that was told no other. It is public and opens nothing else.
  public static let defaultManagementToken =
    "M.V1.sandbox-management-token-for-tests-only-0000000000000000000000000000"

  /// Which edition's Management API is served.
  public enum Product: String, Sendable, CaseIterable {
    case dedicated
    /// Without account and cluster, in paths and answers.
    case clustered
  }

  /// How a new connection gets the node that answers all its requests.
  public enum NodeAssignment: String, Sendable, CaseIterable {
    case random
    case roundRobin = "round-robin"
  }

  /// What a node says about a token that it has not learned.
  public enum UnknownTokenAnswer: Int, Sendable {
    case unauthorized = 401
    case forbidden = 403
  }

  /// `localhost` or a loopback address; anything else is refused at the start.
  public var address = "127.0.0.1"
  /// 0 takes a free port, which the server then reports.
  public var port: UInt16 = 0
  public var product = Product.dedicated
  public var accountID = SandboxOptions.defaultAccountID
  public var clusterID = SandboxOptions.defaultClusterID
  public var managementToken = Secret(SandboxOptions.defaultManagementToken.utf8)
  /// Databases, nodes and delays.
  public var cluster: SimulatedCluster.Configuration
  public var nodeAssignment = NodeAssignment.random
  /// Nil draws one, which `GET /sandbox/statistics` shows.
  public var seed: UInt64?
  /// How far the cluster's clock, its `Date` header included, is ahead of this machine's.
  public var clockSkew: Duration = .zero
  public var faults: [Fault] = []
  /// Some write nodes answer 403 for a token that they do not know.
  public var unknownTokenOnWrite = UnknownTokenAnswer.unauthorized
  /// Some editions answer 200 with an error inside when a query is not permitted.
  public var refusesQueriesInside = false
  /// Some editions answer 400 to a permitted write without points.
  public var refusesEmptyWrites = false

  public init() {
    cluster = SimulatedCluster.Configuration()
    cluster.databases = ["sandbox", "plant", "weather"]
  }

  /// Throws `SandboxError` with code `badOption` for a value out of range.
  func validate() throws(SandboxError) {
    guard TokenText.isUUIDv4(accountID), TokenText.isUUIDv4(clusterID) else {
      throw bad("the account or cluster id is not a version 4 UUID", hint: "leave it out for the default")
    }
    guard managementToken.count >= 16 else {
      throw bad("the management token is shorter than 16 bytes", hint: "leave it out for the default")
    }
    guard (1...64).contains(cluster.nodes) else {
      throw bad("there are \(cluster.nodes) nodes", hint: "use 1 to 64")
    }
    if let name = cluster.databases.first(where: { !DatabaseName.isValid($0) }) {
      throw bad(
        "'\(name.prefix(80))' is not a database name", hint: "use 1 to 64 of A-Z a-z 0-9 _ - /")
    }
    let spans = [
      cluster.activationDelay, cluster.activationSpread, cluster.changeDelay, cluster.listLag,
    ]
    guard spans.allSatisfy({ $0 >= .zero }) else {
      throw bad("a delay is negative", hint: "use 0s or more")
    }
    guard faults.count <= Fault.maximumCount else {
      throw bad("there are \(faults.count) faults", hint: "use at most \(Fault.maximumCount)")
    }
  }

  private func bad(_ message: String, hint: String) -> SandboxError {
    SandboxError(.badOption, message, hint: hint)
  }
}
