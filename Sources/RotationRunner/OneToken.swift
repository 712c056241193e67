import RotationModel
public import RotationPorts

/// A specification of one row, for a token that a person asks for on the command line.
public struct OneToken: Specification {
  private let desired: DesiredToken
  /// What is wrong with a database that the cluster does not have, given those that it has.
  private let complaint: @Sendable (_ database: String, _ known: Set<String>) -> String

  public init(
    _ desired: DesiredToken,
    complaint: @escaping @Sendable (_ database: String, _ known: Set<String>) -> String
  ) {
    self.desired = desired
    self.complaint = complaint
  }

  public func enqueueRows(batchSize: Int, _ receive: ([QueuedRow]) async throws -> Void) async throws {
    try await receive([
      QueuedRow(name: desired.name, position: 0, byteOffset: 0, byteLength: 0, digest: "", isOneOff: true)
    ])
  }

  public func row(_ queued: QueuedRow) throws(RowError) -> DesiredToken {
    guard queued.name == desired.name else {
      throw RowError(message: "this call is about \(desired.name), and not about \(queued.name)", hint: nil)
    }
    return desired
  }

  public func unknownDatabases(
    known: Set<String>, _ receive: ([UnknownDatabase]) async throws -> Bool
  ) async throws {
    let unknown = desired.permissions.databaseNames.filter {
      $0 != Permission.everyDatabase && !known.contains($0)
    }
    guard !unknown.isEmpty else { return }
    _ = try await receive(
      unknown.map { UnknownDatabase(row: desired.name, message: complaint($0, known)) })
  }
}

/// A specification without rows, for what is said about tokens that a person had asked for before.
public struct NoTokens: Specification {
  public init() {}

  public func enqueueRows(batchSize: Int, _ receive: ([QueuedRow]) async throws -> Void) async throws {}

  public func row(_ queued: QueuedRow) throws(RowError) -> DesiredToken {
    throw RowError(message: "no row is asked for", hint: nil)
  }

  public func unknownDatabases(
    known: Set<String>, _ receive: ([UnknownDatabase]) async throws -> Bool
  ) async throws {}
}
