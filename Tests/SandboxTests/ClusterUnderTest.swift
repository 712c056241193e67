import RotationModel

@testable import Sandbox

/// A cluster that expectations can call: their macros take no mutating calls on a struct.
final class ClusterUnderTest {
  var value: SimulatedCluster

  init(_ value: SimulatedCluster) { self.value = value }

  var faults: FaultPlan { value.faults }
  var pendingEffects: Int { value.pendingEffects }
  var postsByDescription: [String: Int] { value.postsByDescription }

  func createToken(_ request: TokenRequest, at now: Instant) -> CreatedToken? {
    value.createToken(request, at: now)
  }

  func listTokens(at now: Instant) -> [TokenRecord] { value.listTokens(at: now) }

  func liveTokens(at now: Instant) -> [TokenRecord] { value.liveTokens(at: now) }

  func token(_ id: String, at now: Instant) -> TokenRecord? { value.token(id, at: now) }

  func updateToken(_ id: String, _ change: TokenChange, at now: Instant) -> TokenRecord? {
    value.updateToken(id, change, at: now)
  }

  func revokeToken(_ id: String, at now: Instant) -> Bool { value.revokeToken(id, at: now) }

  func nodesKnowing(_ id: String, at now: Instant) -> [Bool]? { value.nodesKnowing(id, at: now) }

  func query(node: Int, accessToken: String, database: String, at now: Instant) -> AccessAnswer {
    value.query(node: node, accessToken: accessToken, database: database, at: now)
  }

  func write(node: Int, accessToken: String, database: String, at now: Instant) -> AccessAnswer {
    value.write(node: node, accessToken: accessToken, database: database, at: now)
  }

  func perform(_ call: ClusterCall, node: Int, at now: Instant) -> ClusterAnswer {
    value.perform(call, node: node, at: now)
  }
}
